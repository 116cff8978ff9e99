#include "host/log_sink.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <chrono>

namespace meshchain::host {
namespace {

spdlog::level::level_enum to_spdlog(base::LogLevel level) {
    switch (level) {
        case base::LogLevel::debug: return spdlog::level::debug;
        case base::LogLevel::info: return spdlog::level::info;
        case base::LogLevel::warning: return spdlog::level::warn;
        case base::LogLevel::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

base::Instant steady_now() {
    return base::Instant(std::chrono::steady_clock::now().time_since_epoch());
}

std::string printable(std::string_view line) {
    std::string text(line);
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return text;
}

}  // namespace

StderrLog::StderrLog(node::LogConfig config)
    : config_(std::move(config)),
      logger_(std::make_unique<spdlog::logger>("meshchain",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
    logger_->set_level(spdlog::level::debug);
    logger_->flush_on(spdlog::level::debug);
}

StderrLog::~StderrLog() = default;

bool StderrLog::wants(base::LogLevel level, std::string_view module) const {
    const auto special = config_.modules.find(std::string(module));
    return level >= (special == config_.modules.end() ? config_.level : special->second);
}

void StderrLog::write(base::LogLevel level, std::string_view module, std::string_view line) {
    if (!wants(level, module)) return;
    std::optional<std::uint64_t> left_out;
    {
        const std::lock_guard lock(mutex_);
        left_out = filter_.admit(steady_now(), module, line);
    }
    if (!left_out) return;
    const std::string note =
        *left_out == 0 ? "" : " (" + std::to_string(*left_out) + " lines like this left out)";
    logger_->log(to_spdlog(level), "{:<7} {}: {}{}", base::name(level), module, printable(line),
                 note);
}

}  // namespace meshchain::host
