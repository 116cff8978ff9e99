#pragma once
// Several engines, a jumping clock and a lossy network between them: the test bed of consensus.
//
// Each node keeps its blocks and its store through a crash; what the engine held in memory is
// gone. Checkers stand outside the engines: no two nodes hold conflicting FINALs, and no honest
// key ever signs two things that could be slashed. Everything follows from one seed.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "base/cursor.h"
#include "consensus/engine.h"
#include "consensus/evidence.h"
#include "kv/memory_store.h"

namespace meshchain::consensus::test {

using base::Milliseconds;
using base::WallTime;

inline constexpr kv::Table vote_table{0};
inline constexpr kv::TableInfo tables[] = {{vote_table, "consensus"}};

struct NetworkOptions {
    std::vector<std::uint64_t> stakes{1, 1, 1, 1};
    std::uint64_t seed = 1;
    std::uint32_t slots_per_round = 1;
    std::uint32_t vote_delay = 1;
    Milliseconds vote_lead{0};
    Milliseconds block_time{1000};
    Milliseconds rank_delay{250};
    Milliseconds delay_min{5};
    Milliseconds delay_max{40};
    unsigned loss_percent = 0;
};

struct BlockRequest {
    Hash hash;
};
struct Greeting {
    std::size_t from;
    wire::Slot slot;
    bool is_answer;
};
using Message = std::variant<wire::Vote, wire::BlockHeader, wire::VoteRequest, BlockRequest,
                             Greeting, wire::Evidence>;

inline crypto::SigningKey test_key(std::size_t index) {
    crypto::SigningKey::Seed seed{};
    seed[0] = static_cast<std::byte>(index);
    seed[1] = std::byte{0x5e};
    return crypto::SigningKey::from_seed(seed);
}
inline crypto::PublicKey test_identity(std::size_t index) {
    return test_key(index + 100).public_key();
}

inline ValidatorSet test_validators(const std::vector<std::uint64_t>& stakes) {
    std::vector<Validator> validators;
    for (std::size_t i = 0; i < stakes.size(); ++i) {
        validators.push_back({test_identity(i), test_key(i).public_key(), {stakes[i]}});
    }
    return ValidatorSet(std::move(validators));
}

inline constexpr WallTime test_start = base::wall_from_unix_ms(1'800'000'000'000);

inline Params test_params(const NetworkOptions& options) {
    Params params;
    params.chain.bytes[0] = std::byte{0xc4};
    params.start = test_start;
    params.block_time = options.block_time;
    params.rank_delay = options.rank_delay;
    params.slots_per_round = options.slots_per_round;
    params.vote_delay = options.vote_delay;
    params.vote_lead = options.vote_lead;
    params.seed.bytes[0] = static_cast<std::byte>(options.seed);
    params.seed.bytes[1] = static_cast<std::byte>(options.seed >> 8);
    return params;
}

struct TestNode {
    std::shared_ptr<kv::MemoryMedium> medium = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> store;
    std::unique_ptr<Engine> engine;
    std::map<Hash, wire::BlockHeader> blocks;        ///< stored bodies, durable
    std::multimap<Hash, wire::BlockHeader> orphans;  ///< by parent
    std::map<Hash, WallTime> asked;
    Milliseconds clock_error{0};
    unsigned group = 0;
    bool byzantine = false;
    std::vector<wire::Checkpoint> finals;
    std::size_t votes_sent = 0;
    std::size_t evidence_found = 0;

    bool is_up() const { return engine != nullptr; }
};

class TestNetwork {
public:
    explicit TestNetwork(NetworkOptions options)
        : options_(std::move(options)),
          params_(test_params(options_)),
          validators_(test_validators(options_.stakes)),
          schedule_(params_, validators_),
          random_(options_.seed),
          nodes_(options_.stakes.size()) {
        now_ = params_.start - Milliseconds{500};
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            open_store(nodes_[i]);
            const auto made =
                VoteStore::create(*nodes_[i].store, vote_table, test_key(i).public_key());
            EXPECT_TRUE(made.has_value());
        }
    }

    // What a test does.

