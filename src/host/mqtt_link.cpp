#include "host/mqtt_link.h"

#include <fcntl.h>
#include <mosquitto.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "host/activity.h"
#include "host/backoff.h"
#include "host/monotonic.h"
#include "host/mqtt_settings.h"
#include "host/mqtt_tls.h"
#include "host/packet_cipher.h"
#include "host/tcp_received.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Descriptor = asio::posix::stream_descriptor;

/// Of one turn: each of its own costs several system calls more than to read the message. Fewer
/// than a radio holds, so that they are fetched between two turns.
constexpr int messages_a_turn = 16;
/// The same, while TLS holds more than the socket shows and no message is whole.
constexpr int reads_a_turn = 64;
constexpr int subscription_refused = 128;
/// Which filters by port where the channel's key is the well-known one.
constexpr const char* public_server = "mqtt.meshtastic.org";

/// We subscribe with QoS 0.
constexpr const char* unasked_quality = "a message with a QoS that nobody asked for";

/// libmosquitto keeps what comes with QoS 2 until the broker releases it, however much it is, and
/// only its log says that it came. The topic, which is others' choice, stands behind.
bool tells_of_quality(std::string_view text) {
    constexpr std::string_view start = " received PUBLISH (d";
    const std::size_t at = text.find(start);
    return at != std::string_view::npos && !text.substr(at + start.size() + 1).starts_with(", q0,");
}

struct Destroy {
    void operator()(mosquitto* client) const { mosquitto_destroy(client); }
};

/// Once in a process, and never undone: other links may still use it.
void prepare_library() {
    static const int done = mosquitto_lib_init();
    MESH_ASSERT(done == MOSQ_ERR_SUCCESS);
}

}  // namespace

class MqttLink::Session : public std::enable_shared_from_this<MqttLink::Session> {
public:
    Session(asio::io_context& context, MqttOptions options, radio::VirtualRadio radio,
            std::unique_ptr<MqttTls> tls, base::Entropy& entropy, base::Random random,
            base::Log log)
        : options_(std::move(options)),
          tls_(std::move(tls)),
          context_(context),
          entropy_(entropy),
          resolver_(context),
          timer_(context),
          radio_(std::move(radio)),
          backoff_(options_.retry_min, options_.retry_max, random),
          log_(log),
          activity_(context, [this] { return radio_.has_received(); }) {}

    void start();
    void close();
    /// After anything that may have changed what is to be done.
    void look_around();
    bool is_ready() const {
        return state_ == State::up && unsent_ < options_.unsent_max && !radio_.is_full();
    }

    enum class State : std::uint8_t { waiting, finding, connecting, up, closed };

    MqttOptions options_;
    std::unique_ptr<MqttTls> tls_;
    asio::io_context& context_;
    base::Entropy& entropy_;
    tcp::resolver resolver_;
    asio::steady_timer timer_;
    radio::VirtualRadio radio_;
    Backoff backoff_;
    base::Log log_;
    Activity activity_;
    State state_ = State::waiting;
    std::optional<base::Error> fault_;
    Stats stats_;

private:
    void connect();
    void dial(const std::string& address);
    bool prepare_client();
    void await(Descriptor::wait_type what);
    void service();
    int read();
    bool has_refused();
    bool is_too_much();
    void rise(base::Instant now);
    void fail(base::Error error);
    void fail(int code);
    base::Error error_of(int code) const;
    void tear_down();
    void arm();
    void handle_timer();
    void flush();

    void on_connected(int code);
    void on_subscribed(std::span<const int> granted);
    void on_message(const mosquitto_message& message);
    void on_log(int level, std::string_view text);
    std::string target() const { return options_.host + ":" + std::to_string(options_.port); }

    base::Instant retry_at_{};
    base::Instant deadline_{};  ///< of what it takes to be up
    base::Instant misc_at_{};
    std::optional<base::Instant> armed_at_;  ///< the timer
    base::Instant up_since_{};
    std::uint64_t serial_ = 0;  ///< of the connection that pending waits belong to
    std::optional<Descriptor> socket_;
    bool is_writing_ = false;     ///< a wait for it is pending
    bool is_posted_ = false;      ///< a turn for what TLS has read is pending
    bool is_connected_ = false;   ///< TCP
    bool has_answered_ = false;   ///< the broker has taken our CONNECT
    bool has_completed_ = false;  ///< a message of ours to read, in this turn
    bool is_oversized_ = false;
    bool was_ready_ = false;
    std::uint64_t taken_ = 0;       ///< bytes, up to the last message that was complete
    int refusal_ = 0;               ///< of the broker
    const char* breach_ = nullptr;  ///< what it must not send
    bool is_subscribed_ = false;
    std::size_t unsent_ = 0;
    std::string complaint_;  ///< libmosquitto's last, of this connection
    std::unique_ptr<mosquitto, Destroy> client_;
};

