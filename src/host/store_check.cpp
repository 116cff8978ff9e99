// Reading all of a store around whatever is damaged in it.

#include <algorithm>

#include "chain/chain_store.h"
#include "host/file_lock.h"
#include "host/folder_store.h"
#include "host/store_copying.h"
#include "host/store_marker.h"
#include "host/store_salvage.h"
#include "host/store_tools.h"
#include "host/table_reader.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

void check_chain(kv::Store& store, const ledger::Genesis& genesis, StoreCheck& check) {
    auto tip = tip_of(store, genesis);
    if (tip) {
        check.tip = *tip;
    } else {
        check.damages.push_back({"", "", std::move(tip).error()});
    }
}

}  // namespace

std::expected<StoreCheck, base::Error> check_store(const std::filesystem::path& root) {
    const DataFolder folder(root);
    MESH_TRY(const node::NodeConfig config, load_config(folder.config()));
    MESH_TRY(const ledger::Genesis genesis, load_genesis(folder.genesis()));
    StoreCheck check;
    check.engine = config.store_engine;
    check.path = folder.store(config);
    const auto mark = read_store_marker(folder);
    auto store = open_node_store(folder, config, StoreMode::read_only);
    if (!store && store.error().code == base::Errc::corrupt) {
        check.advice = store.error().advice.empty() ? lost_store_advice : store.error().advice;
        check.damages.push_back({"", "", std::move(store).error()});
        return check;
    }
    if (!store) return std::unexpected(std::move(store).error());
    auto sound = (*store)->verify();
    MESH_TRY(const auto view, (*store)->snapshot());
    for (const kv::TableInfo& info : node::node_tables) {
        TableReader reader(*view, info.table);
        MESH_CHECK(reader.run(nullptr, [&](const std::string& after, const base::Error& error) {
            check.damages.push_back({std::string(info.name), after, error});
            return check.damages.size() < StoreCheck::damages_max;
        }));
        check.tables.push_back({std::string(info.name), reader.count()});
    }
    // Damage of the structure, or of a key: its row looks absent, and hides from the scan above.
    if (!sound && check.damages.empty()) {
        check.damages.push_back({"", "", std::move(sound).error()});
    }
    check_chain(**store, genesis, check);
    // Another chain's genesis, or a medium that does not answer, is not for salvage.
    const auto foreign = std::ranges::find_if(
        check.damages, [](const StoreDamage& damage) { return !is_damage(damage.error); });
    if (!check.is_sound()) {
        check.advice = foreign == check.damages.end() ? salvage_advice : foreign->error.advice;
    }
    const auto aged =
        mark ? check_store_marker(*mark, folder, config, **store) : std::unexpected(mark.error());
    if (!aged) {
        if (check.is_sound()) check.advice = aged.error().advice;
        check.damages.push_back({"", "", aged.error()});
    }
    return check;
}

}  // namespace meshchain::host
