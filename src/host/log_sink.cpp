#include "host/log_sink.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <chrono>

#include "host/json_document.h"

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

std::string text_of(const base::LogField& field) {
    if (const auto* number = std::get_if<std::uint64_t>(&field.value)) {
        return std::to_string(*number);
    }
    return printable(std::get<std::string_view>(field.value));
}

std::string text_line(base::LogLevel level, std::string_view module, std::string_view line,
                      base::LogFields fields, std::uint64_t left_out) {
    std::string text(base::name(level));
    text.resize(std::max<std::size_t>(text.size(), 7), ' ');
    text += " " + std::string(module) + ": " + printable(line);
    for (const base::LogField& field : fields) {
        text += " " + std::string(field.name) + "=" + text_of(field);
    }
    if (left_out > 0) text += " (" + std::to_string(left_out) + " lines like this left out)";
    return text;
}

/// What follows the time, which the pattern writes.
std::string json_line(base::LogLevel level, std::string_view module, std::string_view line,
                      base::LogFields fields, std::uint64_t left_out) {
    Json values = Json::object();
    for (const base::LogField& field : fields) {
        std::visit([&](const auto& value) { values[std::string(field.name)] = value; },
                   field.value);
    }
    Json object = {{"level", base::name(level)},
                   {"module", module},
                   {"message", line},
                   {"fields", std::move(values)}};
    if (left_out > 0) object["left_out"] = left_out;
    return to_line(object).substr(1);
}

constexpr const char* text_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %v";
constexpr const char* json_pattern = "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v";

}  // namespace

StderrLog::StderrLog(node::LogConfig config)
    : config_(std::move(config)),
      logger_(std::make_unique<spdlog::logger>("meshchain",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
    logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        config_.format == node::LogFormat::json ? json_pattern : text_pattern,
        spdlog::pattern_time_type::utc));
    logger_->set_level(spdlog::level::debug);
    logger_->flush_on(spdlog::level::debug);
}

StderrLog::~StderrLog() = default;

bool StderrLog::wants(base::LogLevel level, std::string_view module) const {
    const auto special = config_.modules.find(std::string(module));
    return level >= (special == config_.modules.end() ? config_.level : special->second);
}

void StderrLog::write(base::LogLevel level, std::string_view module, std::string_view line,
                      base::LogFields fields) {
    if (!wants(level, module)) return;
    std::optional<std::uint64_t> left_out;
    {
        const std::lock_guard lock(mutex_);
        left_out = filter_.admit(steady_now(), module, line);
    }
    if (!left_out) return;
    const auto format = config_.format == node::LogFormat::json ? json_line : text_line;
    logger_->log(to_spdlog(level), "{}", format(level, module, line, fields, *left_out));
}

}  // namespace meshchain::host
