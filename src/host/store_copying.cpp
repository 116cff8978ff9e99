#include "host/store_copying.h"

#include <algorithm>

#include "chain/chain_store.h"
#include "consensus/vote_store.h"
#include "node/tables.h"

namespace meshchain::host {

std::expected<StoreTip, base::Error> tip_of(kv::Store& store, const ledger::Genesis& genesis) {
    const wire::ChainId id = ledger::chain_id(genesis);
    const auto chain = chain::ChainStore::open(store, genesis);
    // Opening writes genesis into a store without a chain, which a read-only one refuses.
    if (!chain && chain.error().code == base::Errc::unavailable) return StoreTip{id, id, 0};
    if (!chain) return std::unexpected(chain.error());
    return StoreTip{id, (*chain)->tip().hash, (*chain)->tip().height.value};
}

std::expected<void, base::Error> StoreFiller::put(kv::Table table, base::Bytes key,
                                                  base::Bytes value) {
    batch_.put(table, key, value);
    ++entries_;
    const bool is_full =
        batch_.bytes() >= kv::batch_bytes_max / 2 || batch_.size() >= kv::batch_operations_max / 2;
    return is_full ? flush() : std::expected<void, base::Error>();
}

std::expected<void, base::Error> StoreFiller::flush() {
    MESH_CHECK(store_->commit(batch_));
    batch_.clear();
    return {};
}

std::expected<void, base::Error> for_each_entry(kv::View& view, const EntrySink& sink) {
    for (std::size_t number = 0; number < kv::tables_max; ++number) {
        const kv::Table table{static_cast<std::uint8_t>(number)};
        const bool is_ours = std::ranges::any_of(
            node::node_tables, [&](const kv::TableInfo& info) { return info.table == table; });
        if (!is_ours) continue;
        std::expected<void, base::Error> sunk;
        MESH_CHECK(view.scan({table}, [&](base::Bytes key, base::Bytes value) {
            sunk = sink(table, key, value);
            return sunk.has_value();
        }));
        MESH_CHECK(sunk);
    }
    return {};
}

std::expected<bool, base::Error> mark_restored(kv::Store& store) {
    consensus::VoteStore votes(store, node::tables::consensus);
    MESH_TRY(const auto content, votes.load());
    if (!content.record) return false;
    consensus::SigningRecord record = *content.record;
    record.waiting = true;
    record.waiting_beyond.reset();
    MESH_CHECK(votes.write_record(record));
    return true;
}

}  // namespace meshchain::host
