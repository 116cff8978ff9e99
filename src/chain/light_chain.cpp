#include "chain/light_chain.h"

#include <algorithm>

#include "chain/chain.h"
#include "chain/consensus_of.h"
#include "chain/state_server.h"
#include "chain/stored_values.h"

#include "consensus/evidence.h"
#include "consensus/vote_check.h"

namespace meshchain::chain {
namespace {

using Type = wire::MessageType;

/// Until the store is tried again, after it failed.
constexpr base::Duration store_pause = std::chrono::seconds(5);

}  // namespace

LightChain::LightChain(const ledger::Genesis& genesis, kv::Store& store, base::Random random,
                       base::Log log, wire::PeerChoice* choice)
    : chain_(ledger::chain_id(genesis)),
      validators_(std::make_unique<consensus::ValidatorSet>(validators_of(genesis))),
      schedule_(params_of(genesis), *validators_),
      store_(&store),
      log_(log),
      follower_(chain_, *validators_, base::Milliseconds{genesis.block_time_ms},
                random.stream("final"), choice),
      proofs_(chain_, *validators_, random.stream("proofs")) {}

std::expected<std::unique_ptr<LightChain>, base::Error> LightChain::open(
    const ledger::Genesis& genesis, kv::Store& store, base::Random random, base::Log log,
    wire::PeerChoice* choice) {
    std::unique_ptr<LightChain> light(new LightChain(genesis, store, random, log, choice));
    MESH_TRY(const auto stored, store.get(tables::meta, meta_keys::light));
    if (!stored) return light;
    auto proven = restore_proven_final(*stored, light->chain_, *light->validators_);
    if (!proven) {
        return base::failure(
            base::Errc::corrupt,
            "the stored FINAL does not prove itself: " + base::sentence(proven.error()),
            "light chain", "use the genesis file this folder was made with, or a new folder");
    }
    light->durable_ = *proven;
    light->follower_.restore(*std::move(proven));
    return light;
}

std::span<const wire::MessageRule> LightChain::rules() const { return Chain::message_rules(); }

wire::Verdict LightChain::handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                                 base::Bytes payload) {
    switch (type) {
        case Type::block_ack: return handle_vote(now, payload);
        case Type::evidence: return handle_evidence(payload);
        case Type::state_response: return handle_response(now, from, payload);
        case Type::state_request: return handle_request(from, payload);
        default: return wire::Verdict::ignore;  // it cannot be judged here, so it ends here
    }
}

wire::Verdict LightChain::handle_vote(base::Now now, base::Bytes payload) {
    const auto vote = wire::parse_vote(payload);
    if (!vote || !validators_->contains(vote->validator) || vote->source.round >= vote->round ||
        (vote->heard & ~validators_->all()) != 0) {
        return wire::Verdict::punish;
    }
    const auto latest = schedule_.latest_round(now.wall);
    Relayed& relayed = relayed_[vote->validator];
    const bool spent = vote->round == relayed.round && relayed.votes >= 2;
    if (!latest || vote->round > *latest || vote->round < relayed.round || spent)
        return wire::Verdict::ignore;
    if (!consensus::is_signed(chain_, *validators_, *vote)) return wire::Verdict::punish;
    if (vote->round != relayed.round) relayed = {vote->round, 0};
    ++relayed.votes;
    follower_.note_activity(now.instant);
    return wire::Verdict::relay;
}

wire::Verdict LightChain::handle_evidence(base::Bytes payload) {
    const auto evidence = wire::parse_evidence(payload);
    if (!evidence) return wire::Verdict::punish;
    const auto guilty = consensus::verify_evidence(chain_, *validators_, *evidence);
    if (!guilty) return wire::Verdict::punish;
    if ((guilty_ & consensus::bit(*guilty)) != 0) return wire::Verdict::ignore;
    guilty_ |= consensus::bit(*guilty);
    events_.push_back(EvidenceFound{*guilty});
    return wire::Verdict::relay;
}

wire::Verdict LightChain::handle_response(base::Now now, const wire::Ingress& from,
                                          base::Bytes payload) {
    const auto response = wire::parse_state_response(payload);
    if (!response) return wire::Verdict::punish;
    if (const auto* final = std::get_if<wire::NewestFinalResponse>(&*response)) {
        if (follower_.handle_response(from.peer, *final)) store_proven(now);
    } else if (const auto* headers = std::get_if<wire::HeaderPageResponse>(&*response)) {
        proofs_.handle_headers(from.peer, *headers);
    } else if (const auto* inclusion = std::get_if<wire::InclusionResponse>(&*response)) {
        proofs_.handle_inclusion(from.peer, *inclusion);
    } else if (const auto* not_there = std::get_if<wire::UnavailableResponse>(&*response)) {
        proofs_.handle_unavailable(from.peer, not_there->subject);
    } else {
        return wire::Verdict::ignore;
    }
    return wire::Verdict::keep;
}

