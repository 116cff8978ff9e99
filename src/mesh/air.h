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
#include "wire/control.h"

namespace meshchain::mesh {

/// Somebody whose signed word was heard, and the radio it came through.
struct AirSpeaker {
    std::size_t air = 0;
    std::uint32_t radio = 0;
    std::uint32_t epoch = 0;  ///< rises when it restarts
    SequenceWindow sequences;
    base::Instant first_heard;
    base::Instant last_heard;
    base::Instant answered_at{};  ///< of a validator: as Air::answered_at
    base::Instant ask_at{};       ///< of a validator: for its STATUS, not before
    /// Its last STATUS; while there is one it counts as a peer.
    std::optional<wire::Heartbeat> said;
    /// The fewest radios between, of late; UINT8_MAX: it does not say. What came by a longer way
    /// may only have been lost on the shorter one.
    std::uint8_t hops = UINT8_MAX;
    base::Instant hops_at{};
    /// So often in a row it was not heard directly; once may be by chance.
    unsigned far_in_a_row = 0;

    void note_hops(base::Instant now, std::optional<std::uint8_t> heard, base::Duration memory);
};

class AirSpeakers {
public:
    static constexpr std::size_t others_max = 128;

    /// Nothing of one who was never heard. Borrowed until the next note().
    AirSpeaker* find(const crypto::PublicKey& key) {
        const auto found = speakers_.find(key);
        return found == speakers_.end() ? nullptr : &found->second;
    }
    const AirSpeaker* find(const crypto::PublicKey& key) const {
        return const_cast<AirSpeakers*>(this)->find(key);
    }
    /// Who was heard last through this radio and counts as a peer.
    std::optional<crypto::PublicKey> at(std::size_t air, std::uint32_t radio) const;
    /// One whose word was verified. A validator's sequences are never forgotten, so that a flood of
    /// identities makes no old word new.
    AirSpeaker& note(base::Instant now, const crypto::PublicKey& key);
    /// Who has to go for it, if nobody has heard of it yet: of those who are no validators the one
    /// that was silent for longest.
    std::optional<crypto::PublicKey> displaced_by(const crypto::PublicKey& key) const;
    void forget(const crypto::PublicKey& key);
    /// What was heard of who stays or becomes one is kept. Those that left are among the others
    /// then, and some more than others_max may be for a while.
    void set_validators(std::span<const ValidatorIdentity> validators);
    void for_each(const auto& visit) {
        for (auto& [key, speaker] : speakers_) visit(key, speaker);
    }
    void for_each(const auto& visit) const {
        for (const auto& [key, speaker] : speakers_) visit(key, speaker);
    }
    /// Of the validator with this id; by their order where two have it.
    std::optional<crypto::PublicKey> validator(const crypto::NodeId& id) const {
        const auto found = key_of_id_.find(id);
        return found == key_of_id_.end() ? std::nullopt : std::optional(found->second);
    }
    bool is_validator(const crypto::PublicKey& key) const { return validator_keys_.contains(key); }
    const std::set<crypto::PublicKey>& validators() const { return validator_keys_; }
    std::size_t size() const { return speakers_.size(); }

private:
    std::set<crypto::PublicKey> validator_keys_;
    std::map<crypto::NodeId, crypto::PublicKey> key_of_id_;  ///< of validators
    std::map<crypto::PublicKey, AirSpeaker> speakers_;
    std::size_t others_ = 0;  ///< of them
};

struct Air {
    /// What is spent on frames that may be worth nothing: more than any preset carries.
    static constexpr base::Rate work_rate{.per_minute = 600, .burst = 120};
    /// What was said there is not said again for so long, by whomever it was: of all who hold what
    /// somebody misses one is enough.
    static constexpr base::Duration repeat_pause = std::chrono::minutes(1);
    static constexpr std::size_t recent_max = 256;

    wire::AirLink* link;
    std::vector<base::TokenBucket> buckets{};  ///< one for each rule, in the table's order
    std::optional<FairBudget> work{};          ///< shared by the radios that claim to speak
    /// When an object was heard or said last; never: {}.
    struct Word {
        base::Instant heard{};
        base::Instant said{};
        bool is_ours = false;
    };
    base::LruCache<std::uint64_t, Word> recent{recent_max};  ///< by its id in this process
    base::Instant status_at = base::never;
    base::Instant status_due = base::never;    ///< when it was to be spoken, before it had to wait
    unsigned spoken = 0;                       ///< times that it said its STATUS
    unsigned calls_alone = 0;                  ///< of these, in a row while it heard nobody
    std::optional<base::Instant> spoken_at{};  ///< the last STATUS
    /// Who is to answer the next one with its own.
    std::optional<wire::Addressee> status_to{};
    /// The starts of those who are no validators count as answered up to then: it rises by a pause
    /// with each answer.
    base::Instant answered_at{};
    base::Instant ask_at{};  ///< for the STATUS of one of those, not before

    /// Whether it was said a moment ago: by anybody, if as many as `crowd` others hold it; by us.
    bool is_said(base::Instant now, std::uint64_t id, const wire::Spoken& how);
    /// It is ours, or was heard here: no other link has to bring it.
    bool is_its_own(std::uint64_t id);
    void note_said(base::Instant now, std::uint64_t id, bool is_ours);
    void note_heard(base::Instant now, std::uint64_t id);
};

}  // namespace meshchain::mesh
