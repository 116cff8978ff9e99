#pragma once
// Where the core's log lines go. No global: whoever builds a component hands it a Log.
//
// Secrets never enter a log line; see SECURITY.md.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace meshchain::base {

enum class LogLevel : unsigned char { debug, info, warning, error };

std::string_view name(LogLevel level);

/// A value beside the line, for programs that read the log. Borrowed for the call.
struct LogField {
    std::string_view name;
    std::variant<std::uint64_t, std::string_view> value;
};
using LogFields = std::span<const LogField>;

/// Door to the outside: takes finished lines.
class LogSink {
public:
    virtual ~LogSink() = default;
    /// Whether a line of this level of `module` would be kept; callers skip building it otherwise.
    virtual bool wants(LogLevel level, std::string_view module) const = 0;
    virtual void write(LogLevel level, std::string_view module, std::string_view line,
                       LogFields fields) = 0;
};

/// A module's handle on the sink. Without a sink every line is dropped.
class Log {
public:
    Log() = default;
    Log(LogSink* sink, std::string_view module) : sink_(sink), module_(module) {}

    Log for_module(std::string_view module) const { return {sink_, module}; }

    bool wants(LogLevel level) const { return sink_ != nullptr && sink_->wants(level, module_); }
    using Fields = std::initializer_list<LogField>;
    void write(LogLevel level, std::string_view line, Fields fields = {}) const {
        if (wants(level)) sink_->write(level, module_, line, LogFields(fields));
    }
    void debug(std::string_view line, Fields fields = {}) const {
        write(LogLevel::debug, line, fields);
    }
    void info(std::string_view line, Fields fields = {}) const {
        write(LogLevel::info, line, fields);
    }
    void warning(std::string_view line, Fields fields = {}) const {
        write(LogLevel::warning, line, fields);
    }
    void error(std::string_view line, Fields fields = {}) const {
        write(LogLevel::error, line, fields);
    }

private:
    LogSink* sink_ = nullptr;
    std::string_view module_;  ///< a string literal
};

}  // namespace meshchain::base
