#include "host/stream_door.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <stdlib.h>
#include <termios.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>

#include "host/monotonic.h"
#include "host/temporary_folder.h"
#include "host/test_radio_door.h"
#include "radio/stream_radio.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::Errc;
using boost::system::error_code;
using radio::Content;
using radio::StreamRadio;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// One end of a connection that a radio has.
template <class Stream>
struct RadioEnd : std::enable_shared_from_this<RadioEnd<Stream>> {
    RadioEnd(Stream opened, StreamRadio& served) : stream(std::move(opened)), radio(served) {}

    void serve() {
        stream.async_read_some(
            asio::buffer(buffer),
            [self = this->shared_from_this()](const error_code& error, std::size_t bytes) {
                if (error) return;
                self->radio.handle_bytes(std::as_bytes(std::span(self->buffer).first(bytes)));
                self->flush();
                self->serve();
            });
    }
    void flush() {
        const base::Buffer bytes = radio.poll_bytes();
        error_code ignored;
        asio::write(stream, asio::buffer(bytes.data(), bytes.size()), ignored);
    }

    Stream stream;
    StreamRadio& radio;
    std::array<char, 512> buffer{};
};

/// On loopback; as a real one, it serves the newest client only.
class TcpRadioServer {
public:
    explicit TcpRadioServer(asio::io_context& io)
        : acceptor_(io, {asio::ip::address_v4::loopback(), 0}) {
        accept();
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void hang_up() {
        error_code ignored;
        if (end_) end_->stream.close(ignored);
        end_.reset();
    }
    void flush() {
        if (end_) end_->flush();
    }

    StreamRadio radio;
    unsigned clients = 0;
    bool is_served_to_others = false;  ///< who take it back at once

private:
    void accept() {
        acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
            if (error) return;
            ++clients;
            hang_up();
            if (!is_served_to_others) {
                end_ = std::make_shared<RadioEnd<tcp::socket>>(std::move(socket), radio);
                end_->serve();
            }
            accept();
        });
    }

    tcp::acceptor acceptor_;
    std::shared_ptr<RadioEnd<tcp::socket>> end_;
};

StreamDoorOptions quick() {
    StreamDoorOptions options;
    options.stream = {.channel = "village", .port = radio::Port{300}};
    options.retry_min = milliseconds(10);
    options.retry_max = milliseconds(50);
    return options;
}

