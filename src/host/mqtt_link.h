#pragma once
// A Meshtastic network reached through an MQTT broker (row E3): we are a node without a radio, and
// whatever gateways subscribe to the same channels put our packets on their air.
//
// libmosquitto speaks MQTT, driven by asio: no thread of its own. A lost connection is made again
// after a pause that doubles, half of it random. What waited to leave is lost with the connection.
// Each has a random client id, so that nobody can take it over.
//
// Ownership: borrows the io_context and the entropy, which outlive the link.
// Threads:   the io_context's one; the callback is called there.
// Limits:    those of VirtualRadioOptions and MqttOptions. A message of more than message_bytes_max
//            ends the connection, wherever the broker draws the line.
// Errors:    open() says which setting is wrong and what to do; later faults are in fault() until
//            the connection stands again. What others publish is counted by why it is dropped.
// Format:    docs/formats/meshtastic.md

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/random.h"
#include "host/radio_door.h"
#include "radio/virtual_radio.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

struct MqttOptions {
    std::string host = "127.0.0.1";  ///< a name or an address
    std::uint16_t port = 1883;       ///< 8883 where it is TLS
    std::string user = {};           ///< empty: nobody
    std::string password = {};
    std::string root = "msh";  ///< of all topics: "msh/EU_868"
    bool tls = false;
    std::filesystem::path authority = {};  ///< PEM; empty: what the system trusts
    radio::VirtualRadioOptions radio = {};
    base::Duration keep_alive = std::chrono::seconds(60);  ///< 5 s at least
    base::Duration connect_timeout = std::chrono::seconds(30);
    base::Duration retry_min = std::chrono::seconds(1);
    base::Duration retry_max = std::chrono::minutes(5);
    base::Duration steady_after = std::chrono::minutes(1);  ///< then the pauses start anew
    std::size_t unsent_max = 8;  ///< packets that the broker has not taken
};

class MqttLink final : public RadioDoor {
public:
    static constexpr std::size_t message_bytes_max = 262'144;

    /// Connects in the background. Errors: invalid_argument, too_large, and for TLS those of
    /// MqttTls::open.
    static std::expected<std::unique_ptr<MqttLink>, base::Error> open(
        boost::asio::io_context& context, MqttOptions options, base::Entropy& entropy,
        base::Random random, base::Log log = {});
    ~MqttLink() override;

    void on_activity(std::function<void()> callback) override;

    radio::NodeNumber number() const override;
    std::size_t payload_bytes_max() const override { return radio::payload_bytes_max; }
    bool is_ready() const override;
    /// Errors beside those of the door: unavailable (not connected), too_large.
    std::expected<void, base::Error> send(base::Instant now, base::Bytes payload,
                                          std::uint8_t hop_limit) override;
    std::optional<radio::ReceivedPacket> receive() override;
    std::optional<base::Error> text_fault() const override;
    std::expected<void, base::Error> send_text(base::Instant now, std::string_view text,
                                               std::uint8_t hop_limit) override;
    std::optional<std::string> receive_text() override;
    /// Never: a broker has no air, and what radios behind it say of theirs anybody can write.
    std::optional<unsigned> take_channel_use_percent(base::Instant now) override;

    /// Connected and subscribed.
    bool is_up() const override;
    std::optional<base::Error> fault() const override;
    std::vector<Dropped> dropped() const override;
    struct Stats {
        std::uint64_t connections = 0;  ///< that came to stand
        std::uint64_t attempts = 0;
        std::uint64_t published = 0;
        std::uint64_t messages = 0;  ///< received, whatever they were
        std::uint64_t retained = 0;  ///< of these, kept by the broker from who knows when: dropped
        std::uint64_t oversized = 0;
    };
    const Stats& stats() const;
    const radio::VirtualRadio::Stats& radio_stats() const;

    /// Says goodbye as well.
    void close() override;

private:
    class Session;
    explicit MqttLink(std::shared_ptr<Session> session) : session_(std::move(session)) {}

    std::shared_ptr<Session> session_;  ///< pending operations hold it weakly
};

}  // namespace meshchain::host
