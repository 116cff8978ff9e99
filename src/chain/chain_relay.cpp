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
    // On a full disk it is still judged and passed on.
    if (fault_ && fault_->code != base::Errc::full) return wire::Verdict::ignore;
    const auto taken = take_transaction(now, from, *transaction, slot(now));
    return taken ? wire::Verdict::relay : verdict_of(taken.error());
}

std::expected<void, base::Error> Chain::take_transaction(base::Now now, const wire::Ingress& from,
                                                         const wire::WireTransaction& transaction,
                                                         wire::Slot valid_at) {
    MESH_TRY(const auto* accepted, mempool_->submit(transaction, valid_at, from.peer));
    note_waiting(now);
    emit(TransactionAccepted{*accepted});
    fill_announced(now, accepted->wtxid);
    propose(now);
    return {};
}

wire::Verdict Chain::handle_announcement(base::Now now, const wire::Ingress& from,
                                         base::Bytes payload) {
    auto announcement = wire::parse_block_announcement(payload);
    if (!announcement) return wire::Verdict::punish;
    return take_announcement(now, from, *announcement, Form::whole);
}

wire::Verdict Chain::take_announcement(base::Now now, const wire::Ingress& from,
                                       const wire::BlockAnnouncement& announcement, Form form) {
    const auto hash = header_hash(announcement.header);
    // Of an epoch that nobody has told us of yet the proposer is unknown.
    if (!hash) return genesis_.stakes ? wire::Verdict::ignore : wire::Verdict::punish;
    const std::optional<crypto::PublicKey> source = source_of(from);
    if (downloads_.is_wanted(*hash)) {
        if (source) static_cast<void>(downloads_.want(*hash, *source));  // one more who has it
        if (announced_.contains(*hash)) return wire::Verdict::ignore;
    }
    if (is_known(*hash)) return wire::Verdict::ignore;
    auto ref = engine_->verify_header(now.wall, announcement.header);
    // The signature is no part of its name: a false one must not end the search for the true one.
    if (ref || ref.error().code != base::Errc::bad_signature) {
        named_wishes_.forget(wire::name_of(*hash));
    }
    if (!ref) {
        const bool guilty = ref.error().code == base::Errc::bad_signature ||
                            ref.error().code == base::Errc::unauthorized;
        return guilty ? wire::Verdict::punish : wire::Verdict::ignore;
    }

    auto known = mempool_->match(*hash, announcement.short_ids);
    if (known.root != announcement.header.transaction_root) {
        // Some are missing here, or are other ones: whoever relayed the ids may have changed them.
        if (!source) return wire::Verdict::ignore;
        const bool wanted = known.root ? downloads_.want(*hash, *source)
                                       : downloads_.want(*hash, *source, announcement.header,
                                                         std::move(known.transactions));
        if (wanted) {
            announced_.insert_or_assign(*hash, Announced{*ref, announcement.short_ids, form});
            judge_held_votes(now);
        }
        return wire::Verdict::keep;  // announced by us once it is whole and has proven right
    }
    wire::Block block{.header = announcement.header, .transactions = {}};
    for (auto& transaction : known.transactions) {
        block.transactions.push_back(*std::move(transaction));
    }
    downloads_.forget(*hash);
    air_repair_.note_announcement(*hash, wire::encode(announcement));
    note_arrival(now, block.header);
    accept(now, {std::move(block), *ref, true, from.giver()});
    return wire::Verdict::relay;
}

/// Blocks that lacked this transaction may have all of theirs now, or one fewer than their rows
/// solve.
void Chain::fill_announced(base::Now now, const wire::Wtxid& wtxid) {
    std::vector<wire::Hash> nearer;
    for (const auto& [hash, announced] : announced_) {
        const auto& ids = announced.short_ids;
        if (std::ranges::find(ids, wire::short_id(hash, wtxid)) != ids.end())
            nearer.push_back(hash);
    }
    for (const wire::Hash& hash : nearer) fill(now, hash);
}

/// What else is known now, such as the transactions of a block that was applied.
void Chain::fill_announced(base::Now now) {
    std::vector<wire::Hash> lacking;
    for (const auto& [hash, announced] : announced_) lacking.push_back(hash);
    for (const wire::Hash& hash : lacking) fill(now, hash);
}

