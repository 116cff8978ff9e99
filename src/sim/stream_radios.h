#pragma once
// Radios with a client each on one simulated LoRa medium: what the radio's half of the stream API
// (radio/stream_radio.h) queues goes on the air, and comes out at the others. They all have the
// same channels, so that none needs a key.
//
// Time:   handed in, never falling; starts at 0.
// Limits: radios_max radios; each keeps what StreamRadio keeps.

#include <expected>
#include <string>

#include "base/error.h"
#include "radio/stream_radio.h"
#include "sim/lora_mesh.h"

namespace meshchain::sim {

class StreamRadios {
public:
    static constexpr std::size_t radios_max = 64;
    static constexpr base::Duration metrics_every = std::chrono::minutes(1);

    struct Options {
        std::size_t radios = 2;
        radio::Preset preset = radio::Preset::long_fast;
        bool is_line = false;  ///< each hears its neighbours only; otherwise all hear all
        unsigned loss_permille = 0;
        std::uint64_t seed = 1;
        std::string channel = {};  ///< a second one; empty: only that of the preset
    };
    /// Errors: invalid_argument (which option of `meshchain radio simulate`, why, what to choose).
    static std::expected<void, base::Error> check(const Options& options);

    /// Asserts what check() allows.
    explicit StreamRadios(const Options& options);
    StreamRadios(const StreamRadios&) = delete;  // the mesh calls it
    StreamRadios& operator=(const StreamRadios&) = delete;

    std::size_t size() const { return radios_.size(); }
    const radio::StreamRadio& radio(std::size_t index) const { return at(index).radio; }
    static radio::NodeNumber number_of(std::size_t index);

    /// A client has come to this radio, in the place of any other.
    void handle_open(std::size_t index) { at(index).radio.handle_open(); }
    void handle_bytes(base::Instant now, std::size_t index, base::Bytes bytes);
    base::Buffer poll_bytes(std::size_t index) { return at(index).radio.poll_bytes(); }

    base::Instant poll_timeout() const { return std::min(mesh_.poll_timeout(), metrics_at_); }
    void handle_timeout(base::Instant now);

    const LoraMesh::Counts& counts() const { return mesh_.counts(); }
    base::Duration airtime(std::size_t index) const { return mesh_.airtime(index); }

private:
    struct OnAir {
        radio::StreamRadio radio;
        bool is_handed = false;  ///< the first of its queue is in the mesh
    };

    OnAir& at(std::size_t index) { return radios_.at(index); }
    const OnAir& at(std::size_t index) const { return radios_.at(index); }
    void deliver(const LoraMesh::Delivery& delivery);
    /// What has left makes room, and the next follows: one after the other, as in a real radio.
    void pump(base::Instant now, std::size_t index);
    void say_metrics(base::Instant now);

    LoraMesh mesh_;
    std::vector<OnAir> radios_;
    base::Instant metrics_at_{metrics_every};
};

}  // namespace meshchain::sim
