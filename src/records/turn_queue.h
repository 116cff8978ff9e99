#pragma once
// Names that wait to be sent, the more important first and of equals those that came first. Every
// eighth is whoever has waited longest, whatever its rank: so whoever says important things without
// end silences nobody, and what waits leaves within eight times as many turns as there are names.
//
// Limits: its caller's.

#include <map>
#include <optional>
#include <tuple>

#include "base/assert.h"
#include "wire/record.h"

namespace meshchain::records {

class TurnQueue {
public:
    static constexpr unsigned longest_each = 8;

    bool empty() const { return order_.empty(); }
    std::size_t size() const { return order_.size(); }
    bool contains(const wire::RecordId& id) const { return turns_.contains(id); }

    /// `rank`: higher ones leave first. Nothing happens when it waits already.
    void push(const wire::RecordId& id, std::uint8_t rank) {
        const Turn turn{rank, ++last_};
        if (!turns_.emplace(id, turn).second) return;
        order_.emplace(turn, id);
        arrivals_.emplace(turn.number, id);
    }
    std::optional<wire::RecordId> pop() {
        if (order_.empty()) return std::nullopt;
        const bool is_longest = ++popped_ % longest_each == 0;
        const wire::RecordId id = is_longest ? arrivals_.begin()->second : order_.begin()->second;
        erase(id);
        return id;
    }
    void erase(const wire::RecordId& id) {
        const auto found = turns_.find(id);
        if (found == turns_.end()) return;
        order_.erase(found->second);
        arrivals_.erase(found->second.number);
        turns_.erase(found);
    }
    /// Of what ranks lower than `rank`, the lowest that came last.
    std::optional<wire::RecordId> below(std::uint8_t rank) const {
        if (order_.empty() || order_.rbegin()->first.rank >= rank) return std::nullopt;
        return order_.rbegin()->second;
    }

private:
    struct Turn {
        std::uint8_t rank;
        std::uint64_t number;
        friend bool operator<(const Turn& a, const Turn& b) {
            return std::tie(b.rank, a.number) < std::tie(a.rank, b.number);
        }
    };

    std::map<Turn, wire::RecordId> order_;
    std::map<wire::RecordId, Turn> turns_;
    std::map<std::uint64_t, wire::RecordId> arrivals_;
    std::uint64_t last_ = 0;
    std::uint64_t popped_ = 0;
};

}  // namespace meshchain::records