    void start_all() {
        for (std::size_t i = 0; i < nodes_.size(); ++i) start(i);
    }
    void start(std::size_t i) {
        TestNode& node = nodes_[i];
        if (!node.store) open_store(node);
        node.engine =
            std::make_unique<Engine>(params_, validators_, *node.store, vote_table, test_key(i),
                                     random_.stream("node").stream(label(i)), base::Log{});
        const auto loaded = node.engine->load(local(node));
        EXPECT_TRUE(loaded.has_value());
        std::multimap<std::uint32_t, Hash> by_slot;
        for (const auto& [hash, header] : node.blocks) by_slot.emplace(header.slot.value, hash);
        for (const auto& [slot, hash] : by_slot)
            (void)node.engine->add_block(local(node), ref(hash));
        drain(i);
    }
    void crash(std::size_t i) {
        nodes_[i].engine.reset();
        nodes_[i].store.reset();
        nodes_[i].asked.clear();
        nodes_[i].orphans.clear();
    }
    /// Loses the node's disk; its key is what is restored from a backup.
    void lose_disk(std::size_t i) {
        crash(i);
        nodes_[i].medium = std::make_shared<kv::MemoryMedium>();
    }
    void set_clock_error(std::size_t i, Milliseconds error) {
        nodes_[i].clock_error = error;
        if (nodes_[i].is_up()) {
            nodes_[i].engine->handle_clock_step(local(nodes_[i]));
            drain(i);
        }
    }
    /// Nodes hear each other only within one group.
    void partition(const std::vector<unsigned>& groups) {
        for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i].group = groups[i];
    }
    void heal() { partition(std::vector<unsigned>(nodes_.size(), 0)); }
    void set_loss(unsigned percent) { options_.loss_percent = percent; }
    /// Leaders of slots in [from, to) have something to put in a block.
    void propose_in(std::uint32_t from, std::uint32_t to) {
        propose_from_ = from;
        propose_to_ = to;
    }
    void run_until_slot(std::uint32_t slot) { run_until(schedule_.start_of(wire::Slot{slot})); }
    void run_slots(std::uint32_t slots) { run_until(now_ + params_.block_time * slots); }
    void run_until(WallTime end) {
        while (step(end)) {
        }
        now_ = end;
    }
    /// Sends to all others in reach of `from`, each with its own delay and luck.
    void broadcast(std::size_t from, const Message& message) {
        for (std::size_t to = 0; to < nodes_.size(); ++to) {
            if (to != from) send(from, to, message);
        }
    }
    void send(std::size_t from, std::size_t to, const Message& message) {
        ++messages_;
        if (drop_ && drop_(from, to, message)) return;
        if (nodes_[from].group != nodes_[to].group || random_.below(100) < options_.loss_percent)
            return;
        const auto span = options_.delay_max - options_.delay_min;
        const auto more = Milliseconds{
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(span.count()) + 1))};
        queue_.emplace(now_ + options_.delay_min + more, Delivery{from, to, message});
    }
    /// A test may lose chosen messages.
    void drop_if(std::function<bool(std::size_t, std::size_t, const Message&)> drop) {
        drop_ = std::move(drop);
    }
    /// Called once a round for byzantine nodes, whose engine stays silent.
    void on_round(std::function<void(TestNetwork&)> action) { on_round_ = std::move(action); }

    // What a test looks at.

    TestNode& node(std::size_t i) { return nodes_[i]; }
    Engine& engine(std::size_t i) { return *nodes_[i].engine; }
    std::size_t size() const { return nodes_.size(); }
    const Schedule& schedule() const { return schedule_; }
    const ValidatorSet& validators() const { return validators_; }
    const Params& params() const { return params_; }
    base::Random& random() { return random_; }
    WallTime now() const { return now_; }
    std::uint32_t slot() const { return schedule_.slot_at(now_).value_or(wire::Slot{}).value; }
    std::size_t messages() const { return messages_; }
    std::size_t votes_sent() const {
        std::size_t sum = 0;
        for (const TestNode& node : nodes_) sum += node.votes_sent;
        return sum;
    }
    std::size_t resends() const { return resends_; }
    const std::map<Hash, wire::BlockHeader>& all_blocks() const { return all_blocks_; }
    std::uint32_t lowest_final_slot() {
        std::uint32_t lowest = UINT32_MAX;
        for (TestNode& node : nodes_) {
            if (node.is_up() && !node.byzantine)
                lowest = std::min(lowest, node.engine->final().slot.value);
        }
        return lowest;
    }
    bool heads_agree() {
        std::set<Hash> heads;
        for (TestNode& node : nodes_) {
            if (node.is_up() && !node.byzantine) heads.insert(node.engine->head().hash);
        }
        return heads.size() == 1;
    }

    // Signing by hand, for hostile inputs.

    wire::Vote sign(wire::Vote vote) const {
        const crypto::SigningKey key = test_key(vote.validator.value);
        vote.signature = key.sign(preimage(params_.chain, vote, key.public_key()));
        return vote;
    }
    wire::BlockHeader sign(wire::BlockHeader header) const {
        const crypto::SigningKey key = test_key(header.proposer.value);
        header.signature = key.sign(preimage(params_.chain, header, key.public_key()));
        return header;
    }
    wire::BlockHeader make_header(const BlockRef& parent, wire::Slot slot, std::uint8_t rank,
                                  wire::ValidatorIndex proposer, std::uint8_t salt) const {
        wire::BlockHeader header;
        header.height = wire::Height{parent.height.value + 1};
        header.parent = parent.hash;
        header.slot = slot;
        header.rank = rank;
        header.proposer = proposer;
        header.transaction_root.bytes[0] = static_cast<std::byte>(salt);
        return header;
    }
    Hash hash_of(const wire::BlockHeader& header) const {
        return block_hash(params_.chain, header, validators_[header.proposer].key);
    }
    void remember(const wire::BlockHeader& header) { all_blocks_[hash_of(header)] = header; }

    /// a ⪯ b over all blocks that ever were.
    bool is_ancestor(const Hash& a, Hash b) const {
        while (b != a) {
            const auto found = all_blocks_.find(b);
            if (found == all_blocks_.end()) return false;
            b = found->second.parent;
        }
        return true;
    }

