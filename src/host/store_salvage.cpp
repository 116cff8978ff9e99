#include "host/store_salvage.h"

#include "consensus/certificate_store.h"
#include "consensus/vote_store.h"
#include "host/file_lock.h"
#include "host/store_replacing.h"
#include "host/table_reader.h"
#include "host/wallet_files.h"
#include "node/tables.h"
#include "wallet/wallet.h"

namespace meshchain::host {
namespace {

using Result = std::expected<void, base::Error>;

class Salvager {
public:
    Salvager(const NodeHome& home, kv::Store& old) : home_(home), old_(old) {}

    Result fill(kv::Store& store) {
        MESH_CHECK(copy(store));
        MESH_CHECK(keep_chain(store));
        MESH_CHECK(keep_final(store));
        MESH_TRY(result_.had_record, mark_restored(store));
        return keep_wallet(store);
    }
    StoreSalvage take() { return std::move(result_); }

private:
    Result copy(kv::Store& store) {
        for (const kv::TableInfo& info : node::node_tables) {
            StoreFiller filler(store);
            StoreSalvage::Table& table =
                result_.tables.emplace_back(StoreSalvage::Table{std::string(info.name)});
            TableReader reader(old_, info.table);
            MESH_CHECK(
                reader.run([&](base::Bytes key,
                               base::Bytes value) { return filler.put(info.table, key, value); },
                           [&](const std::string& after, const base::Error& error) {
                               ++table.damages;
                               if (result_.damages.size() < StoreSalvage::damages_max) {
                                   result_.damages.push_back({table.name, after, error});
                               }
                               return true;
                           }));
            MESH_CHECK(filler.flush());
            table.kept = reader.count();
        }
        return {};
    }

    Result keep_chain(kv::Store& store) {
        MESH_TRY(const auto found, certificates(store));
        std::set<wire::Hash> proven;
        for (const auto& one : found) proven.insert(one.certificate.final.block);
        MESH_TRY(result_.chain, chain::salvage_chain(store, home_.genesis, proven));
        result_.takes_state = result_.chain.kind == chain::SalvagedChain::Kind::lost &&
                              home_.config.sync_start == node::SyncStart::snapshot;
        // Genesis, which opening writes, would keep a state of peers out.
        if (!result_.takes_state) MESH_CHECK(chain::ChainStore::open(store, home_.genesis));
        return {};
    }

    static std::expected<std::vector<consensus::ProvenHeight>, base::Error> certificates(
        kv::Store& store) {
        std::vector<consensus::ProvenHeight> all;
        MESH_CHECK(
            store.scan({chain::tables::certificates}, [&](base::Bytes key, base::Bytes value) {
                const wire::Height height{base::Reader(key).u32()};
                auto certificate = wire::parse_certificate(value);
                if (certificate) all.push_back({height, *certificate});
                return true;
            }));
        return all;
    }

    /// FINAL where it is on the chain; else the newest certificate that is; else none.
    Result keep_final(kv::Store& store) {
        consensus::VoteStore votes(store, {node::tables::consensus, chain::tables::certificates});
        MESH_TRY(auto content, votes.load());
        MESH_TRY(auto proven, certificates(store));
        if (content.final) proven.push_back({content.final->height, content.final->certificate});
        std::unique_ptr<chain::ChainStore> chain;
        if (result_.chain.kind != chain::SalvagedChain::Kind::lost) {
            MESH_TRY(chain, chain::ChainStore::open(store, home_.genesis));
        }
        const consensus::ProvenHeight* newest = nullptr;
        for (const consensus::ProvenHeight& found : proven) {
            if (!chain || found.height > chain->tip().height) continue;
            MESH_TRY(const auto hash, chain->hash_at(found.height));
            if (hash != found.certificate.final.block) continue;
            if (newest == nullptr || found.height >= newest->height) newest = &found;
        }
        if (newest == nullptr) return votes.forget_final();
        if (content.final && content.final->height == newest->height) return {};
        MESH_CHECK(votes.forget_final());
        return votes.write_final(newest->height, {newest->height, newest->certificate});
    }

