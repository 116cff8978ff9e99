#include "host/radio_port.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/serial_port.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "host/file_descriptor.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Opened = std::function<void(std::optional<base::Error>)>;

/// Reading and writing, the same for both.
template <class Stream>
class AnyPort : public RadioPort, public std::enable_shared_from_this<AnyPort<Stream>> {
public:
    explicit AnyPort(asio::io_context& context) : context_(context), stream_(context) {}

    void read(std::span<std::byte> into, std::function<void(std::size_t)> done) override {
        stream_.async_read_some(
            asio::buffer(into.data(), into.size()),
            [self = this->shared_from_this(), done = std::move(done)](
                const error_code& error, std::size_t bytes) { done(error ? 0 : bytes); });
    }
    void write(base::Buffer bytes, std::function<void(bool)> done) override {
        auto kept = std::make_shared<base::Buffer>(std::move(bytes));
        asio::async_write(stream_, asio::buffer(kept->data(), kept->size()),
                          [self = this->shared_from_this(), kept, done = std::move(done)](
                              const error_code& error, std::size_t) { done(!error); });
    }
    void close() override {
        error_code ignored;
        stream_.close(ignored);
    }

protected:
    asio::io_context& context_;
    Stream stream_;
};

class TcpPort final : public AnyPort<tcp::socket> {
public:
    TcpPort(asio::io_context& context, TcpRadio radio)
        : AnyPort(context), radio_(std::move(radio)), resolver_(context) {}

    void open(Opened opened) override {
        error_code no_address;
        const auto address = asio::ip::make_address(radio_.host, no_address);
        if (!no_address) {
            stream_.async_connect({address, radio_.port}, [this, self = shared_from_this(),
                                                           opened](const error_code& error) {
                handle_connected(error, opened);
            });
            return;
        }
        resolver_.async_resolve(
            radio_.host, std::to_string(radio_.port),
            [this, self = shared_from_this(), opened](const error_code& error,
                                                      const tcp::resolver::results_type& found) {
                if (is_closed_) return;
                if (error) return opened(unreachable(error, "check the name"));
                asio::async_connect(
                    stream_, found,
                    [this, self, opened](const error_code& failed, const tcp::endpoint&) {
                        handle_connected(failed, opened);
                    });
            });
    }
    void close() override {
        is_closed_ = true;
        resolver_.cancel();
        AnyPort::close();
    }

private:
    base::Error unreachable(const error_code& error, const std::string& advice) const {
        return {base::Errc::unavailable,
                "cannot reach the radio at " + radio_.host + ":" + std::to_string(radio_.port) +
                    ": " + error.message(),
                "radio", advice + ", and that the radio is on and in this network"};
    }
    void handle_connected(const error_code& error, const Opened& opened) {
        if (is_closed_) return;
        if (error) return opened(unreachable(error, "check address and port"));
        error_code ignored;
        stream_.set_option(tcp::no_delay(true), ignored);
        stream_.set_option(asio::socket_base::keep_alive(true), ignored);
        opened(std::nullopt);
    }

    TcpRadio radio_;
    tcp::resolver resolver_;
    bool is_closed_ = false;
};

class SerialPort final : public AnyPort<asio::serial_port> {
public:
    SerialPort(asio::io_context& context, SerialRadio radio)
        : AnyPort(context), radio_(std::move(radio)) {}

    void open(Opened opened) override {
        asio::post(context_, [opened = std::move(opened), fault = open_now()] { opened(fault); });
    }
    void close() override {
        // What a radio does not take would hold us up for half a minute.
        if (stream_.is_open()) ::tcflush(stream_.native_handle(), TCIOFLUSH);
        AnyPort::close();
    }

private:
    std::optional<base::Error> open_now() {
        // Not by asio, which changes the line's settings at once: another program may have it.
        FileDescriptor opened(
            ::open(radio_.path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        termios settings{};
        if (!opened.valid() || ::tcgetattr(opened.number(), &settings) != 0 ||
            ::flock(opened.number(), LOCK_EX | LOCK_NB) != 0) {
            return fault_of(last_error());
        }
        ::cfmakeraw(&settings);
        settings.c_iflag |= IGNPAR;
        settings.c_cflag |= CREAD | CLOCAL;
        // Many boards start anew when the line drops, which it does not have to when we go.
        settings.c_cflag &= ~static_cast<tcflag_t>(HUPCL);
        if (::tcsetattr(opened.number(), TCSANOW, &settings) != 0) return fault_of(last_error());
        ::ioctl(opened.number(), TIOCEXCL);
        error_code error;
        stream_.assign(opened.number(), error);
        if (error) return fault_of(error);
        (void)opened.release();
        using Port = asio::serial_port_base;
        stream_.set_option(Port::baud_rate(radio_.baud), error);
        if (!error) stream_.set_option(Port::character_size(8), error);
        if (!error) stream_.set_option(Port::parity(Port::parity::none), error);
        if (!error) stream_.set_option(Port::stop_bits(Port::stop_bits::one), error);
        if (!error) stream_.set_option(Port::flow_control(Port::flow_control::none), error);
        if (error) return fault_of(error);
        return std::nullopt;
    }
    static error_code last_error() { return {errno, boost::system::system_category()}; }
    base::Error fault_of(const error_code& error) const {
        const auto fault = [&](base::Errc code, const char* advice) {
            return base::Error{code, "cannot open " + radio_.path + ": " + error.message(), "radio",
                               advice};
        };
        switch (error.value()) {
            case ENOENT:
            case ENXIO:
            case ENODEV:
                return fault(base::Errc::not_found,
                             "plug the radio in, or name its port: see /dev/serial/by-id");
            case EACCES:
            case EPERM:
                return fault(base::Errc::unauthorized, "add this user to the group dialout");
            case EBUSY:
            case EWOULDBLOCK:
                return fault(base::Errc::locked, "end the program that uses this port");
            case ENOTTY:
            case EISDIR:
            case EINVAL:
                return fault(base::Errc::invalid_argument,
                             "name a serial port, and a speed that it has");
            default: return fault(base::Errc::io, "check the cable");
        }
    }

    SerialRadio radio_;
};

}  // namespace

std::shared_ptr<RadioPort> make_tcp_port(asio::io_context& context, TcpRadio radio) {
    return std::make_shared<TcpPort>(context, std::move(radio));
}

std::shared_ptr<RadioPort> make_serial_port(asio::io_context& context, SerialRadio radio) {
    return std::make_shared<SerialPort>(context, std::move(radio));
}

}  // namespace meshchain::host