void MqttLink::Session::start() {
    if (options_.host == public_server) {
        log_.warning(options_.host +
                     " passes on nothing of ours where the key is the well-known one: "
                     "use a key of your own, or another broker");
    }
    if (!options_.tls && !options_.user.empty()) {
        log_.warning("user and password travel in clear to " + target());
    }
    asio::post(context_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && self->state_ == State::waiting) self->connect();
    });
}

void MqttLink::Session::connect() {
    ++stats_.attempts;
    state_ = State::finding;
    deadline_ = monotonic_now() + options_.connect_timeout;
    arm();
    error_code no_address;
    const auto address = asio::ip::make_address(options_.host, no_address);
    if (!no_address) return dial(address.to_string());
    resolver_.async_resolve(
        options_.host, std::to_string(options_.port),
        [weak = weak_from_this(), attempt = stats_.attempts](
            const error_code& error, const tcp::resolver::results_type& found) {
            const auto self = weak.lock();
            if (!self || self->state_ != State::finding || self->stats_.attempts != attempt) return;
            if (error || found.empty()) {
                return self->fail(
                    {base::Errc::unavailable,
                     "no address of " + self->options_.host + " is found: " + error.message(),
                     "mqtt", "check the name, or give the broker's address"});
            }
            // Each try takes the next one, the first that which the system prefers.
            auto chosen = found.begin();
            std::advance(chosen, (attempt - 1) % found.size());
            self->dial(chosen->endpoint().address().to_string());
        });
}

bool MqttLink::Session::prepare_client() {
    // Who connects with an id ends the connection that has it: ours is nobody's to guess. Every
    // broker takes 23 letters and digits.
    std::array<std::byte, 10> drawn{};
    entropy_.fill(drawn);
    const std::string id = "mc" + base::to_hex(drawn);
    client_.reset(mosquitto_new(id.c_str(), true, this));
    if (!client_) return false;
    mosquitto* const client = client_.get();
    using Client = mosquitto;
    mosquitto_connect_callback_set(client, [](Client*, void* self, int code) {
        static_cast<Session*>(self)->on_connected(code);
    });
    mosquitto_subscribe_callback_set(
        client, [](Client*, void* self, int, int count, const int* granted) {
            static_cast<Session*>(self)->on_subscribed({granted, static_cast<std::size_t>(count)});
        });
    mosquitto_message_callback_set(client,
                                   [](Client*, void* self, const mosquitto_message* message) {
                                       static_cast<Session*>(self)->on_message(*message);
                                   });
    mosquitto_publish_callback_set(
        client, [](Client*, void* self, int) { --static_cast<Session*>(self)->unsent_; });
    mosquitto_log_callback_set(client, [](Client*, void* self, int level, const char* text) {
        static_cast<Session*>(self)->on_log(level, text);
    });
    if (mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1) != MOSQ_ERR_SUCCESS) return false;
    if (!options_.user.empty() &&
        mosquitto_username_pw_set(client, options_.user.c_str(), options_.password.c_str()) !=
            MOSQ_ERR_SUCCESS) {
        return false;
    }
    // Without its defaults, which ask for an authority of libmosquitto's own.
    return !tls_ ||
           (mosquitto_void_option(client, MOSQ_OPT_SSL_CTX, tls_->native()) == MOSQ_ERR_SUCCESS &&
            mosquitto_int_option(client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == MOSQ_ERR_SUCCESS);
}

void MqttLink::Session::dial(const std::string& address) {
    state_ = State::connecting;
    ++serial_;
    if (!prepare_client()) return fail(MOSQ_ERR_NOMEM);
    using std::chrono::seconds;
    const auto keep_alive = std::chrono::duration_cast<seconds>(options_.keep_alive).count();
    // To an address, so that it asks no name service, which would hold up the node.
    const int code = mosquitto_connect_async(client_.get(), address.c_str(), options_.port,
                                             static_cast<int>(keep_alive));
    if (code != MOSQ_ERR_SUCCESS) return fail(code);
    // libmosquitto closes its descriptor whenever it likes; ours stays valid for asio until then.
    const int own = ::fcntl(mosquitto_socket(client_.get()), F_DUPFD_CLOEXEC, 0);
    if (own < 0) return fail(MOSQ_ERR_ERRNO);
    socket_.emplace(context_, own);
    misc_at_ = monotonic_now() + options_.keep_alive / 4;
    await(Descriptor::wait_read);
    await(Descriptor::wait_write);
    arm();
}

