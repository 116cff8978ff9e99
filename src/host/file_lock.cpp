#include "host/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <string>

#include "host/file.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

using std::filesystem::path;

std::string first_line(const path& file) {
    const auto content = read_file(file, 256);
    if (!content) return {};
    const std::string text(base::as_text(*content));
    return text.substr(0, text.find('\n'));
}

/// "process 4711 (meshchain)", as far as it can be known: the owner writes its id only after it
/// holds the lock, and may belong to another user.
std::string owner(const path& lock_file) {
    const std::string id = first_line(lock_file);
    if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos) {
        return "another process";
    }
    const std::string program = first_line("/proc/" + id + "/comm");
    return "process " + id + (program.empty() ? "" : " (" + program + ")");
}

/// Over the one before, whose room it takes; on a full disk an owner without an id is one all the
/// same. Half an id would name another process.
bool write_process_id(const FileDescriptor& file) {
    const std::string line = std::to_string(::getpid()) + "\n";
    const ssize_t written = ::pwrite(file.number(), line.data(), line.size(), 0);
    if (written < 0) return errno == ENOSPC || errno == EDQUOT;
    const bool is_whole = written == static_cast<ssize_t>(line.size());
    return ::ftruncate(file.number(), is_whole ? written : 0) == 0;
}

}  // namespace

std::expected<FileLock, base::Error> FileLock::acquire(const path& folder) {
    const path name = folder / "lock";
    FileDescriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return std::unexpected(os_error(errno, "lock the folder", folder));
    while (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK)
            return std::unexpected(os_error(errno, "lock the folder", folder));
        return base::failure(base::Errc::locked, "in use by " + owner(name), folder.string(),
                             "stop it first, or use another folder");
    }
    if (!write_process_id(file)) {
        return std::unexpected(os_error(errno, "lock the folder", folder));
    }
    return FileLock(std::move(file));
}

std::expected<void, base::Error> FileLock::probe(const std::filesystem::path& folder) {
    const path name = folder / "lock";
    const FileDescriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.valid()) {
        if (errno == ENOENT) return {};
        return std::unexpected(os_error(errno, "lock the folder", folder));
    }
    if (::flock(file.number(), LOCK_SH | LOCK_NB) == 0) return {};
    return base::failure(base::Errc::locked, "in use by " + owner(name), folder.string(),
                         "stop it first, or use another folder");
}

}  // namespace meshchain::host