/// From what is known here, or else from rows: what they yield is judged like any transaction that
/// somebody said when the block was made. Nothing, if it was filled meanwhile.
void Chain::fill(base::Now now, const wire::Hash& hash) {
    const auto announced = announced_.find(hash);
    if (announced == announced_.end()) return;
    const auto known = mempool_->match(hash, announced->second.short_ids);
    if (auto complete = downloads_.fill(hash, known.transactions, known.root)) {
        take_complete(now, *std::move(complete));
        return;
    }
    const wire::Slot slot = std::min(announced->second.ref.slot, this->slot(now));
    for (const wire::WireTransaction& transaction :
         announced->second.rows.solve(known.transactions)) {
        static_cast<void>(take_transaction(now, {.peer = {}, .on_air = true}, transaction, slot));
    }
}

/// Whom to ask for the rest of what came from there; any peer, if nobody knows whose radio it was.
std::optional<crypto::PublicKey> Chain::source_of(const wire::Ingress& from) {
    if (const auto source = from.source()) return source;
    if (peers_.empty()) return std::nullopt;
    return *std::next(peers_.begin(), std::ptrdiff_t(random_.below(peers_.size())));
}

wire::Verdict Chain::handle_vote(base::Now now, base::Bytes payload) {
    const auto vote = wire::parse_vote(payload);
    return vote ? engine_->handle_vote(now.wall, *vote) : wire::Verdict::punish;
}

wire::Verdict Chain::handle_vote_request(base::Now now, const wire::Ingress& from,
                                         base::Bytes body) {
    const auto request = wire::parse_vote_request(body);
    if (!request) return wire::Verdict::punish;
    // Only where whoever answers it is heard by us as well, and not for who has no stake in it.
    const bool is_ours_too = has_air_alone_ && from.heard_by_all &&
                             engine_->validators().find_identity(from.peer).has_value();
    return engine_->handle_vote_request(now.wall, *request, is_ours_too);
}

wire::Verdict Chain::handle_evidence(base::Now now, base::Bytes payload) {
    const auto evidence = wire::parse_evidence(payload);
    return evidence ? engine_->handle_evidence(now.wall, *evidence) : wire::Verdict::punish;
}

wire::Verdict Chain::handle_sync_request(base::Now now, const wire::Ingress& from,
                                         base::Bytes body) {
    const auto request = wire::parse_sync_request(body);
    if (!request) return wire::Verdict::punish;
    // What all hear is asked by AIR_ASK.
    if (from.heard_by_all) return wire::Verdict::ignore;
    if (from.overheard) {
        const auto* block = std::get_if<wire::BlockRequest>(&*request);
        if (block != nullptr) downloads_.note_asked(now.instant, *block);
        return wire::Verdict::keep;
    }
    server_->handle(from.peer, *request);
    return wire::Verdict::keep;
}

wire::Verdict Chain::handle_sync_data(base::Now now, const wire::Ingress& from,
                                      base::Bytes payload) {
    const auto chunk = wire::parse_sync_chunk(payload);
    // Nobody signed it, so nobody is punished for it.
    if (!chunk || !catch_up_->handle_chunk(now.instant, from.peer, *chunk)) {
        return wire::Verdict::ignore;
    }
    return wire::Verdict::keep;
}

wire::Verdict Chain::handle_sync_response(base::Now now, const wire::Ingress& from,
                                          base::Bytes body) {
    const auto response = wire::parse_sync_response(body);
    if (!response) return wire::Verdict::punish;
    if (const auto* hashes = std::get_if<wire::HashesResponse>(&*response)) {
        if (!sync_.handle_hashes(now.instant, from.peer, *hashes)) return wire::Verdict::ignore;
        page_ = hashes->hashes;
        for (const wire::Hash& hash : page_) want(hash, from.peer);
    } else if (const auto* part = std::get_if<wire::BlockResponse>(&*response)) {
        if (auto complete = downloads_.handle_response(from.peer, *part)) {
            take_complete(now, *std::move(complete));
        }
    } else if (const auto* items = std::get_if<wire::ItemsResponse>(&*response)) {
        if (!catch_up_->handle_items(now.instant, from.peer, *items)) return wire::Verdict::ignore;
    } else {
        downloads_.handle_not_found(from.peer, std::get<wire::NotFoundResponse>(*response).block);
    }
    return wire::Verdict::keep;
}

void Chain::take_complete(base::Now now, CompleteBlock complete) {
    if (repair_->wanted().contains(complete.hash)) {
        const bool taken = repair_->take_block(complete.hash, complete.block);
        if (!taken) emit(PeerFault{complete.from});
        mend_at_ = now.instant;
        return;
    }
    auto announced = announced_.extract(complete.hash);
    if (has_body(complete.hash)) return;
    if (!announced.empty()) {
        BlockPool::Entry entry{std::move(complete.block), announced.mapped().ref, true,
                               complete.from};
        entry.announce = true;
        entry.heard_whole = announced.mapped().form == Form::whole;
        note_arrival(now, entry.block.header);
        accept(now, std::move(entry));
        return;
    }
    // While catching up we only follow: the others have these blocks.
    const auto ref =
        engine_->verify_header(now.wall, complete.block.header, consensus::Arrival::requested);
    if (ref) {
        accept(now, {std::move(complete.block), *ref, false, complete.from});
    } else if (ref.error().code != base::Errc::stale &&
               ref.error().code != base::Errc::unavailable) {
        emit(PeerFault{complete.from});
    }
}

