#include <algorithm>

#include "consensus/engine.h"

namespace meshchain::consensus {
namespace {

constexpr std::size_t blocks_asked_at_once = 16;

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
    repair_.want(wire::Round{final().round.value + 1}, voters, after_random_delay());
}

wire::Verdict Engine::handle_vote_request(base::WallTime now, const wire::VoteRequest& request,
                                          bool heard_by_all) {
    advance(now);
    if (!round_ || request.round.value > round_->value + std::uint64_t{1})
        return wire::Verdict::ignore;
    const bool all_final = !has_work() && request.round.value > final().round.value + 1;
    if (request.round <= final().round || all_final) offer_certificate();
    // Who misses what we miss, and more, has asked for us.
    const ValidatorBits held = ledger_.voters(request.round);
    if (heard_by_all && (request.held & ~(held & ~equivocators_)) == 0 &&
        yielded_.may_ask(request.round, now_, schedule_.round_length() * 2)) {
        asked_rounds_.may_ask(request.round, now_, schedule_.round_length() / 2);
    }
    repair_.want(request.round, held & ~request.held, after_random_delay());
    return wire::Verdict::keep;
}

void Engine::send_due_repairs() {
    std::vector<wire::Vote> votes;
    for (const VoteRepair::Wanted& wanted : repair_.take_due(now_)) {
        std::vector<wire::Vote> held = ledger_.votes(wanted.round, wanted.voters);
        if (held.empty() && certificate_ && wanted.round.value == final().round.value + 1)
            held = certificate_->votes;
        votes.insert(votes.end(), held.begin(), held.end());
    }
    if (!votes.empty()) events_.push_back(ResendVotes{std::move(votes)});
}

/// In the second half of a round: what should have been heard by now.
void Engine::ask_for_missing() {
    if (!has_work() || !round_) return;
    const BlockNode* target = choose_target();
    const bool open = target != nullptr && target != &tree_.root();
    const ValidatorBits held = ledger_.voters(*round_) & ~equivocators_;
    if (open && (epochs_.voters().all() & ~held) != 0 &&
        pattern_.is_voting_round(*round_, oldest_non_final_round()))
        ask_votes(*round_);
    std::size_t asked = 0;
    for (const wire::Round round : ledger_.unproven_source_rounds()) {
        if (asked == limits_.rounds_asked) break;
        if (ask_votes(round)) ++asked;
    }
    for (const Hash& block : ledger_.unknown_blocks(blocks_asked_at_once)) ask_block(block);
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
