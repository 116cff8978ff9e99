// Packets by MQTT, from one node through a Mosquitto on loopback to another: encrypted, in an
// envelope, published, received, parsed and decrypted. Beside it two bare clients of libmosquitto
// that publish and receive the same bytes on the same topic and do nothing with them. Each side
// has one thread for both its ends, as few packets under way, and QoS 0.

#include <mosquitto.h>

#include <boost/asio/io_context.hpp>
#include <memory>

#include "bench/random_bytes.h"
#include "bench/workloads.h"
#include "host/local_broker.h"
#include "host/monotonic.h"
#include "host/mqtt_link.h"
#include "host/system_entropy.h"
#include "host/temporary_folder.h"

namespace meshchain::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t packets = 20'000;
/// More than a link has to hold for who does not fetch would be lost.
constexpr std::size_t under_way_max = 32;
constexpr auto patience = 60s;
constexpr int turn_ms = 100;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "mqtt bench: %s\n", why.c_str());
    std::exit(1);
}

template <class T>
T must(std::expected<T, base::Error> result) {
    if (!result) give_up(base::sentence(result.error()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

void must_succeed(int code) {
    if (code != MOSQ_ERR_SUCCESS) give_up(mosquitto_strerror(code));
}

/// Thousands of packets a second. `send` queues one, `turn` returns how many have arrived since.
template <class Send, class Turn>
double thousands_per_second(Send&& send, Turn&& turn) {
    const auto deadline = Clock::now() + patience;
    std::size_t sent = 0;
    std::size_t arrived = 0;
    const double time = seconds([&] {
        while (arrived < packets) {
            while (sent < packets && sent < arrived + under_way_max && send()) ++sent;
            arrived += turn();
            if (Clock::now() > deadline) give_up("packets were lost");
        }
    });
    return static_cast<double>(packets) / time / 1000;
}

/// What a gateway would see of one packet.
struct Publication {
    std::string topic;
    base::Buffer bytes;
};

/// As a program holds it that knows nothing but libmosquitto.
class BareClient {
public:
    BareClient(std::uint16_t port, const std::string& filter) {
        client_.reset(mosquitto_new(nullptr, true, this));
        if (!client_) give_up("libmosquitto makes no client");
        mosquitto_message_callback_set(
            client_.get(), [](mosquitto*, void* self, const mosquitto_message* message) {
                static_cast<BareClient*>(self)->take(*message);
            });
        mosquitto_subscribe_callback_set(client_.get(),
                                         [](mosquitto*, void* self, int, int, const int*) {
                                             static_cast<BareClient*>(self)->is_subscribed_ = true;
                                         });
        must_succeed(mosquitto_int_option(client_.get(), MOSQ_OPT_TCP_NODELAY, 1));
        must_succeed(mosquitto_connect(client_.get(), "127.0.0.1", port, 60));
        must_succeed(mosquitto_subscribe(client_.get(), nullptr, filter.c_str(), 0));
        const auto deadline = Clock::now() + patience;
        while (!is_subscribed_) {
            turn(turn_ms);
            if (Clock::now() > deadline) give_up("the broker does not answer");
        }
    }

    void publish(const Publication& publication) {
        must_succeed(mosquitto_publish(client_.get(), nullptr, publication.topic.c_str(),
                                       static_cast<int>(publication.bytes.size()),
                                       publication.bytes.data(), 0, false));
    }
    /// Of what there is at most one packet, within `wait_ms`.
    std::size_t turn(int wait_ms) {
        const std::size_t before = arrived_;
        must_succeed(mosquitto_loop(client_.get(), wait_ms, 1));
        return arrived_ - before;
    }
    const Publication& last() const { return last_; }

private:
    struct Destroy {
        void operator()(mosquitto* client) const { mosquitto_destroy(client); }
    };
    void take(const mosquitto_message& message) {
        ++arrived_;
        if (!last_.bytes.empty()) return;
        const auto* begin = static_cast<const std::byte*>(message.payload);
        if (message.payloadlen < static_cast<int>(radio::payload_bytes_max)) return;  // NodeInfo
        last_ = {message.topic, {begin, begin + message.payloadlen}};
    }

    std::size_t arrived_ = 0;
    bool is_subscribed_ = false;
    Publication last_;
    std::unique_ptr<mosquitto, Destroy> client_;
};

/// Two nodes at one broker, on the loop that a node has.
class Links {
public:
    explicit Links(std::uint16_t port) : sender_(open(port, 1)), hearer_(open(port, 2)) {
        const auto deadline = Clock::now() + patience;
        while (!sender_->is_up() || !hearer_->is_up()) {
            io_.run_one_for(10ms);
            if (Clock::now() > deadline) give_up("the links do not come up");
        }
    }

    bool send() {
        if (!sender_->is_ready()) return false;
        must(sender_->send(host::monotonic_now(), payload_, 3));
        return true;
    }
    std::size_t turn() {
        io_.run_one_for(std::chrono::milliseconds(turn_ms));
        return std::exchange(arrived_, 0);
    }

private:
    std::unique_ptr<host::MqttLink> open(std::uint16_t port, int who) {
        host::MqttOptions options;
        options.port = port;
        options.radio.channels = {{"village", base::Buffer(16, std::byte{7})}};
        options.radio.public_key = base::Buffer(32, static_cast<std::byte>(who));
        auto link = must(host::MqttLink::open(io_, std::move(options), entropy_,
                                              base::Random(static_cast<std::uint64_t>(who))));
        link->on_activity([this, door = link.get()] {
            while (door->receive()) ++arrived_;
        });
        return link;
    }

    boost::asio::io_context io_;
    host::SystemEntropy entropy_;
    std::size_t arrived_ = 0;
    base::Random random_{1};
    base::Buffer payload_ = random_bytes(random_, radio::payload_bytes_max);
    std::unique_ptr<host::MqttLink> sender_;
    std::unique_ptr<host::MqttLink> hearer_;
};

/// One that these links publish, as others see it.
Publication publication_of(Links& links, std::uint16_t port) {
    BareClient witness(port, "msh/#");
    links.send();
    const auto deadline = Clock::now() + patience;
    while (witness.last().bytes.empty()) {
        witness.turn(1);
        links.turn();
        if (Clock::now() > deadline) give_up("nothing is published");
    }
    return witness.last();
}

}  // namespace

void mqtt_workloads(Report& report) {
    if (!report.wants("mqtt_packets")) return;
    const host::TemporaryFolder folder;
    // Otherwise it holds small packets back for more of them, which both would wait for.
    auto broker = host::LocalBroker::start(
        {.folder = folder.path(), .settings = "allow_anonymous true\nset_tcp_nodelay true\n"});
    if (!broker && broker.error().code == base::Errc::not_found) {
        std::fprintf(stderr, "mqtt bench: left out: %s\n", base::sentence(broker.error()).c_str());
        return;
    }
    if (!broker) give_up(base::sentence(broker.error()));
    Links links(broker->port());
    Publication publication = publication_of(links, broker->port());
    publication.topic.replace(0, 3, "two");  // not the links', and as long
    BareClient publisher(broker->port(), "two/2/e/village/+");
    BareClient subscriber(broker->port(), "two/2/e/village/+");
    report.compare(
        {"mqtt_packets", "k/s", "libmosquitto-alone"},
        [&] {
            return thousands_per_second([&] { return links.send(); }, [&] { return links.turn(); });
        },
        [&] {
            return thousands_per_second(
                [&] {
                    publisher.publish(publication);
                    return true;
                },
                [&] {
                    publisher.turn(0);
                    return subscriber.turn(turn_ms);
                });
        });
}

}  // namespace meshchain::bench
