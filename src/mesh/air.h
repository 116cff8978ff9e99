#pragma once
// What Mesh keeps of the media that everybody hears (mesh_air.cpp; docs/decisions/0152).
//
// Limits: validators and `others_max` other speakers; of each air one set of buckets, one budget.

#include <map>
#include <set>
#include <span>
#include <vector>

#include "base/lru_cache.h"
#include "mesh/fair_budget.h"
#include "mesh/options.h"
#include "mesh/sequence_window.h"
#include "wire/air_link.h"

namespace meshchain::mesh {

/// Somebody whose signed word was heard, and the radio it came through.
struct AirSpeaker {
    std::size_t air = 0;
    std::uint32_t radio = 0;
    std::uint32_t epoch = 0;  ///< rises when it restarts
    SequenceWindow sequences;
    base::Instant last_heard;
};

class AirSpeakers {
public:
    static constexpr std::size_t others_max = 128;

    /// Nothing of one who was never heard. Borrowed until the next note().
    AirSpeaker* find(const crypto::PublicKey& key) {
        const auto found = heard_validators_.find(key);
        return found != heard_validators_.end() ? &found->second : others_.get(key);
    }
    /// One whose word was verified. A validator's sequences are never forgotten, so that a flood of
    /// identities makes no old word new.
    AirSpeaker& note(const crypto::PublicKey& key) {
        if (validator_keys_.contains(key)) return heard_validators_[key];
        if (others_.get(key) == nullptr) others_.put(key, {});
        return *others_.get(key);
    }
    /// What was heard of who stays or becomes one is kept.
    void set_validators(std::span<const ValidatorIdentity> validators);
    /// Of the validator with this id; by their order where two have it.
    std::optional<crypto::PublicKey> validator(const crypto::NodeId& id) const {
        const auto found = key_of_id_.find(id);
        return found == key_of_id_.end() ? std::nullopt : std::optional(found->second);
    }
    std::size_t size() const { return heard_validators_.size() + others_.size(); }

private:
    std::set<crypto::PublicKey> validator_keys_;                ///< of validators
    std::map<crypto::PublicKey, AirSpeaker> heard_validators_;  ///< those that were heard
    std::map<crypto::NodeId, crypto::PublicKey> key_of_id_;
    base::LruCache<crypto::PublicKey, AirSpeaker> others_{others_max};
};

struct Air {
    /// What is spent on frames that may be worth nothing: more than any preset carries.
    static constexpr Rate work_rate{.per_minute = 600, .burst = 120};

    wire::AirLink* link;
    std::vector<TokenBucket> buckets{};  ///< one for each rule, in the table's order
    std::optional<FairBudget> work{};    ///< shared by the radios that claim to speak
    base::Instant status_at = base::never;
    base::Instant answered_at{};  ///< when somebody's start was last answered by a STATUS
};

}  // namespace meshchain::mesh
