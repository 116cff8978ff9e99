#include "host/try_counter.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "host/file.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

constexpr std::size_t file_bytes_max = 64;

}  // namespace

std::expected<TryCounter, base::Error> TryCounter::open(const std::filesystem::path& path,
                                                        base::Instant last) {
    const std::string lock_path = path.string() + ".lock";
    FileDescriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock.valid()) return std::unexpected(os_error(errno, "open", lock_path));
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
        return base::failure(base::Errc::locked, "another program tries to open the wallet",
                             path.string(), "wait until it is done");
    }
    wallet::TryRecord record;
    if (std::filesystem::exists(path)) {
        MESH_TRY(const base::Buffer bytes, read_file(path, file_bytes_max));
        auto parsed = wallet::parse_try_record(bytes);
        if (!parsed) {
            parsed.error().where = path.string();
            return std::unexpected(parsed.error());
        }
        record = *parsed;
    }
    return TryCounter(path, std::move(lock), wallet::TryLimiter(record, last));
}

std::expected<void, base::Error> TryCounter::begin(wallet::TryKind kind, base::Instant now) {
    MESH_TRY(const wallet::TryRecord record, limiter_.begin(kind, now));
    return write_file(path_, wallet::encode(record));
}

std::expected<void, base::Error> TryCounter::succeed(wallet::TryKind kind) {
    return write_file(path_, wallet::encode(limiter_.succeed(kind)));
}

}  // namespace meshchain::host
