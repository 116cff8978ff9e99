#pragma once
// One process at a time on a data folder: flock(2) on a file `lock` inside it, which holds the
// owner's process id for whoever comes second. The kernel frees the lock when its process ends,
// however it ends, so a stale file is no obstacle.
//
// Threads: acquire from any; a lock is one owner's.

#include <expected>
#include <filesystem>

#include "base/error.h"
#include "host/file_descriptor.h"

namespace meshchain::host {

class FileLock {
public:
    /// Errors: locked (naming the process that holds it), those of os_error (no such folder, …).
    static std::expected<FileLock, base::Error> acquire(const std::filesystem::path& folder);
    /// Whether acquire would find it free; leaves no trace. Errors: those of acquire.
    static std::expected<void, base::Error> probe(const std::filesystem::path& folder);

    FileLock(FileLock&&) noexcept = default;
    FileLock& operator=(FileLock&&) noexcept = default;
    /// Releases.
    ~FileLock() = default;

private:
    explicit FileLock(FileDescriptor file) : file_(std::move(file)) {}

    FileDescriptor file_;
};

}  // namespace meshchain::host
