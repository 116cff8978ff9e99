#include "base/log.h"

namespace meshchain::base {

std::string_view name(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "DEBUG";
        case LogLevel::info: return "INFO";
        case LogLevel::warning: return "WARNING";
        case LogLevel::error: return "ERROR";
    }
    return "UNKNOWN";
}

}  // namespace meshchain::base
