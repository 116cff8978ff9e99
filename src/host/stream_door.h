#pragma once
// A node's own radio, on TCP or on a serial port (rows E5, E7): radio/stream_link.h with a port
// that is opened, and opened again after a pause that doubles, half of it random.
//
// Ownership: borrows the io_context and the entropy, which outlive the door.
// Threads:   the io_context's one; the callback is called there.
// Limits:    those of StreamOptions.
// Errors:    open_*() says which setting is wrong and what to do; later faults, such as a radio
//            that is unplugged or serves another program, are in fault() until it is of use again.

#include <functional>
#include <memory>
#include <optional>

#include "base/log.h"
#include "base/random.h"
#include "host/radio_door.h"
#include "host/radio_port.h"
#include "radio/stream_link.h"

namespace meshchain::host {

struct StreamDoorOptions {
    radio::StreamOptions stream;
    base::Duration connect_timeout = std::chrono::seconds(20);
    base::Duration retry_min = std::chrono::seconds(1);
    base::Duration retry_max = std::chrono::minutes(1);
    base::Duration steady_after = std::chrono::minutes(1);  ///< then the pauses start anew
};

class StreamDoor final : public RadioDoor {
public:
    using Opened = std::expected<std::unique_ptr<StreamDoor>, base::Error>;
    /// Connect in the background. Errors: invalid_argument.
    static Opened open_tcp(boost::asio::io_context& context, const TcpRadio& radio,
                           StreamDoorOptions options, base::Entropy& entropy, base::Random random,
                           base::Log log = {});
    static Opened open_serial(boost::asio::io_context& context, const SerialRadio& radio,
                              StreamDoorOptions options, base::Entropy& entropy,
                              base::Random random, base::Log log = {});
    ~StreamDoor() override;

    void on_activity(std::function<void()> callback) override;

    radio::NodeNumber number() const override;
    std::size_t payload_bytes_max() const override;
    bool is_ready() const override;
    std::expected<void, base::Error> send(base::Instant now, base::Bytes payload,
                                          std::uint8_t hop_limit) override;
    std::optional<radio::ReceivedPacket> receive() override;
    std::optional<base::Error> text_fault() const override;
    std::expected<void, base::Error> send_text(base::Instant now, std::string_view text,
                                               std::uint8_t hop_limit) override;
    std::optional<std::string> receive_text() override;
    std::optional<unsigned> take_channel_use_percent(base::Instant now) override;

    std::optional<radio::RadioSetting> setting() const override;

    bool is_up() const override;
    std::optional<base::Error> fault() const override;
    std::vector<Dropped> dropped() const override;
    /// What the radio has said and taken; borrowed.
    const radio::StreamLink& link() const;
    std::uint64_t attempts() const;

    void close() override;

private:
    class Session;
    explicit StreamDoor(std::shared_ptr<Session> session) : session_(std::move(session)) {}

    std::shared_ptr<Session> session_;  ///< pending operations hold it weakly
};

}  // namespace meshchain::host
