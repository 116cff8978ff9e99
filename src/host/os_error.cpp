#include "host/os_error.h"

#include <cerrno>
#include <system_error>

namespace meshchain::host {
namespace {

struct Cause {
    base::Errc code;
    std::string_view advice;
};

Cause cause_of(int number) {
    using base::Errc;
    switch (number) {
        case ENOENT: return {Errc::not_found, "check the path"};
        case EACCES:
        case EPERM: return {Errc::unauthorized, "check who owns it and its permissions"};
        case EROFS: return {Errc::io, "the file system is read-only; mount it writable"};
        case EISDIR: return {Errc::invalid_argument, "name a file, not a folder"};
        case ENOTDIR: return {Errc::invalid_argument, "a part of the path is no folder"};
        case EEXIST: return {Errc::exists, "choose another name, or remove the old file"};
        case ENOSPC: return {Errc::full, "the disk is full; free some space"};
        case EDQUOT: return {Errc::full, "the disk quota is used up; free some space"};
        case EFBIG: return {Errc::full, "the file size limit is reached; raise it"};
        case EMFILE:
        case ENFILE: return {Errc::unavailable, "too many open files; raise the limit"};
        case ELOOP:
        case ENAMETOOLONG: return {Errc::invalid_argument, "choose another path"};
        default: return {Errc::io, "check the disk and the system's log"};
    }
}

}  // namespace

base::Error os_error(int number, std::string_view action, const std::filesystem::path& path) {
    const auto [code, advice] = cause_of(number);
    std::string what = "cannot " + std::string(action) + ": ";
    what += std::system_category().message(number);
    return {code, std::move(what), path.string(), std::string(advice)};
}

}  // namespace meshchain::host
