#include "kv/faulty_store.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::kv {
namespace {

std::unexpected<base::Error> injected(base::Errc code, std::string_view what) {
    return base::failure(code, std::string(what), "kv faulty store");
}

}  // namespace

void FaultyStore::fail_commit(std::uint64_t sound, CommitFault fault) {
    commit_fault_ = {sound, fault};
}

void FaultyStore::fail_read(std::uint64_t sound, base::Errc code) { read_fault_ = {sound, code}; }

template <class Fault>
std::optional<Fault> FaultyStore::turn(std::optional<Planned<Fault>>& planned) {
    if (!planned) return std::nullopt;
    if (planned->sound > 0) {
        --planned->sound;
        return std::nullopt;
    }
    const Fault fault = planned->fault;
    planned.reset();
    return fault;
}

std::expected<void, base::Error> FaultyStore::check_read() {
    if (const auto code = turn(read_fault_)) return injected(*code, "the medium cannot be read");
    return {};
}

std::expected<bool, base::Error> FaultyStore::get_into(Table table, base::Bytes key,
                                                       base::Buffer& value) {
    value.clear();
    MESH_CHECK(check_read());
    return visible().get_into(table, key, value);
}

std::expected<std::size_t, base::Error> FaultyStore::scan(const Range& range, Visitor visit) {
    MESH_CHECK(check_read());
    return visible().scan(range, visit);
}

std::expected<std::uint64_t, base::Error> FaultyStore::count(Table table) {
    return visible().count(table);
}

std::expected<std::unique_ptr<View>, base::Error> FaultyStore::snapshot() {
    if (before_) return injected(base::Errc::io, "the medium failed");
    return inner_->snapshot();
}

Quota FaultyStore::quota() const {
    Quota quota = inner_->quota();
    if (is_full_)
        quota.used_bytes = quota.limit_bytes = std::max<std::uint64_t>(1, quota.used_bytes);
    return quota;
}

std::expected<void, base::Error> FaultyStore::commit(const Batch& batch) {
    const std::uint64_t before = inner_->stats().commits_failed;
    auto done = commit_faulty(batch);
    if (!done && inner_->stats().commits_failed == before) ++failed_;
    return done;
}

std::expected<void, base::Error> FaultyStore::commit_faulty(const Batch& batch) {
    if (read_only_) return injected(base::Errc::unavailable, "read-only since a commit failed");
    if (is_full_ || has_no_room_) return injected(base::Errc::full, "the medium is full");
    const auto fault = turn(commit_fault_);
    if (!fault) return inner_->commit(batch);
    switch (*fault) {
        case CommitFault::refused: return injected(base::Errc::io, "the medium refused a write");
        case CommitFault::no_room: return injected(base::Errc::full, "the medium is full");
        case CommitFault::unknown_absent: break;
        case CommitFault::unknown_present: {
            MESH_TRY(before_, inner_->snapshot());
            MESH_CHECK(inner_->commit(batch));
            break;
        }
    }
    read_only_ = true;
    return injected(base::Errc::io, "the medium failed while syncing; the outcome is unknown");
}

}  // namespace meshchain::kv
