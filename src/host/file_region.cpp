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
    if (options.mode != Mode::read_only) MESH_CHECK(region->forget_what_is_in_memory());
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

/// After a sync that failed, the kernel's memory shows pages that the medium does not have, and no
/// later sync writes them. What is read from here on is the medium's.
Result FileRegion::forget_what_is_in_memory() {
    MESH_CHECK(sync());
    (void)::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_DONTNEED);
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
        MESH_TRY(is_blank_, is_all_zeros());
    }
    if (options.mode == Mode::create_if_absent && (size_bytes_ == 0 || is_blank_)) {
        return allocate(options.size_bytes);
    }
    if (options.grows && options.mode != Mode::read_only && size_bytes_ > 0) {
        MESH_CHECK(grow(options.size_bytes));
    }
    if (size_bytes_ == 0) {
        return missing(base::Errc::corrupt, "the store is empty: its content is lost", path_);
    }
    return {};
}

/// To the end: a store whose beginning is lost is damaged, and not blank.
std::expected<bool, base::Error> FileRegion::is_all_zeros() {
    base::Buffer bytes(4096);
    for (std::uint64_t at = 0; at < size_bytes_; at += bytes.size()) {
        const auto part = base::MutableBytes(bytes).first(
            std::min<std::uint64_t>(bytes.size(), size_bytes_ - at));
        MESH_CHECK(read(at, part));
        const bool zeros = std::ranges::all_of(part, [](std::byte b) { return b == std::byte{0}; });
        if (!zeros) return false;
    }
    return true;
}

/// Zeros rather than holes: what was never written would have to be allocated by a commit.
Result FileRegion::write_zeros(std::uint64_t from, std::uint64_t to) {
    const base::Buffer zeros(zeros_at_once);
    for (std::uint64_t at = from; at < to; at += zeros.size()) {
        const auto part = std::min<std::uint64_t>(zeros.size(), to - at);
        MESH_CHECK(write_all(file_.number(), at, base::Bytes(zeros).first(part), path_));
    }
    if (::fsync(file_.number()) != 0) return std::unexpected(os_error(errno, "sync", path_));
    return {};
}

/// What a cut leaves is a file of some size between, which holds what the old one held.
Result FileRegion::grow(std::uint64_t size_bytes) {
    size_bytes = size_bytes / zeros_at_once * zeros_at_once;
    if (size_bytes <= size_bytes_) return {};
    auto done = write_zeros(size_bytes_, size_bytes);
    if (done) {
        size_bytes_ = size_bytes;
        return {};
    }
    (void)::ftruncate(file_.number(), static_cast<off_t>(size_bytes_));
    done.error().advice = "make room, or set store.size_mb back to " +
                          std::to_string(size_bytes_ >> 20) + "; the store is as it was";
    return done;
}

Result FileRegion::allocate(std::uint64_t size_bytes) {
    size_bytes_ = size_bytes / zeros_at_once * zeros_at_once;
    is_blank_ = true;
    MESH_CHECK(write_zeros(0, size_bytes_));
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