void MqttLink::Session::await(Descriptor::wait_type what) {
    const bool is_write = what == Descriptor::wait_write;
    if (is_write && std::exchange(is_writing_, true)) return;
    socket_->async_wait(
        what, [weak = weak_from_this(), serial = serial_, is_write](const error_code& error) {
            const auto self = weak.lock();
            if (error || !self || self->serial_ != serial) return;
            if (is_write) self->is_writing_ = false;
            self->service();
            if (!is_write && self->serial_ == serial && self->socket_) {
                self->await(Descriptor::wait_read);
            }
        });
}

void MqttLink::Session::service() {
    if (!client_) return;
    if (!std::exchange(is_connected_, true)) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket_->native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error == ECONNRESET) return fail(MOSQ_ERR_CONN_LOST);
        if (error != 0) {
            return fail({base::Errc::unavailable,
                         "cannot connect to " + target() + ": " + std::strerror(error), "mqtt",
                         "check that the broker runs there and that nothing lies between"});
        }
    }
    int code = read();
    if (breach_ != nullptr) {
        return fail({base::Errc::malformed,
                     target() + " does not keep to the rules of MQTT: it sent " + breach_, "mqtt",
                     "check that a broker runs there, or use another one"});
    }
    if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_write(client_.get(), 1);
    if (has_refused()) return;
    if (code != MOSQ_ERR_SUCCESS) return fail(code);
    if (is_too_much()) {
        ++stats_.oversized;
        return fail({base::Errc::too_large,
                     "a message of more than " + std::to_string(message_bytes_max) + " bytes",
                     "mqtt", "limit the size of messages at the broker"});
    }
    const base::Instant now = monotonic_now();
    if (state_ == State::connecting && is_subscribed_) rise(now);
    if (state_ == State::up) look_around();
    if (!client_) return;
    if (mosquitto_want_write(client_.get())) await(Descriptor::wait_write);
    if (has_pending(mosquitto_ssl_get(client_.get())) && !std::exchange(is_posted_, true)) {
        // No socket becomes readable by what TLS has read already.
        asio::post(context_, [weak = weak_from_this(), serial = serial_] {
            const auto self = weak.lock();
            if (!self || self->serial_ != serial) return;
            self->is_posted_ = false;
            self->service();
        });
    }
    arm();
}

int MqttLink::Session::read() {
    has_completed_ = false;
    int messages = 0;
    for (int turn = 0; turn < reads_a_turn && messages < messages_a_turn; ++turn) {
        const std::uint64_t before = stats_.messages;
        const int code = mosquitto_loop_read(client_.get(), 1);
        if (code != MOSQ_ERR_SUCCESS || breach_ != nullptr || is_oversized_) return code;
        // libmosquitto reads one at a time, and does not say whether there is another.
        const bool is_whole = stats_.messages != before;
        if (!is_whole && !has_pending(mosquitto_ssl_get(client_.get()))) break;
        messages += is_whole ? 1 : 0;
    }
    return MOSQ_ERR_SUCCESS;
}

bool MqttLink::Session::has_refused() {
    if (refusal_ == 0) return false;
    const bool is_access = refusal_ == 4 || refusal_ == 5;
    if (refusal_ == subscription_refused) {
        fail({base::Errc::unauthorized, "the broker allows no subscription below " + options_.root,
              "mqtt", "let this user read " + options_.root + "/2/e/#, or use another root topic"});
    } else {
        fail({is_access ? base::Errc::unauthorized : base::Errc::unavailable,
              target() + " refuses: " + mosquitto_connack_string(refusal_), "mqtt",
              is_access ? "check user and password, and that the broker knows them"
                        : "ask the broker's administrator"});
    }
    return true;
}

/// libmosquitto holds whatever message the broker lets through, whole.
bool MqttLink::Session::is_too_much() {
    const auto taken = tcp_bytes_taken(socket_->native_handle());
    if (!taken) return is_oversized_;
    if (has_completed_) taken_ = *taken;
    return is_oversized_ || *taken > taken_ + message_bytes_max;
}

void MqttLink::Session::on_connected(int code) {
    if (has_answered_ || refusal_ != 0) {
        breach_ = "a second CONNACK";
        return;
    }
    refusal_ = code;
    if (code != 0) return;
    has_answered_ = true;
    std::vector<std::string> topics;
    for (const radio::ChannelSetting& channel : radio_.options().channels) {
        topics.push_back(options_.root + "/2/e/" + channel.name + "/+");
    }
    std::vector<char*> pointers;
    for (std::string& topic : topics) pointers.push_back(topic.data());
    // What fails here is seen as silence, and ends by the deadline.
    mosquitto_subscribe_multiple(client_.get(), nullptr, static_cast<int>(pointers.size()),
                                 pointers.data(), 0, 0, nullptr);
}

