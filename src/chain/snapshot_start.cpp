#include "chain/snapshot_start.h"

#include <algorithm>

#include "chain/chain.h"
#include "chain/consensus_of.h"
#include "chain/state_server.h"
#include "consensus/vote_store.h"

namespace meshchain::chain {
namespace {

using Result = std::expected<void, base::Error>;
using Type = wire::MessageType;

constexpr base::Duration request_timeout = std::chrono::seconds(2);
/// Below this height of FINAL there is no state but that of genesis to begin with.
constexpr wire::Height height_min{2};

}  // namespace

SnapshotStart::SnapshotStart(const ledger::Genesis& genesis, kv::Store& store,
                             kv::Table consensus_table, StateStaging staging, base::Random random,
                             base::Log log, wire::PeerChoice* choice)
    : genesis_(genesis),
      chain_(ledger::chain_id(genesis)),
      validators_(std::make_unique<consensus::ValidatorSet>(validators_of(genesis))),
      schedule_(params_of(genesis), *validators_),
      store_(&store),
      consensus_table_(consensus_table),
      random_(random),
      log_(log),
      follower_(chain_, *validators_, base::Milliseconds{genesis.block_time_ms},
                random.stream("final"), choice),
      staging_(std::move(staging)) {}

std::expected<bool, base::Error> SnapshotStart::is_due(kv::Store& store, bool wanted) {
    MESH_TRY(const StateStaging::Phase phase, StateStaging::phase_of(store));
    if (phase == StateStaging::Phase::installed) return true;
    if (phase == StateStaging::Phase::chain) return false;
    return wanted;
}

std::expected<std::unique_ptr<SnapshotStart>, base::Error> SnapshotStart::open(
    const ledger::Genesis& genesis, kv::Store& store, kv::Table consensus_table,
    base::Random random, base::Log log, wire::PeerChoice* choice) {
    MESH_TRY(StateStaging staging, StateStaging::open(store, genesis));
    MESH_TRY(const StateStaging::Phase phase, StateStaging::phase_of(store));
    std::unique_ptr<SnapshotStart> start(new SnapshotStart(
        genesis, store, consensus_table, std::move(staging), random, log, choice));
    start->installed_ = phase == StateStaging::Phase::installed;
    return start;
}

std::span<const wire::MessageRule> SnapshotStart::rules() const { return Chain::message_rules(); }

Result SnapshotStart::start(base::Now now) {
    if (staging_.target() && !installed_) {
        log_.info("going on with the state of block " +
                  std::to_string(staging_.target()->height().value) + ", of which " +
                  std::to_string(percent()) + " % are here");
        download_.emplace(staging_, random_.stream("download"));
    }
    advance(now);
    if (fault_) return std::unexpected(*fault_);
    return {};
}

void SnapshotStart::stop(base::Now) {
    if (const auto flushed = staging_.flush(); !flushed) fail(flushed.error());
    outgoing_.clear();
}

void SnapshotStart::fail(const base::Error& error) {
    log_.error("the store failed: " + base::sentence(error));
    fault_ = error;
}

wire::Verdict SnapshotStart::handle(base::Now now, const wire::Ingress& from,
                                    wire::MessageType type, base::Bytes payload) {
    if (type == Type::state_response) {
        const auto response = wire::parse_state_response(payload);
        if (!response) return wire::Verdict::punish;
        if (const auto* final = std::get_if<wire::NewestFinalResponse>(&*response)) {
            static_cast<void>(follower_.handle_response(from.peer, *final));
        } else if (const auto* headers = std::get_if<wire::HeaderPageResponse>(&*response)) {
            if (asked_ == from.peer) take_parent(*headers);
        } else if (download_) {
            if (const auto* page = std::get_if<wire::StatePage>(&*response)) {
                download_->handle_page(now.instant, from.peer, *page);
            } else if (const auto* hash = std::get_if<wire::RangeHashResponse>(&*response)) {
                download_->handle_range_hash(now.instant, from.peer, *hash);
            } else if (const auto* missing = std::get_if<wire::UnavailableResponse>(&*response)) {
                download_->handle_unavailable(now.instant, from.peer, missing->subject);
            }
        }
    } else if (type == Type::sync_response) {
        const auto response = wire::parse_sync_response(payload);
        if (!response) return wire::Verdict::punish;
        const auto* part = std::get_if<wire::BlockResponse>(&*response);
        if (part != nullptr && asked_ == from.peer) take_part(from.peer, *part);
    } else {
        return wire::Verdict::ignore;
    }
    advance(now);
    return wire::Verdict::keep;
}

void SnapshotStart::handle_timeout(base::Now now) { advance(now); }

void SnapshotStart::handle_peer(base::Now now, const crypto::PublicKey& peer, PeerHeights heights) {
    peers_.insert(peer);
    if (ready_at_ == base::never) ready_at_ = now.instant + patience;
    follower_.handle_peer(now.instant, peer, heights.final);
    if (download_) download_->add_peer(peer);
    advance(now);
}

void SnapshotStart::handle_peer_lost(base::Now now, const crypto::PublicKey& peer) {
    peers_.erase(peer);
    follower_.forget_peer(peer);
    if (download_) download_->forget_peer(now.instant, peer);
    if (asked_ == peer) asked_.reset();
    advance(now);
}

void SnapshotStart::choose_target(base::Now now) {
    if (now.instant < ready_at_) return;
    if (follower_.height() >= height_min) {
        if (const auto begun = staging_.begin(*follower_.newest()); !begun) {
            return fail(begun.error());
        }
        log_.info("FINAL of block " + std::to_string(follower_.height().value) +
                  " is proven; fetching the state it commits to");
        download_.emplace(staging_, random_.stream(crypto::to_hex(staging_.target()->hash())));
        for (const crypto::PublicKey& peer : peers_) download_->add_peer(peer);
        trouble_.clear();
    } else if (follower_.claimed() < height_min && now.instant >= ready_at_ + patience) {
        log_.info("the chain is too young for a start from its state; starting from genesis");
        if (const auto cleared = staging_.clear(); !cleared) return fail(cleared.error());
        outcome_ = Outcome::from_genesis;
    }
}

/// A newer block has other givers, and those who lied about this one are known to the mesh.
void SnapshotStart::give_up_target(base::Now now) {
    trouble_ = "No peer gives the state that FINAL block " +
               std::to_string(staging_.target()->height().value) + " commits to (" +
               std::to_string(download_->liars()) +
               " gave a wrong one); trying again with a newer block.";
    log_.warning(trouble_);
    download_.reset();
    if (const auto cleared = staging_.clear(); !cleared) return fail(cleared.error());
    ready_at_ = now.instant + retry_pause;
}

void SnapshotStart::advance(base::Now now) {
    if (fault_ || outcome_ != Outcome::working) return;
    if (download_) {
        while (const auto peer = download_->poll_fault()) events_.push_back(PeerFault{*peer});
        if (download_->fault()) return fail(*download_->fault());
        if (download_->is_done()) {
            download_.reset();
        } else if (download_->is_hopeless()) {
            give_up_target(now);
        }
    }
    if (!staging_.target()) return choose_target(now);
    if (download_) return;
    if (asked_ && now.instant >= deadline_) {
        events_.push_back(PeerFault{*asked_});
        asked_.reset();
        body_giver_.reset();
    }
    if (!asked_) ask_for_rest(now);
}

std::optional<crypto::PublicKey> SnapshotStart::any_peer() {
    if (peers_.empty()) return std::nullopt;
    return *std::next(peers_.begin(), std::ptrdiff_t(random_.below(peers_.size())));
}

void SnapshotStart::ask_for_rest(base::Now now) {
    if (installed_) {
        // Perhaps power went after the block was applied.
        const auto chain = ChainStore::open(*store_, genesis_);
        if (!chain) return fail(chain.error());
        if ((*chain)->tip().height == staging_.target()->height()) {
            if (const auto written = write_final(); !written) fail(written.error());
            return;
        }
    }
    if (!body_giver_ || !peers_.contains(*body_giver_)) {
        body_.clear();
        body_giver_.reset();
    }
    asked_ = body_giver_ ? body_giver_ : any_peer();
    if (!asked_) return;
    deadline_ = now.instant + request_timeout;
    const wire::Height parent{staging_.target()->height().value - 1};
    if (!installed_) {
        const wire::StateRequest request = wire::HeaderPageRequest{parent, 1};
        outgoing_.push_back({Type::state_request, asked_, std::nullopt, wire::encode(request)});
    } else {
        const wire::SyncRequest request =
            wire::BlockRequest{staging_.target()->hash(), static_cast<std::uint16_t>(body_.size())};
        outgoing_.push_back({Type::sync_request, asked_, std::nullopt, wire::encode(request)});
    }
}

void SnapshotStart::take_parent(const wire::HeaderPageResponse& response) {
    if (installed_ || download_ || !staging_.is_proven()) return;
    const crypto::PublicKey giver = *asked_;
    asked_.reset();
    const wire::Hash& name = staging_.target()->header.parent;
    if (response.headers.size() != 1 ||
        name_of(chain_, *validators_, response.headers.front()) != name) {
        events_.push_back(PeerFault{giver});
        return;
    }
    auto installed = staging_.flush();
    if (installed) installed = staging_.install(response.headers.front());
    if (!installed) return fail(installed.error());
    installed_ = true;
}

void SnapshotStart::take_part(const crypto::PublicKey& from, const wire::BlockResponse& part) {
    if (!installed_ || part.block != staging_.target()->hash() || part.first != body_.size()) {
        return;
    }
    body_.insert(body_.end(), part.transactions.begin(), part.transactions.end());
    body_giver_ = from;
    asked_.reset();
    const bool may_grow = body_.size() < wire::BlockAnnouncement::transactions_max;
    if (body_.size() < part.total && !part.transactions.empty() && may_grow) return;
    const auto applied = apply_target(from);
    body_giver_.reset();
    body_.clear();
    if (!applied) fail(applied.error());
}

/// The header is proven; its transactions prove themselves by their root.
Result SnapshotStart::apply_target(const crypto::PublicKey& giver) {
    MESH_TRY(const auto chain, ChainStore::open(*store_, genesis_));
    const wire::Block block{staging_.target()->header, body_};
    const auto effects =
        ledger::execute(chain->context(), block, *chain, ledger::NothingVerified());
    if (!effects) {
        if (!ledger::is_rule_violation(effects.error())) return std::unexpected(effects.error());
        events_.push_back(PeerFault{giver});
        return {};
    }
    MESH_CHECK(chain->apply(staging_.target()->hash(), block, *effects));
    return write_final();
}

Result SnapshotStart::write_final() {
    consensus::VoteStore votes(*store_, {consensus_table_, tables::certificates});
    MESH_CHECK(
        votes.write_final({}, {staging_.target()->height(), staging_.target()->certificate}));
    MESH_CHECK(StateStaging::finish(*store_));
    log_.info("history starts here at height " + std::to_string(staging_.target()->height().value));
    outcome_ = Outcome::from_state;
    return {};
}

std::optional<wire::Outgoing> SnapshotStart::poll_frame(base::Now now) {
    if (fault_ || outcome_ != Outcome::working) return std::nullopt;
    const auto ask = [&](const FinalFollower::Query& query) {
        outgoing_.push_back(
            {Type::state_request, query.to, std::nullopt, wire::encode(query.request)});
    };
    if (!staging_.target()) {
        while (const auto query = follower_.poll_request(now.instant)) ask(*query);
    }
    if (download_) {
        while (const auto query = download_->poll_request(now.instant)) ask(*query);
    }
    if (outgoing_.empty()) return std::nullopt;
    wire::Outgoing frame = std::move(outgoing_.front());
    outgoing_.pop_front();
    return frame;
}

base::Instant SnapshotStart::poll_timeout(base::Now now) const {
    if (fault_ || outcome_ != Outcome::working) return base::never;
    base::Instant next = base::never;
    if (!staging_.target()) {
        next = follower_.poll_timeout();
        if (ready_at_ != base::never) {
            const base::Instant due = now.instant < ready_at_ ? ready_at_ : ready_at_ + patience;
            if (due > now.instant) next = std::min(next, due);
        }
    } else if (download_) {
        next = download_->poll_timeout();
    } else if (!peers_.empty()) {
        next = asked_ ? deadline_ : now.instant;
    }
    return std::max(next, now.instant);
}

std::optional<Event> SnapshotStart::poll_event() {
    while (const auto peer = follower_.poll_fault()) events_.push_back(PeerFault{*peer});
    if (events_.empty()) return std::nullopt;
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

wire::Slot SnapshotStart::slot(base::Now now) const {
    return schedule_.slot_at(now.wall).value_or(wire::Slot{});
}

wire::ChainStatus SnapshotStart::status(base::Now now) const {
    wire::ChainStatus status;
    status.slot = slot(now);
    return status;
}

std::uint32_t SnapshotStart::percent() const {
    return static_cast<std::uint32_t>(100 * staging_.done_count() / StateStaging::ranges);
}

}  // namespace meshchain::chain
