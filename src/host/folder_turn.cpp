#include "host/folder_turn.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "host/os_error.h"

namespace meshchain::host {
namespace {

using std::filesystem::path;

constexpr auto look_every = std::chrono::milliseconds(100);

/// How the kernel's list of locks names a file.
std::string name_in_list(const FileDescriptor& file) {
    struct stat status{};
    if (::fstat(file.number(), &status) != 0) return {};
    std::array<char, 64> name{};
    std::snprintf(name.data(), name.size(), "%02x:%02x:%llu", major(status.st_dev),
                  minor(status.st_dev), static_cast<unsigned long long>(status.st_ino));
    return name.data();
}

/// By proc(5), /proc/locks: "1: FLOCK ADVISORY WRITE 4711 08:01:1234 0 EOF"; those who wait have an
/// arrow behind the number.
std::string holder_of(const FileDescriptor& folder) {
    const std::string name = name_in_list(folder);
    std::ifstream list("/proc/locks");
    for (std::string line; std::getline(list, line);) {
        std::istringstream words(line);
        std::string number;
        std::string kind;
        std::string ignored;
        std::string process;
        std::string file;
        words >> number >> kind >> ignored >> ignored >> process >> file;
        if (kind != "FLOCK" || file != name) continue;
        std::ifstream comm("/proc/" + process + "/comm");
        std::string program;
        std::getline(comm, program);
        return "process " + process + (program.empty() ? "" : " (" + program + ")");
    }
    return "another process";
}

}  // namespace

std::expected<FileDescriptor, base::Error> wait_for_turn(const path& file,
                                                         const TurnOptions& turn) {
    const path folder = file.has_parent_path() ? file.parent_path() : ".";
    FileDescriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!handle.valid()) return std::unexpected(os_error(errno, "write in", folder));
    base::Duration waited{};
    for (;; waited += look_every) {
        if (::flock(handle.number(), LOCK_EX | LOCK_NB) == 0) return handle;
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return std::unexpected(os_error(errno, "lock", folder));
        }
        if (waited >= turn.patience) break;
        if (waited == base::Duration{} && turn.on_wait) turn.on_wait(holder_of(handle));
        std::this_thread::sleep_for(look_every);
    }
    return base::failure(base::Errc::locked, "the folder is in use by " + holder_of(handle),
                         folder.string(), "wait until that has ended, or choose another folder");
}

}  // namespace meshchain::host
