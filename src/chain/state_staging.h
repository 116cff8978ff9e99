#pragma once
// The state that others give, page by page, in a store that holds no chain yet (row F5). Until the
// whole of it is what the header of a proven block commits to, no chain can be opened on it.
//
// Pages of one range come in key order; ranges in any. Every commit leaves a state from which to
// go on after a crash.
//
// Ownership: the store outlives it and holds no chain, or one that `install` has just begun.
// Limits:    `coins_max` coins; `buffered_max` of them wait in memory for one commit.
// Errors:    those of the store, after which this object must be opened again; too_large.
// Format:    docs/formats/chain-store.md, State from others

#include <array>

#include "chain/final_follower.h"
#include "crypto/set_hash.h"
#include "kv/store.h"

namespace meshchain::chain {

class StateStaging {
public:
    static constexpr std::size_t coins_max = 4'194'304;
    static constexpr std::size_t buffered_max = 2048;
    static constexpr std::size_t ranges = wire::fee_range + 1;

    /// What the store holds of a state from others.
    enum class Phase : std::uint8_t {
        empty,      ///< nothing, and no chain
        gathering,  ///< pages
        installed,  ///< a chain that begins with it, whose FINAL is still to be written
        chain,      ///< a chain, and nothing left to do
    };

    struct Range {
        std::optional<crypto::PublicKey> giver;  ///< of all its pages; nothing when several gave
        bool done = false;
        std::optional<wire::Outpoint> last;  ///< the greatest coin
        crypto::SetHash state;
        std::uint64_t units = 0;
        std::size_t entries = 0;
    };

    static std::expected<Phase, base::Error> phase_of(kv::Store& store);
    /// Reads what an earlier run has gathered. Errors: corrupt, those of the store.
    static std::expected<StateStaging, base::Error> open(kv::Store& store,
                                                         const ledger::Genesis& genesis);

    /// The block whose header commits to the state; nothing before `begin`.
    const std::optional<ProvenFinal>& target() const { return target_; }
    /// Forgets what was gathered and gathers for this block.
    std::expected<void, base::Error> begin(const ProvenFinal& target);
    /// Forgets everything, so that a chain can be begun at genesis.
    std::expected<void, base::Error> clear();

    const Range& range(std::uint8_t number) const { return ranges_.at(number); }
    bool is_complete() const;
    std::size_t done_count() const;
    std::size_t entries() const;
    /// More money than there is: it cannot become the state any more.
    bool exceeds_supply() const;
    /// Everything is here and is what the header commits to.
    bool is_proven() const;

    /// Takes the next page of its range from `giver`. False, and nothing taken, unless it follows
    /// what is here.
    /// Errors: too_large (coins_max), those of the store.
    std::expected<bool, base::Error> add(const wire::StatePage& page,
                                         const crypto::PublicKey& giver);
    std::expected<void, base::Error> drop(std::uint8_t range);
    std::expected<void, base::Error> flush();
    /// The hash of what is here of a range that is done, as others compute it.
    std::expected<wire::Hash, base::Error> range_hash(std::uint8_t range);

    /// Makes it the state of a chain whose history begins with `parent`, the target's parent. Is
    /// proven, asserts so.
    std::expected<void, base::Error> install(const wire::BlockHeader& parent);
    /// The target is applied and FINAL is written: forgets how it came here.
    static std::expected<void, base::Error> finish(kv::Store& store);

private:
    StateStaging(kv::Store& store, const ledger::Genesis& genesis);

    std::expected<void, base::Error> load();
    std::expected<void, base::Error> load_range(std::uint8_t number);
    std::expected<void, base::Error> erase_all(kv::Table table, base::Bytes from, base::Bytes to);
    void put_range(std::uint8_t number);
    void count(Range& range, const wire::StateCoin& coin) const;
    void count(Range& range, const wire::StateFees& fees) const;

    kv::Store* store_;
    wire::ChainId chain_;
    consensus::ValidatorSet validators_;
    wire::Amount supply_;
    std::optional<ProvenFinal> target_;
    std::array<Range, ranges> ranges_;
    kv::Batch batch_;
};

}  // namespace meshchain::chain
