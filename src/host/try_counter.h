#pragma once
// Counts tries at a wallet on disk before each is made (wallet/try_limiter.h). While one program
// tries, no other can, so that parallel tries do not share a count.
//
// Errors:  locked (another program tries), those of wallet::TryLimiter and host/file.h.
// Threads: one owner.
// Format:  docs/formats/wallet-tries.md

#include <filesystem>

#include "host/file_descriptor.h"
#include "wallet/try_limiter.h"

namespace meshchain::host {

class TryCounter {
public:
    /// `last` is when this program tried before, or when it started.
    static std::expected<TryCounter, base::Error> open(const std::filesystem::path& path,
                                                       base::Instant last);

    base::Duration delay(wallet::TryKind kind, base::Instant now) const {
        return limiter_.delay(kind, now);
    }
    /// Has counted, durably, when it returns success: only then may a try be made.
    std::expected<void, base::Error> begin(wallet::TryKind kind, base::Instant now);
    std::expected<void, base::Error> succeed(wallet::TryKind kind);
    const wallet::TryRecord& record() const { return limiter_.record(); }

private:
    TryCounter(std::filesystem::path path, FileDescriptor lock, wallet::TryLimiter limiter)
        : path_(std::move(path)), lock_(std::move(lock)), limiter_(limiter) {}

    std::filesystem::path path_;
    FileDescriptor lock_;
    wallet::TryLimiter limiter_;
};

}  // namespace meshchain::host
