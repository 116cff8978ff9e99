// A message of 4 KB to one neighbour whose radio loses 30 % of all packets (row E6), beside plain
// repeat requests. Counted are whole LoRa frames, requests included, as a share of the message.

#include <cstdint>
#include <limits>

#include "base/assert.h"
#include "base/random.h"
#include "bench/random_bytes.h"
#include "bench/workloads.h"
#include "radio/test_lossy_air.h"

namespace meshchain::bench {
namespace {

constexpr std::size_t message_bytes = 4096;
constexpr unsigned loss_percent = 30;
constexpr double target = 1.95;
constexpr int seeds = 60;

double cost_of_ours(std::uint64_t seed) {
    radio::test::LossyAir air(seed, 1, loss_percent);
    base::Random random(seed);
    const base::Buffer payload = random_bytes(random, message_bytes);
    const auto taken =
        air.outbox.submit(radio::test::LossyAir::start, radio::Priority::sync, 3,
                          {.type = wire::MessageType::block, .origin = {}, .payload = payload});
    MESH_ASSERT(taken.has_value());
    air.run();
    // Some receivers give up: what they never got costs more than anything.
    if (air.receivers[0].got != payload) return std::numeric_limits<double>::infinity();
    return static_cast<double>(air.air_bytes) / message_bytes;
}

/// As many packets, each said until it has arrived: one question names all that lack, is as short
/// as ours, and is asked again when it or all that it asked for got lost.
double cost_of_repeats(std::uint64_t seed) {
    constexpr std::size_t header = 7;
    constexpr std::size_t question = header + 3;  // a bit for each packet
    const std::size_t room = radio::payload_bytes_max - header;
    const std::size_t packets = (message_bytes + room - 1) / room;
    base::Random random(seed);
    std::size_t lacking = packets;
    std::size_t bytes = 0;
    while (true) {
        std::size_t left = 0;
        for (std::size_t i = 0; i < lacking; ++i) {
            bytes += radio::packet_bytes_of(header + message_bytes / packets);
            left += random.chance(loss_percent, 100);
        }
        lacking = left;
        if (lacking == 0) return static_cast<double>(bytes) / message_bytes;
        do bytes += radio::packet_bytes_of(question);
        while (random.chance(loss_percent, 100));
    }
}

}  // namespace

void transfer_workloads(Report& report) {
    std::uint64_t seed = 0;
    const auto ours = [&] { return cost_of_ours(seed++); };
    std::uint64_t of_repeats = 0;
    report.compare({"air_4k_30_lost", "x", "plain-repeats", Better::lower, seeds}, ours,
                   [&] { return cost_of_repeats(of_repeats++); });
    seed = 0;
    report.against_target({"air_4k_30_lost_target", "x", {}, Better::lower, seeds}, target, ours);
}

}  // namespace meshchain::bench
