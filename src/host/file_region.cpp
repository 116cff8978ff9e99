#include "host/file_region.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "host/os_error.h"

namespace meshchain::host {
namespace {

using Result = std::expected<void, base::Error>;

constexpr std::size_t zeros_at_once = 1 << 20;

/// Errors: full only if nothing was written; io if a part was.
Result write_all(int file, std::uint64_t offset, base::Bytes bytes,
                 const std::filesystem::path& path) {
    const std::size_t whole = bytes.size();
    while (!bytes.empty()) {
        const ssize_t written =
            ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            base::Error error = os_error(written < 0 ? errno : EIO, "write the store", path);
            if (bytes.size() < whole) error.code = base::Errc::io;
            return std::unexpected(std::move(error));
        }
        offset += static_cast<std::uint64_t>(written);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

std::unexpected<base::Error> missing(base::Errc code, const std::string& what,
                                     const std::filesystem::path& path) {
    return base::failure(code, what, path.string(), "restore it, or make a new node");
}

}  // namespace

std::expected<std::unique_ptr<FileRegion>, base::Error> FileRegion::open(
    const std::filesystem::path& path, const Options& options) {
    const int create = options.mode == Mode::create_if_absent ? O_CREAT : 0;
    const int access = options.mode == Mode::read_only ? O_RDONLY : O_RDWR;
    FileDescriptor file(::open(path.c_str(), access | create | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid() && errno == ENOENT && create == 0) {
        return missing(base::Errc::not_found, "there is no store", path);
    }
    if (!file.valid()) return std::unexpected(os_error(errno, "open the store", path));
    std::unique_ptr<FileRegion> region(new FileRegion(path, std::move(file)));
    MESH_CHECK(region->lock(options.mode));
    MESH_CHECK(region->measure(options));
    return region;
}

Result FileRegion::lock(Mode mode) {
    const int kind = mode == Mode::read_only ? LOCK_SH : LOCK_EX;
    while (::flock(file_.number(), kind | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return std::unexpected(os_error(errno, "lock the store", path_));
        return base::failure(base::Errc::locked, "the store is open in another process or place",
                             path_.string(), "stop the node that uses it first");
    }
    return {};
}

Result FileRegion::measure(const Options& options) {
    struct stat status{};
    if (::fstat(file_.number(), &status) != 0) {
        return std::unexpected(os_error(errno, "open the store", path_));
    }
    if (!S_ISREG(status.st_mode)) {
        return base::failure(base::Errc::invalid_argument, "a store is a file", path_.string(),
                             "name another path");
    }
    size_bytes_ = static_cast<std::uint64_t>(status.st_size);
    if (size_bytes_ > 0) {
        std::array<std::byte, 4096> first{};
        const auto size = std::min<std::uint64_t>(first.size(), size_bytes_);
        MESH_CHECK(read(0, base::MutableBytes(first).first(size)));
        is_blank_ = std::ranges::all_of(first, [](std::byte b) { return b == std::byte{0}; });
    }
    if (options.mode == Mode::create_if_absent && (size_bytes_ == 0 || is_blank_)) {
        return allocate(options.size_bytes);
    }
    if (size_bytes_ == 0) {
        return missing(base::Errc::corrupt, "the store is empty: its content is lost", path_);
    }
    return {};
}

/// Zeros rather than holes: what was never written would have to be allocated by a commit.
Result FileRegion::allocate(std::uint64_t size_bytes) {
    const base::Buffer zeros(zeros_at_once);
    size_bytes_ = size_bytes / zeros.size() * zeros.size();
    for (std::uint64_t at = 0; at < size_bytes_; at += zeros.size()) {
        MESH_CHECK(write_all(file_.number(), at, zeros, path_));
    }
    is_blank_ = true;
    if (::fsync(file_.number()) != 0) return std::unexpected(os_error(errno, "sync", path_));
    const auto folder = path_.has_parent_path() ? path_.parent_path() : ".";
    const FileDescriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent.valid() || ::fsync(parent.number()) != 0) {
        return std::unexpected(os_error(errno, "sync", folder));
    }
    return {};
}

Result FileRegion::read(std::uint64_t offset, base::MutableBytes out) {
    while (!out.empty()) {
        const ssize_t got =
            ::pread(file_.number(), out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(os_error(errno, "read the store", path_));
        if (got == 0) return missing(base::Errc::corrupt, "the store is cut short", path_);
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

Result FileRegion::program(std::uint64_t offset, base::Bytes bytes) {
    return write_all(file_.number(), offset, bytes, path_);
}

Result FileRegion::sync() {
    if (::fdatasync(file_.number()) == 0) return {};
    return std::unexpected(os_error(errno, "sync the store", path_));
}

}  // namespace meshchain::host
