#pragma once
// One sender and some receivers on air that loses packets: Outbox and Reassembly without airtime,
// for tests and benchmarks of what a message costs.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "radio/outbox.h"
#include "radio/packet.h"
#include "radio/reassembly.h"

namespace meshchain::radio::test {

/// Each receiver loses packets by chance.
struct LossyAir {
    static constexpr NodeNumber sender{7};
    static constexpr base::Instant start{std::chrono::hours(1)};

    struct Receiver {
        Reassembly reassembly;
        std::optional<base::Buffer> got;
    };
    LossyAir(std::uint64_t seed, std::size_t count, unsigned loss_percent)
        : random(seed), loss(loss_percent), outbox(OutboxLimits{}) {
        for (std::size_t i = 0; i < count; ++i) {
            receivers.push_back({Reassembly({}, random.stream(std::to_string(i))), {}});
        }
    }

    bool arrives() { return !random.chance(loss, 100); }
    bool is_done() const {
        return std::ranges::all_of(receivers, [](const Receiver& r) { return r.got.has_value(); });
    }
    /// Sends what is ready, one packet a second; returns when all have it, or nothing more comes.
    void run() {
        for (base::Instant now = start; !is_done() && now < start + std::chrono::hours(2);
             now += std::chrono::seconds(1)) {
            for (std::size_t i = 0; i < receivers.size(); ++i) speak(now, i);
            if (!outbox.next(now)) continue;
            const base::Buffer packet_bytes = outbox.take(now).packet;
            air_bytes += packet_bytes_of(packet_bytes.size());
            const auto packet = parse_packet(packet_bytes);
            for (Receiver& receiver : receivers) {
                if (!arrives()) continue;
                auto joined =
                    receiver.reassembly.handle_piece(now, sender, std::get<Piece>(*packet));
                if (joined) receiver.got = std::move(joined->bytes);
            }
        }
    }
    void speak(base::Instant now, std::size_t speaker) {
        const auto wish = receivers[speaker].reassembly.poll_wish(now);
        if (!wish) return;
        ++wishes;
        air_bytes += packet_bytes_of(encode(*wish).size());
        if (arrives()) outbox.handle_wish(now, wish->transfer, wish->missing);
        for (std::size_t i = 0; i < receivers.size(); ++i) {
            if (i != speaker && arrives()) receivers[i].reassembly.handle_wish(now, *wish);
        }
    }

    base::Random random;
    unsigned loss;
    Outbox outbox;
    std::vector<Receiver> receivers;
    std::size_t air_bytes = 0;
    std::size_t wishes = 0;
};

}  // namespace meshchain::radio::test
