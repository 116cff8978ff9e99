#pragma once
// Several chains joined by their Service interface, under a clock that jumps: the test bed of the
// chain. Verdict `relay` floods a frame on, and heights are told once a second, as mesh does both.
//
// A store outlives its chain as a disk does. A puppet has an identity but no chain: the test
// answers in its name. Everything follows from one seed.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <variant>

#include "chain/chain.h"
#include "consensus/vote_store.h"
#include "kv/faulty_store.h"
#include "kv/memory_store.h"
#include "ledger/test_payments.h"

namespace meshchain::chain::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr kv::Table consensus_table{8};
inline constexpr auto network_tables = [] {
    std::array<kv::TableInfo, chain_tables.size() + 1> all{};
    std::ranges::copy(chain_tables, all.begin());
    all.back() = {consensus_table, "consensus"};
    return all;
}();

struct NetworkOptions {
    std::uint64_t seed = 1;
    std::size_t chains = 4;          ///< validators, numbers 0 …
    std::size_t puppets = 0;         ///< peers without a chain, numbers from `chains` on
    std::size_t unattended = 0;      ///< further validators, whose keys the test has
    std::size_t newcomers = 0;       ///< of the chains, the last ones: no validators of genesis
    std::uint32_t epoch_rounds = 0;  ///< stakes move, and epochs last so long; 0: they do not
    std::uint8_t slots_per_round = 1;
    std::uint8_t vote_delay = 1;
    std::uint32_t vote_lead_ms = 0;
    unsigned loss_percent = 0;
    milliseconds delay_max{20};
    std::uint32_t coins_each = 12;
    std::uint32_t undo_blocks_max = 16'384;
    /// What a host keeps up to FINAL; 0: everything.
    std::function<std::uint32_t(std::size_t host)> keep_blocks = {};
    bool has_air_alone = false;          ///< all hear what one says, and nobody has a session
    wire::PeerChoice* choice = nullptr;  ///< of every host; outlives the network
};

class Network {
public:
    struct Status {
        wire::Slot slot;
        PeerHeights heights;
    };
    struct Frame {
        wire::MessageType type;
        base::Buffer payload;
        bool for_one = false;
    };
    using Content = std::variant<Status, Frame>;
    /// What a puppet does with what it hears.
    using Puppet = std::function<void(std::size_t from, const Content& content)>;

    struct Host {
        std::shared_ptr<kv::MemoryMedium> medium = std::make_shared<kv::MemoryMedium>();
        std::unique_ptr<kv::MemoryStore> memory;
        std::unique_ptr<kv::FaultyStore> store;
        std::unique_ptr<Chain> chain;
        Puppet puppet;
        std::map<crypto::PublicKey, base::Instant> heard;
        // What its events said.
        std::set<crypto::PublicKey> faults;
        std::size_t applied = 0;
        std::size_t reverted = 0;
        std::size_t votes = 0;
        std::size_t punished = 0;  ///< verdicts this host gave
    };

