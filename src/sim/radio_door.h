#pragma once
// The door of a program to its radio on a simulated air.
//
// Ownership: the mesh and the watch outlive it.
// Limits:    waiting_max packets, like the radio's queue to its program; more are lost.

#include <deque>
#include <functional>

#include "radio/packet_link.h"
#include "sim/airtime_watch.h"
#include "sim/lora_mesh.h"

namespace meshchain::sim {

class RadioDoor final : public radio::PacketLink {
public:
    static constexpr std::size_t waiting_max = 32;
    /// How often a radio tells how busy the channel is.
    static constexpr base::Duration telemetry = std::chrono::minutes(1);

    /// `now`: the world's time, which a machine's clock does not show.
    RadioDoor(LoraMesh& mesh, AirtimeWatch& watch, const radio::Modulation& modulation,
              std::size_t index, std::function<base::Instant()> now);

    radio::NodeNumber number() const override { return number_of(index_); }
    std::size_t payload_bytes_max() const override { return radio::payload_bytes_max; }
    /// As a careful client of the stream API has it: no packet of its own waits in the radio, from
    /// where it could not be taken back, and there is room.
    bool is_ready() const override;
    std::expected<void, base::Error> send(base::Instant now, base::Bytes payload,
                                          std::uint8_t hop_limit) override;
    std::optional<radio::ReceivedPacket> receive() override;
    std::optional<unsigned> take_channel_use_percent(base::Instant now) override;

    void arrive(const LoraMesh::Delivery& delivery);
    /// Sees every packet that is handed over.
    std::function<void(base::Bytes payload)> on_sent = [](base::Bytes) {};
    /// No hour had more than the watch allows.
    bool is_within_budget() const { return is_within_budget_; }

    static radio::NodeNumber number_of(std::size_t index) {
        return radio::NodeNumber{static_cast<std::uint32_t>(index) + 1};
    }

private:
    LoraMesh& mesh_;
    AirtimeWatch& watch_;
    radio::Modulation modulation_;
    std::size_t index_;
    std::function<base::Instant()> now_;
    std::deque<LoraMesh::Delivery> waiting_;
    std::shared_ptr<const base::Buffer> borrowed_;
    std::optional<base::Instant> told_;
    bool is_within_budget_ = true;
};

}  // namespace meshchain::sim
