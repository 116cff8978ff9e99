// Simulated radios, on loopback: with our own door, and with clients that say what no door would.

#include <gmock/gmock.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <fstream>

#include "host/child_process.h"
#include "host/json_document.h"
#include "host/monotonic.h"
#include "host/stream_door.h"
#include "host/system_entropy.h"
#include "host/temporary_folder.h"
#include "radio/test_radio_client.h"
#include "sim/stream_radios.h"

namespace meshchain::app {
namespace {

namespace asio = boost::asio;
using namespace radio;
using namespace radio::test;
using asio::ip::tcp;
using host::ChildProcess;
using host::StreamDoor;
using sim::StreamRadios;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// A client that says bytes and reads all that comes.
class RawClient {
public:
    RawClient(asio::io_context& context, std::uint16_t port) : socket_(context) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
        read();
    }
    void say(base::Bytes bytes) { asio::write(socket_, asio::buffer(bytes.data(), bytes.size())); }

    News news;
    bool is_hung_up = false;

private:
    void read() {
        socket_.async_read_some(asio::buffer(buffer_),
                                [this](const boost::system::error_code& error, std::size_t bytes) {
                                    if (error == asio::error::operation_aborted) return;
                                    is_hung_up = bool(error);
                                    if (error) return;
                                    news.add(base::Bytes(buffer_).first(bytes));
                                    read();
                                });
    }

    tcp::socket socket_;
    std::array<std::byte, 2'048> buffer_{};
};

class RadiosProgram : public testing::Test {
protected:
    void start(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"radio", "simulate"});
        process_ = ChildProcess::start({.program = MESHCHAIN_PROGRAM,
                                        .arguments = std::move(arguments),
                                        .output = folder_.path() / "out",
                                        .errors = folder_.path() / "errors"});
        ASSERT_TRUE(process_) << base::sentence(process_.error());
    }
    /// Two that are quick, so that tests are.
    void start_two() {
        start({"--listen", "127.0.0.1:0", "--preset", "SHORT_TURBO", "--channel", "village",
               "--speed", "20"});
        ASSERT_TRUE(run_until([&] { return lines().size() == 2; })) << text("errors");
        for (const std::string& line : lines()) {
            const auto parsed = host::parse_json(line, "line");
            ASSERT_TRUE(parsed) << line;
            const auto address = parsed->at("address").get<std::string>();
            ports_.push_back(
                static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1))));
        }
    }
    std::string text(const char* file) const {
        std::ifstream in(folder_.path() / file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> whole;
        std::istringstream in(text("out"));
        for (std::string line; std::getline(in, line) && !in.eof();) whole.push_back(line);
        return whole;
    }
    /// How it ends, and what it says then.
    std::pair<int, std::string> end_of(std::vector<std::string> arguments) {
        start(std::move(arguments));
        const int code = process_->wait(seconds(10)).value_or(-1);
        return {code, text("errors")};
    }
    template <class Done>
    bool run_until(Done&& done) {
        const auto deadline = std::chrono::steady_clock::now() + seconds(20);
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            context_.restart();
            context_.run_for(milliseconds(5));
        }
        return true;
    }
    std::unique_ptr<StreamDoor> open_door(std::size_t radio) {
        host::StreamDoorOptions options;
        options.stream = {.channel = "village", .port = private_port};
        options.retry_min = milliseconds(10);
        options.retry_max = milliseconds(50);
        auto door = StreamDoor::open_tcp(context_, {"127.0.0.1", ports_.at(radio)}, options,
                                         entropy_, base::Random(1));
        EXPECT_TRUE(door) << base::sentence(door.error());
        return door ? std::move(*door) : nullptr;
    }
    static std::size_t heard(const RawClient& client) {
        return client.news.on(private_port).size();
    }

    host::TemporaryFolder folder_;
    host::SystemEntropy entropy_;
    asio::io_context context_;
    std::expected<ChildProcess, base::Error> process_ = std::unexpected(base::Error{});
    std::vector<std::uint16_t> ports_;
};

TEST_F(RadiosProgram, OptionThatCannotWork_IsNamedWithWhatToDo) {
    const auto refusal = [&](std::vector<std::string> arguments) {
        const auto [code, errors] = end_of(std::move(arguments));
        EXPECT_EQ(code, 2) << errors;
        return errors;
    };
    EXPECT_THAT(refusal({"--radios", "0"}), HasSubstr("--radios: '0' is no whole number from 1"));
    EXPECT_THAT(refusal({"--radios", "some"}), HasSubstr("--radios"));
    EXPECT_THAT(refusal({"--preset", "FAST"}), HasSubstr("there is no preset FAST"));
    EXPECT_THAT(refusal({"--shape", "ring"}), HasSubstr("choose all or line"));
    EXPECT_THAT(refusal({"--loss", "4294967297"}), HasSubstr("no whole number from 0 to 1000"));
    EXPECT_THAT(refusal({"--channel", "twelve bytes"}), HasSubstr("choose one of 11 at most"));
    EXPECT_THAT(refusal({"--speed", "0"}), HasSubstr("1 is real time"));
    EXPECT_THAT(refusal({"--speed", "nan"}), HasSubstr("1 is real time"));
    EXPECT_THAT(refusal({"--speed", "2x"}), HasSubstr("1 is real time"));
    EXPECT_THAT(refusal({"--listen", "4403"}), HasSubstr("write it like 127.0.0.1:4403"));
    EXPECT_THAT(refusal({"--listen", "127.0.0.1:70000"}), HasSubstr("write it like"));
    EXPECT_THAT(refusal({"--listen", "0.0.0.0:0"}), HasSubstr("obeys whoever connects"));
    EXPECT_THAT(refusal({"--listen", "127.0.0.1:65535"}), HasSubstr("begin with a lower one"));
}

