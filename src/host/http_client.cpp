#include "host/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "host/asio_address.h"
#include "host/tls_context.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using base::Errc;

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

/// Connect, write, read: each step starts the next. Beast's deadline works for asynchronous
/// operations only, hence a private io_context run to its end.
template <class Stream>
class Exchange {
public:
    template <class... Arguments>
    Exchange(const HttpClient::Options& options, http::request<http::string_body> request,
             Arguments&... arguments)
        : options_(options), stream_(io_, arguments...), request_(std::move(request)) {
        parser_.body_limit(options.response_bytes_max);
    }

    std::expected<HttpResponse, base::Error> run() {
        auto& tcp_layer = beast::get_lowest_layer(stream_);
        tcp_layer.expires_after(options_.timeout);
        tcp_layer.async_connect(to_endpoint<tcp::endpoint>(options_.address),
                                [this](beast::error_code error) { handle_connect(error); });
        io_.run();
        if (error_) return std::unexpected(describe(error_));
        return HttpResponse{.status = parser_.get().result_int(),
                            .body = std::move(parser_.get().body()),
                            .content_type = std::string(parser_.get()[http::field::content_type])};
    }

private:
    void handle_connect(beast::error_code error) {
        error_ = error;
        if (error) return;
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            stream_.async_handshake(asio::ssl::stream_base::client,
                                    [this](beast::error_code failed) {
                                        error_ = failed;
                                        if (!failed) write();
                                    });
        } else {
            write();
        }
    }

    void write() {
        http::async_write(stream_, request_, [this](beast::error_code failed, std::size_t) {
            // A server that refuses a request early may close while we still write; its answer
            // is there to be read all the same.
            const bool refused =
                failed == asio::error::broken_pipe || failed == asio::error::connection_reset;
            if (failed && !refused) {
                error_ = failed;
                return;
            }
            http::async_read(stream_, buffer_, parser_,
                             [this](beast::error_code done, std::size_t) { error_ = done; });
        });
    }

    base::Error describe(beast::error_code error) const {
        const std::string where = "node's API at " + base::to_string(options_.address);
        if (error == beast::error::timeout) {
            return {Errc::timeout, "no answer in time", where, "see whether the node is busy"};
        }
        if (error == asio::error::connection_refused) {
            return {Errc::unavailable, "nobody listens there", where,
                    "start the node: meshchain node run"};
        }
        if (error == http::error::body_limit) {
            return {Errc::too_large, "the answer is too long", where, "ask for less at once"};
        }
        if (error.category() == asio::error::get_ssl_category()) {
            return {Errc::unauthorized, "no trusted TLS connection: " + error.message(), where,
                    "check the fingerprint or the authority that is trusted"};
        }
        if (error == http::error::end_of_stream || error == http::error::partial_message ||
            error == asio::error::connection_reset || error == asio::ssl::error::stream_truncated) {
            return {Errc::unavailable, "it closed the connection", where,
                    "see whether the node still runs"};
        }
        if (error.category() == http::make_error_code(http::error::bad_method).category()) {
            return {Errc::malformed, "the answer is no HTTP: " + error.message(), where,
                    "check the address"};
        }
        return {Errc::io, error.message(), where, "see whether the node runs"};
    }

    const HttpClient::Options& options_;
    asio::io_context io_;
    Stream stream_;
    http::request<http::string_body> request_;
    http::response_parser<http::string_body> parser_;
    beast::flat_buffer buffer_;
    beast::error_code error_;
};

beast::string_view view(std::string_view text) { return {text.data(), text.size()}; }

/// Trusts what `trust` says, and nothing else.
std::expected<void, base::Error> set_trust(asio::ssl::context& context, const TlsTrust& trust,
                                           const base::LinkAddress& address) {
    context.set_verify_mode(asio::ssl::verify_peer);
    if (trust.authority.empty()) {
        context.set_verify_callback(
            [wanted = trust.fingerprint](bool, asio::ssl::verify_context& chain) {
                // Called for each certificate of the chain, the server's own being the one that
                // counts.
                X509_STORE_CTX* const store = chain.native_handle();
                return X509_STORE_CTX_get_error_depth(store) > 0 ||
                       fingerprint_of(X509_STORE_CTX_get_current_cert(store)) == wanted;
            });
        return {};
    }
    beast::error_code error;
    context.load_verify_file(trust.authority.string(), error);
    if (error) {
        return base::failure(Errc::malformed, "no certificates: " + error.message(),
                             trust.authority.string(), "name a file in PEM");
    }
    context.set_verify_callback(asio::ssl::host_name_verification(
        to_endpoint<tcp::endpoint>(address).address().to_string()));
    return {};
}

}  // namespace

std::expected<HttpResponse, base::Error> HttpClient::send(std::string_view method,
                                                          std::string_view target,
                                                          std::string_view body) const {
    http::request<http::string_body> request;
    request.method_string(view(method));
    request.target(view(target));
    request.set(http::field::host, base::to_string(options_.address));
    request.set(http::field::authorization, "Bearer " + options_.token);
    if (!body.empty()) request.set(http::field::content_type, "application/json");
    request.keep_alive(false);
    request.body() = body;
    request.prepare_payload();
    if (!options_.tls) return Exchange<PlainStream>(options_, std::move(request)).run();
    asio::ssl::context context(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    MESH_CHECK(set_trust(context, *options_.tls, options_.address));
    return Exchange<TlsStream>(options_, std::move(request), context).run();
}

std::string percent_encoded(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            encoded += c;
        } else {
            const auto byte = static_cast<std::byte>(c);
            encoded += "%" + base::to_hex(base::Bytes(&byte, 1));
        }
    }
    return encoded;
}

}  // namespace meshchain::host
