#include <algorithm>
#include <string>

#include "base/assert.h"
#include "consensus/certificate.h"
#include "consensus/engine.h"
#include "consensus/evidence.h"
#include "consensus/vote_check.h"

namespace meshchain::consensus {
namespace {

constexpr const char* module = "consensus";

}  // namespace

/// Its seat may be nobody's by now.
bool Engine::is_signed(const wire::Vote& vote) const {
    return consensus::is_signed(schedule_.params().chain, epochs_.voters(), vote);
}

/// What could not be stored must not be said: others could hold us to it after a restart.
bool Engine::is_written(const std::expected<void, base::Error>& written) {
    if (!written) halt(written.error());
    return written.has_value();
}

/// Whoever votes so does not know our FINAL. Votes up to its certificate's round may have been
/// under way when it was found.
bool Engine::shows_lag(const wire::Vote& vote) const {
    if (vote.round.value <= final().round.value + std::uint64_t{1}) return false;
    return precedes(vote.source, final()) || vote.target == final().block;
}

wire::Verdict Engine::handle_vote(base::WallTime now, const wire::Vote& vote) {
    advance(now);
    const ValidatorSet& known = epochs_.voters();
    if (vote.source.round >= vote.round) return wire::Verdict::punish;
    if (!known.contains(vote.validator) || (vote.heard & ~known.all()) != 0) {
        // Others may know of a set that is to come.
        if (!epochs_.is_moving()) return wire::Verdict::punish;
        if (!known.contains(vote.validator)) return wire::Verdict::ignore;
    }
    const auto latest = schedule_.latest_round(now_);
    if (!round_ || !latest || vote.round > *latest) return wire::Verdict::ignore;
    if (ledger_.find_same(vote) != nullptr) {
        handle_repeated_vote(vote);
        return wire::Verdict::ignore;
    }
    if (!is_signed(vote)) {
        return epochs_.may_be_outdated(schedule_.first_slot(vote.round)) ? wire::Verdict::ignore
                                                                         : wire::Verdict::punish;
    }

    if (self_ == vote.validator) signer_.note_foreign_vote(vote);
    if (vote.round.value + 1 >= round_->value) {
        last_seen_[vote.validator.value] = now_;
        if (vote.target != final().block)
            pattern_.note_vote(vote.validator, vote.round, *round_, oldest_non_final_round());
    }
    if (const auto evidence = ledger_.conflict_with(vote);
        evidence && (equivocators_ & bit(vote.validator)) == 0) {
        condemn(vote.validator, *evidence);
        events_.push_back(EvidenceFound{*evidence});
    }
    // On the air whoever misses it asks.
    if (!limits_.on_air && shows_lag(vote)) offer_certificate();
    if (vote.round < final().round) return wire::Verdict::keep;
    if (!ledger_.insert(vote)) return wire::Verdict::ignore;
    take_vote(vote);
    return wire::Verdict::relay;
}

/// What follows from a vote that was just put into the ledger.
void Engine::take_vote(const wire::Vote& vote) {
    newest_vote_round_ = std::max(newest_vote_round_, vote.round);
    fork_choice_.note_vote(vote);
    conclude(vote.round);
    if (!limits_.on_air && precedes(final(), vote.source) && !ledger_.is_justified(vote.source))
        ask_votes(vote.source.round);
    if (vote.round <= final().round) return;
    if (!tree_.contains(vote.target)) ask_block(vote.target);
    if (precedes(final(), vote.source) && !tree_.contains(vote.source.block))
        ask_block(vote.source.block);
}

wire::Verdict Engine::handle_evidence(base::WallTime now, const wire::Evidence& evidence) {
    advance(now);
    const auto guilty = find_guilty(evidence);
    if (!guilty) {
        // It may be against somebody whom we do not know yet, or not any more.
        return epochs_.is_moving() ? wire::Verdict::ignore : wire::Verdict::punish;
    }
    if ((equivocators_ & bit(*guilty)) != 0) return wire::Verdict::ignore;
    condemn(*guilty, evidence);
    return wire::Verdict::relay;
}

/// Whoever it convicts may have left the sets; he can be slashed while his stake waits, and until
/// then nobody else has his seat.
std::optional<wire::ValidatorIndex> Engine::find_guilty(const wire::Evidence& evidence) const {
    const wire::ChainId& chain = schedule_.params().chain;
    if (const auto guilty = verify_evidence(chain, epochs_.voters(), evidence)) return guilty;
    const wire::ValidatorIndex accused = wire::accused(evidence);
    if (epoch_source_ == nullptr || epochs_.voters().contains(accused)) return std::nullopt;
    const auto key = epoch_source_->liable(accused);
    if (!key || !*key || !wire::convicts(chain, evidence, **key)) return std::nullopt;
    return accused;
}

bool Engine::has_new_holder(const wire::Evidence& evidence) const {
    return epochs_.voters().contains(wire::accused(evidence)) &&
           !verify_evidence(schedule_.params().chain, epochs_.voters(), evidence);
}

void Engine::condemn(wire::ValidatorIndex validator, const wire::Evidence& evidence) {
    if ((equivocators_ & bit(validator)) != 0) return;
    equivocators_ |= bit(validator);
    evidence_.insert_or_assign(validator, evidence);
    log_.warning("validator " + std::to_string(validator.value) + " signed a contradiction");
    const auto written = store_.write_evidence(validator, evidence);
    // Evidence may be missing where there is no room; what failed otherwise may fail for votes too.
    if (!written && written.error().code == base::Errc::full) {
        log_.warning(sentence(written.error()));
    } else {
        static_cast<void>(is_written(written));
    }
    refresh_head();
}

void Engine::conclude(wire::Round from) {
    const wire::Checkpoint before = justified();
    bool any = !ledger_.evaluate(from).empty();
    while (const auto certificate = ledger_.find_certificate()) {
        if (!finalise(*certificate)) break;
        any = true;
        ledger_.evaluate(from);  // sources below the new FINAL count now
    }
    if (any) store_proofs();
    if (precedes(before, justified()) && justified() != final())
        events_.push_back(Justified{justified()});
    refresh_head();
}

bool Engine::finalise(const wire::Certificate& certificate) {
    if (fault_) return false;
    const BlockNode* block = tree_.find(certificate.final.block);
    if (block == nullptr) {
        ask_block(certificate.final.block);
        return false;
    }
    if (block->ref.slot != certificate.final.slot) {
        log_.error("more than two thirds of the stake finalised " +
                   to_hex(certificate.final.block) + " under another slot than its own");
        return false;
    }
    if (block->invalid) reconsider(certificate.final.block);
    if (!block->ref.executed) {
        awaited_final_ = certificate.final;
        if (precedes(frozen_, certificate.final)) frozen_ = certificate.final;
        return false;
    }
    const auto roster = roster_behind(block->ref.epoch);
    if (!roster) {
        halt(roster.error());
        return false;
    }
    const StoredFinal final{block->ref.height, certificate};
    if (!is_written(store_.write_final(tree_.root().ref.height, final, roster->has_value())))
        return false;
    tree_.prune_to(certificate.final.block);
    enter_epoch(*roster);
    settle_final(certificate);
    static_cast<void>(is_written(store_.erase_proofs_below(certificate.final.round)));
    return true;
}

/// Of what comes behind the next epoch, once FINAL is in that: it was elected in the block that
/// raised to it, which is applied. Nothing while FINAL stays in its epoch.
std::expected<std::optional<wire::Roster>, base::Error> Engine::roster_behind(
    std::uint32_t epoch) const {
    if (epoch == epochs_.now()) return std::nullopt;
    MESH_ASSERT(epoch == epochs_.now() + 1 && epoch_source_ != nullptr);
    MESH_TRY(auto roster, epoch_source_->roster(epoch + 1));
    if (roster) return roster;
    return base::failure(base::Errc::corrupt,
                         "the roster of epoch " + std::to_string(epoch + 1) + " is missing", module,
                         "stop the node and run `meshchain store salvage`");
}

/// Seats may have other holders now, of whom nothing is proven.
void Engine::enter_epoch(const std::optional<wire::Roster>& roster) {
    if (!roster) return;
    const auto keys = [&] {
        std::array<crypto::PublicKey, wire::validators_max> of_seats{};
        const ValidatorSet& voters = epochs_.voters();
        for (std::uint16_t i = 0; i < voters.size(); ++i) of_seats[i] = voters[{i}].key;
        return of_seats;
    };
    const auto before = keys();
    epochs_.advance(*roster);
    forget_former_holders(before, keys());
    find_self();
    std::erase_if(evidence_, [&](const auto& item) {
        if (!has_new_holder(item.second)) return false;
        equivocators_ &= ~bit(item.first);
        return true;
    });
    log_.info("epoch " + std::to_string(epochs_.now()) + " is final, and the validators of epoch " +
              std::to_string(roster->epoch) + " are known");
    recheck_clock();
}

/// A vote counts for whoever signed it, and never for who has his seat now.
void Engine::forget_former_holders(std::span<const crypto::PublicKey> before,
                                   std::span<const crypto::PublicKey> now) {
    ValidatorBits changed = 0;
    for (std::uint16_t i = 0; i < before.size(); ++i) {
        if (before[i] == now[i]) continue;
        changed |= bit({i});
        last_seen_[i] = {};
    }
    ledger_.forget(changed);
    fork_choice_.forget(changed);
    clock_.forget(changed);
    reception_.forget(changed);
}

/// The stake has the last word about which block it is; what it does is still executed here, so at
/// worst this is said once a round.
void Engine::reconsider(const Hash& block) {
    if (!reconsidered_.may_ask(block, now_, schedule_.round_length())) return;
    log_.error("more than two thirds of the stake finalised " + to_hex(block) +
               ", which is not valid here; its transactions are fetched again");
    tree_.clear_invalid(block);
    events_.push_back(CondemnedIsFinal{block});
}

/// Everything that follows once the tree's root is the block of FINAL.
void Engine::settle_final(const wire::Certificate& certificate) {
    ledger_.finalise(certificate.final);
    for (const wire::Vote& vote : certificate.votes) {
        if (ledger_.find_same(vote) == nullptr) ledger_.insert(vote);
    }
    certificate_ = certificate;
    if (awaited_final_ && !precedes(final(), *awaited_final_)) awaited_final_.reset();
    proposals_.forget_through(certificate.final.slot);
    repair_.forget_below(certificate.final.round);
    own_repair_.forget_below(certificate.final.round);
    signer_.note_final(certificate.final.round);
    if (precedes(frozen_, final()) || !tree_.contains(frozen_.block)) frozen_ = final();
    events_.push_back(Final{certificate.final, certificate});
    refresh_head();
}

std::expected<void, base::Error> Engine::adopt(base::WallTime now,
                                               const wire::Certificate& certificate,
                                               const BlockRef& block) {
    advance(now);
    const wire::Checkpoint& checkpoint = certificate.final;
    if (!precedes(final(), checkpoint)) {
        return base::failure(base::Errc::stale, "the certificate is not above FINAL", module);
    }
    if (block.hash != checkpoint.block || block.slot != checkpoint.slot ||
        block.epoch < epochs_.now()) {
        return base::failure(base::Errc::malformed, "the certificate proves another block", module);
    }
    MESH_CHECK(verify_certificate(schedule_.params().chain, epochs_, block.epoch, certificate));
    if (fault_) return std::unexpected(*fault_);
    const auto roster = roster_behind(block.epoch);
    if (!roster) {
        halt(roster.error());
        return std::unexpected(roster.error());
    }
    const StoredFinal stored{block.height, certificate};
    if (!is_written(store_.write_final(tree_.root().ref.height, stored, roster->has_value()))) {
        return std::unexpected(*fault_);
    }
    if (tree_.contains(block.hash)) {
        tree_.clear_invalid(block.hash);
        tree_.prune_to(block.hash);
        tree_.mark_executed(block.hash, true);
    } else {
        BlockRef root = block;
        root.executed = true;
        tree_.reset(root);
    }
    enter_epoch(*roster);
    settle_final(certificate);
    static_cast<void>(is_written(store_.erase_proofs_below(checkpoint.round)));
    conclude(checkpoint.round);
    return {};
}

void Engine::store_proofs() {
    const std::vector<wire::Vote> votes = ledger_.unstored();
    if (votes.empty()) return;
    if (!is_written(store_.write_proofs(votes))) return;
    for (const wire::Vote& vote : votes) ledger_.mark_stored(vote);
    if (!proof_targets().empty()) events_.push_back(KeepBlocks{});
}

/// T of this round: the highest executed block of the own chain that is old enough, else S.block.
const BlockNode* Engine::choose_target() const {
    const Params& params = schedule_.params();
    const std::uint64_t start = schedule_.first_slot(*round_).value;
    const BlockNode* source = tree_.find(frozen_.block);
    if (source == nullptr || source->invalid || start < params.vote_delay) return nullptr;
    const wire::Slot newest{static_cast<std::uint32_t>(start - params.vote_delay)};
    const BlockNode* target = &tree_.at_slot(*head_, newest);
    if (!tree_.is_ancestor(*source, *target)) target = source;
    while (target != source && !target->ref.executed) target = target->parent;
    return target->ref.executed ? target : nullptr;
}

std::optional<wire::Vote> Engine::make_vote() {
    if (fault_ || !self_ || !round_ || now_ < vote_time_ || !has_work() || !is_clock_checked() ||
        frozen_.round >= *round_ || !signer_.may_vote(frozen_, *round_) ||
        !pattern_.is_voting_round(*round_, oldest_non_final_round()))
        return std::nullopt;
    const BlockNode* target = choose_target();
    if (target == nullptr || target == &tree_.root()) return std::nullopt;
    store_proofs();
    // What is to be kept for these proofs is kept before anything is built on them.
    if (!ledger_.unstored().empty() || !events_.empty()) return std::nullopt;
    wire::Vote vote;
    vote.validator = *self_;
    vote.round = *round_;
    vote.source = frozen_;
    vote.target = target->ref.hash;
    // Where sets are those of genesis nobody reads it.
    if (epochs_.is_moving()) {
        const ValidatorBits others = epochs_.voters().all() & ~bit(*self_);
        vote.heard = reception_.heard(now_, online_window()) & others;
        if (witness_ != nullptr) vote.heard = witness_->states(vote.heard, others) & others;
    }
    if (!is_written(signer_.sign_vote(vote))) return std::nullopt;
    reception_.note_vote(vote.round, vote.heard);
    ledger_.insert(vote);
    take_vote(vote);
    return vote;
}

}  // namespace meshchain::consensus
