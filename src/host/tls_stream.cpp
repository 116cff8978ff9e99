#include "host/tls_stream.h"

#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using UserPtr = std::shared_ptr<HttpStream::User>;

class TlsStream final : public HttpStream {
public:
    TlsStream(tcp::socket socket, asio::ssl::context& context)
        : stream_(std::move(socket), context) {
        error_code ignored;
        stream_.next_layer().set_option(tcp::no_delay(true), ignored);
    }

    void open(UserPtr user) override {
        stream_.async_handshake(
            asio::ssl::stream_base::server,
            [user = std::move(user)](error_code error) { user->handle_open(!error); });
    }

    void read(std::span<char> into, UserPtr user) override {
        stream_.async_read_some(asio::buffer(into.data(), into.size()),
                                [user = std::move(user)](error_code error, std::size_t bytes) {
                                    user->handle_read(error ? 0 : bytes);
                                });
    }

    void write(std::array<std::string_view, 2> bytes, UserPtr user) override {
        const std::array buffers{asio::buffer(bytes[0]), asio::buffer(bytes[1])};
        asio::async_write(stream_, buffers,
                          [user = std::move(user)](error_code error, std::size_t) {
                              user->handle_written(!error);
                          });
    }

    /// Says goodbye and waits for the answer, reading over what else comes.
    void finish(UserPtr user) override {
        stream_.async_shutdown([user = std::move(user)](error_code) { user->handle_finished(); });
    }

    void close() override {
        error_code ignored;
        stream_.next_layer().close(ignored);
    }

private:
    asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<HttpStream> make_tls_stream(tcp::socket socket, TlsContext& context) {
    return std::make_unique<TlsStream>(std::move(socket), context.of_asio());
}

}  // namespace meshchain::host
