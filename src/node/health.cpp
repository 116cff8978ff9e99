#include "node/health.h"

#include <algorithm>

#include "node/node_parts.h"

namespace meshchain::node {
namespace {

/// Sessions lost within RecentCount's windows that no quiet network shows.
constexpr std::uint64_t many_losses = 6;

std::string count_text(std::uint64_t count, std::string_view of) {
    return std::to_string(count) + " " + std::string(of);
}

/// Collects what is wrong with one part; its state is that of the worst problem.
class Examination {
public:
    explicit Examination(std::string_view part) : health_{part, PartState::ok, {}} {}

    void add(std::string_view id, PartState state, std::string what, std::string why,
             std::string advice) {
        health_.state = std::max(health_.state, state);
        health_.problems.push_back({id, state, std::move(what), std::move(why), std::move(advice)});
    }
    PartHealth take() { return std::move(health_); }

private:
    PartHealth health_;
};

void examine_damage(const Node::Parts& node, Examination& store) {
    const chain::DamageLog& damage = node.chain->store().damage();
    if (damage.empty()) return;
    const auto& hopeless = node.chain->repair().hopeless();
    store.add("store_damaged", hopeless ? PartState::failed : PartState::degraded,
              "The store is damaged",
              hopeless ? base::sentence(*hopeless)
                       : count_text(damage.rows().size(),
                                    "rows are being rebuilt, from other rows "
                                    "or with blocks of peers"),
              "check the disk: what was damaged once may be again");
}

PartHealth examine_store(const Node::Parts& node) {
    Examination store("store");
    const kv::Store& door = node.doors.store;
    if (door.is_read_only()) {
        store.add("store_read_only", PartState::failed, "The store takes no more writes",
                  "a write failed in a way that leaves its outcome unknown",
                  "check the disk, then restart the node");
    }
    examine_damage(node, store);
    if (const auto& fault = node.chain->fault()) {
        store.add("store_failed", PartState::failed, "Nothing is applied any more",
                  base::sentence(*fault),
                  fault->code != base::Errc::corrupt
                      ? "free the disk; the node tries again by itself"
                  : node.chain->store().damage().empty() || node.chain->repair().hopeless()
                      ? "stop the node and run `meshchain store salvage`"
                      : "leave it running with peers: it goes on when the damage is healed");
    }
    const kv::Quota quota = door.quota();
    if (const auto& reason = node.refusals.reason(); !reason.empty() && !node.chain->fault()) {
        store.add("store_refuses", PartState::degraded, "The store refused what was to be written",
                  reason, "look at the disk: its room (df) and the system's log (dmesg)");
    }
    if (quota.level() != kv::QuotaLevel::ok) {
        const bool is_full = quota.level() == kv::QuotaLevel::full;
        store.add("storage_quota", is_full ? PartState::failed : PartState::degraded,
                  is_full ? "The store is full" : "The storage quota is nearly used up",
                  count_text(quota.used_bytes, "of ") + count_text(quota.limit_bytes, "bytes") +
                      (is_full ? "; no payment is taken, nothing proposed or applied" : ""),
                  "prune (store.keep_blocks), or make room");
    }
    return store.take();
}

PartHealth examine_chain(const Node::Parts& node, base::Now now) {
    Examination chain("chain");
    const consensus::Engine& engine = node.chain->engine();
    if (node.chain->is_stalled()) {
        chain.add("chain_stalled", PartState::failed, "The chain is STALLED",
                  count_text(node.chain->undo_blocks(), "blocks wait for finality, of ") +
                      count_text(node.chain->undo_blocks_max(),
                                 "that may; no more are proposed or applied until some are FINAL"),
                  "get more than two thirds of the stake connected");
    }
    const unsigned online = engine.online_percent(now.wall);
    if (3 * online <= 200) {
        chain.add(
            "no_quorum", PartState::degraded, "Nothing becomes FINAL",
            "this side holds " + std::to_string(online) + " % of the stake, two thirds or less",
            "start the other validators, or mend the network between them");
    }
    if (engine.is_key_waiting()) {
        chain.add("key_waiting", PartState::degraded, "This validator keeps silent",
                  "its key came without a record of what it signed, so it waits until FINAL has "
                  "passed the node's start",
                  "wait, and never run another node with this key");
    }
    if (engine.is_key_used_elsewhere()) {
        chain.add("key_used_twice", PartState::failed, "Another node signs with this node's key",
                  "there are votes or blocks of it that this node never made",
                  "stop one of the two at once: both may be punished");
    }
    if (node.evidence_lately.value() > 0) {
        chain.add("evidence", PartState::degraded, "A validator signed twice",
                  "its evidence came within the last minutes",
                  "see the log; its operator must act");
    }
    return chain.take();
}

PartHealth examine_mempool(const Node::Parts& node) {
    Examination part("mempool");
    const chain::Mempool& mempool = node.chain->mempool();
    const chain::MempoolLimits& limits = mempool.limits();
    if (mempool.size() >= limits.transactions_max ||
        mempool.bytes() >= limits.bytes_max / 20 * 19) {
        part.add("mempool_full", PartState::degraded, "The mempool is full",
                 count_text(mempool.size(), "of ") +
                     count_text(limits.transactions_max, "transactions, ") +
                     count_text(mempool.bytes(), "of ") + count_text(limits.bytes_max, "bytes"),
                 "pay with a higher fee, or wait for blocks; see `meshchain mempool`");
    }
    return part.take();
}

/// `consequence`: of having no peers, for a node that is nothing without them.
PartHealth examine_mesh(const Node::Parts& node, bool alone, std::string_view consequence = {}) {
    Examination mesh("mesh");
    if (node.mesh->connected_count() == 0 && !alone) {
        std::string why = node.config.network.multicast
                              ? "nobody answers on the multicast group or at the static peers"
                              : "nobody answers at the static peers, and multicast is off";
        if (!consequence.empty()) why += "; " + std::string(consequence);
        mesh.add("no_peers", PartState::failed, "No peers", std::move(why),
                 "check the network, or name a peer in network.static_peers");
    }
    if (node.losses_lately.value() >= many_losses) {
        mesh.add("reconnects", PartState::degraded, "Peers come and go",
                 count_text(node.losses_lately.value(), "sessions were lost within minutes"),
                 "check the link's quality, or raise network.peer_timeout_ms");
    }
    if (node.unsent_lately.value() > 0) {
        mesh.add("lost_messages", PartState::degraded, "Messages are lost on their way out",
                 count_text(node.unsent_lately.value(),
                            "found the link or the queue full within minutes"),
                 "check the network card, or give the node a faster machine");
    }
    return mesh.take();
}

std::string clock_error(const NodeClock& clock) {
    const auto offset = clock.validators_offset();
    if (!offset) return "it ran ahead of the system's and waits for it, silent meanwhile";
    const auto off = std::chrono::duration_cast<base::Milliseconds>(std::chrono::abs(*offset));
    return "it is " + std::to_string(off.count()) + " ms " +
           (offset->count() > 0 ? "behind" : "ahead of") +
           " what the validators say, more than a third of a slot; silent meanwhile";
}

void examine_clock_error(Examination& clock, const Node::Parts& node, PartState state) {
    if (!node.clock->is_off()) return;
    clock.add("clock_off", state, "This node's clock is off", clock_error(*node.clock),
              "set the system's clock, or let NTP keep it (timedatectl)");
}

PartHealth examine_clock(const Node::Parts& node, base::Now now) {
    Examination clock("clock");
    const consensus::Engine& engine = node.chain->engine();
    if (!engine.schedule().slot_at(now.wall)) {
        clock.add("before_genesis", PartState::degraded, "The chain has not begun",
                  "by this machine's clock its start lies ahead",
                  "wait, or set the clock if it is wrong");
    } else if (node.clock->is_off()) {
        examine_clock_error(clock, node, engine.self() ? PartState::failed : PartState::degraded);
    } else if (engine.self() && !engine.is_clock_checked()) {
        clock.add("clock_unconfirmed", PartState::degraded, "This validator keeps silent",
                  "too few other validators confirm this machine's time",
                  "set the clock (timedatectl), or connect more validators");
    }
    return clock.take();
}

PartHealth examine_sync(const Node::Parts& node) {
    Examination sync("sync");
    const chain::Chain& chain = *node.chain;
    if (chain.progress().state() != chain::SyncState::error || chain.fault()) return sync.take();
    if (const auto& contradiction = chain.catch_up().contradiction()) {
        sync.add("sync_contradiction", PartState::failed,
                 "What others prove to be FINAL contradicts this node", *contradiction,
                 "compare genesis and FINAL blocks with other operators; more than a third of the "
                 "stake signed twice, or this node's folder is not what it was");
    } else if (chain.catch_up().is_doubtful()) {
        sync.add("sync_doubtful", PartState::failed, "A proven block is not valid here",
                 "several peers gave transactions for it, and none of them execute",
                 "stop the node and let `meshchain doctor` check its store");
    } else {
        const auto limit =
            std::chrono::duration_cast<std::chrono::seconds>(node.config.sync_timeout);
        sync.add("sync_stalled", PartState::degraded, "Catching up stands still",
                 "no block came for longer than sync_timeout_ms allows (" +
                     std::to_string(limit.count()) + " s); the peers may be slow or wrong",
                 "see `meshchain peers`, and name a good one in network.static_peers");
    }
    return sync.take();
}

PartHealth examine_wallet(const Node::Parts& node) {
    if (!node.wallet) return {"wallet", PartState::absent, {}};
    Examination wallet("wallet");
    const auto tip = node.wallet->tip();
    const chain::Tip& applied = node.chain->store().tip();
    if (!tip || tip->hash != applied.hash) {
        wallet.add("wallet_behind", PartState::degraded, "The wallet is behind the chain",
                   "it knows blocks up to " + std::to_string(tip ? tip->height.value : 0) + " of " +
                       std::to_string(applied.height.value),
                   "restart the node if it stays so");
    }
    return wallet.take();
}

HealthView summed_up(std::vector<PartHealth> parts) {
    HealthView view{PartState::ok, std::move(parts)};
    for (const PartHealth& part : view.parts) {
        if (part.state != PartState::absent) view.state = std::max(view.state, part.state);
    }
    return view;
}

}  // namespace

std::string_view name(PartState state) {
    switch (state) {
        case PartState::ok: return "ok";
        case PartState::absent: return "absent";
        case PartState::degraded: return "degraded";
        case PartState::failed: return "failed";
    }
    return "unknown";
}

std::string sentence(const Problem& problem) {
    return problem.what + ": " + problem.why + "; " + problem.advice + ".";
}

std::vector<Problem> HealthView::problems() const {
    std::vector<Problem> all;
    for (const PartHealth& part : parts) {
        all.insert(all.end(), part.problems.begin(), part.problems.end());
    }
    return all;
}

HealthView Node::Parts::health_without_chain() const {
    Examination store("store");
    const auto& fault = service_fault ? service_fault : light ? light->fault() : snapshot->fault();
    if (fault) {
        store.add("store_failed", PartState::failed, "The store failed", base::sentence(*fault),
                  "free or replace the disk, then restart the node");
    }
    Examination time("clock");
    examine_clock_error(time, *this, PartState::degraded);
    Examination sync("sync");
    if (snapshot && !snapshot->trouble().empty()) {
        sync.add("snapshot_failed", PartState::degraded, "No state to start from",
                 snapshot->trouble(), "name other peers, or set sync.start to genesis");
    }
    Examination blind("wallet");
    blind.add("wallet_blind", PartState::degraded, "The wallet does not see its coins",
              light ? "a light node holds no coins" : "the state is still on its way",
              light ? "ask for proofs of single payments with `meshchain tx proof`, or make this "
                      "node a relay"
                    : "wait until the node is synchronized");
    const PartHealth none{"wallet", PartState::absent, {}};
    return summed_up({store.take(),
                      {"chain", PartState::absent, {}},
                      {"mempool", PartState::absent, {}},
                      examine_mesh(*this, false,
                                   light ? "a light node learns of FINAL from others alone"
                                         : "the state it is to start from comes from others"),
                      time.take(),
                      sync.take(),
                      wallet ? blind.take() : none});
}

HealthView Node::health(base::Now system) const {
    const Parts& node = *parts_;
    const base::Now now = node.clock->at(system.instant);
    if (!node.chain) return node.health_without_chain();
    const bool alone = node.is_alone();
    return summed_up({examine_store(node), examine_chain(node, now), examine_mempool(node),
                      examine_mesh(node, alone), examine_clock(node, now), examine_sync(node),
                      examine_wallet(node)});
}

void Node::Parts::tell_storage(base::Instant now) {
    if (now < storage_told_due) return;
    storage_told_due = now + std::chrono::seconds(1);
    const kv::Quota quota = doors.store.quota();
    if (quota.level() != quota_level) {
        quota_level = quota.level();
        const std::string text = "storage " + std::string(kv::name(quota_level));
        const std::string line = text + ": " + count_text(quota.used_bytes, "of ") +
                                 count_text(quota.limit_bytes, "bytes");
        if (quota_level == kv::QuotaLevel::ok) {
            log.info(line);
        } else {
            log.warning(line);
        }
        tell(runtime::EventType::node_error, runtime::EventText(text),
             runtime::EventPriority::high);
    }
    tell_refusals(now);
    if (!chain) return;
    if (const bool stalled = chain->is_stalled(); stalled != told_stalled) {
        told_stalled = stalled;
        log.warning(stalled ? "STALLED: too many blocks wait for FINAL" : "no longer STALLED");
        tell(runtime::EventType::node_error,
             runtime::EventText(stalled ? "STALLED" : "no longer STALLED"),
             runtime::EventPriority::high);
    }
    const std::size_t damaged = chain->store().damage().rows().size();
    if (damaged > told_damaged) {
        log.error(count_text(damaged, "damaged rows in the store; they are being rebuilt"));
        tell(runtime::EventType::node_error, runtime::EventText("the store is damaged"),
             runtime::EventPriority::high);
    }
    told_damaged = damaged;
}

void Node::Parts::tell_refusals(base::Instant now) {
    refusals.observe(now, doors.store.stats(), chain ? chain->fault() : std::nullopt);
    const bool refuses = !refusals.reason().empty();
    if (refuses == told_refusal) return;
    told_refusal = refuses;
    if (refuses) {
        log.warning("the store refuses what is to be written: " + refusals.reason());
    } else {
        log.info("the store takes what is written again");
    }
    tell(runtime::EventType::node_error,
         runtime::EventText(refuses ? "storage refused" : "storage taken again"),
         runtime::EventPriority::high);
}

void Node::Parts::observe(base::Instant now) {
    losses_lately.observe(now, peers_lost);
    evidence_lately.observe(now, evidence_found);
    unsent_lately.observe(now,
                          mesh->stats().send_failures + (chain ? chain->outgoing_dropped() : 0));
}

}  // namespace meshchain::node