    explicit Network(const NetworkOptions& options)
        : options_(options),
          random_(options.seed),
          genesis_(ledger::test::genesis_with(
              static_cast<std::uint32_t>(options.chains), options.coins_each, 10'000,
              static_cast<std::uint32_t>(options.chains - options.newcomers + options.unattended))),
          wall_(genesis_.start - milliseconds(1500)) {
        genesis_.seed.bytes[0] = static_cast<std::byte>(options.seed);
        genesis_.slots_per_round = options.slots_per_round;
        genesis_.vote_delay_slots = options.vote_delay;
        genesis_.vote_lead_ms = options.vote_lead_ms;
        if (options.epoch_rounds > 0) {
            genesis_.stakes = ledger::StakeRules{
                {100}, ledger::StakeRules::unbond_epochs_min, options.epoch_rounds};
        }
        const std::size_t count = genesis_.validators.size();
        for (std::uint32_t i = 0; i < count; ++i) numbers_[public_key_of(i)] = i;
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto& validator = genesis_.validators[i];
            number_of_index_.push_back(numbers_.at(validator.key));
        }
        hosts_.resize(options.chains + options.puppets);
        for (std::size_t i = 0; i < options.chains; ++i) {
            open_store(hosts_[i]);
            const auto made =
                consensus::VoteStore::create(*hosts_[i].memory, consensus_table, public_key_of(i));
            EXPECT_TRUE(made.has_value());
        }
    }

    // What a test does.

    void start_all() {
        for (std::size_t i = 0; i < options_.chains; ++i) start(i);
    }
    std::expected<void, base::Error> try_start(std::size_t i) {
        Host& host = hosts_[i];
        if (!host.store) open_store(host);
        auto chain = Chain::open(genesis_,
                                 {.store = *host.store,
                                  .consensus_table = consensus_table,
                                  .validating_key = ledger::test::person(2000 + number(i)),
                                  .random = random_.stream("chain " + std::to_string(i)),
                                  .log = {},
                                  .choice = options_.choice,
                                  .undo_blocks_max = options_.undo_blocks_max,
                                  .keep_blocks = options_.keep_blocks ? options_.keep_blocks(i) : 0,
                                  .has_air_alone = options_.has_air_alone},
                                 now());
        if (!chain) return std::unexpected(chain.error());
        host.chain = *std::move(chain);
        MESH_ASSERT(host.chain->start(now()).has_value());
        drain(i);
        return {};
    }
    void start(std::size_t i) {
        const auto started = try_start(i);
        ASSERT_TRUE(started.has_value()) << base::sentence(started.error());
    }
    /// Power off: only what was committed stays.
    void kill(std::size_t i) {
        Host& host = hosts_[i];
        host.chain.reset();
        host.store.reset();
        host.memory.reset();
        host.heard.clear();
    }
    /// Only hosts of one side hear each other; an empty side: no partition.
    void partition(std::set<std::size_t> side) { side_ = std::move(side); }
    void set_loss(unsigned percent) { options_.loss_percent = percent; }
    void set_puppet(std::size_t i, Puppet puppet) { hosts_[i].puppet = std::move(puppet); }
    /// Chosen frames are lost.
    void drop_if(std::function<bool(std::size_t from, std::size_t to, const Frame&)> drop) {
        drop_ = std::move(drop);
    }
    void send(std::size_t from, std::size_t to, Content content) {
        if (side_.contains(from) != side_.contains(to)) return;
        if (random_.chance(options_.loss_percent, 100)) return;
        const auto* frame = std::get_if<Frame>(&content);
        if (frame && drop_ && drop_(from, to, *frame)) return;
        const auto delay = random_.between(std::chrono::microseconds(200), options_.delay_max);
        flights_.emplace(now_ + delay, Flight{from, to, std::move(content)});
    }
    /// Straight into the chain of `to`, as if `from` had sent it.
    wire::Verdict hand(std::size_t from, std::size_t to, wire::MessageType type,
                       base::Bytes payload) {
        const auto verdict = hosts_[to].chain->handle(now(), {identity(from)}, type, payload);
        drain(to);
        return verdict;
    }
    void claim(std::size_t from, std::size_t to, std::uint32_t head, std::uint32_t final) {
        hosts_[to].chain->handle_peer(now(), identity(from), hosts_[to].chain->slot(now()),
                                      {{head}, {final}});
        drain(to);
    }

    void run_for(base::Duration duration) {
        const base::Instant end = now_ + duration;
        while (now_ < end) {
            // Work due at once still takes a moment, or two could answer each other for ever.
            const auto next = std::max(next_event(end), now_ + std::chrono::microseconds(100));
            advance_to(std::min(next, end));
            step_all();
        }
    }
    /// Only the clock: what falls due meanwhile is done by nobody.
    void advance(base::Duration duration) { advance_to(now_ + duration); }
    /// Until `done`, at most for `limit`; whether it came true.
    template <class Predicate>
    bool run_until(Predicate done, base::Duration limit) {
        const base::Instant end = now_ + limit;
        while (!done()) {
            if (now_ >= end) return false;
            run_for(milliseconds(50));
        }
        return true;
    }
    void run_until_slot(std::uint32_t slot) {
        const auto start = genesis_.start + milliseconds(genesis_.block_time_ms) * slot;
        if (start > wall_) run_for(start - wall_);
    }

    /// A payment of one of the genesis coins of person `from`.
    wire::Transaction payment(std::uint32_t from, std::size_t coin, std::uint32_t to,
                              std::uint64_t units) const {
        const auto coins = ledger::test::coins_of(ledger::CoinSet(genesis_), from);
        const std::uint32_t expiry = wire::expiry_units({slot()}) + 20;
        return ledger::test::pay(chain_id(), coins.at(coin), {from, to, units, 5, expiry});
    }
    wire::Txid submit(std::size_t i, const wire::WireTransaction& transaction) {
        const auto taken = hosts_[i].chain->submit(now(), transaction);
        EXPECT_TRUE(taken.has_value()) << base::sentence(taken.error());
        drain(i);
        return taken ? taken->txid : wire::Txid{};
    }
    wire::Txid pay(std::uint32_t from, std::size_t coin, std::uint32_t to, std::uint64_t units) {
        return submit(from, payment(from, coin, to, units));
    }

    // Signing by hand, for hostile validators.

    wire::BlockHeader sign(wire::BlockHeader header) const {
        const auto key = ledger::test::person(2000 + number_of_index_.at(header.proposer.value));
        header.signature = key.sign(wire::preimage(chain_id(), header, key.public_key()));
        return header;
    }
    /// A valid child of the tip of `i`, signed by the leader of `slot` and `rank`.
    wire::Block make_block(std::size_t i, std::uint32_t slot, std::uint8_t rank,
                           const std::vector<wire::WireTransaction>& transactions) const {
        const Chain& chain = *hosts_[i].chain;
        wire::Block block = ledger::test::block_of(chain.store().context(), chain.store(),
                                                   wire::Slot{slot}, transactions);
        block.header.rank = rank;
        block.header.proposer = leader(slot, rank);
        block.header = sign(block.header);
        return block;
    }
    wire::Hash hash_of(const wire::BlockHeader& header) const {
        return wire::block_hash(chain_id(), header, genesis_.validators[header.proposer.value].key);
    }
    base::Buffer announcement_of(const wire::Block& block,
                                 const std::vector<wire::Wtxid>& ids) const {
        wire::BlockAnnouncement announcement{block.header, {}};
        for (const wire::Wtxid& id : ids) {
            announcement.short_ids.push_back(wire::short_id(hash_of(block.header), id));
        }
        return wire::encode(announcement);
    }
    base::Buffer announcement_of(const wire::Block& block) const {
        std::vector<wire::Wtxid> ids;
        for (const wire::WireTransaction& transaction : block.transactions) {
            const auto& whole = std::get<wire::Transaction>(transaction);
            ids.push_back(wire::wtxid(wire::txid(chain_id(), whole.body), whole.signatures));
        }
        return announcement_of(block, ids);
    }
    wire::ValidatorIndex leader(std::uint32_t slot, std::uint8_t rank) const {
        const auto some =
            std::ranges::find_if(hosts_, [](const Host& one) { return one.chain != nullptr; });
        return some->chain->engine().schedule().leaders({slot}).ranked()[rank];
    }
    /// Which host or unattended validator that is.
    std::uint32_t number_of(wire::ValidatorIndex index) const {
        return number_of_index_.at(index.value);
    }

    // What a test looks at.

    Host& host(std::size_t i) { return hosts_[i]; }
    Chain& operator[](std::size_t i) { return *hosts_[i].chain; }
    bool is_alive(std::size_t i) const { return hosts_[i].chain != nullptr; }
    const ledger::Genesis& genesis() const { return genesis_; }
    wire::ChainId chain_id() const { return ledger::chain_id(genesis_); }
    crypto::PublicKey identity(std::size_t i) const {
        return ledger::test::public_key(1000 + number(i));
    }
    base::Now now() const { return {now_, wall_}; }
    std::uint32_t slot() const {
        if (wall_ < genesis_.start) return 0;
        return static_cast<std::uint32_t>((wall_ - genesis_.start).count() /
                                          genesis_.block_time_ms);
    }
    base::Random& random() { return random_; }

    /// Whether `txid` is in a final block of host `i`.
    bool is_final(std::size_t i, const wire::Txid& txid) const {
        const Chain& chain = *hosts_[i].chain;
        const auto found = chain.store().find(txid);
        return found && *found && (*found)->height <= chain.final_height();
    }
    bool is_final_everywhere(const wire::Txid& txid) const {
        for (std::size_t i = 0; i < options_.chains; ++i) {
            if (is_alive(i) && !is_final(i, txid)) return false;
        }
        return true;
    }
    bool tips_agree() const {
        std::set<wire::Hash> tips;
        for (const Host& host : hosts_) {
            if (host.chain) tips.insert(host.chain->store().tip().hash);
        }
        return tips.size() == 1;
    }
    /// What holds at any moment: money is conserved, final prefixes agree, mempools are sound.
    void check() const {
        std::map<std::uint32_t, wire::Hash> final_blocks;
        for (const Host& host : hosts_) {
            if (!host.chain) continue;
            const ChainStore& store = host.chain->store();
            std::uint64_t total = store.coins_total().value().units;
            total += store.fees_total().value().units;
            if (genesis_.stakes) {
                total += ledger::stake_total(store.stakes().value()).value().units;
            } else {
                for (const auto& validator : genesis_.validators) total += validator.stake.units;
            }
            EXPECT_EQ(total, ledger::supply(genesis_)->units);
            host.chain->check_invariants();
            const std::uint32_t applied =
                std::min(host.chain->final_height().value, store.tip().height.value);
            for (std::uint32_t height = 0; height <= applied; ++height) {
                const auto hash = store.hash_at({height}).value().value();
                const auto& agreed = final_blocks.try_emplace(height, hash).first->second;
                EXPECT_EQ(agreed, hash) << "two final blocks of height " << height;
            }
        }
    }

