#include "chain/catch_up.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace meshchain::chain {

CatchUp::CatchUp(Options options, Owner owner, base::Random random)
    : options_(options),
      owner_(std::move(owner)),
      nonces_(random),
      peers_(owner_.choice),
      window_(options.window) {}

void CatchUp::handle_peer(base::Instant now, const crypto::PublicKey& peer, wire::Height final,
                          bool is_validator) {
    peers_.note_claim(peer, final, is_validator);
    if (final > final_ && behind_since_ == base::never) behind_since_ = now;
}

void CatchUp::forget_peer(const crypto::PublicKey& peer) {
    if (single_ && single_->peer == peer) single_.reset();
    if (bodies_) bodies_->forget_peer(peer);
    peers_.forget(peer);
    abandon_if_unheld();
}

void CatchUp::set_final(base::Instant now, wire::Height final) {
    final_ = final;
    if (anchor_ && anchor_->header.height <= final) abandon();
    if (!is_behind(now)) behind_since_ = base::never;
}

bool CatchUp::is_behind(base::Instant now) const {
    return peers_.is_claimed(now, {final_.value + 1});
}

void CatchUp::abandon() {
    if (single_) peers_.note_over(single_->peer);
    single_.reset();
    anchor_.reset();
    end_bodies();
    walk_.reset();
}

/// What nobody has any more would be waited for in vain, and everything else with it.
void CatchUp::abandon_if_unheld() {
    if (anchor_ && !peers_.is_held(anchor_->header.height)) abandon();
}

void CatchUp::end_bodies() {
    if (!bodies_) return;
    while (const auto peer = bodies_->poll_failure()) failures_.push_back(*peer);
    bodies_->abandon();
    bodies_.reset();
}

bool CatchUp::is_reached() const {
    return anchor_ && owner_.applied_at(anchor_->header.height) == anchor_->hash;
}

std::optional<SyncQuery> CatchUp::ask_single(
    base::Instant now, wire::Height claimed,
    const std::function<wire::SyncRequest(std::uint64_t)>& ask) {
    const auto peer = peers_.choose(now, claimed);
    if (!peer) return std::nullopt;
    const std::uint64_t nonce = nonces_.next();
    peers_.note_asked(*peer);
    single_ = Single{*peer, ItemTransfer(nonce, 1), now + options_.request_timeout,
                     now + SyncPeers::patience * options_.request_timeout, final_};
    return SyncQuery{*peer, ask(nonce)};
}

std::optional<SyncQuery> CatchUp::poll_request(base::Instant now) {
    if (contradiction_) return std::nullopt;
    if (bodies_) return bodies_->poll_request(now);
    if (single_) return std::nullopt;
    if (walk_) {
        return ask_single(now, anchor_->header.height, [&](std::uint64_t nonce) {
            return wire::HeadersRequest{nonce, walk_->next_top(),
                                        std::min(walk_->next_count(), page_headers_)};
        });
    }
    if (anchor_ || behind_since_ == base::never) return std::nullopt;
    const wire::Height far{final_.value + 8};
    if (now < behind_since_ + options_.grace && !peers_.is_claimed(now, far)) return std::nullopt;
    return ask_single(now, {final_.value + 1}, [&](std::uint64_t nonce) {
        return wire::FinalRequest{nonce, {final_.value + 1}, {final_.value + window_}};
    });
}

base::Instant CatchUp::poll_timeout(base::Instant now) const {
    if (contradiction_) return base::never;
    if (bodies_) return bodies_->poll_timeout(now);
    if (single_) return single_->deadline;
    if (walk_) return peers_.next_choice(now, anchor_->header.height);
    if (anchor_ || behind_since_ == base::never) return base::never;
    const wire::Height far{final_.value + 8};
    const base::Instant near_at =
        std::max(behind_since_ + options_.grace, peers_.next_choice(now, {final_.value + 1}));
    return std::min(near_at, peers_.next_choice(now, far));
}

void CatchUp::handle_timeout(base::Instant now) {
    if (bodies_) bodies_->handle_timeout(now);
    if (single_ && single_->deadline <= now) give_up_single(now);
    abandon_if_unheld();
}

void CatchUp::give_up_single(base::Instant now) {
    const crypto::PublicKey silent = single_->peer;
    if (single_->transfer.has_begun() && single_->latest <= now) {
        peers_.note_silent(now, silent);  // it keeps us waiting, drop by drop
    } else if (single_->transfer.has_begun()) {
        peers_.note_slow(silent);
        if (walk_) {
            page_headers_ = std::max<std::uint16_t>(page_headers_ / 2, page_headers_min);
        }
    } else {
        peers_.note_silent(now, silent);
        failures_.push_back(silent);
    }
    peers_.note_over(silent);
    single_.reset();
}

bool CatchUp::handle_items(base::Instant now, const crypto::PublicKey& from,
                           const wire::ItemsResponse& list) {
    if (bodies_ && bodies_->handle_items(now, from, list)) return true;
    if (!single_ || single_->peer != from || single_->transfer.nonce() != list.nonce) return false;
    if (list.items.empty()) {
        peers_.note_silent(now, from);  // it claimed more than it can prove
        peers_.note_over(from);
        single_.reset();
        return true;
    }
    if (!single_->transfer.handle_list(list)) {
        condemn(now, from);
        return true;
    }
    single_->deadline = std::min(now + options_.request_timeout, single_->latest);
    finish_single(now);
    return true;
}

