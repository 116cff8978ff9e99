#pragma once
// Where the core's log lines go. No global: whoever builds a component hands it a Log.
//
// Secrets never enter a log line; see SECURITY.md.

#include <string>
#include <string_view>

namespace meshchain::base {

enum class LogLevel : unsigned char { debug, info, warning, error };

std::string_view name(LogLevel level);

/// Door to the outside: takes finished lines.
class LogSink {
public:
    virtual ~LogSink() = default;
    /// Whether a line of this level of `module` would be kept; callers skip building it otherwise.
    virtual bool wants(LogLevel level, std::string_view module) const = 0;
    virtual void write(LogLevel level, std::string_view module, std::string_view line) = 0;
};

/// A module's handle on the sink. Without a sink every line is dropped.
class Log {
public:
    Log() = default;
    Log(LogSink* sink, std::string_view module) : sink_(sink), module_(module) {}

    Log for_module(std::string_view module) const { return {sink_, module}; }

    bool wants(LogLevel level) const { return sink_ != nullptr && sink_->wants(level, module_); }
    void write(LogLevel level, std::string_view line) const {
        if (wants(level)) sink_->write(level, module_, line);
    }
    void debug(std::string_view line) const { write(LogLevel::debug, line); }
    void info(std::string_view line) const { write(LogLevel::info, line); }
    void warning(std::string_view line) const { write(LogLevel::warning, line); }
    void error(std::string_view line) const { write(LogLevel::error, line); }

private:
    LogSink* sink_ = nullptr;
    std::string_view module_;  ///< a string literal
};

}  // namespace meshchain::base