private:
    struct Flight {
        std::size_t from;
        std::size_t to;
        Content content;
    };

    static std::uint32_t number(std::size_t i) { return static_cast<std::uint32_t>(i); }
    static crypto::PublicKey public_key_of(std::size_t i) {
        return ledger::test::public_key(2000 + number(i));
    }
    static void open_store(Host& host) {
        auto memory = kv::MemoryStore::open(host.medium, {network_tables});
        ASSERT_TRUE(memory.has_value());
        host.memory = *std::move(memory);
        host.store = std::make_unique<kv::FaultyStore>(*host.memory);
    }

    void advance_to(base::Instant time) {
        now_ = time;
        wall_ = genesis_.start - milliseconds(1500) +
                std::chrono::duration_cast<milliseconds>(now_ - origin_);
    }
    base::Instant next_event(base::Instant end) const {
        base::Instant next = std::min(end, next_beat_);
        if (!flights_.empty()) next = std::min(next, flights_.begin()->first);
        for (const Host& host : hosts_) {
            if (host.chain) next = std::min(next, host.chain->poll_timeout(now()));
        }
        return next;
    }
    void step_all() {
        if (now_ >= next_beat_) {
            next_beat_ = now_ + seconds(1);
            for (std::size_t i = 0; i < hosts_.size(); ++i) beat(i);
        }
        while (!flights_.empty() && flights_.begin()->first <= now_) {
            const Flight flight = std::move(flights_.extract(flights_.begin()).mapped());
            deliver(flight);
        }
        for (std::size_t i = 0; i < hosts_.size(); ++i) {
            Host& host = hosts_[i];
            if (!host.chain || host.chain->poll_timeout(now()) > now_) continue;
            host.chain->handle_timeout(now());
            drain(i);
        }
    }
    void beat(std::size_t i) {
        Host& host = hosts_[i];
        if (!host.chain) return;
        for (auto peer = host.heard.begin(); peer != host.heard.end();) {
            if (now_ - peer->second < seconds(5)) {
                ++peer;
                continue;
            }
            host.chain->handle_peer_lost(peer->first);
            peer = host.heard.erase(peer);
        }
        tell_status(i);
    }
    void tell_status(std::size_t i) {
        const Chain& chain = *hosts_[i].chain;
        const Status status{chain.slot(now()), {chain.store().tip().height, chain.final_height()}};
        for (std::size_t to = 0; to < hosts_.size(); ++to) {
            if (to != i) send(i, to, status);
        }
    }

    void deliver(const Flight& flight) {
        Host& to = hosts_[flight.to];
        if (to.puppet) {
            to.puppet(flight.from, flight.content);
            return;
        }
        if (!to.chain) return;
        const crypto::PublicKey peer = identity(flight.from);
        if (const auto* status = std::get_if<Status>(&flight.content)) {
            to.heard[peer] = now_;
            to.chain->handle_peer(now(), peer, status->slot, status->heights);
        } else {
            const Frame& frame = std::get<Frame>(flight.content);
            const auto verdict =
                to.chain->handle(now(), ingress(peer, frame), frame.type, frame.payload);
            if (verdict == wire::Verdict::punish) ++to.punished;
            // On the air all have heard it.
            const bool is_relayed = verdict == wire::Verdict::relay && !options_.has_air_alone;
            if (is_relayed) flood(flight.to, frame, flight.from);
        }
        drain(flight.to);
    }
    /// As mesh has it: on the air only control messages name who sends them.
    wire::Ingress ingress(const crypto::PublicKey& peer, const Frame& frame) const {
        if (!options_.has_air_alone) return {peer};
        const auto rule =
            std::ranges::find(Chain::message_rules(), frame.type, &wire::MessageRule::type);
        if (rule->message_class == wire::MessageClass::control) {
            return {.peer = peer, .heard_by_all = !frame.for_one};
        }
        return {.peer = {}, .on_air = true, .claimed = peer};
    }
    void flood(std::size_t from, const Frame& frame, std::optional<std::size_t> except) {
        for (std::size_t to = 0; to < hosts_.size(); ++to) {
            if (to != from && to != except) send(from, to, frame);
        }
    }
    void drain(std::size_t i) {
        Host& host = hosts_[i];
        while (const auto event = host.chain->poll_event()) note(i, *event);
        while (const auto frame = host.chain->poll_frame(now())) {
            if (frame->only_on_air && !options_.has_air_alone) continue;
            for (std::size_t to = 0; to < hosts_.size(); ++to) {
                const bool meant =
                    frame->to ? *frame->to == identity(to) : frame->except != identity(to);
                if (to == i || !meant) continue;
                send(i, to, Frame{frame->type, frame->payload, frame->to.has_value()});
            }
        }
    }
    void note(std::size_t i, const Event& event) {
        Host& host = hosts_[i];
        if (const auto* fault = std::get_if<PeerFault>(&event)) host.faults.insert(fault->peer);
        if (std::holds_alternative<BlockApplied>(event)) ++host.applied;
        if (std::holds_alternative<BlockReverted>(event)) ++host.reverted;
        if (std::holds_alternative<BlockApproved>(event)) ++host.votes;
        if (std::holds_alternative<HelloWanted>(event)) tell_status(i);
    }

    NetworkOptions options_;
    base::Random random_;
    ledger::Genesis genesis_;
    std::map<crypto::PublicKey, std::uint32_t> numbers_;  ///< by validating key
    std::vector<std::uint32_t> number_of_index_;
    std::vector<Host> hosts_;
    std::multimap<base::Instant, Flight> flights_;
    std::set<std::size_t> side_;
    std::function<bool(std::size_t, std::size_t, const Frame&)> drop_;
    base::Instant origin_{std::chrono::hours(1)};
    base::Instant now_ = origin_;
    base::Instant next_beat_ = origin_;
    base::WallTime wall_;
};

}  // namespace meshchain::chain::test
