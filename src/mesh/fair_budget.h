#pragma once
// What one ingress may make us do before anything it sent is verified, shared fairly among those in
// whose name it sends (PROTOCOL.md P1.6).
//
// A token pays for one piece of work; work that turned out to be useful is paid back. Above half of
// the burst everybody may take. The lower half is kept for flows that used no more than the others:
// the less of it is left, the smaller a share of the mean use a flow may have used to get more. So
// a flow that nobody believes never empties the budget for the rest, and no state is kept per flow.
//
// A name counts only as a flow: it is neither refused nor charged beyond its share of this budget.
// Flows may come in groups (hosts of one network). The share is then reckoned among groups first;
// a group that used more than its share still counts as `flows_a_group` flows, so that one bad host
// does not shut out its neighbours, nor a network of thousands everybody else.
//
// Limits: the sketch's memory, whatever arrives. It tells flows apart while the names used within
//         `memory` are not many more than its cells, or than the tokens refilled meanwhile.

#include <chrono>
#include <optional>

#include "base/token_bucket.h"
#include "mesh/usage_sketch.h"

namespace meshchain::mesh {

class FairBudget {
public:
    /// A flow's past use counts half after this time.
    static constexpr base::Duration memory = std::chrono::seconds(30);

    static constexpr std::uint32_t flows_a_group = 16;

    enum class Groups : std::uint8_t { none, some };

    FairBudget(base::Instant now, base::Rate rate, std::size_t cells, Groups groups = Groups::none);

    static constexpr std::size_t bytes(std::size_t cells, Groups groups = Groups::none) {
        return UsageSketch::bytes(cells) * (groups == Groups::some ? 2 : 1);
    }

    /// Whether one more piece of work for `flow` (a keyed hash) may be done; takes its token if so.
    /// `group`: only of a budget made with Groups::some.
    bool take(base::Instant now, std::uint64_t flow, std::optional<std::uint64_t> group = {});
    /// The work of the last take() for `flow`, which had no group, was useful: it costs nothing.
    void give_back(std::uint64_t flow);

private:
    bool is_within_share(std::uint64_t flow, std::optional<std::uint64_t> group,
                         std::uint64_t tokens) const;

    base::TokenBucket tokens_;
    std::uint32_t burst_;
    UsageSketch used_;
    std::optional<UsageSketch> groups_;
    base::Instant halved_;
};

}  // namespace meshchain::mesh
