#pragma once
// The log as lines on stderr (row D8): UTC time, level, module, text, fields. spdlog writes them.
//
// Format:  text: "TIME LEVEL module: text name=value"; JSON: one object a line, {"time", "level",
//          "module", "message", "fields", and "left_out" where lines of its kind were}.
// Threads: any may write.
// Limits:  repeated lines are thinned by LineFilter; control characters from peers are replaced,
//          so that nobody can forge a line or drive the reader's terminal.

#include <memory>
#include <mutex>

#include "host/line_filter.h"
#include "node/config.h"

namespace spdlog {
class logger;
}

namespace meshchain::host {

class StderrLog final : public base::LogSink {
public:
    explicit StderrLog(node::LogConfig config);
    ~StderrLog() override;

    bool wants(base::LogLevel level, std::string_view module) const override;
    void write(base::LogLevel level, std::string_view module, std::string_view line,
               base::LogFields fields) override;

private:
    node::LogConfig config_;
    std::unique_ptr<spdlog::logger> logger_;
    std::mutex mutex_;  ///< guards filter_
    LineFilter filter_;
};

}  // namespace meshchain::host
