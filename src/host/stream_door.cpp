#include "host/stream_door.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/utf8.h"
#include "host/activity.h"
#include "host/backoff.h"
#include "host/monotonic.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using MakePort = std::function<std::shared_ptr<RadioPort>()>;

constexpr std::size_t read_bytes = 2'048;

}  // namespace

class StreamDoor::Session : public std::enable_shared_from_this<StreamDoor::Session> {
public:
    Session(asio::io_context& context, StreamDoorOptions options, std::string place,
            MakePort make_port, base::Entropy& entropy, base::Random random, base::Log log)
        : options_(std::move(options)),
          place_(std::move(place)),
          make_port_(std::move(make_port)),
          timer_(context),
          link_(options_.stream, entropy),
          backoff_(options_.retry_min, options_.retry_max, random),
          log_(log),
          activity_(context, [this] { return link_.has_received(); }) {}

    void connect();
    void close();
    /// After anything that may have changed what is to be done.
    void look_around();

    StreamDoorOptions options_;
    std::string place_;  ///< of the radio, for texts
    MakePort make_port_;
    asio::steady_timer timer_;
    radio::StreamLink link_;
    Backoff backoff_;
    base::Log log_;
    Activity activity_;
    std::optional<base::Error> port_fault_;
    std::uint64_t attempts_ = 0;

private:
    enum class State : std::uint8_t { waiting, opening, open, closed };

    /// A function that does nothing once this connection is over.
    template <class Function>
    auto here(Function function) {
        return [weak = weak_from_this(), serial = serial_, function](auto... arguments) {
            const auto self = weak.lock();
            if (self && self->serial_ == serial) function(*self, std::move(arguments)...);
        };
    }
    void handle_opened(std::optional<base::Error> error);
    void read();
    void flush();
    void handle_timer();
    void arm();
    void hang_up(std::optional<base::Error> error);
    void note_fault();

    State state_ = State::waiting;
    std::uint64_t serial_ = 0;
    std::shared_ptr<RadioPort> port_;
    std::array<std::byte, read_bytes> buffer_{};
    bool is_writing_ = false;
    bool was_ready_ = false;
    bool was_up_ = false;
    base::Instant up_since_{};
    base::Instant deadline_{};
    base::Instant retry_at_{};
    std::string told_;  ///< the last fault in the log
};

void StreamDoor::Session::connect() {
    ++attempts_;
    ++serial_;
    state_ = State::opening;
    deadline_ = monotonic_now() + options_.connect_timeout;
    port_ = make_port_();
    arm();
    port_->open(here([](Session& self, std::optional<base::Error> error) {
        self.handle_opened(std::move(error));
    }));
}

void StreamDoor::Session::handle_opened(std::optional<base::Error> error) {
    if (error) return hang_up(std::move(error));
    port_fault_.reset();
    state_ = State::open;
    link_.handle_open(monotonic_now());
    read();
    look_around();
}

void StreamDoor::Session::read() {
    port_->read(buffer_, here([](Session& self, std::size_t bytes) {
                    if (bytes == 0) return self.hang_up(std::nullopt);
                    self.link_.handle_bytes(monotonic_now(),
                                            base::Bytes(self.buffer_).first(bytes));
                    const std::uint64_t serial = self.serial_;
                    self.look_around();
                    if (self.serial_ == serial) self.read();
                }));
}

void StreamDoor::Session::flush() {
    if (is_writing_ || !port_) return;
    base::Buffer bytes = link_.poll_bytes();
    if (bytes.empty()) return;
    is_writing_ = true;
    port_->write(std::move(bytes), here([](Session& self, bool is_written) {
                     self.is_writing_ = false;
                     if (!is_written) return self.hang_up(std::nullopt);
                     self.flush();
                 }));
}

void StreamDoor::Session::look_around() {
    if (state_ != State::open) return;
    const base::Instant now = monotonic_now();
    if (now >= link_.poll_timeout()) link_.handle_timeout(now);
    if (link_.is_lost()) return hang_up(std::nullopt);
    flush();
    if (link_.is_up() && !was_up_) {
        up_since_ = now;
        told_.clear();
        log_.info("the radio at " + place_ + " is " + to_text(link_.number()));
    }
    was_up_ = link_.is_up();
    note_fault();
    if (link_.has_received() || link_.is_ready() != was_ready_) activity_.raise(weak_from_this());
    was_ready_ = link_.is_ready();
    arm();
}

void StreamDoor::Session::hang_up(std::optional<base::Error> error) {
    const base::Instant now = monotonic_now();
    if (was_up_ && now - up_since_ >= options_.steady_after) backoff_.reset();
    ++serial_;
    if (port_) port_->close();
    port_.reset();
    is_writing_ = was_ready_ = was_up_ = false;
    link_.handle_close(now);
    port_fault_ = std::move(error);
    state_ = State::waiting;
    retry_at_ = now + backoff_.next();
    note_fault();
    arm();
    activity_.raise(weak_from_this());
}

void StreamDoor::Session::note_fault() {
    const auto& fault = port_fault_ ? port_fault_ : link_.fault();
    if (!fault || fault->what == told_) return;
    told_ = fault->what;
    log_.warning(sentence(*fault));
}

