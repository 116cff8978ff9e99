// Reading all of a store around whatever is damaged in it.

#include <algorithm>

#include "chain/chain_store.h"
#include "host/file_lock.h"
#include "host/folder_store.h"
#include "host/store_copying.h"
#include "host/store_marker.h"
#include "host/store_tools.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

constexpr auto sync_anew =
    "stop the node, keep a copy of its folder, move the store with all files named like it away, "
    "and start with "
    "--accept-empty-store: it syncs again from peers";

constexpr std::size_t position_bytes = kv::key_bytes_max;

/// A place among keys as a big number: a key with zeros behind it.
using Position = std::array<std::byte, position_bytes>;

Position after(base::Bytes key) {
    Position position{};
    std::ranges::copy(key, position.begin());
    return position;
}

/// position + 2^bit; nothing behind the last possible key.
std::optional<Position> plus(Position position, std::size_t bit) {
    unsigned carry = 1U << (bit % 8);
    for (std::size_t at = position_bytes - 1 - bit / 8;; --at) {
        carry += std::to_integer<unsigned>(position[at]);
        position[at] = static_cast<std::byte>(carry & 0xff);
        carry >>= 8;
        if (carry == 0) return position;
        if (at == 0) return std::nullopt;
    }
}

/// One table, read in spite of damage.
class TableReader {
public:
    TableReader(kv::View& view, const kv::TableInfo& info, StoreCheck& check)
        : view_(view), info_(info), check_(check) {}

    std::uint64_t run() {
        std::optional<Position> from = Position{};
        bool is_start = true;
        while (from && check_.damages.size() < StoreCheck::damages_max) {
            const auto done = view_.scan(
                {.table = info_.table, .from = is_start ? base::Bytes() : base::Bytes(*from)},
                [&](base::Bytes key, base::Bytes) {
                    last_ = after(key);
                    last_key_ = base::to_hex(key);
                    ++count_;
                    return true;
                });
            if (done) break;
            check_.damages.push_back({std::string(info_.name), last_key_, done.error()});
            from = beyond_damage(is_start ? Position{} : std::max(last_, *from));
            is_start = false;
        }
        return count_;
    }

private:
    bool can_read(const Position& from) {
        return view_
            .scan({.table = info_.table, .from = from, .limit = 1},
                  [](base::Bytes, base::Bytes) { return true; })
            .has_value();
    }

    /// The least position behind `at` from which the next entry can be read, found by steps that
    /// double and then halve.
    std::optional<Position> beyond_damage(Position at) {
        std::size_t bit = 0;
        std::optional<Position> sound;
        for (; bit < position_bytes * 8; ++bit) {
            sound = plus(at, bit);
            if (!sound || can_read(*sound)) break;
        }
        if (!sound || bit == position_bytes * 8) return std::nullopt;
        while (bit-- > 0) {
            const auto middle = plus(at, bit);
            if (middle && can_read(*middle)) {
                sound = middle;
            } else if (middle) {
                at = *middle;
            }
        }
        return sound;
    }

    kv::View& view_;
    const kv::TableInfo& info_;
    StoreCheck& check_;
    Position last_{};
    std::string last_key_;
    std::uint64_t count_ = 0;
};

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
        check.advice = store.error().advice.empty() ? sync_anew : store.error().advice;
        check.damages.push_back({"", "", std::move(store).error()});
        return check;
    }
    if (!store) return std::unexpected(std::move(store).error());
    auto sound = (*store)->verify();
    MESH_TRY(const auto view, (*store)->snapshot());
    for (const kv::TableInfo& info : node::node_tables) {
        const std::uint64_t entries = TableReader(*view, info, check).run();
        check.tables.push_back({std::string(info.name), entries});
    }
    // Damage of the structure, or of a key: its row looks absent, and hides from the scan above.
    if (!sound && check.damages.empty()) {
        check.damages.push_back({"", "", std::move(sound).error()});
    }
    check_chain(**store, genesis, check);
    if (!check.is_sound()) check.advice = sync_anew;
    const auto aged =
        mark ? check_store_marker(*mark, folder, config, **store) : std::unexpected(mark.error());
    if (!aged) {
        if (check.is_sound()) check.advice = aged.error().advice;
        check.damages.push_back({"", "", aged.error()});
    }
    return check;
}

}  // namespace meshchain::host
