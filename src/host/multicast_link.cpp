#include "host/multicast_link.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/assert.h"
#include "host/activity.h"
#include "host/monotonic.h"
#include "host/packet_cipher.h"
#include "host/udp_link.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;

constexpr std::size_t datagram_bytes_max = 2'048;
/// Datagrams of one turn: a flood has to let others have theirs.
constexpr int datagrams_a_turn = 64;

}  // namespace

class MulticastLink::Session : public std::enable_shared_from_this<MulticastLink::Session> {
public:
    Session(asio::io_context& context, std::unique_ptr<UdpLink> udp, radio::VirtualRadio radio,
            base::Log log)
        : udp_(std::move(udp)),
          radio_(std::move(radio)),
          timer_(context),
          activity_(context, [this] { return radio_.has_received(); }),
          log_(log) {}

    void start();
    void flush();
    void close();

    std::unique_ptr<UdpLink> udp_;
    radio::VirtualRadio radio_;
    asio::steady_timer timer_;
    Activity activity_;
    base::Log log_;
    std::optional<base::Error> fault_;
    Stats stats_;
    bool is_closed_ = false;

private:
    void read();
    /// NodeInfo, when it is due.
    void look_around();

    std::array<std::byte, datagram_bytes_max> buffer_{};
};

void MulticastLink::Session::start() {
    udp_->on_readable([this] { read(); });
    radio_.handle_up(monotonic_now());
    log_.info("multicast as " + to_text(radio_.number()));
    look_around();
}

void MulticastLink::Session::read() {
    const base::Instant now = monotonic_now();
    for (int i = 0; i < datagrams_a_turn; ++i) {
        const auto datagram = udp_->receive(buffer_);
        if (!datagram) break;
        if (!datagram->multicast) {
            ++stats_.unicast;
            continue;
        }
        ++stats_.received;
        radio_.handle_packet(now, base::Bytes(buffer_).first(datagram->bytes));
    }
    look_around();
    if (radio_.has_received()) activity_.raise(weak_from_this());
}

void MulticastLink::Session::look_around() {
    const base::Instant now = monotonic_now();
    if (now >= radio_.poll_timeout()) radio_.handle_timeout(now);
    flush();
    timer_.expires_at(to_steady(radio_.poll_timeout()));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && !self->is_closed_) self->look_around();
    });
}

void MulticastLink::Session::flush() {
    while (const auto departure = radio_.poll_departure()) {
        const auto bytes = encode(departure->packet);
        MESH_ASSERT(bytes.has_value());  // its content was checked
        auto sent = udp_->send(std::nullopt, *bytes);
        if (sent) {
            ++stats_.sent;
            fault_.reset();
            continue;
        }
        if (!fault_) log_.warning(sentence(sent.error()));
        fault_ = std::move(sent).error();
    }
}

void MulticastLink::Session::close() {
    if (std::exchange(is_closed_, true)) return;
    udp_->close();
    radio_.handle_down();
    activity_.clear();
    timer_.cancel();
}

std::expected<std::unique_ptr<MulticastLink>, base::Error> MulticastLink::open(
    asio::io_context& context, MulticastOptions options, base::Entropy& entropy, base::Log log) {
    static const PacketCipher cipher;
    MESH_TRY(radio::VirtualRadio radio,
             radio::VirtualRadio::create(std::move(options.radio), cipher, entropy));
    if (options.port == 0) {
        return base::failure(base::Errc::invalid_argument, "port 0", "multicast",
                             "use the radios', which is 4403");
    }
    // From the interface's own address, so that nothing else reaches this socket.
    MESH_TRY(auto udp,
             UdpLink::open(context,
                           {.address = options.interface.empty() ? "0.0.0.0" : options.interface,
                            .port = 0,
                            .multicast = true,
                            .group = options.group,
                            .group_port = options.port,
                            .interface = options.interface}));
    auto session = std::make_shared<Session>(context, std::move(udp), std::move(radio),
                                             log.for_module("radio"));
    session->start();
    return std::unique_ptr<MulticastLink>(new MulticastLink(std::move(session)));
}

MulticastLink::~MulticastLink() { session_->close(); }

void MulticastLink::on_activity(std::function<void()> callback) {
    session_->activity_.set(std::move(callback));
}

radio::NodeNumber MulticastLink::number() const { return session_->radio_.number(); }

bool MulticastLink::is_ready() const {
    return !session_->is_closed_ && !session_->radio_.is_full();
}

std::expected<void, base::Error> MulticastLink::send(base::Instant, base::Bytes payload,
                                                     std::uint8_t hop_limit) {
    MESH_CHECK(session_->radio_.send(payload, hop_limit));
    session_->flush();
    if (session_->fault_) return std::unexpected(*session_->fault_);
    return {};
}

std::optional<radio::ReceivedPacket> MulticastLink::receive() { return session_->radio_.receive(); }

std::optional<base::Error> MulticastLink::text_fault() const {
    return session_->radio_.text_fault();
}

std::expected<void, base::Error> MulticastLink::send_text(base::Instant, std::string_view text,
                                                          std::uint8_t hop_limit) {
    MESH_CHECK(session_->radio_.send_text(text, hop_limit));
    session_->flush();
    if (session_->fault_) return std::unexpected(*session_->fault_);
    return {};
}

std::optional<std::string> MulticastLink::receive_text() { return session_->radio_.receive_text(); }

std::optional<unsigned> MulticastLink::take_channel_use_percent(base::Instant) {
    return std::nullopt;
}

bool MulticastLink::is_up() const { return !session_->is_closed_ && !session_->fault_; }

std::optional<base::Error> MulticastLink::fault() const { return session_->fault_; }

std::vector<RadioDoor::Dropped> MulticastLink::dropped() const {
    return dropped_of<radio::VirtualRadio::Drop>(radio_stats().dropped);
}

const MulticastLink::Stats& MulticastLink::stats() const { return session_->stats_; }

const radio::VirtualRadio::Stats& MulticastLink::radio_stats() const {
    return session_->radio_.stats();
}

void MulticastLink::close() { session_->close(); }

}  // namespace meshchain::host