bool CatchUp::handle_chunk(base::Instant now, const crypto::PublicKey& from,
                           const wire::SyncChunk& chunk) {
    if (bodies_ && bodies_->handle_chunk(now, from, chunk)) return true;
    if (!single_ || single_->peer != from || !single_->transfer.handle_chunk(chunk)) return false;
    single_->deadline = std::min(now + options_.request_timeout / 2, single_->latest);
    finish_single(now);
    return true;
}

void CatchUp::finish_single(base::Instant now) {
    if (!single_->transfer.is_complete()) return;
    Single request = *std::move(single_);
    const base::Buffer item = request.transfer.take(0);
    single_.reset();
    peers_.note_over(request.peer);
    if (walk_) {
        take_headers(now, request.peer, item);
    } else {
        take_final(now, request, item);
    }
}

void CatchUp::take_final(base::Instant now, const Single& request, base::Bytes item) {
    const crypto::PublicKey& from = request.peer;
    auto proven = wire::parse_proven_final(item);
    if (!proven) return condemn(now, from);
    const wire::BlockHeader& header = proven->header;
    const wire::Checkpoint& checkpoint = proven->certificate.final;
    if (owner_.can_judge && !owner_.can_judge(header)) return come_nearer(now, from, header);
    const auto hash = owner_.header_hash(header);
    if (hash != checkpoint.block || header.slot != checkpoint.slot ||
        header.height <= request.final || !owner_.is_proof(*proven)) {
        return condemn(now, from);
    }
    peers_.note_delivered(from);
    peers_.note_proven(from, header.height);
    // As wide as it was of use: the next epoch is likely to be as long as this one.
    if (!std::exchange(came_nearer_, false))
        window_ += std::min(window_, options_.window - window_);
    if (header.height <= final_) return;  // ours has moved on meanwhile
    if (header.height.value - final_.value > HeaderWalk::headers_max) {
        // True, but no use: it has pruned what is between.
        peers_.note_silent(now, from);
        return;
    }
    anchor_ = Anchor{*hash, header, std::move(proven->certificate)};
    if (is_reached()) return;
    walk_ = std::make_unique<HeaderWalk>(HeaderWalk::Entry{*hash, header}, final_,
                                         owner_.header_hash, owner_.applied_at);
    start_bodies();
}

/// Its validators are of an epoch that we know only once FINAL is in the one before. A giver keeps
/// a certificate of every epoch, so one nearer to ours can be had; from who has none nothing can.
void CatchUp::come_nearer(base::Instant now, const crypto::PublicKey& from,
                          const wire::BlockHeader& header) {
    if (window_ == 1) peers_.note_silent(now, from);
    came_nearer_ = true;
    const std::uint32_t ahead = header.height.value - std::min(header.height, final_).value;
    window_ = std::clamp<std::uint32_t>(ahead / 2, 1, std::max(1U, window_ / 2));
}

void CatchUp::take_headers(base::Instant now, const crypto::PublicKey& from, base::Bytes item) {
    const auto headers = wire::parse_headers(item);
    if (!headers || walk_->take(*headers) == HeaderWalk::Step::lie) return condemn(now, from);
    peers_.note_delivered(from);
    page_headers_ = std::min<std::uint16_t>(page_headers_ * 2, wire::headers_max);
    start_bodies();
}

/// Once the way down is known.
void CatchUp::start_bodies() {
    if (walk_->is_contradiction()) {
        contradiction_ = "block " + crypto::to_hex(anchor_->hash) + " of height " +
                         std::to_string(anchor_->header.height.value) +
                         " is proven to be final and does not descend from our FINAL";
        return abandon();
    }
    if (!walk_->is_done()) return;
    bodies_ = std::make_unique<BodyFetch>(*walk_, peers_, nonces_, options_.request_timeout);
}

void CatchUp::note_applied(base::Instant, std::size_t count) {
    MESH_ASSERT(bodies_ != nullptr);
    bodies_->note_applied(count);
    if (bodies_->is_finished()) end_bodies();
}

void CatchUp::reject(base::Instant now) {
    MESH_ASSERT(bodies_ != nullptr);
    bodies_->reject(now);
}

void CatchUp::condemn(base::Instant now, const crypto::PublicKey& peer) {
    if (single_ && single_->peer == peer) {
        single_.reset();
        peers_.note_over(peer);
    }
    peers_.note_lie(now, peer);
    failures_.push_back(peer);
}

std::optional<crypto::PublicKey> CatchUp::poll_failure() {
    if (bodies_) {
        if (const auto peer = bodies_->poll_failure()) return peer;
    }
    if (failures_.empty()) return std::nullopt;
    const crypto::PublicKey peer = failures_.front();
    failures_.pop_front();
    return peer;
}

}  // namespace meshchain::chain