class StreamDoorTest : public RadioDoorTest {
protected:
    std::unique_ptr<StreamDoor> taken(StreamDoor::Opened door) {
        EXPECT_TRUE(door.has_value()) << base::sentence(door.error());
        return door ? std::move(*door) : nullptr;
    }
    std::unique_ptr<StreamDoor> open_tcp(std::uint16_t port, StreamDoorOptions options = quick(),
                                         const std::string& host = "127.0.0.1") {
        return taken(
            StreamDoor::open_tcp(io_, {host, port}, std::move(options), entropy_, base::Random(1)));
    }
    std::unique_ptr<StreamDoor> open_serial(const std::string& path,
                                            StreamDoorOptions options = quick()) {
        return taken(StreamDoor::open_serial(io_, {path, 115'200}, std::move(options), entropy_,
                                             base::Random(1)));
    }
    base::Error fault_of(StreamDoor& door) {
        EXPECT_TRUE(run_until([&] { return door.fault().has_value(); }));
        return door.fault().value_or(base::Error{});
    }
};

TEST_F(StreamDoorTest, SettingThatCannotWork_IsNamedWithWhatToDo) {
    const auto tcp_refusal = [&](const TcpRadio& radio, const StreamDoorOptions& options) {
        const auto door = StreamDoor::open_tcp(io_, radio, options, entropy_, base::Random(1));
        EXPECT_FALSE(door.has_value());
        EXPECT_FALSE(door.error().advice.empty());
        return base::sentence(door.error());
    };
    const auto serial_refusal = [&](const SerialRadio& radio) {
        const auto door = StreamDoor::open_serial(io_, radio, quick(), entropy_, base::Random(1));
        EXPECT_FALSE(door.has_value());
        return base::sentence(door.error());
    };
    EXPECT_THAT(tcp_refusal({"", 4403}, quick()), HasSubstr("host"));
    EXPECT_THAT(tcp_refusal({"tcp://radio", 4403}, quick()), HasSubstr("without tcp://"));
    EXPECT_THAT(tcp_refusal({"radio", 0}, quick()), HasSubstr("port 0"));
    StreamDoorOptions wrong = quick();
    wrong.stream.port = radio::Port{1};
    EXPECT_THAT(tcp_refusal({"radio", 4403}, wrong), HasSubstr("port number 1"));
    wrong = quick();
    wrong.retry_min = {};
    EXPECT_THAT(tcp_refusal({"radio", 4403}, wrong), HasSubstr("no pause"));
    wrong.retry_min = wrong.retry_max + milliseconds(1);
    EXPECT_THAT(tcp_refusal({"radio", 4403}, wrong), HasSubstr("shorter than the least"));
    EXPECT_THAT(serial_refusal({"ttyUSB0"}), HasSubstr("in full"));
    EXPECT_THAT(serial_refusal({"/dev/ttyUSB0", 7}), HasSubstr("7 baud"));
}

TEST_F(StreamDoorTest, RadioOnTcp_SendsAndReceivesForUs) {
    TcpRadioServer server(io_);
    const auto door = open_tcp(server.port());
    unsigned reports = 0;
    door->on_activity([&] { ++reports; });
    ASSERT_TRUE(run_until_up(*door));
    EXPECT_EQ(door->number(), server.radio.number);
    EXPECT_TRUE(run_until([&] { return reports > 0; })) << "it has become ready";
    const base::Buffer payload(200, std::byte{9});
    ASSERT_TRUE(door->is_ready());
    ASSERT_TRUE(door->send(monotonic_now(), payload, 3));
    EXPECT_FALSE(door->is_ready());
    ASSERT_TRUE(run_until([&] { return door->is_ready(); }));
    ASSERT_EQ(server.radio.queue.size(), 1U);
    EXPECT_EQ(std::get<Content>(server.radio.queue.front().content).payload, payload);

    for (int i = 0; i < 3; ++i) {
        server.radio.say(server.radio.heard({.port = radio::Port{300}, .payload = payload}));
    }
    const unsigned before = reports;
    server.flush();
    ASSERT_TRUE(run_until([&] { return door->link().stats().received == 3; }));
    ASSERT_TRUE(run_until([&] { return reports >= before + 3; })) << "until all are fetched";
    for (int i = 0; i < 3; ++i) {
        const auto received = door->receive();
        ASSERT_TRUE(received);
        EXPECT_EQ(base::to_buffer(received->payload), payload);
    }
    EXPECT_EQ(door->take_channel_use_percent(monotonic_now()), 8U);
}

TEST_F(StreamDoorTest, RadioByItsName_IsFound) {
    TcpRadioServer server(io_);
    const auto door = open_tcp(server.port(), quick(), "localhost");
    EXPECT_TRUE(run_until_up(*door));
}

TEST_F(StreamDoorTest, RadioThatHangsUp_IsConnectedToAgain) {
    TcpRadioServer server(io_);
    StreamDoorOptions options = quick();
    options.stream.short_life = {};  // however short, it is not taken for another client's
    const auto door = open_tcp(server.port(), options);
    for (unsigned round = 1; round <= 3; ++round) {
        ASSERT_TRUE(run_until_up(*door));
        EXPECT_EQ(server.clients, round);
        EXPECT_FALSE(door->fault());
        ASSERT_TRUE(door->send(monotonic_now(), base::Buffer(5), 3));
        ASSERT_TRUE(run_until([&] { return server.radio.queue.size() == round; }));
        server.hang_up();
        ASSERT_TRUE(run_until([&] { return !door->is_up(); }));
        EXPECT_EQ(door->fault()->code, Errc::closed);
    }
}

TEST_F(StreamDoorTest, RadioThatServesAnother_IsSaidClearly) {
    TcpRadioServer server(io_);
    server.is_served_to_others = true;
    const auto door = open_tcp(server.port());
    ASSERT_TRUE(run_until([&] { return server.clients >= 4; }));
    EXPECT_EQ(fault_of(*door).code, Errc::locked);
    EXPECT_THAT(base::sentence(fault_of(*door)), HasSubstr("one client only"));
    server.is_served_to_others = false;
    EXPECT_TRUE(run_until_up(*door));
}

TEST_F(StreamDoorTest, NobodyAtTheAddress_IsSaidClearly_AndTriedAgain) {
    std::uint16_t port = 0;
    {
        const tcp::acceptor probe(io_, {asio::ip::address_v4::loopback(), 0});
        port = probe.local_endpoint().port();
    }
    const auto door = open_tcp(port);
    EXPECT_EQ(fault_of(*door).code, Errc::unavailable);
    EXPECT_THAT(fault_of(*door).what, HasSubstr("Connection refused"));
    EXPECT_TRUE(run_until([&] { return door->attempts() >= 3; }));
    // However long the name service takes to say that it does not know it.
    StreamDoorOptions options = quick();
    options.connect_timeout = milliseconds(200);
    const auto unknown = open_tcp(4403, options, "no-such-radio.invalid");
    EXPECT_THAT(fault_of(*unknown).what, HasSubstr("no-such-radio.invalid:4403"));
    options.connect_timeout = {};
    const auto late = open_tcp(4403, options, "no-such-radio.invalid");
    EXPECT_THAT(fault_of(*late).what, HasSubstr("no-such-radio.invalid:4403"));
}

TEST_F(StreamDoorTest, SomethingElseAtTheAddress_IsSaidClearly) {
    TcpRadioServer server(io_);
    server.radio.is_deaf = true;
    StreamDoorOptions options = quick();
    options.stream.answer_within = milliseconds(15);
    const auto door = open_tcp(server.port(), options);
    EXPECT_THAT(base::sentence(fault_of(*door)), HasSubstr("does not say who it is"));
    EXPECT_TRUE(run_until([&] { return door->attempts() >= 2; }));
}

TEST_F(StreamDoorTest, ClosedDoor_CallsBackNoMore) {
    TcpRadioServer server(io_);
    const auto door = open_tcp(server.port());
    unsigned reports = 0;
    door->on_activity([&] { ++reports; });
    ASSERT_TRUE(run_until_up(*door));
    io_.poll();
    door->close();
    const unsigned before = reports;
    server.radio.say(server.radio.heard({.port = radio::Port{300}}));
    server.flush();
    io_.run_for(milliseconds(30));
    EXPECT_EQ(reports, before);
    EXPECT_FALSE(door->is_up());
    EXPECT_EQ(door->send(monotonic_now(), base::Buffer(1), 3).error().code, Errc::unavailable);
}

/// A pseudo terminal whose other end a radio has.
class SerialRadioLine {
public:
    explicit SerialRadioLine(asio::io_context& io) {
        const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
        EXPECT_GE(master, 0);
        EXPECT_EQ(::grantpt(master), 0);
        EXPECT_EQ(::unlockpt(master), 0);
        path = ::ptsname(master);
        using Descriptor = asio::posix::stream_descriptor;
        end = std::make_shared<RadioEnd<Descriptor>>(Descriptor(io, master), radio);
        end->serve();
    }
    ~SerialRadioLine() { unplug(); }
    void unplug() {
        error_code ignored;
        end->stream.close(ignored);
    }