/// What it has proven it can prove to others.
wire::Verdict LightChain::handle_request(const wire::Ingress& from, base::Bytes payload) {
    const auto request = wire::parse_state_request(payload);
    if (!request) return wire::Verdict::punish;
    const auto* wanted = std::get_if<wire::NewestFinalRequest>(&*request);
    if (wanted != nullptr && final() && final_height() > wanted->above) {
        for (const auto& part : final_responses(final()->header, final()->certificate)) {
            send(Type::state_response, wire::encode(wire::StateResponse(part)), from.peer);
        }
    }
    return wire::Verdict::keep;
}

/// Nobody is told of a FINAL that a crash could take back.
void LightChain::store_proven(base::Now now) {
    const ProvenFinal& proven = *follower_.newest();
    kv::Batch batch;
    batch.put(tables::meta, meta_keys::light, encode(proven));
    if (const auto written = store_->commit(batch); !written) {
        if (!fault_) log_.error("FINAL is not durable: " + base::sentence(written.error()));
        fault_ = written.error();
        store_again_ = now.instant + store_pause;
        return;
    }
    fault_.reset();
    store_again_ = base::never;
    durable_ = proven;
    events_.push_back(CheckpointFinal{proven.certificate.final, proven.height()});
}

void LightChain::handle_timeout(base::Now now) {
    if (now.instant >= store_again_) store_proven(now);
    send_payments(now);
}

void LightChain::send(wire::MessageType type, base::Buffer payload,
                      std::optional<crypto::PublicKey> to) {
    if (outgoing_.size() < Chain::outgoing_max) {
        outgoing_.push_back({type, to, std::nullopt, std::move(payload)});
    }
}

std::optional<wire::Outgoing> LightChain::poll_frame(base::Now now) {
    const auto ask = [&](const FinalFollower::Query& query) {
        send(Type::state_request, wire::encode(query.request), query.to);
    };
    while (const auto query = follower_.poll_request(now.instant)) ask(*query);
    while (const auto query = proofs_.poll_request(now.instant, final())) ask(*query);
    if (outgoing_.empty()) return std::nullopt;
    wire::Outgoing frame = std::move(outgoing_.front());
    outgoing_.pop_front();
    return frame;
}

base::Instant LightChain::poll_timeout(base::Now now) const {
    base::Instant next = std::min({follower_.poll_timeout(), proofs_.poll_timeout(), store_again_});
    for (const auto& [txid, payment] : payments_) {
        next = std::min(next, now.instant + (schedule_.start_of(payment.again) - now.wall));
    }
    return std::max(next, now.instant);
}

void LightChain::handle_peer(base::Now now, const crypto::PublicKey& peer, PeerHeights heights) {
    follower_.handle_peer(now.instant, peer, heights.final);
    proofs_.add_peer(peer);
}

void LightChain::handle_peer_lost(const crypto::PublicKey& peer) {
    follower_.forget_peer(peer);
    proofs_.forget_peer(peer);
}

std::expected<wire::Txid, base::Error> LightChain::submit(base::Now now,
                                                          const wire::Transaction& transaction) {
    const wire::Txid txid = wire::txid(chain_, transaction.body);
    if (payments_.size() >= payments_max && !payments_.contains(txid)) {
        return base::failure(base::Errc::full,
                             std::to_string(payments_max) + " payments are under way",
                             "light chain", "wait until some of them are FINAL");
    }
    payments_[txid] = {wire::encode(wire::WireTransaction(transaction)), 0, slot(now)};
    send_payments(now);
    return txid;
}

void LightChain::send_payments(base::Now now) {
    const wire::Slot current = slot(now);
    for (auto& [txid, payment] : payments_) {
        if (payment.again > current) continue;
        send(Type::transaction, payment.payload, std::nullopt);
        payment.again = {current.value + send_again_slots};
        ++payment.sends;
    }
    std::erase_if(payments_, [](const auto& item) { return item.second.sends > sends_max; });
}

std::optional<Event> LightChain::poll_event() {
    while (const auto peer = follower_.poll_fault()) events_.push_back(PeerFault{*peer});
    while (const auto peer = proofs_.poll_fault()) events_.push_back(PeerFault{*peer});
    if (events_.empty()) return std::nullopt;
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

wire::Slot LightChain::slot(base::Now now) const {
    return schedule_.slot_at(now.wall).value_or(wire::Slot{});
}

wire::ChainStatus LightChain::status(base::Now now) const {
    wire::ChainStatus status;
    status.slot = slot(now);
    return status;
}

}  // namespace meshchain::chain