private:
    struct Delivery {
        std::size_t from;
        std::size_t to;
        Message message;
    };

    static std::string_view label(std::size_t i) {
        static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
        return letters.substr(i % letters.size(), 1);
    }
    WallTime local(const TestNode& node) const { return now_ + node.clock_error; }

    static void open_store(TestNode& node) {
        auto store = kv::MemoryStore::open(node.medium, {.tables = tables, .quota_bytes = 0});
        ASSERT_TRUE(store.has_value());
        node.store = *std::move(store);
    }

    BlockRef ref(const Hash& hash) const {
        const wire::BlockHeader& header = all_blocks_.at(hash);
        BlockRef block;
        block.hash = hash;
        block.parent = header.parent;
        block.height = header.height;
        block.slot = header.slot;
        block.rank = header.rank;
        block.proposer = header.proposer;
        return block;
    }

    /// Runs what is due next, if it is due before `end`.
    bool step(WallTime end) {
        WallTime next = queue_.empty() ? base::never_wall : queue_.begin()->first;
        std::vector<WallTime> wakes(nodes_.size(), base::never_wall);
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i].is_up()) wakes[i] = wake_time(nodes_[i]);
            next = std::min(next, wakes[i]);
        }
        if (on_round_) next = std::min(next, next_round_);
        if (next >= end) return false;
        now_ = std::max(now_, next);
        if (on_round_ && now_ >= next_round_) {
            next_round_ = now_ + schedule_.round_length();
            on_round_(*this);
        }
        while (!queue_.empty() && queue_.begin()->first <= now_) {
            const Delivery delivery = queue_.begin()->second;
            queue_.erase(queue_.begin());
            deliver(delivery);
        }
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i].is_up() && wakes[i] <= now_) wake(i);
        }
        return true;
    }

    WallTime wake_time(const TestNode& node) const {
        WallTime next = node.engine->poll_timeout();
        if (next != base::never_wall) next = std::max(next - node.clock_error, last_wake(node));
        if (slot() < propose_to_) {
            const auto ticks = (now_ - params_.start) / params_.rank_delay + 1;
            const WallTime tick = params_.start + params_.rank_delay * ticks;
            next = std::min(next, std::max(tick, schedule_.start_of(wire::Slot{propose_from_})));
        }
        return next;
    }
    WallTime last_wake(const TestNode& node) const {
        const auto found = woken_.find(&node);
        return found == woken_.end() ? WallTime{} : found->second + Milliseconds{1};
    }

    void wake(std::size_t i) {
        woken_[&nodes_[i]] = now_;
        nodes_[i].engine->handle_timeout(local(nodes_[i]));
        drain(i);
        propose(i);
    }

    void propose(std::size_t i) {
        TestNode& node = nodes_[i];
        const auto duty = node.engine->proposal_duty(local(node));
        if (!duty || duty->slot.value < propose_from_ || duty->slot.value >= propose_to_) return;
        if (node.byzantine) return;
        const BlockRef* parent = node.engine->find_block(duty->parent);
        wire::Block block;
        block.header = make_header(*parent, duty->slot, duty->rank, *node.engine->self(), 0);
        const auto made = node.engine->sign_block(local(node), block);
        ASSERT_TRUE(made.has_value());
        const bool first = own_blocks_.insert({i, duty->slot.value}).second;
        EXPECT_TRUE(first) << "validator " << i << " signed two blocks in a slot";
        remember(block.header);
        node.blocks[made->hash] = block.header;
        EXPECT_TRUE(node.engine->add_block(local(node), *made).has_value());
        broadcast(i, block.header);
        drain(i);
    }

    /// Executes the head as the chain would, then carries out what the engine asks for.
    void drain(std::size_t i) {
        TestNode& node = nodes_[i];
        while (true) {
            for (const BlockRef* at = node.engine->find_block(node.engine->head().hash);
                 at != nullptr && !at->executed; at = node.engine->find_block(at->parent)) {
                node.engine->mark_executed(at->hash);
            }
            const auto event = node.engine->poll_event(local(node));
            if (!event) return;
            std::visit([&](const auto& kind) { handle(i, kind); }, *event);
        }
    }

    void handle(std::size_t, const CondemnedIsFinal&) {}
    void handle(std::size_t i, const SendVote& event) {
        if (nodes_[i].byzantine) return;
        ++nodes_[i].votes_sent;
        std::vector<wire::Vote>& own = own_votes_[i];
        for (const wire::Vote& other : own) {
            EXPECT_FALSE(is_slashable(other, event.vote)) << "validator " << i << " equivocated";
        }
        own.push_back(event.vote);
        if (own.size() > 64) own.erase(own.begin());
        broadcast(i, event.vote);
    }
    void handle(std::size_t i, const ResendVotes& event) {
        if (nodes_[i].byzantine) return;
        resends_ += event.votes.size();
        for (const wire::Vote& vote : event.votes) broadcast(i, vote);
    }
    void handle(std::size_t i, const RequestVotes& event) { broadcast(i, event.request); }
    void handle(std::size_t i, const NeedBlock& event) { ask(i, event.hash); }
    void handle(std::size_t, const Justified&) {}
    void handle(std::size_t i, const Final& event) {
        nodes_[i].finals.push_back(event.checkpoint);
        if (nodes_[i].byzantine) return;
        EXPECT_TRUE(is_ancestor(greatest_final_, event.checkpoint.block) ||
                    is_ancestor(event.checkpoint.block, greatest_final_))
            << "conflicting FINAL at node " << i;
        if (is_ancestor(greatest_final_, event.checkpoint.block))
            greatest_final_ = event.checkpoint.block;
    }
    void handle(std::size_t i, const EvidenceFound& event) {
        ++nodes_[i].evidence_found;
        broadcast(i, event.evidence);
    }
    void handle(std::size_t, const HeadChanged&) {}
    void handle(std::size_t, const KeepBlocks&) {}  // blocks outlive a crash here
    void handle(std::size_t, const AskClocks&) {}
    void handle(std::size_t i, const SayHello&) {
        const auto slot = schedule_.slot_at(local(nodes_[i]));
        if (slot) broadcast(i, Greeting{i, *slot, false});
    }

    void ask(std::size_t i, const Hash& hash) {
        if (nodes_[i].blocks.contains(hash) || hash == params_.chain) return;
        const auto asked = nodes_[i].asked.find(hash);
        if (asked != nodes_[i].asked.end() && now_ - asked->second < params_.block_time / 2) return;
        nodes_[i].asked[hash] = now_;
        broadcast(i, BlockRequest{hash});
    }

    void deliver(const Delivery& delivery) {
        TestNode& node = nodes_[delivery.to];
        if (!node.is_up() || nodes_[delivery.from].group != node.group) return;
        std::visit([&](const auto& kind) { receive(delivery.from, delivery.to, kind); },
                   delivery.message);
        drain(delivery.to);
        if (++deliveries_ % 64 == 0) node.engine->check_invariants();
    }

    void receive(std::size_t, std::size_t to, const wire::Vote& vote) {
        const auto verdict = nodes_[to].engine->handle_vote(local(nodes_[to]), vote);
        EXPECT_NE(verdict, wire::Verdict::punish);
    }
    void receive(std::size_t, std::size_t to, const wire::VoteRequest& request) {
        nodes_[to].engine->handle_vote_request(local(nodes_[to]), request);
    }
    void receive(std::size_t, std::size_t to, const wire::Evidence& evidence) {
        nodes_[to].engine->handle_evidence(local(nodes_[to]), evidence);
    }
    void receive(std::size_t from, std::size_t to, const BlockRequest& request) {
        const auto found = nodes_[to].blocks.find(request.hash);
        if (found != nodes_[to].blocks.end()) send(to, from, found->second);
    }
    void receive(std::size_t, std::size_t to, const Greeting& greeting) {
        TestNode& node = nodes_[to];
        node.engine->handle_clock_sample(local(node), test_identity(greeting.from), greeting.slot);
        const auto slot = schedule_.slot_at(local(node));
        if (slot && !greeting.is_answer) send(to, greeting.from, Greeting{to, *slot, true});
    }
    void receive(std::size_t, std::size_t to, const wire::BlockHeader& header) {
        TestNode& node = nodes_[to];
        const Hash hash = hash_of(header);
        if (node.blocks.contains(hash)) return;
        const bool asked = node.asked.contains(hash);
        auto block = node.engine->verify_header(local(node), header,
                                                asked ? Arrival::requested : Arrival::gossip);
        if (!block) return;
        if (block->parent != params_.chain && !node.blocks.contains(block->parent)) {
            const auto [first, last] = node.orphans.equal_range(block->parent);
            const bool held =
                std::any_of(first, last, [&](const auto& one) { return one.second == header; });
            if (!held) node.orphans.emplace(block->parent, header);
            ask(to, block->parent);
            return;
        }
        node.asked.erase(hash);
        node.blocks[hash] = header;
        (void)node.engine->add_block(local(node), *block);
        const auto [first, last] = node.orphans.equal_range(hash);
        const std::multimap<Hash, wire::BlockHeader> ready(first, last);
        node.orphans.erase(first, last);
        for (const auto& [parent, child] : ready) {
            node.asked[hash_of(child)] = now_;
            receive(to, to, child);
        }
    }

    NetworkOptions options_;
    Params params_;
    ValidatorSet validators_;
    Schedule schedule_;
    base::Random random_;
    std::vector<TestNode> nodes_;
    WallTime now_{};
    WallTime next_round_ = test_start;
    std::multimap<WallTime, Delivery> queue_;
    std::map<const TestNode*, WallTime> woken_;
    std::uint32_t propose_from_ = 0;
    std::uint32_t propose_to_ = 0;
    std::map<Hash, wire::BlockHeader> all_blocks_;
    std::map<std::size_t, std::vector<wire::Vote>> own_votes_;
    std::set<std::pair<std::size_t, std::uint32_t>> own_blocks_;
    Hash greatest_final_ = params_.chain;
    std::function<bool(std::size_t, std::size_t, const Message&)> drop_;
    std::function<void(TestNetwork&)> on_round_;
    std::size_t messages_ = 0;
    std::size_t resends_ = 0;
    std::size_t deliveries_ = 0;
};

}  // namespace meshchain::consensus::test
