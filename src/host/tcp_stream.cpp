#include "host/tcp_stream.h"

#include <boost/asio/write.hpp>

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using UserPtr = std::shared_ptr<HttpStream::User>;

class TcpStream final : public HttpStream {
public:
    TcpStream(asio::io_context& io, tcp::socket socket) : io_(io), socket_(std::move(socket)) {
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
    }

    void open(UserPtr user) override {
        asio::post(io_.get_executor(), [user = std::move(user)] { user->handle_open(true); });
    }

    void read(std::span<char> into, UserPtr user) override {
        socket_.async_read_some(asio::buffer(into.data(), into.size()),
                                [user = std::move(user)](error_code error, std::size_t bytes) {
                                    user->handle_read(error ? 0 : bytes);
                                });
    }

    void write(std::array<std::string_view, 2> bytes, UserPtr user) override {
        const std::array buffers{asio::buffer(bytes[0]), asio::buffer(bytes[1])};
        asio::async_write(socket_, buffers,
                          [user = std::move(user)](error_code error, std::size_t) {
                              user->handle_written(!error);
                          });
    }

    void finish(UserPtr user) override {
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        drain(std::move(user));
    }

    void close() override {
        error_code ignored;
        socket_.close(ignored);
    }

private:
    void drain(UserPtr user) {
        socket_.async_read_some(asio::buffer(discarded_),
                                [this, user = std::move(user)](error_code error, std::size_t) {
                                    error ? user->handle_finished() : drain(user);
                                });
    }

    asio::io_context& io_;
    tcp::socket socket_;
    std::array<char, 4096> discarded_;
};

}  // namespace

std::unique_ptr<HttpStream> make_tcp_stream(asio::io_context& io, tcp::socket socket) {
    return std::make_unique<TcpStream>(io, std::move(socket));
}

}  // namespace meshchain::host
