#include "chain/final_follower.h"

#include <algorithm>

#include "consensus/certificate.h"
#include "consensus/vote_check.h"

namespace meshchain::chain {

std::expected<ProvenFinal, base::Error> restore_proven_final(
    base::Bytes bytes, const wire::ChainId& chain, const consensus::ValidatorSet& validators) {
    MESH_TRY(ProvenFinal proven, wire::parse_proven_final(bytes));
    MESH_CHECK(consensus::verify_certificate(chain, validators, proven.certificate));
    if (name_of(chain, validators, proven.header) != proven.hash()) {
        return base::failure(base::Errc::malformed, "header and certificate are of two blocks",
                             "proven FINAL");
    }
    return proven;
}

void FinalFollower::handle_peer(base::Instant now, const crypto::PublicKey& peer,
                                wire::Height claimed_final) {
    Peer& known = peers_[peer];
    if (known.claimed != claimed_final) known.again = std::min(known.again, now + block_time_);
    known.claimed = claimed_final;
}

void FinalFollower::forget_peer(const crypto::PublicKey& peer) {
    peers_.erase(peer);
    if (asked_ != peer) return;
    asked_.reset();
    gathering_.reset();
    deadline_ = base::never;
}

void FinalFollower::note_activity(base::Instant now) {
    look_ = std::min(look_, now + std::max<base::Duration>(block_time_, std::chrono::seconds(1)));
}

wire::Height FinalFollower::claimed() const {
    wire::Height highest = height();
    for (const auto& [key, peer] : peers_) {
        if (peer.failures < failures_believed) highest = std::max(highest, peer.claimed);
    }
    return highest;
}

std::optional<FinalFollower::Query> FinalFollower::poll_request(base::Instant now) {
    if (asked_) {
        if (now < deadline_) return std::nullopt;
        doubt(now, *asked_);
    }
    const bool looking = look_ <= now;
    BestTier tier;
    for (const auto& [key, peer] : peers_) {
        const bool may_be_asked = (looking || peer.claimed > height()) && peer.again <= now;
        tier.add(key, may_be_asked, {peer.failures, validators_->find_identity(key).has_value()});
    }
    if (looking) look_ = base::never;
    if (tier.peers().empty()) return std::nullopt;
    asked_ = tier.draw(choice_);
    if (!asked_) asked_ = tier.peers()[random_.below(tier.peers().size())];
    deadline_ = now + request_timeout;
    return Query{*asked_, wire::NewestFinalRequest{height()}};
}

base::Instant FinalFollower::poll_timeout() const {
    if (asked_) return deadline_;
    base::Instant next = base::never;
    for (const auto& [key, peer] : peers_) {
        if (peer.claimed > height()) next = std::min(next, peer.again);
        if (look_ != base::never) next = std::min(next, std::max(look_, peer.again));
    }
    return next;
}

/// It did not prove what it claims: asked again ever later.
void FinalFollower::doubt(base::Instant now, const crypto::PublicKey& peer) {
    asked_.reset();
    gathering_.reset();
    deadline_ = base::never;
    const auto found = peers_.find(peer);
    if (found == peers_.end()) return;
    const unsigned doublings = std::min(found->second.failures++, doublings_max);
    found->second.again = now + request_timeout * (1U << doublings);
}

void FinalFollower::blame(const crypto::PublicKey& peer) {
    faults_.push_back(peer);
    const auto found = peers_.find(peer);
    if (found != peers_.end()) found->second.claimed = {};
    asked_.reset();
    gathering_.reset();
    deadline_ = base::never;
}

std::optional<crypto::PublicKey> FinalFollower::poll_fault() {
    if (faults_.empty()) return std::nullopt;
    const crypto::PublicKey peer = faults_.front();
    faults_.pop_front();
    return peer;
}

bool FinalFollower::handle_response(const crypto::PublicKey& from,
                                    const wire::NewestFinalResponse& response) {
    if (asked_ != from || response.header.height <= height()) return false;
    if (!gather(response)) {
        blame(from);
        return false;
    }
    if (!conclude()) return false;
    if (const auto peer = peers_.find(from); peer != peers_.end()) peer->second.failures = 0;
    asked_.reset();
    deadline_ = base::never;
    return true;
}

bool FinalFollower::gather(const wire::NewestFinalResponse& response) {
    const wire::Checkpoint& checkpoint = response.votes.front().source;
    if (name_of(chain_, *validators_, response.header) != checkpoint.block) return false;
    // The certificate names the header without its signature, which others will ask for again.
    const crypto::PublicKey& proposer = (*validators_)[response.header.proposer].key;
    if (!crypto::verify(proposer, wire::preimage(chain_, response.header, proposer),
                        response.header.signature)) {
        return false;
    }
    if (!gathering_ || gathering_->checkpoint != checkpoint) {
        gathering_ = Gathering{response.header, checkpoint, {}};
    }
    for (const wire::Vote& vote : response.votes) {
        if (gathering_->votes.contains(vote.validator)) continue;
        if (!consensus::is_signed(chain_, *validators_, vote)) return false;
        gathering_->votes.emplace(vote.validator, vote);
    }
    return true;
}

bool FinalFollower::conclude() {
    consensus::ValidatorBits signers = 0;
    for (const auto& [validator, vote] : gathering_->votes) signers |= consensus::bit(validator);
    if (!validators_->is_quorum(validators_->stake_of(signers))) return false;
    ProvenFinal proven{gathering_->header, {gathering_->checkpoint, {}}};
    for (const auto& [validator, vote] : gathering_->votes) {
        proven.certificate.votes.push_back(vote);
    }
    newest_ = std::move(proven);
    gathering_.reset();
    return true;
}

}  // namespace meshchain::chain
