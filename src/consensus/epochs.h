#pragma once
// Who votes and who leads around FINAL (row A11; PROTOCOL.md P3 Epochs,
// docs/decisions/0132-epochs.md). While FINAL lies in epoch f, what is above it lies in f or f + 1:
// a block raises the epoch only above a FINAL block of the epoch before. So three sets are enough,
// those of f - 1, f and f + 1, and all of them follow from what is FINAL.
//
// A chain whose stakes are those of genesis has epoch 0 for ever.
//
// Ownership: voters() stays where it is and changes with FINAL.

#include <array>
#include <expected>

#include "base/error.h"
#include "consensus/validator_set.h"
#include "wire/roster.h"

namespace meshchain::consensus {

/// Where the engine finds what chain state has fixed.
class EpochSource {
public:
    virtual ~EpochSource() = default;
    /// Of this epoch; nothing if none was elected here. Errors: those of the storage behind it.
    virtual std::expected<std::optional<wire::Roster>, base::Error> roster(
        std::uint32_t epoch) const = 0;
    /// Of an applied block, or genesis; nothing for others. Errors: as above.
    virtual std::expected<std::optional<std::uint32_t>, base::Error> epoch_of(
        const wire::Hash& block) const = 0;
    /// The validating key of whoever has stake on this seat or waits for it, in the applied state:
    /// he can still be slashed, in office or not. One look-up. Errors: as above.
    virtual std::expected<std::optional<crypto::PublicKey>, base::Error> liable(
        wire::ValidatorIndex seat) const = 0;
};

class Epochs {
public:
    /// One set for ever.
    explicit Epochs(ValidatorSet validators, const wire::Hash& seed = {});
    /// Around a FINAL whose own roster is `rosters[1]`: the one before it (of epoch
    /// 0: the same) and the one after it beside it. `epoch_slots` between two rises.
    Epochs(std::array<wire::Roster, 3> rosters, std::uint32_t epoch_slots);
    Epochs(const Epochs&) = delete;
    Epochs& operator=(const Epochs&) = delete;

    bool is_moving() const { return epoch_slots_ > 0; }
    /// Of FINAL.
    std::uint32_t now() const { return now_; }
    /// Whether a certificate or header of this epoch can be judged.
    bool knows(std::uint32_t epoch) const;
    /// Of a known epoch.
    const ValidatorSet& set(std::uint32_t epoch) const { return at(epoch).validators; }
    const wire::Hash& seed(std::uint32_t epoch) const { return at(epoch).seed; }
    /// Everybody of the three sets, each with the greatest of his stakes: who is listened to, and
    /// what the fork choice weighs. No quorum is counted with it.
    const ValidatorSet& voters() const { return voters_; }
    /// Who counts for blocks of this epoch: its set and the one before.
    ValidatorBits electors(std::uint32_t epoch) const;
    /// More than 2/3 of the set of this epoch, and of the one before
    /// (docs/decisions/0131-epoch-of-a-quorum.md).
    bool is_quorum(std::uint32_t epoch, ValidatorBits members) const;
    /// From which slot on a block may raise the epoch of FINAL; nothing where none ever does.
    std::optional<wire::Slot> rise_from() const;
    /// Whether whoever sits at `index` may be another by the time of this slot than we know: this
    /// node lags, and nobody is to blame for what it cannot judge.
    bool may_be_outdated(wire::Slot slot) const;

    /// As if constructed so.
    void reset(std::array<wire::Roster, 3> rosters, std::uint32_t epoch_slots);
    /// FINAL lies in the next epoch now, behind which comes `roster`.
    void advance(const wire::Roster& roster);

private:
    struct Epoch {
        ValidatorSet validators;
        wire::Hash seed;
        wire::Slot elected;
    };
    static Epoch epoch_of(const wire::Roster& roster);
    const Epoch& at(std::uint32_t epoch) const;
    void merge();

    std::uint32_t now_ = 0;
    std::uint32_t epoch_slots_ = 0;
    std::vector<Epoch> epochs_;  ///< of now_ - 1, now_, now_ + 1; or the one
    ValidatorSet voters_;
};

/// As the engine of a chain with the same source would have them, with FINAL in epoch `now`.
/// Errors: corrupt (a roster is missing), those of the source.
std::expected<std::array<wire::Roster, 3>, base::Error> rosters_around(const EpochSource& source,
                                                                       std::uint32_t now);
/// The seats of a roster; those that nobody holds have no stake.
ValidatorSet set_of(const wire::Roster& roster);

}  // namespace meshchain::consensus