void MqttLink::Session::on_subscribed(std::span<const int> granted) {
    is_subscribed_ = true;
    for (const int quality : granted) {
        if (quality >= subscription_refused) refusal_ = subscription_refused;
    }
}

void MqttLink::Session::on_message(const mosquitto_message& message) {
    if (message.qos != 0) {
        breach_ = unasked_quality;
        return;
    }
    has_completed_ = true;
    ++stats_.messages;
    const auto size = static_cast<std::size_t>(message.payloadlen);
    if (size > message_bytes_max) {
        is_oversized_ = true;
    } else if (message.retain) {
        ++stats_.retained;
    } else {
        radio_.handle_envelope(monotonic_now(),
                               {static_cast<const std::byte*>(message.payload), size});
    }
}

void MqttLink::Session::on_log(int level, std::string_view text) {
    if (level == MOSQ_LOG_ERR) complaint_ = text;
    if (level == MOSQ_LOG_DEBUG && tells_of_quality(text)) breach_ = unasked_quality;
}

void MqttLink::Session::rise(base::Instant now) {
    state_ = State::up;
    up_since_ = now;
    fault_.reset();
    ++stats_.connections;
    log_.info("connected to " + target() + " as " + to_text(radio_.number()));
    radio_.handle_up(now);
}

void MqttLink::Session::look_around() {
    const base::Instant now = monotonic_now();
    if (now >= radio_.poll_timeout()) radio_.handle_timeout(now);
    flush();
    if (radio_.has_received() || is_ready() != was_ready_) activity_.raise(weak_from_this());
    was_ready_ = is_ready();
}

void MqttLink::Session::flush() {
    while (client_ && unsent_ < options_.unsent_max) {
        auto departure = radio_.poll_departure();
        if (!departure) break;
        const std::string gateway = to_text(radio_.number());
        const std::string topic = options_.root + "/2/e/" + departure->channel + "/" + gateway;
        const auto bytes = encode(radio::ServiceEnvelope{std::move(departure->packet),
                                                         std::move(departure->channel), gateway});
        MESH_ASSERT(bytes.has_value());  // names and content were checked
        ++unsent_;
        const int code =
            mosquitto_publish(client_.get(), nullptr, topic.c_str(),
                              static_cast<int>(bytes->size()), bytes->data(), 0, false);
        if (code != MOSQ_ERR_SUCCESS) return fail(code);
        ++stats_.published;
    }
    if (client_ && socket_ && mosquitto_want_write(client_.get())) await(Descriptor::wait_write);
}

base::Error MqttLink::Session::error_of(int code) const {
    if (code == MOSQ_ERR_TLS) {
        return {base::Errc::unauthorized, "no TLS with " + target() + ": " + complaint_, "mqtt",
                "check that the port speaks TLS, that the authority is the broker's, and that its "
                "certificate names the host"};
    }
    std::string what = target() + ": ";
    what += code == MOSQ_ERR_ERRNO ? std::strerror(errno) : mosquitto_strerror(code);
    if (has_answered_) return {base::Errc::io, std::move(what), "mqtt", "it is tried again"};
    return {base::Errc::unavailable, std::move(what), "mqtt",
            "check that this port is the broker's, and whether it speaks TLS"};
}

void MqttLink::Session::fail(int code) { fail(error_of(code)); }

void MqttLink::Session::fail(base::Error error) {
    const base::Instant now = monotonic_now();
    const bool is_news = state_ == State::up || !fault_ || fault_->what != error.what;
    if (state_ == State::up && now - up_since_ >= options_.steady_after) backoff_.reset();
    tear_down();
    state_ = State::waiting;
    retry_at_ = now + backoff_.next();
    if (is_news) log_.warning(sentence(error));
    fault_ = std::move(error);
    arm();
    activity_.raise(weak_from_this());
}

void MqttLink::Session::tear_down() {
    ++serial_;
    socket_.reset();
    client_.reset();
    radio_.handle_down();
    is_writing_ = is_connected_ = has_answered_ = is_oversized_ = was_ready_ = false;
    is_subscribed_ = is_posted_ = false;
    refusal_ = 0;
    breach_ = nullptr;
    complaint_.clear();
    unsent_ = 0;
    taken_ = 0;
}

