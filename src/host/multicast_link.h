#pragma once
// The Meshtastic nodes of a local network that have UDP multicast switched on (row E7): every
// packet of theirs as it is on the air, and what we say as if it came from one. We are a node
// without a radio; those that have one put our packets on their air.
//
// Ownership: borrows the io_context and the entropy, which outlive the link.
// Threads:   the io_context's one; the callback is called there.
// Limits:    those of VirtualRadioOptions; datagrams of 2,048 bytes, more than any packet has.
// Errors:    open() says which setting is wrong and what to do; later faults lose the datagram
//            and are in fault() until one leaves again. What is of no use is counted by its reason.
// Source:    firmware 2.7.26, UdpMulticastHandler.h.
// Format:    docs/formats/meshtastic.md

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "host/radio_door.h"
#include "radio/virtual_radio.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

struct MulticastOptions {
    std::string group = "224.0.0.69";
    std::uint16_t port = 4403;
    /// IPv4 address of the interface that the radios are on; empty: the system's choice.
    std::string interface = {};
    radio::VirtualRadioOptions radio;
};

class MulticastLink final : public RadioDoor {
public:
    /// Errors: invalid_argument, too_large, and those of UdpLink::open.
    static std::expected<std::unique_ptr<MulticastLink>, base::Error> open(
        boost::asio::io_context& context, MulticastOptions options, base::Entropy& entropy,
        base::Log log = {});
    ~MulticastLink() override;

    void on_activity(std::function<void()> callback) override;

    radio::NodeNumber number() const override;
    std::size_t payload_bytes_max() const override { return radio::payload_bytes_max; }
    bool is_ready() const override;
    /// Errors beside those of the door: unavailable (closed), too_large.
    std::expected<void, base::Error> send(base::Instant now, base::Bytes payload,
                                          std::uint8_t hop_limit) override;
    std::optional<radio::ReceivedPacket> receive() override;
    std::optional<base::Error> text_fault() const override;
    std::expected<void, base::Error> send_text(base::Instant now, std::string_view text,
                                               std::uint8_t hop_limit) override;
    std::optional<std::string> receive_text() override;
    /// Never: a cable is not busy, and what others say of their air anybody can write.
    std::optional<unsigned> take_channel_use_percent(base::Instant now) override;

    /// The last datagram left.
    bool is_up() const override;
    /// Why it did not.
    std::optional<base::Error> fault() const override;
    std::vector<Dropped> dropped() const override;
    struct Stats {
        std::uint64_t sent = 0;      ///< datagrams
        std::uint64_t received = 0;  ///< from the group, whatever they were
        std::uint64_t unicast = 0;   ///< to us alone, which radios never send: dropped
    };
    const Stats& stats() const;
    const radio::VirtualRadio::Stats& radio_stats() const;

    void close() override;

private:
    class Session;
    explicit MulticastLink(std::shared_ptr<Session> session) : session_(std::move(session)) {}

    std::shared_ptr<Session> session_;  ///< pending operations hold it weakly
};

}  // namespace meshchain::host