TEST_F(RadiosProgram, PortThatIsTaken_IsSaid) {
    const tcp::acceptor taken(context_, {asio::ip::address_v4::loopback(), 0});
    const std::string port = std::to_string(taken.local_endpoint().port());
    const auto [code, errors] = end_of({"--radios", "1", "--listen", "127.0.0.1:" + port});
    EXPECT_EQ(code, 1);
    EXPECT_THAT(errors, HasSubstr("port " + port + ": Address already in use"));
}

TEST_F(RadiosProgram, WhenToldToEnd_Ends) {
    start_two();
    const RawClient client(context_, ports_.at(0));
    process_->send_signal(SIGTERM);
    EXPECT_EQ(process_->wait(seconds(10)), 0);
}

TEST_F(RadiosProgram, WhatOneDoorSends_TheOtherReceives) {
    start_two();
    const auto a = open_door(0);
    const auto b = open_door(1);
    ASSERT_TRUE(run_until([&] { return a->is_ready() && b->is_ready(); }));
    EXPECT_EQ(a->number(), StreamRadios::number_of(0));
    for (unsigned round = 0; round < 5; ++round) {
        const base::Buffer payload(payload_bytes_max - round, std::byte{7});
        ASSERT_TRUE(run_until([&] { return a->is_ready(); })) << round;
        ASSERT_TRUE(a->send(host::monotonic_now(), payload, 3));
        ASSERT_TRUE(run_until([&] { return b->link().has_received(); })) << round;
        const auto received = b->receive();
        EXPECT_EQ(base::to_buffer(received->payload), payload);
        EXPECT_EQ(received->from, a->number());
    }
    ASSERT_TRUE(b->send(host::monotonic_now(), base::Buffer(3), 3));
    EXPECT_TRUE(run_until([&] { return a->link().has_received(); }));
    EXPECT_EQ(b->link().stats().received, 5U) << "each once";
}

TEST_F(RadiosProgram, OfFortyPacketsAtOnce_SixteenArrive) {
    start_two();
    RawClient sender(context_, ports_.at(0));
    RawClient hearer(context_, ports_.at(1));
    hearer.say(framed(WantConfig{1}));
    ASSERT_TRUE(run_until([&] { return !hearer.news.of<ConfigComplete>().empty(); }));
    sender.say(packets_at_once(40));
    ASSERT_TRUE(run_until([&] { return heard(hearer) >= 16; })) << heard(hearer);
    const auto has_left = [&] {
        const auto statuses = sender.news.of<QueueStatus>();
        return !statuses.empty() && statuses.back().free == 16;
    };
    ASSERT_TRUE(run_until(has_left));
    sender.say(framed(packet_of(41, 20)));
    ASSERT_TRUE(run_until([&] { return hearer.news.on(private_port).back().id == 41; }));
    EXPECT_EQ(heard(hearer), 17U);
    EXPECT_EQ(sender.news.of<QueueStatus>().front().result, 32);
}

TEST_F(RadiosProgram, SecondClient_TakesTheRadioFromTheFirst) {
    start_two();
    const RawClient first(context_, ports_.at(0));
    context_.poll();
    RawClient second(context_, ports_.at(0));
    EXPECT_TRUE(run_until([&] { return first.is_hung_up; }));
    second.say(framed(WantConfig{9}));
    EXPECT_TRUE(run_until([&] { return !second.news.of<ConfigComplete>().empty(); }));
    EXPECT_FALSE(second.is_hung_up);
}

TEST_F(RadiosProgram, TwoDoorsAtOneRadio_FindOutThatTheyAreTwo) {
    start_two();
    const auto a = open_door(0);
    const auto b = open_door(0);
    const auto is_told = [](const StreamDoor& door) {
        return door.fault() && door.fault()->code == base::Errc::locked;
    };
    EXPECT_TRUE(run_until([&] { return is_told(*a) || is_told(*b); }));
}

TEST_F(RadiosProgram, RadioThatIsStartedAnew_SaysSo_AndHasNothingLeftToSend) {
    start_two();
    RawClient sender(context_, ports_.at(0));
    sender.say(framed(WantConfig{1}));
    base::Buffer bytes = packets_at_once(16);
    const base::Buffer reboot = reboot_request(StreamRadios::number_of(0));
    bytes.insert(bytes.end(), reboot.begin(), reboot.end());
    sender.say(bytes);
    ASSERT_TRUE(run_until([&] { return !sender.news.of<Rebooted>().empty(); }));
    sender.news.all.clear();
    sender.say(framed(Heartbeat{}));
    ASSERT_TRUE(run_until([&] { return !sender.news.all.empty(); }));
    EXPECT_EQ(sender.news.of<QueueStatus>().at(0).free, 16U);
}

}  // namespace
}  // namespace meshchain::app
