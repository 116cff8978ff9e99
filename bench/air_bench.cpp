// A block of 20 transactions said on the air to ten receivers that know 95 % of them: whole nodes
// with radios in one simulated room, beside plain repeat requests in the same room.
//
// Counted is every packet about the block on LONG_FAST with Meshtastic's header and what encodes
// ours (radio::packet_bytes_of), as the simulator counts: what is said and what radios pass on.
// Ours ends when all have applied the block, and nothing of it is on its way any more.

#include <algorithm>
#include <limits>
#include <set>

#include "base/assert.h"
#include "base/random.h"
#include "bench/workloads.h"
#include "radio/packet.h"
#include "sim/village.h"
#include "wire/air_question.h"

namespace meshchain::bench {
namespace {

constexpr std::size_t receivers = 10;
constexpr std::size_t transactions = 20;
constexpr std::size_t lacking = transactions / 20;  ///< by each receiver
constexpr int seeds = 60;
/// As long as the leader's budget takes for all of these transactions and the block.
constexpr base::Duration slot = std::chrono::minutes(60);
constexpr base::Duration pay_every = std::chrono::seconds(75);
/// What is on its way when the last has it counts as well.
constexpr base::Duration afterwards = std::chrono::minutes(5);
/// Behind the leaders' turns, so that nothing is proposed before the next slot.
constexpr base::Duration pay_from = slot - pay_every * static_cast<int>(transactions + 1);

/// Machine 0 leads and pays; everybody else only hears.
class Room {
public:
    explicit Room(std::uint64_t seed)
        : village_(scenario(), seed, nullptr, genesis(seed)), random_(seed) {
        auto& mesh = world().air()->mesh();
        mesh.medium().hears = [this](std::size_t to, std::size_t) { return !deaf_.contains(to); };
        mesh.on_air = [this](base::Bytes payload, std::size_t bytes, bool) {
            count(payload, bytes);
        };
        for (std::size_t i = 0; i <= receivers; ++i) {
            MESH_ASSERT(world().switch_on(i).has_value());
        }
    }

    /// Bytes on the air; more than any run takes where some have not got it when the next is due.
    double run(unsigned loss_percent) {
        world().run_until(village_.genesis_time() + pay_from);
        pay_all();
        world().run_until(village_.genesis_time() + slot - std::chrono::milliseconds(1));
        MESH_ASSERT(!has_applied(0));
        world().air()->set_loss(10 * loss_percent);
        is_counting_ = true;
        const base::Instant end = village_.genesis_time() + 2 * slot - std::chrono::seconds(1);
        while (!all_have_it()) {
            if (world().now() >= end) return std::numeric_limits<double>::infinity();
            world().run_until(world().now() + std::chrono::milliseconds(500));
        }
        world().run_until(world().now() + afterwards);
        return static_cast<double>(bytes_);
    }

private:
    static sim::Scenario scenario() {
        sim::Scenario scenario;
        scenario.stakes.assign(1, 100);
        scenario.relays = receivers;
        scenario.disk = sim::DiskKind::memory;
        scenario.block_time_ms = static_cast<std::uint32_t>(slot / std::chrono::milliseconds(1));
        scenario.slots_per_round = 2;
        scenario.air = sim::AirOptions{};
        return scenario;
    }
    /// The leader has a coin for each payment.
    static ledger::Genesis genesis(std::uint64_t seed) {
        sim::Village poor(scenario(), seed);
        ledger::Genesis genesis = poor.genesis();
        const auto& payee = poor.node(0).credentials().payee();
        const auto own = *std::ranges::find(genesis.allocations, payee, &ledger::Allocation::owner);
        genesis.allocations.insert(genesis.allocations.end(), transactions, own);
        ledger::sort_canonically(genesis);
        return genesis;
    }
    sim::World& world() { return village_.world(); }
    bool has_applied(std::size_t machine) {
        const auto& node = village_.node(machine).node();
        return node.status(world().time_of(machine)).height.value > 0;
    }
    bool all_have_it() {
        for (std::size_t i = 0; i <= receivers; ++i) {
            if (!has_applied(i)) return false;
        }
        return true;
    }
    /// Each receiver misses as many of them, whichever.
    void pay_all() {
        std::vector<std::set<std::size_t>> deaf(transactions);
        for (std::size_t machine = 1; machine <= receivers; ++machine) {
            for (std::size_t i = 0; i < lacking; ++i) {
                while (!deaf[random_.below(transactions)].insert(machine).second) {
                }
            }
        }
        for (std::size_t i = 0; i < transactions; ++i) {
            deaf_ = deaf[i];
            const auto paid = village_.node(0).node().pay(
                world().time_of(0), village_.node(1).credentials().payee(), {1 + i}, std::nullopt);
            MESH_ASSERT(paid.has_value());
            world().wake(0);
            world().run_until(world().now() + pay_every);
        }
        deaf_.clear();
    }
    void count(base::Bytes payload, std::size_t bytes) {
        const auto parsed = radio::parse_packet(payload);
        if (!is_counting_ || !parsed) return;
        using enum wire::MessageType;
        const auto type = std::visit([](const auto& kind) { return kind.type; }, *parsed);
        if (type == status || type == peer_info || type == short_vote || type == block_ack) return;
        bytes_ += bytes;
    }

