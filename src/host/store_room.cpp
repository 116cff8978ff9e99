#include "host/store_room.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "host/file_descriptor.h"

namespace meshchain::host {
namespace {

using std::filesystem::path;

constexpr std::size_t room_bytes = 512 * 1024;
constexpr std::size_t room_bytes_min = 128 * 1024;
constexpr std::size_t step_bytes = 64 * 1024;

path room_of(const path& store) { return store.string() + ".room"; }

}  // namespace

void keep_room(const path& store) {
    const path room = room_of(store);
    const FileDescriptor file(
        ::open(room.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid()) return;
    const base::Buffer zeros(step_bytes);  // rather than a hole
    std::size_t kept = 0;
    while (kept < room_bytes) {
        const ssize_t written = ::write(file.number(), zeros.data(), zeros.size());
        if (written <= 0) break;
        kept += static_cast<std::size_t>(written);
    }
    // Synced, as a file system may find only then that there is none.
    if (::fsync(file.number()) != 0 || kept < room_bytes_min) ::unlink(room.c_str());
}

void use_room(const path& store) {
    struct statvfs disk{};
    if (::statvfs(room_of(store).c_str(), &disk) != 0) return;
    if (std::uint64_t{disk.f_bavail} * disk.f_frsize < room_bytes) {
        ::unlink(room_of(store).c_str());
    }
}

}  // namespace meshchain::host