    /// A coin that is lost would make a wrong balance, and nobody would know.
    Result keep_wallet(kv::Store& store) {
        const WalletFiles files = WalletFiles::of(home_.folder, home_.config);
        auto keys = files.load();
        if (keys) {
            auto wallet = wallet::Wallet::open(store, node::tables::wallet,
                                               ledger::chain_id(home_.genesis), *std::move(keys));
            if (wallet && (*wallet)->start_over()) return {};
        }
        result_.had_wallet = false;
        return erase_scan(store);
    }

    /// All but labels and payments held, which no chain tells again (docs/formats/wallet-table.md).
    static Result erase_scan(kv::Store& store) {
        const auto is_told_again = [](base::Bytes key) {
            return key.empty() || (key[0] != std::byte{'l'} && key[0] != std::byte{'p'});
        };
        for (;;) {
            kv::Batch batch;
            MESH_CHECK(store.scan({node::tables::wallet}, [&](base::Bytes key, base::Bytes) {
                if (is_told_again(key)) batch.erase(node::tables::wallet, key);
                return batch.size() < 4096;
            }));
            if (batch.empty()) return {};
            MESH_CHECK(store.commit(batch));
        }
    }

    const NodeHome& home_;
    kv::Store& old_;
    StoreSalvage result_;
};

/// Neither another chain's genesis nor a medium that does not answer is damage of the store: the
/// next try may find it sound. Nothing for a store that is.
std::expected<std::optional<base::Error>, base::Error> find_damage(kv::Store& store,
                                                                   const NodeHome& home) {
    const auto look = [](const auto& found) -> std::optional<base::Error> {
        if (found) return std::nullopt;
        return found.error();
    };
    const auto votes = consensus::VoteStore(store, node::tables::consensus).load();
    std::optional<base::Error> damage;
    for (const auto& error :
         {look(tip_of(store, home.genesis)), look(store.verify()), look(votes)}) {
        if (error && !is_damage(*error)) return std::unexpected(*error);
        if (error && !damage) damage = error;
    }
    return damage;
}

/// Who has a sound store loses by a new one: its key would have to wait.
Result expect_damage(kv::Store& store, const NodeHome& home, bool even_if_sound) {
    MESH_TRY(const auto damage, find_damage(store, home));
    if (damage || even_if_sound) return {};
    return base::failure(base::Errc::exists, "nothing in the store is damaged",
                         home.folder.store(home.config).string(),
                         "start the node; if it still says that something is missing, give "
                         "--even-if-sound");
}

}  // namespace

std::expected<StoreSalvage, base::Error> salvage_store(const std::filesystem::path& root,
                                                       const SalvageOptions& options) {
    MESH_TRY(const FileLock lock, FileLock::acquire(root));
    MESH_TRY(const NodeHome home, read_home(root));
    bool may_lack_newest = false;
    auto old = open_node_store(home.folder, home.config, StoreMode::read_only);
    if (old) MESH_CHECK(expect_damage(**old, home, options.even_if_sound));
    if (!old && old.error().code == base::Errc::corrupt) {
        old = open_node_store(home.folder, home.config, StoreMode::salvage);
        const bool is_lost = !old && old.error().code == base::Errc::corrupt;
        // A flash log may lack no more than its key, and says so; SQLite's advice knows of no node.
        const bool is_sqlite = home.config.store_engine == node::StoreEngine::sqlite;
        if (is_lost && old.error().advice != other_engine_advice &&
            (is_sqlite || old.error().advice.empty() || old.error().advice == salvage_advice)) {
            old.error().advice = lost_store_advice;
        }
        if (old) MESH_CHECK(find_damage(**old, home));
        may_lack_newest = !is_sqlite;
    }
    if (!old) return std::unexpected(std::move(old).error());
    Salvager salvager(home, **old);
    MESH_TRY(const ReplacedStore replaced, replace_store(home, home.config, [&](kv::Store& store) {
                 return salvager.fill(store);
             }));
    StoreSalvage result = salvager.take();
    result.may_lack_newest = may_lack_newest;
    result.path = replaced.path;
    result.old_path = replaced.old_path;
    return result;
}

}  // namespace meshchain::host
