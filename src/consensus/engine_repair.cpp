#include <algorithm>

#include "consensus/engine.h"

namespace meshchain::consensus {
namespace {

constexpr std::size_t blocks_asked_at_once = 16;
/// Without any vote heard, before who only follows asks for them on the air.
constexpr std::uint32_t rounds_followed_silently = 3;

}  // namespace

/// Answers leave in the quarter of a round after the question, so that one holder speaks first
/// and the others hear it.
base::WallTime Engine::after_random_delay() {
    const base::Duration quarter{schedule_.round_length() / 4};
    return now_ + std::chrono::duration_cast<base::Milliseconds>(
                      random_.between(base::Duration{0}, quarter));
}

void Engine::offer_certificate() {
    if (!certificate_) return;
    ValidatorBits voters = 0;
    for (const wire::Vote& vote : certificate_->votes) voters |= bit(vote.validator);
    answer_votes(wire::Round{final().round.value + 1}, voters);
}

wire::Verdict Engine::handle_vote_request(base::WallTime now, const wire::VoteRequest& request,
                                          bool heard_by_all) {
    advance(now);
    if (!round_ || request.round.value > round_->value + std::uint64_t{1})
        return wire::Verdict::ignore;
    // Who only follows may have nothing to do because he has missed everything.
    const bool may_know_all = !limits_.on_air || self_.has_value();
    const bool all_final =
        may_know_all && !has_work() && request.round.value > final().round.value + 1;
    if (request.round <= final().round || all_final) offer_certificate();
    // Who misses what we miss, and more, has asked for us.
    const ValidatorBits held = ledger_.voters(request.round);
    if (heard_by_all && (request.held & ~(held & ~equivocators_)) == 0 &&
        yielded_.may_ask(request.round, now_, schedule_.round_length() * 2)) {
        asked_rounds_.may_ask(request.round, now_, schedule_.round_length() / 2);
    }
    answer_votes(request.round, enough_of(request, held & ~request.held));
    return wire::Verdict::keep;
}

/// On the air no more than makes a quorum of what the asker has, and one for what gets lost: all
/// who hear the question come to the same ones, but for what they miss themselves.
ValidatorBits Engine::enough_of(const wire::VoteRequest& request, ValidatorBits missed) const {
    const ValidatorSet& set = signers();
    if (!limits_.on_air || set.is_quorum(set.stake_of(request.held))) return missed;
    const auto count = static_cast<std::uint32_t>(epochs_.voters().size());
    ValidatorBits chosen = 0;
    bool is_enough = false;
    for (std::uint32_t i = 0; i < count; ++i) {
        const wire::ValidatorIndex next{
            static_cast<std::uint16_t>((request.round.value + i) % count)};
        if ((missed & bit(next)) == 0) continue;
        chosen |= bit(next);
        if (is_enough) break;
        is_enough = set.is_quorum(set.stake_of(request.held | chosen));
    }
    return chosen;
}

/// On the air whoever signed a vote repeats it; where he is not heard, first the other validators
/// do, of whom there are fewer.
void Engine::answer_votes(wire::Round round, ValidatorBits missed) {
    if (!limits_.on_air) return repair_.want(round, missed, after_random_delay());
    const base::Milliseconds quarter = schedule_.round_length() / 4;
    const ValidatorBits own = self_ ? missed & bit(*self_) : ValidatorBits{0};
    if (own != 0) own_repair_.want(round, own, now_ + (after_random_delay() - now_) / 4);
    repair_.want(round, missed & ~own, after_random_delay() + (self_ ? 1 : 3) * quarter);
}

void Engine::handle_repeated_vote(const wire::Vote& vote) {
    const wire::Vote* held = ledger_.find_same(vote);
    const bool is_only_one = (equivocators_ & bit(vote.validator)) == 0;
    if (held == nullptr || !is_only_one || *held != vote) return;
    repair_.note_overheard(vote.round, vote.validator);
    own_repair_.note_overheard(vote.round, vote.validator);
}

void Engine::send_due_repairs() {
    std::vector<wire::Vote> votes;
    std::vector<VoteRepair::Wanted> due = own_repair_.take_due(now_);
    for (const auto& wanted : repair_.take_due(now_)) due.push_back(wanted);
    for (const VoteRepair::Wanted& wanted : due) {
        std::vector<wire::Vote> held = ledger_.votes(wanted.round, wanted.voters);
        if (held.empty() && certificate_ && wanted.round.value == final().round.value + 1)
            held = certificate_->votes;
        votes.insert(votes.end(), held.begin(), held.end());
    }
    if (limits_.on_air) {
        // Many ask for the same, and who did not hear the answer asks again.
        std::erase_if(votes, [&](const wire::Vote& vote) {
            return !repeated_.may_ask({vote.round, vote.validator}, now_,
                                      schedule_.round_length() * 3 / 4);
        });
    }
    if (!votes.empty()) events_.push_back(ResendVotes{std::move(votes)});
}

/// In the second half of a round: what should have been heard by now.
void Engine::ask_for_missing() {
    if (!has_work() || !round_) return;
    if (!is_left_to_others()) ask_for_votes();
    for (const Hash& block : ledger_.unknown_blocks(blocks_asked_at_once)) ask_block(block);
}

/// On the air who only follows gets to know FINAL by the votes of the next rounds, while there are.
bool Engine::is_left_to_others() const {
    return limits_.on_air && !self_ &&
           round_->value < newest_vote_round_.value + rounds_followed_silently;
}

void Engine::ask_for_votes() {
    const BlockNode* target = choose_target();
    const bool open = target != nullptr && target != &tree_.root();
    const ValidatorBits held = ledger_.voters(*round_) & ~equivocators_;
    // What is justified can be built on, whoever is missing.
    const bool is_enough = limits_.on_air && justified().round >= *round_;
    std::size_t asked = 0;
    if (open && !is_enough && (epochs_.voters().all() & ~held) != 0 &&
        pattern_.is_voting_round(*round_, oldest_non_final_round()) && ask_votes(*round_) &&
        limits_.on_air) {
        ++asked;
    }
    for (const wire::Round round : ledger_.unproven_source_rounds()) {
        if (asked >= limits_.rounds_asked) break;
        if (ask_votes(round)) ++asked;
    }
}

/// Of a proven equivocator we may hold the wrong votes, so those are asked for again.
bool Engine::ask_votes(wire::Round round) {
    if (!asked_rounds_.may_ask(round, now_, schedule_.round_length() / 2)) return false;
    events_.push_back(RequestVotes{{round, ledger_.voters(round) & ~equivocators_}});
    return true;
}

void Engine::ask_block(const Hash& block) {
    if (asked_blocks_.may_ask(block, now_, schedule_.round_length() / 2))
        events_.push_back(NeedBlock{block});
}

}  // namespace meshchain::consensus
