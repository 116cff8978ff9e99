#include "base/error.h"

namespace meshchain::base {

std::string_view name(Errc code) {
    switch (code) {
        case Errc::malformed: return "malformed";
        case Errc::too_large: return "too_large";
        case Errc::wrong_version: return "wrong_version";
        case Errc::wrong_chain: return "wrong_chain";
        case Errc::bad_signature: return "bad_signature";
        case Errc::not_found: return "not_found";
        case Errc::exists: return "exists";
        case Errc::full: return "full";
        case Errc::conflict: return "conflict";
        case Errc::stale: return "stale";
        case Errc::future: return "future";
        case Errc::unauthorized: return "unauthorized";
        case Errc::io: return "io";
        case Errc::corrupt: return "corrupt";
        case Errc::locked: return "locked";
        case Errc::unsupported: return "unsupported";
        case Errc::invalid_argument: return "invalid_argument";
        case Errc::timeout: return "timeout";
        case Errc::closed: return "closed";
        case Errc::unavailable: return "unavailable";
    }
    return "unknown";
}

std::string sentence(const Error& error) {
    std::string text = error.where.empty() ? error.what : error.where + ": " + error.what;
    if (!error.advice.empty()) text += "; " + error.advice;
    return text;
}

}  // namespace meshchain::base
