// What comes from peers and what they ask for: transactions, announcements, votes, sync.

#include <algorithm>

#include "chain/chain.h"

namespace meshchain::chain {
namespace {

using Type = wire::MessageType;

/// What an error of the mempool says about who handed the transaction in. A coin we do not know
/// and an expiry judged in another slot are nobody's fault; a signature is.
wire::Verdict verdict_of(const base::Error& error) {
    return error.code == base::Errc::bad_signature || error.code == base::Errc::invalid_argument
               ? wire::Verdict::punish
               : wire::Verdict::ignore;
}

}  // namespace

wire::Verdict Chain::handle_transaction(base::Now now, const wire::Ingress& from,
                                        base::Bytes payload) {
    const auto transaction = wire::parse_transaction(payload);
    if (!transaction) return wire::Verdict::punish;
    if (fault_) return wire::Verdict::ignore;
    const auto accepted = mempool_->submit(*transaction, slot(now), from.peer);
    if (!accepted) return verdict_of(accepted.error());
    emit(TransactionAccepted{**accepted});
    propose(now);
    return wire::Verdict::relay;
}

wire::Verdict Chain::handle_announcement(base::Now now, const wire::Ingress& from,
                                         base::Bytes payload) {
    auto announcement = wire::parse_block_announcement(payload);
    if (!announcement) return wire::Verdict::punish;
    const auto hash = header_hash(announcement->header);
    if (!hash) return wire::Verdict::punish;
    if (downloads_.is_wanted(*hash)) {
        static_cast<void>(downloads_.want(*hash, from.peer));  // one more who has it
        if (announced_.contains(*hash)) return wire::Verdict::ignore;
    }
    if (is_known(*hash)) return wire::Verdict::ignore;
    auto ref = engine_->verify_header(now.wall, announcement->header);
    if (!ref) {
        const bool guilty = ref.error().code == base::Errc::bad_signature ||
                            ref.error().code == base::Errc::unauthorized;
        return guilty ? wire::Verdict::punish : wire::Verdict::ignore;
    }

    auto known = mempool_->match(*hash, announcement->short_ids);
    const bool complete =
        std::ranges::all_of(known, [](const auto& slot) { return slot.has_value(); });
    if (!complete) {
        if (downloads_.want(*hash, from.peer, announcement->header, std::move(known))) {
            announced_.insert_or_assign(*hash, Announced{*ref, base::to_buffer(payload)});
        }
        return wire::Verdict::keep;  // announced by us once it is whole and we can serve it
    }
    wire::Block block{.header = announcement->header, .transactions = {}};
    for (auto& transaction : known) block.transactions.push_back(*std::move(transaction));
    downloads_.forget(*hash);
    accept(now, {std::move(block), *ref, true, from.peer});
    return wire::Verdict::relay;
}

wire::Verdict Chain::handle_vote(base::Now now, base::Bytes payload) {
    const auto vote = wire::parse_vote(payload);
    return vote ? engine_->handle_vote(now.wall, *vote) : wire::Verdict::punish;
}

wire::Verdict Chain::handle_vote_request(base::Now now, base::Bytes body) {
    const auto request = wire::parse_vote_request(body);
    return request ? engine_->handle_vote_request(now.wall, *request) : wire::Verdict::punish;
}

wire::Verdict Chain::handle_evidence(base::Now now, base::Bytes payload) {
    const auto evidence = wire::parse_evidence(payload);
    return evidence ? engine_->handle_evidence(now.wall, *evidence) : wire::Verdict::punish;
}

wire::Verdict Chain::handle_sync_request(const wire::Ingress& from, base::Bytes body) {
    const auto request = wire::parse_sync_request(body);
    if (!request) return wire::Verdict::punish;
    if (const auto* hashes = std::get_if<wire::HashesRequest>(&*request)) {
        answer_hashes(from.peer, *hashes);
    } else if (const auto* block = std::get_if<wire::BlockRequest>(&*request)) {
        answer_block(from.peer, *block);
    } else {
        answer_certificate(from.peer);
    }
    return wire::Verdict::keep;
}

void Chain::answer_hashes(const crypto::PublicKey& to, const wire::HashesRequest& request) {
    wire::HashesResponse response{request.from, {}};
    for (std::uint32_t i = 0; i < request.count; ++i) {
        const auto hash = store_->hash_at({request.from.value + i});
        if (!hash || !*hash) break;
        response.hashes.push_back(**hash);
    }
    send(Type::sync_response, wire::encode(wire::SyncResponse(std::move(response))), to);
}

void Chain::answer_block(const crypto::PublicKey& to, const wire::BlockRequest& request) {
    wire::SyncResponse response = wire::NotFoundResponse{request.block};
    if (const BlockPool::Entry* pooled = pool_.find(request.block)) {
        response = wire::block_response(request.block, pooled->block, request.first);
    } else if (const auto stored = store_->block(request.block); stored && *stored) {
        response = wire::block_response(request.block, (*stored)->block, request.first);
    }
    send(Type::sync_response, wire::encode(response), to);
}

void Chain::answer_certificate(const crypto::PublicKey& to) {
    const auto& certificate = engine_->certificate();
    if (!certificate) return;
    for (const wire::Vote& vote : certificate->votes) {
        send(Type::block_ack, wire::encode(vote), to);
    }
}

wire::Verdict Chain::handle_sync_response(base::Now now, const wire::Ingress& from,
                                          base::Bytes body) {
    const auto response = wire::parse_sync_response(body);
    if (!response) return wire::Verdict::punish;
    if (const auto* hashes = std::get_if<wire::HashesResponse>(&*response)) {
        if (!sync_.handle_hashes(now.instant, from.peer, *hashes)) return wire::Verdict::ignore;
        for (const wire::Hash& hash : hashes->hashes) want(hash, from.peer);
    } else if (const auto* part = std::get_if<wire::BlockResponse>(&*response)) {
        if (auto complete = downloads_.handle_response(from.peer, *part)) {
            take_complete(now, *std::move(complete));
        }
    } else {
        downloads_.handle_not_found(from.peer, std::get<wire::NotFoundResponse>(*response).block);
    }
    return wire::Verdict::keep;
}

void Chain::take_complete(base::Now now, CompleteBlock complete) {
    auto announced = announced_.extract(complete.hash);
    if (has_body(complete.hash)) return;
    if (!announced.empty()) {
        send(Type::block, std::move(announced.mapped().payload), std::nullopt, complete.from);
        accept(now, {std::move(complete.block), announced.mapped().ref, true, complete.from});
        return;
    }
    // While catching up we only follow: the others have these blocks.
    const auto ref =
        engine_->verify_header(now.wall, complete.block.header, consensus::Arrival::requested);
    if (ref) {
        accept(now, {std::move(complete.block), *ref, false, complete.from});
    } else if (ref.error().code != base::Errc::stale) {
        emit(PeerFault{complete.from});
    }
}

void Chain::want(const wire::Hash& hash, const std::optional<crypto::PublicKey>& source) {
    if (is_known(hash)) return;
    if (source) {
        static_cast<void>(downloads_.want(hash, *source));
    } else {
        want_from_any(hash, std::nullopt);
    }
}

/// A block that waits in the pool may do so for an ancestor whose download was given up.
void Chain::want_to_connect(wire::Hash hash) {
    while (const BlockPool::Entry* waiting = pool_.find(hash)) hash = waiting->ref.parent;
    want(hash, std::nullopt);
}

/// The first peer is drawn, so that nobody is always asked for the sake of his key.
void Chain::want_from_any(const wire::Hash& hash, const std::optional<crypto::PublicKey>& except) {
    if (peers_.empty()) return;
    const auto first = std::next(peers_.begin(), std::ptrdiff_t(random_.below(peers_.size())));
    const auto want_each = [&](auto from, auto to) {
        for (; from != to; ++from) {
            if (*from != except) static_cast<void>(downloads_.want(hash, *from));
        }
    };
    want_each(first, peers_.end());
    want_each(peers_.begin(), first);
}

void Chain::announce_mempool(base::Now now) {
    const std::uint32_t current = slot(now).value;
    if (current < announced_slot_ + announce_again_slots) return;
    announced_slot_ = current;
    mempool_->remove_expired({current});
    for (const auto* waiting : mempool_->select(genesis_.block_bytes_limit, {current})) {
        send(Type::transaction, wire::encode(waiting->shortest));
    }
}

}  // namespace meshchain::chain
