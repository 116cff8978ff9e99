#pragma once
// A Mosquitto of a test's own, on loopback, and a plain MQTT client that is neither polite nor
// ours.

#include <gtest/gtest.h>
#include <mosquitto.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/file.h"
#include "host/local_broker.h"
#include "host/temporary_folder.h"
#include "host/tls_test_certificate.h"

namespace meshchain::host {

class TestBroker {
public:
    enum class Kind : unsigned char { open, password, tls };
    static constexpr const char* user = "radio";
    static constexpr const char* password = "correct horse";

    explicit TestBroker(Kind kind = Kind::open) : kind_(kind) {
        if (kind == Kind::tls) files_ = make_certificate(folder_.path(), "broker");
        if (kind == Kind::password) make_passwords();
        // Somebody else may take the port between our look and the broker's.
        for (int attempt = 0; attempt < 5 && !broker_; ++attempt) {
            port_ = free_port();
            try_start();
        }
        EXPECT_TRUE(broker_.has_value()) << fault_ << ": " << what_it_says();
    }

    std::uint16_t port() const { return port_; }
    const std::filesystem::path& folder() const { return folder_.path(); }
    const std::filesystem::path& authority() const { return files_.certificate; }

    /// It neither answers nor hangs up.
    void freeze() {
        ASSERT_TRUE(broker_.has_value());
        broker_->process().send_signal(SIGSTOP);
    }
    /// It goes on where it was frozen.
    void thaw() {
        ASSERT_TRUE(broker_.has_value());
        broker_->process().send_signal(SIGCONT);
    }
    /// As a power cut would.
    void kill() {
        ASSERT_TRUE(broker_.has_value());
        broker_->process().send_signal(SIGKILL);
        EXPECT_TRUE(broker_->process().wait(std::chrono::seconds(5)));
        broker_.reset();
    }
    /// On the port that it had.
    void start() {
        try_start();
        ASSERT_TRUE(broker_.has_value()) << fault_ << ": " << what_it_says();
    }

    /// Below those that the system gives to connections, so that a broker that was killed finds its
    /// own free again; from a place of this process's own, for tests run beside each other.
    static std::uint16_t free_port() {
        using boost::asio::ip::tcp;
        static unsigned tried = 0;
        boost::asio::io_context io;
        for (;;) {
            const unsigned place = static_cast<unsigned>(::getpid()) * 31 + tried++;
            const tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(),
                                         static_cast<std::uint16_t>(20'000 + place % 12'000));
            tcp::acceptor probe(io);
            boost::system::error_code error;
            probe.open(tcp::v4(), error);
            probe.bind(endpoint, error);
            if (!error) return endpoint.port();
        }
    }

private:
    std::filesystem::path log() const { return folder_.path() / "mosquitto.log"; }
    std::string what_it_says() const {
        const auto said = read_file(log(), 65536);
        return said ? std::string(base::as_text(*said)) : base::sentence(said.error());
    }
    std::filesystem::path passwords() const { return folder_.path() / "passwords"; }

    void make_passwords() {
        auto made = ChildProcess::start({.program = "/usr/bin/mosquitto_passwd",
                                         .arguments = {"-c", "-b", passwords(), user, password}});
        ASSERT_TRUE(made.has_value());
        EXPECT_EQ(made->wait(std::chrono::seconds(10)), 0);
    }
    std::string settings() const {
        if (kind_ == Kind::password) {
            return "allow_anonymous false\npassword_file " + passwords().string() + "\n";
        }
        if (kind_ == Kind::open) return "allow_anonymous true\n";
        return "allow_anonymous true\ncertfile " + files_.certificate.string() + "\nkeyfile " +
               files_.key.string() + "\n";
    }
    void try_start() {
        auto started =
            LocalBroker::start({.folder = folder_.path(), .port = port_, .settings = settings()});
        if (started) {
            broker_.emplace(*std::move(started));
        } else {
            fault_ = base::sentence(started.error());
        }
    }

    Kind kind_;
    TemporaryFolder folder_;
    TestCertificate files_;
    std::uint16_t port_ = 0;
    std::string fault_;
    std::optional<LocalBroker> broker_;
};

/// A broker of no rules: says the same to whoever speaks to it, on loopback.
class FakeBroker {
public:
    FakeBroker(boost::asio::io_context& io, std::string_view hex)
        : acceptor_(io, {boost::asio::ip::address_v4::loopback(), 0}),
          said_(base::from_hex(hex).value()) {
        accept();
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    using Tcp = boost::asio::ip::tcp;
    using Error = boost::system::error_code;

    void accept() {
        acceptor_.async_accept([this](const Error& error, Tcp::socket socket) {
            if (error) return;
            socket_.emplace(std::move(socket));
            socket_->async_wait(Tcp::socket::wait_read, [this](const Error& gone) {
                if (gone) return;
                Error ignored;
                boost::asio::write(*socket_, boost::asio::buffer(said_), ignored);
            });
            accept();
        });
    }

    Tcp::acceptor acceptor_;
    base::Buffer said_;
    std::optional<Tcp::socket> socket_;
};

/// Any MQTT client: a gateway, or somebody hostile.
class TestClient {
public:
    struct Message {
        std::string topic;
        base::Buffer payload;
    };

    explicit TestClient(std::uint16_t port) {
        mosquitto_lib_init();
        client_.reset(mosquitto_new(nullptr, true, this));
        mosquitto_message_callback_set(
            client_.get(), [](mosquitto*, void* self, const mosquitto_message* message) {
                const auto* begin = static_cast<const std::byte*>(message->payload);
                static_cast<TestClient*>(self)->messages.push_back(
                    {message->topic, {begin, begin + message->payloadlen}});
            });
        mosquitto_subscribe_callback_set(client_.get(),
                                         [](mosquitto*, void* self, int, int, const int*) {
                                             static_cast<TestClient*>(self)->is_subscribed_ = true;
                                         });
        EXPECT_EQ(mosquitto_connect(client_.get(), "127.0.0.1", port, 60), MOSQ_ERR_SUCCESS);
        mosquitto_subscribe(client_.get(), nullptr, "#", 0);
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!is_subscribed_ && std::chrono::steady_clock::now() < deadline) turn();
        EXPECT_TRUE(is_subscribed_);
    }

    void publish(const std::string& topic, base::Bytes payload, bool is_kept = false) {
        EXPECT_EQ(mosquitto_publish(client_.get(), nullptr, topic.c_str(),
                                    static_cast<int>(payload.size()), payload.data(), 0, is_kept),
                  MOSQ_ERR_SUCCESS);
        turn(0);
    }
    /// Whatever is to be read or written, within `wait_ms`.
    void turn(int wait_ms = 20) { mosquitto_loop(client_.get(), wait_ms, 1); }

    std::vector<Message> messages;

private:
    struct Destroy {
        void operator()(mosquitto* client) const { mosquitto_destroy(client); }
    };
    bool is_subscribed_ = false;
    std::unique_ptr<mosquitto, Destroy> client_;
};

}  // namespace meshchain::host
