#pragma once
// The log as lines on stderr: UTC time, level, module, text. spdlog formats and writes.
//
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
    void write(base::LogLevel level, std::string_view module, std::string_view line) override;

private:
    node::LogConfig config_;
    std::unique_ptr<spdlog::logger> logger_;
    std::mutex mutex_;  ///< guards filter_
    LineFilter filter_;
};

}  // namespace meshchain::host