    StreamRadio radio;
    std::string path;
    std::shared_ptr<RadioEnd<asio::posix::stream_descriptor>> end;
};

TEST_F(StreamDoorTest, RadioOnASerialPort_SendsAndReceivesForUs_AmongItsLogLines) {
    SerialRadioLine line(io_);
    const auto door = open_serial(line.path);
    ASSERT_TRUE(run_until_up(*door));
    EXPECT_GE(line.radio.skipped_bytes(), 31U) << "it was woken first";
    // Bytes that a terminal would change, were it not switched off.
    base::Buffer payload;
    for (int i = 0; i < 220; ++i) payload.push_back(static_cast<std::byte>(i));
    ASSERT_TRUE(door->send(monotonic_now(), payload, 3));
    ASSERT_TRUE(run_until([&] { return !line.radio.queue.empty(); }));
    EXPECT_EQ(std::get<Content>(line.radio.queue.front().content).payload, payload);
    line.radio.say_text("INFO  | 12:00:00 [Router] heard something\r\n");
    line.radio.say(line.radio.heard({.port = radio::Port{300}, .payload = payload}));
    line.end->flush();
    ASSERT_TRUE(run_until([&] { return door->link().has_received(); }));
    EXPECT_EQ(base::to_buffer(door->receive()->payload), payload);
    EXPECT_GT(door->link().skipped_bytes(), 30U);
}

TEST_F(StreamDoorTest, RadioThatIsUnplugged_IsSaid_AndFoundAgain) {
    const TemporaryFolder folder;
    const auto name = folder.path() / "radio";  // as udev names it, whichever tty it becomes
    auto line = std::make_unique<SerialRadioLine>(io_);
    std::filesystem::create_symlink(line->path, name);
    const auto door = open_serial(name);
    ASSERT_TRUE(run_until_up(*door));
    line->unplug();
    std::filesystem::remove(name);
    ASSERT_TRUE(run_until([&] { return door->fault() && door->fault()->code == Errc::not_found; }));
    EXPECT_THAT(door->fault()->advice, HasSubstr("plug the radio in"));
    line = std::make_unique<SerialRadioLine>(io_);
    std::filesystem::create_symlink(line->path, name);
    EXPECT_TRUE(run_until_up(*door));
}

TEST_F(StreamDoorTest, PortThatAnotherProgramHas_AndNoPortAtAll_AreSaidClearly) {
    SerialRadioLine line(io_);
    const auto first = open_serial(line.path);
    ASSERT_TRUE(run_until_up(*first));
    const auto second = open_serial(line.path);
    EXPECT_EQ(fault_of(*second).code, Errc::locked) << base::sentence(fault_of(*second));
    EXPECT_TRUE(first->is_up());
    const auto slow =
        taken(StreamDoor::open_serial(io_, {line.path, 9'600}, quick(), entropy_, base::Random(1)));
    EXPECT_EQ(fault_of(*slow).code, Errc::locked);
    termios settings{};
    ASSERT_EQ(::tcgetattr(line.end->stream.native_handle(), &settings), 0);
    EXPECT_EQ(::cfgetospeed(&settings), speed_t{B115200}) << "the line is still the first one's";
    const auto missing = open_serial("/dev/no-such-port");
    EXPECT_EQ(fault_of(*missing).code, Errc::not_found);
    const auto no_port = open_serial("/dev/null");
    EXPECT_EQ(fault_of(*no_port).code, Errc::invalid_argument);
}

}  // namespace
}  // namespace meshchain::host