void Chain::note_arrival(base::Now now, const wire::BlockHeader& header) {
    const consensus::Params& params = engine_->schedule().params();
    const base::WallTime turn =
        engine_->schedule().start_of(header.slot) + params.rank_delay * header.rank;
    arrival_times_.record(std::chrono::floor<base::Milliseconds>(now.wall - turn));
}

void Chain::want(const wire::Hash& hash, const std::optional<crypto::PublicKey>& source) {
    if (is_known(hash)) return;
    if (source) {
        static_cast<void>(downloads_.want(hash, *source));
    } else {
        want_from_any(hash);
    }
}

/// A block that waits in the pool may do so for an ancestor whose download was given up.
void Chain::want_to_connect(base::Now now, wire::Hash hash) {
    while (const BlockPool::Entry* waiting = pool_.find(hash)) hash = waiting->ref.parent;
    if (is_known(hash)) return;
    std::optional<wire::Hash> lowest;
    while (!is_known(hash) && recall_kept(now, hash)) {
        lowest = hash;
        hash = pool_.find(hash)->ref.parent;
    }
    if (!is_known(hash)) want_from_any(hash, {}, true);
    if (lowest) connect(now, *lowest);
}

/// A block whose announcement was put together with what others had to give: its true short ids
/// are known now that it is executed.
void Chain::announce(const wire::Hash& hash, const wire::BlockHeader& header,
                     const std::vector<ledger::CheckedTransaction>& transactions,
                     const std::optional<crypto::PublicKey>& except, Form form) {
    wire::BlockAnnouncement announcement{.header = header, .short_ids = {}};
    for (const ledger::CheckedTransaction& checked : transactions) {
        announcement.short_ids.push_back(wire::short_id(hash, checked.wtxid));
    }
    base::Buffer payload = wire::encode(announcement);
    air_repair_.note_announcement(hash, payload);
    wire::Outgoing whole{.type = Type::block,
                         .except = except,
                         .payload = std::move(payload),
                         .repeated = header.proposer != engine_->self()};
    if (form == Form::whole) return send(std::move(whole));
    say_block(hash, announcement, std::move(whole));
}

/// The first peer is drawn, so that nobody is always asked for the sake of his key.
void Chain::want_from_any(const wire::Hash& hash, const std::set<crypto::PublicKey>& except,
                          bool on_votes) {
    if (peers_.empty()) return;
    const auto first = std::next(peers_.begin(), std::ptrdiff_t(random_.below(peers_.size())));
    const auto want_each = [&](auto from, auto to) {
        for (; from != to; ++from) {
            if (except.contains(*from)) continue;
            static_cast<void>(downloads_.want(hash, *from, on_votes));
        }
    };
    want_each(first, peers_.end());
    want_each(peers_.begin(), first);
}

/// Where saying it once takes long, it is said again less often.
std::uint32_t Chain::announce_slots() const {
    constexpr int floods = 40;
    const base::Duration slot_time = base::Milliseconds{genesis_.block_time_ms};
    const auto slots = floods * flood_time() / slot_time;
    return std::max(announce_again_slots, static_cast<std::uint32_t>(slots));
}

void Chain::announce_mempool(base::Now now) {
    const std::uint32_t current = slot(now).value;
    if (current < announced_slot_ + announce_slots()) return;
    announced_slot_ = current;
    mempool_->remove_expired({current});
    const bool is_on_air = flood_time() > base::Duration{};
    std::size_t left = is_on_air ? announced_on_air : SIZE_MAX;
    std::set<wire::Wtxid> now_waiting;
    for (const auto* waiting : mempool_->select(genesis_.block_bytes_limit, {current})) {
        now_waiting.insert(waiting->wtxid);
        // On the air what came since the last time may be in the next block.
        if (is_on_air && !announced_waiting_.contains(waiting->wtxid)) continue;
        if (left == 0) continue;
        --left;
        repeat(Type::transaction, wire::encode(waiting->shortest));
    }
    announced_waiting_ = std::move(now_waiting);
}

}  // namespace meshchain::chain
