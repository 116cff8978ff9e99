#pragma once
// The inside of host/store_tools.h: what its parts share.

#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/node_setup.h"
#include "host/node_store.h"
#include "host/store_tools.h"
#include "kv/store.h"

namespace meshchain::host {

/// Errors: corrupt, wrong_chain, those of the store.
std::expected<StoreTip, base::Error> tip_of(kv::Store& store, const ledger::Genesis& genesis);

/// Entries into a store, some hundred kilobytes a commit.
class StoreFiller {
public:
    explicit StoreFiller(kv::Store& store) : store_(&store) {}

    std::expected<void, base::Error> put(kv::Table table, base::Bytes key, base::Bytes value);
    std::expected<void, base::Error> flush();
    std::uint64_t entries() const { return entries_; }

private:
    kv::Store* store_;
    kv::Batch batch_;
    std::uint64_t entries_ = 0;
};

using EntrySink =
    std::function<std::expected<void, base::Error>(kv::Table, base::Bytes key, base::Bytes value)>;
/// Every entry of a node's tables in order, each verified.
std::expected<void, base::Error> for_each_entry(kv::View& view, const EntrySink& sink);

/// Marks the signing record as restored, if there is one; says whether.
std::expected<bool, base::Error> mark_restored(kv::Store& store);

}  // namespace meshchain::host
