#include "host/http_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "host/asio_address.h"

namespace meshchain::host {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using base::Errc;

/// Connect, write, read: each step starts the next. Beast's deadline works for asynchronous
/// operations only, hence a private io_context run to its end.
class Exchange {
public:
    Exchange(const HttpClient::Options& options, http::request<http::string_body> request)
        : options_(options), stream_(io_), request_(std::move(request)) {
        parser_.body_limit(options.response_bytes_max);
    }

    std::expected<HttpResponse, base::Error> run() {
        stream_.expires_after(options_.timeout);
        stream_.async_connect(to_endpoint<tcp::endpoint>(options_.address),
                              [this](beast::error_code error) { handle_connect(error); });
        io_.run();
        if (error_) return std::unexpected(describe(error_));
        return HttpResponse{parser_.get().result_int(), std::move(parser_.get().body())};
    }

private:
    void handle_connect(beast::error_code error) {
        error_ = error;
        if (error) return;
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
        if (error == http::error::end_of_stream || error == http::error::partial_message ||
            error == asio::error::connection_reset) {
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
    beast::tcp_stream stream_;
    http::request<http::string_body> request_;
    http::response_parser<http::string_body> parser_;
    beast::flat_buffer buffer_;
    beast::error_code error_;
};

beast::string_view view(std::string_view text) { return {text.data(), text.size()}; }

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
    return Exchange(options_, std::move(request)).run();
}

}  // namespace meshchain::host