void StreamDoor::Session::arm() {
    base::Instant at = base::never;
    switch (state_) {
        case State::waiting: at = retry_at_; break;
        case State::opening: at = deadline_; break;
        case State::open: at = link_.poll_timeout(); break;
        case State::closed: return;
    }
    timer_.expires_at(to_steady(at));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self) self->handle_timer();
    });
}

void StreamDoor::Session::handle_timer() {
    const base::Instant now = monotonic_now();
    if (state_ == State::waiting && now >= retry_at_) return connect();
    if (state_ == State::opening && now >= deadline_) {
        return hang_up(base::Error{base::Errc::timeout,
                                   "the radio at " + place_ + " does not answer", "radio",
                                   "check its address, and that it is on and in this network"});
    }
    if (state_ == State::open) return look_around();
    arm();
}

void StreamDoor::Session::close() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    ++serial_;
    if (port_) port_->close();
    port_.reset();
    link_.handle_close(monotonic_now());
    activity_.clear();
    timer_.cancel();
}

namespace {

std::unexpected<base::Error> no_radio(std::string what, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "radio", std::move(advice));
}

bool is_place(const std::string& text) {
    return !text.empty() && text.size() <= 253 && base::is_displayable(text);
}

}  // namespace

StreamDoor::Opened StreamDoor::open_tcp(asio::io_context& context, const TcpRadio& radio,
                                        StreamDoorOptions options, base::Entropy& entropy,
                                        base::Random random, base::Log log) {
    MESH_CHECK(check_stream(options.stream));
    MESH_CHECK(check_pauses(options.retry_min, options.retry_max, "radio"));
    if (!is_place(radio.host) || radio.host.find_first_of("/ ") != std::string::npos) {
        return no_radio("a host that is no name or address",
                        "write the radio's address without tcp:// and without the port");
    }
    if (radio.port == 0) return no_radio("port 0", "use the radio's, which is 4403");
    options.stream.is_serial = false;
    auto session = std::make_shared<Session>(
        context, std::move(options), radio.host + ":" + std::to_string(radio.port),
        [&context, radio] { return make_tcp_port(context, radio); }, entropy, random,
        log.for_module("radio"));
    session->connect();
    return std::unique_ptr<StreamDoor>(new StreamDoor(std::move(session)));
}

StreamDoor::Opened StreamDoor::open_serial(asio::io_context& context, const SerialRadio& radio,
                                           StreamDoorOptions options, base::Entropy& entropy,
                                           base::Random random, base::Log log) {
    MESH_CHECK(check_stream(options.stream));
    MESH_CHECK(check_pauses(options.retry_min, options.retry_max, "radio"));
    if (!is_place(radio.path) || radio.path.front() != '/') {
        return no_radio("a serial port that is no path", "name it in full: /dev/ttyUSB0");
    }
    if (radio.baud < 1'200 || radio.baud > 4'000'000) {
        return no_radio(std::to_string(radio.baud) + " baud", "use the radio's, which is 115200");
    }
    options.stream.is_serial = true;
    auto session = std::make_shared<Session>(
        context, std::move(options), radio.path,
        [&context, radio] { return make_serial_port(context, radio); }, entropy, random,
        log.for_module("radio"));
    session->connect();
    return std::unique_ptr<StreamDoor>(new StreamDoor(std::move(session)));
}

StreamDoor::~StreamDoor() { session_->close(); }

void StreamDoor::on_activity(std::function<void()> callback) {
    session_->activity_.set(std::move(callback));
}

radio::NodeNumber StreamDoor::number() const { return session_->link_.number(); }

std::size_t StreamDoor::payload_bytes_max() const { return session_->link_.payload_bytes_max(); }

bool StreamDoor::is_ready() const { return session_->link_.is_ready(); }

std::expected<void, base::Error> StreamDoor::send(base::Instant now, base::Bytes payload,
                                                  std::uint8_t hop_limit) {
    MESH_CHECK(session_->link_.send(now, payload, hop_limit));
    session_->look_around();
    return {};
}

std::optional<radio::ReceivedPacket> StreamDoor::receive() { return session_->link_.receive(); }

std::optional<base::Error> StreamDoor::text_fault() const { return session_->link_.text_fault(); }

std::expected<void, base::Error> StreamDoor::send_text(base::Instant now, std::string_view text,
                                                       std::uint8_t hop_limit) {
    MESH_CHECK(session_->link_.send_text(now, text, hop_limit));
    session_->look_around();
    return {};
}

std::optional<std::string> StreamDoor::receive_text() { return session_->link_.receive_text(); }

std::optional<unsigned> StreamDoor::take_channel_use_percent(base::Instant now) {
    return session_->link_.take_channel_use_percent(now);
}

std::optional<radio::RadioSetting> StreamDoor::setting() const { return session_->link_.setting(); }

bool StreamDoor::is_up() const { return session_->link_.is_up(); }

std::optional<base::Error> StreamDoor::fault() const {
    return session_->port_fault_ ? session_->port_fault_ : session_->link_.fault();
}

std::vector<RadioDoor::Dropped> StreamDoor::dropped() const {
    return dropped_of<radio::StreamLink::Drop>(session_->link_.stats().dropped);
}

const radio::StreamLink& StreamDoor::link() const { return session_->link_; }

std::uint64_t StreamDoor::attempts() const { return session_->attempts_; }

void StreamDoor::close() { session_->close(); }

}  // namespace meshchain::host
