#include "host/marked_store.h"

#include "node/tables.h"

namespace meshchain::host {
namespace {

constexpr auto noted_every = std::chrono::minutes(1);

}  // namespace

std::expected<std::unique_ptr<MarkedStore>, base::Error> MarkedStore::open(
    const DataFolder& folder, const node::NodeConfig& config, std::unique_ptr<kv::Store> store,
    Clock clock) {
    MESH_TRY(const StoreMark mark, mark_of(folder, config, *store));
    std::unique_ptr<MarkedStore> marked(
        new MarkedStore(folder, std::move(store), mark, std::move(clock)));
    const auto noted = marked->note_opening();
    if (noted || noted.error().code == base::Errc::full) return marked;
    return std::unexpected(noted.error());
}

std::expected<void, base::Error> MarkedStore::note_opening() {
    if (file_) return {};
    MESH_TRY(file_, StoreMarkerFile::open(folder_, mark_));
    return {};
}

std::expected<void, base::Error> MarkedStore::note() {
    // 0: what it shows may not be durable yet.
    if (const std::uint64_t sequence = store_->sequence(); sequence > 0) mark_.sequence = sequence;
    noted_ = clock_();
    return file_->write(mark_);
}

std::expected<void, base::Error> MarkedStore::commit(const kv::Batch& batch) {
    if (has_failed_) {
        return base::failure(base::Errc::unavailable, "the store takes no more commits",
                             "store marker", "mend the disk and restart the node");
    }
    MESH_CHECK(note_opening());
    MESH_TRY(const auto record, consensus::VoteStore::record_in(batch, node::tables::consensus));
    MESH_CHECK(store_->commit(batch));
    if (record) {
        mark_.last_signed = newest(mark_.last_signed, signed_by(*record));
        auto noted = note();
        has_failed_ = !noted;
        if (has_failed_) noted.error().what += "; whether the commit is stored is unknown";
        return noted;
    }
    // One that fails is tried again with the next commit that is due.
    if (clock_() - noted_ >= noted_every) static_cast<void>(note());
    return {};
}

std::expected<void, base::Error> MarkedStore::close() {
    if (file_ && !is_read_only() && store_->sequence() > 0) static_cast<void>(note());
    return store_->close();
}

}  // namespace meshchain::host
