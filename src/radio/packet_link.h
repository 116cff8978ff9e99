#pragma once
// Door to a radio, however it is reached (stream API, MQTT, multicast, a simulated one): packets of
// our port, decrypted and without Meshtastic's envelope. They are for everybody in reach; the
// radios themselves pass them on, as far as their hop limit goes.

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "radio/lora.h"
#include "radio/packet.h"

namespace meshchain::radio {

struct ReceivedPacket {
    NodeNumber from{};           ///< as claimed
    std::uint8_t hop_limit = 0;  ///< that is left
    /// Radios that passed it on, as claimed; nothing: not known.
    std::optional<std::uint8_t> hops = {};
    base::Bytes payload;  ///< borrows until the next receive()
};

/// What a radio is set to, as it says itself.
struct RadioSetting {
    Modulation modulation;
    unsigned duty_permille = 1000;  ///< its region's law; 1000: none, or none that we know
    friend bool operator==(const RadioSetting&, const RadioSetting&) = default;
};

class PacketLink {
public:
    virtual ~PacketLink() = default;
    /// Of the radio that we send through.
    virtual NodeNumber number() const = 0;
    virtual std::size_t payload_bytes_max() const = 0;
    /// Whether it takes a packet now: what we gave it before has left.
    virtual bool is_ready() const = 0;
    /// Errors: unavailable (it is not ready, or is down), full, too_large, io. The packet is lost
    /// then.
    virtual std::expected<void, base::Error> send(base::Instant now, base::Bytes payload,
                                                  std::uint8_t hop_limit) = 0;
    virtual std::optional<ReceivedPacket> receive() = 0;
    /// How busy the channel is, if the radio has said so since the last call.
    virtual std::optional<unsigned> take_channel_use_percent(base::Instant now) = 0;
    /// Nothing: there is no radio that could say.
    virtual std::optional<RadioSetting> setting() const { return std::nullopt; }

    // Plain texts for people (row E10), on a channel that may be another than that of the packets.
    /// Why none can be said here; nothing: they can.
    virtual std::optional<base::Error> text_fault() const {
        return base::Error{base::Errc::unsupported, "no channel for texts is set", "radio", ""};
    }
    /// Asks for is_ready(), and loses what it does not take, as send().
    /// Errors: those of send(), and text_fault().
    virtual std::expected<void, base::Error> send_text(base::Instant, std::string_view,
                                                       std::uint8_t) {
        return std::unexpected(*text_fault());
    }
    /// What others said on that channel, as they said it.
    virtual std::optional<std::string> receive_text() { return std::nullopt; }
};

}  // namespace meshchain::radio