    sim::Village village_;
    base::Random random_;
    std::set<std::size_t> deaf_;
    bool is_counting_ = false;
    std::size_t bytes_ = 0;
};

/// Somebody who lacks it asks, by a question as short as ours, and all hear it said again, until
/// everybody has it who shall. The best case of asking again: nobody asks or answers twice, nothing
/// collides and no radio passes anything on.
class PlainRepeats {
public:
    PlainRepeats(std::uint64_t seed, unsigned loss_percent) : random_(seed), loss_(loss_percent) {}

    std::size_t run() {
        // In two pieces of one length.
        constexpr std::size_t announcement =
            wire::BlockHeader::size + 2 + transactions * wire::BlockAnnouncement::short_id_bytes;
        constexpr std::size_t half = (announcement + 1) / 2 + header;
        for (int piece = 0; piece < 2; ++piece) {
            std::size_t lack = receivers;
            say(half, lack);
            repeat(half, lack);
        }
        std::vector<std::size_t> lack(transactions);
        for (std::size_t i = 0; i < receivers * lacking; ++i) ++lack[random_.below(transactions)];
        for (const std::size_t by : lack) repeat(wire::CompactTransfer::size + header, by);
        return bytes_;
    }

private:
    static constexpr std::size_t header = 3;  ///< of ours in each packet

    bool is_lost() { return random_.chance(loss_, 100); }
    void say(std::size_t payload_bytes, std::size_t& lack) {
        bytes_ += radio::packet_bytes_of(payload_bytes);
        std::size_t left = 0;
        for (std::size_t i = 0; i < lack; ++i) left += is_lost();
        lack = left;
    }
    void repeat(std::size_t payload_bytes, std::size_t lack) {
        while (lack > 0) {
            bytes_ += radio::packet_bytes_of(wire::air_question_bytes_min + 1 + header);
            if (!is_lost()) say(payload_bytes, lack);
        }
    }

    base::Random random_;
    unsigned loss_;
    std::size_t bytes_ = 0;
};

}  // namespace

void air_workloads(Report& report) {
    struct Case {
        std::string_view name;
        std::string_view target_name;
        unsigned loss_percent;
        double target_bytes;
    };
    for (const Case& one : {Case{"air_block_20_lost", "air_block_20_lost_target", 20, 1200},
                            Case{"air_block_30_lost", "air_block_30_lost_target", 30, 1550}}) {
        if (!report.wants(one.name) && !report.wants(one.target_name)) continue;
        std::vector<double> ours;
        for (int seed = 0; seed <= seeds; ++seed) {
            ours.push_back(Room(static_cast<std::uint64_t>(seed)).run(one.loss_percent));
        }
        std::size_t at = 0;
        const auto next = [&] { return ours[at++ % ours.size()]; };
        std::uint64_t seed = 0;
        const auto plain = [&] {
            return static_cast<double>(PlainRepeats(seed++, one.loss_percent).run());
        };
        report.compare({one.name, "B", "plain-repeats", Better::lower, seeds}, next, plain);
        at = 0;
        report.against_target({one.target_name, "B", {}, Better::lower, seeds}, one.target_bytes,
                              next);
    }
}

}  // namespace meshchain::bench