void MqttLink::Session::arm() {
    base::Instant at = base::never;
    switch (state_) {
        case State::waiting: at = retry_at_; break;
        case State::finding: at = deadline_; break;
        case State::connecting: at = std::min(deadline_, misc_at_); break;
        case State::up: at = std::min(misc_at_, radio_.poll_timeout()); break;
        case State::closed: return;
    }
    if (std::exchange(armed_at_, at) == at) return;
    timer_.expires_at(to_steady(at));
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
        const auto self = weak.lock();
        if (!error && self) self->handle_timer();
    });
}

void MqttLink::Session::handle_timer() {
    if (state_ == State::closed) return;  // its turn had come before the timer was cancelled
    armed_at_.reset();
    const base::Instant now = monotonic_now();
    if (state_ == State::waiting) {
        if (now >= retry_at_) return connect();
    } else if (state_ != State::up && now >= deadline_) {
        resolver_.cancel();
        return fail({base::Errc::timeout, target() + " does not answer", "mqtt",
                     "check the address and that nothing lies between"});
    }
    if (client_ && now >= misc_at_) {
        misc_at_ = now + options_.keep_alive / 4;
        if (mosquitto_loop_misc(client_.get()) != MOSQ_ERR_SUCCESS) {
            return fail({base::Errc::timeout, target() + " is there no more", "mqtt",
                         "it is tried again; check the network and the broker"});
        }
    }
    if (state_ == State::up) look_around();
    if (state_ != State::waiting) arm();
}

void MqttLink::Session::close() {
    if (state_ == State::closed) return;
    if (state_ == State::up) {
        mosquitto_disconnect(client_.get());
        mosquitto_loop_write(client_.get(), 1);
    }
    tear_down();
    state_ = State::closed;
    activity_.clear();
    resolver_.cancel();
    timer_.cancel();
}

std::expected<std::unique_ptr<MqttLink>, base::Error> MqttLink::open(asio::io_context& context,
                                                                     MqttOptions options,
                                                                     base::Entropy& entropy,
                                                                     base::Random random,
                                                                     base::Log log) {
    static const PacketCipher cipher;
    MESH_CHECK(check_mqtt(options));
    MESH_TRY(radio::VirtualRadio radio,
             radio::VirtualRadio::create(options.radio, cipher, entropy));
    std::unique_ptr<MqttTls> tls;
    if (options.tls) {
        MESH_TRY(tls, MqttTls::open(options.host, options.authority));
    }
    prepare_library();
    auto session =
        std::make_shared<Session>(context, std::move(options), std::move(radio), std::move(tls),
                                  entropy, random, log.for_module("radio"));
    session->start();
    return std::unique_ptr<MqttLink>(new MqttLink(std::move(session)));
}

MqttLink::~MqttLink() { session_->close(); }

void MqttLink::on_activity(std::function<void()> callback) {
    session_->activity_.set(std::move(callback));
}

radio::NodeNumber MqttLink::number() const { return session_->radio_.number(); }

bool MqttLink::is_ready() const { return session_->is_ready(); }

std::expected<void, base::Error> MqttLink::send(base::Instant, base::Bytes payload,
                                                std::uint8_t hop_limit) {
    MESH_CHECK(session_->radio_.send(payload, hop_limit));
    session_->look_around();
    if (session_->fault_) return std::unexpected(*session_->fault_);
    return {};
}

std::optional<radio::ReceivedPacket> MqttLink::receive() { return session_->radio_.receive(); }

std::optional<base::Error> MqttLink::text_fault() const { return session_->radio_.text_fault(); }

std::expected<void, base::Error> MqttLink::send_text(base::Instant, std::string_view text,
                                                     std::uint8_t hop_limit) {
    MESH_CHECK(session_->radio_.send_text(text, hop_limit));
    session_->look_around();
    if (session_->fault_) return std::unexpected(*session_->fault_);
    return {};
}

std::optional<std::string> MqttLink::receive_text() { return session_->radio_.receive_text(); }

std::optional<unsigned> MqttLink::take_channel_use_percent(base::Instant) { return std::nullopt; }

bool MqttLink::is_up() const { return session_->state_ == Session::State::up; }

std::optional<base::Error> MqttLink::fault() const { return session_->fault_; }

std::vector<RadioDoor::Dropped> MqttLink::dropped() const {
    return dropped_of<radio::VirtualRadio::Drop>(radio_stats().dropped);
}

const MqttLink::Stats& MqttLink::stats() const { return session_->stats_; }

const radio::VirtualRadio::Stats& MqttLink::radio_stats() const { return session_->radio_.stats(); }

void MqttLink::close() { session_->close(); }

}  // namespace meshchain::host
