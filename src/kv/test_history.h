#pragma once
// Histories to write into a store under test, and what must be there after its power went. Only
// test files include it.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/random.h"
#include "kv/store.h"
#include "kv/test_tables.h"

namespace meshchain::kv::test_history {

using State = std::map<std::string, std::string>;  ///< table digit and key → value

inline std::expected<State, base::Error> state_of(View& view) {
    State state;
    for (const TableInfo& info : tables) {
        const std::string prefix(1, static_cast<char>('0' + index_of(info.table)));
        MESH_CHECK(view.scan({info.table}, [&](base::Bytes key, base::Bytes value) {
            state[prefix + std::string(base::as_text(key))] = base::as_text(value);
            return true;
        }));
    }
    return state;
}

/// A chain as a store sees it: blocks appended and pruned, coins made and spent, a tip that changes
/// with every batch, and now and then a reorganisation, batch by batch back and forth again.
class History {
public:
    explicit History(std::uint64_t seed) : random_(seed) {}

    /// The next batch, also applied to `state`.
    Batch next(State& state) {
        if (to_undo_ == 0 && undo_.size() == undo_max && random_.chance(1, 12)) {
            to_undo_ = 1 + random_.below(undo_max);
        }
        if (to_undo_ == 0) return append(state);
        --to_undo_;
        ++undone;
        Batch batch;
        const Undo changed = undo_.back();
        for (const auto& [name, value] : changed) set(batch, state, name, value);
        undo_.pop_back();
        --height_;
        return batch;
    }

    std::uint64_t undone = 0;  ///< batches

private:
    /// What a batch changed, as it was before.
    using Undo = std::map<std::string, std::optional<std::string>>;
    static constexpr std::size_t undo_max = 6;

    Batch append(State& state) {
        Batch batch;
        if (undo_.size() == undo_max) undo_.pop_front();
        undo_.emplace_back();
        ++height_;
        put(batch, state, blocks, block_key(height_), text(100 + random_.below(600)));
        if (height_ > 60) erase(batch, state, blocks, block_key(height_ - 60));
        for (int i = 0; i < 3; ++i) put(batch, state, coins, coin_key(), text(40));
        while (coin_count(state) > 40) erase_some_coin(batch, state);
        put(batch, state, coins, "tip", std::to_string(height_));
        return batch;
    }
    void note(const State& state, const std::string& name) {
        const auto found = state.find(name);
        undo_.back().try_emplace(
            name, found == state.end() ? std::nullopt : std::optional<std::string>(found->second));
    }
    void set(Batch& batch, State& state, const std::string& name,
             const std::optional<std::string>& value) {
        const Table table{static_cast<std::uint8_t>(name[0] - '0')};
        if (value) {
            put(batch, state, table, name.substr(1), *value);
        } else {
            erase(batch, state, table, name.substr(1));
        }
    }
    static std::string block_key(std::uint64_t height) {
        return "b" + std::to_string(1000 + height);
    }
    /// Two in three share their first bytes with others.
    std::string coin_key() {
        const std::string number = std::to_string(random_.next());
        return random_.chance(2, 3) ? "shared prefix " + number : number;
    }
    std::string text(std::size_t size) {
        std::string text(size, static_cast<char>('a' + random_.below(26)));
        for (char& letter : text)
            letter = static_cast<char>(letter ^ static_cast<char>(random_.below(4)));
        return text;
    }
    static std::size_t coin_count(const State& state) {
        return static_cast<std::size_t>(std::distance(state.begin(), state.lower_bound("1")));
    }
    void erase_some_coin(Batch& batch, State& state) {
        auto coin = state.begin();
        std::advance(coin, static_cast<std::ptrdiff_t>(random_.below(40)));
        const std::string key = coin->first.substr(1);
        erase(batch, state, coins, key);
    }
    static std::string name(Table table, const std::string& key) {
        return std::string(1, static_cast<char>('0' + index_of(table))) + key;
    }
    void put(Batch& batch, State& state, Table table, const std::string& key,
             const std::string& value) {
        note(state, name(table, key));
        batch.put(table, base::as_bytes(key), base::as_bytes(value));
        state[name(table, key)] = value;
    }
    void erase(Batch& batch, State& state, Table table, const std::string& key) {
        note(state, name(table, key));
        batch.erase(table, base::as_bytes(key));
        state.erase(name(table, key));
    }

    base::Random random_;
    std::uint64_t height_ = 0;
    std::deque<Undo> undo_;  ///< of the last batches
    std::size_t to_undo_ = 0;
};

/// A store's time from power on to the cut.
struct Life {
    State state = {};  ///< of the batches that were acknowledged
    std::size_t acknowledged = 0;
    std::optional<State> next = {};  ///< with the one that was not
};

/// Commits until `batches` are in or the power goes.
inline void live(Life& life, Store& store, History& history, std::size_t batches) {
    while (life.acknowledged < batches) {
        life.next = life.state;
        const Batch batch = history.next(*life.next);
        const auto committed = store.commit(batch);
        if (!committed) {
            EXPECT_EQ(committed.error().code, base::Errc::io) << sentence(committed.error());
            return;
        }
        life.state = *std::exchange(life.next, std::nullopt);
        ++life.acknowledged;
    }
}

/// Acknowledged batches are there, whole, and at most one besides; everything else verifies.
inline void check_survivor(Store& store, const Life& life) {
    const auto verified = store.verify();
    ASSERT_TRUE(verified.has_value()) << sentence(verified.error());
    const auto state = state_of(store);
    ASSERT_TRUE(state.has_value()) << sentence(state.error());
    ASSERT_TRUE(*state == life.state || (life.next && *state == *life.next))
        << life.acknowledged << " batches were acknowledged";
}

}  // namespace meshchain::kv::test_history
