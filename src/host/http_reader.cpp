#include "host/http_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>

#include "base/assert.h"

namespace meshchain::host {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using base::Errc;
using Body = http::basic_string_body<char, std::char_traits<char>, WipingAllocator<char>>;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }
beast::string_view view(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct HttpReader::Parser {
    std::optional<http::request_parser<Body, WipingAllocator<char>>> of_request;
};

HttpReader::HttpReader(const Limits& limits)
    : limits_(limits),
      buffer_(limits.header_bytes_max + read_bytes, '\0'),
      parser_(std::make_unique<Parser>()) {}
HttpReader::~HttpReader() = default;

std::span<char> HttpReader::space() { return std::span(buffer_).subspan(filled_); }

void HttpReader::received(std::size_t bytes) {
    MESH_ASSERT(bytes <= buffer_.size() - filled_);
    filled_ += bytes;
}

bool HttpReader::has_begun() const { return filled_ > 0 || parser_->of_request.has_value(); }

void HttpReader::consume(std::size_t bytes) {
    std::memmove(buffer_.data(), buffer_.data() + bytes, filled_ - bytes);
    filled_ -= bytes;
    crypto::wipe(std::as_writable_bytes(std::span(buffer_).subspan(filled_, bytes)));
}

HttpReader::Step HttpReader::fail(const base::Error& error, unsigned status) {
    failure_ = error_response(error, status);
    return Step::failed;
}

HttpReader::Step HttpReader::step() {
    if (failure_.status >= 400) return Step::failed;
    auto& parser = parser_->of_request;
    if (!parser) {
        if (filled_ == 0) return Step::more;
        parser.emplace();
        // Beast counts differently for every way the bytes are cut: the limit is kept here.
        parser->header_limit(static_cast<std::uint32_t>(buffer_.size()));
        header_bytes_ = 0;
        body_bytes_max_ = limits_.body_bytes_max;
        parser->body_limit(body_bytes_max_);
        header_reported_ = false;
    }
    while (true) {
        if (header_reported_ && parser->is_done()) return Step::request;
        if (filled_ == 0) return Step::more;
        beast::error_code error;
        const std::size_t used =
            parser->put(boost::asio::const_buffer(buffer_.data(), filled_), error);
        consume(used);
        if (!header_reported_) header_bytes_ += used;
        const std::size_t header_bytes =
            header_bytes_ + (error == http::error::need_more ? filled_ : 0);
        if (!header_reported_ && header_bytes > limits_.header_bytes_max) {
            error = http::error::header_limit;
        }
        if (error == http::error::need_more) {
            if (filled_ < buffer_.size()) return Step::more;
            error = http::error::header_limit;  // a chunk's header without an end, too
        }
        if (error == http::error::body_limit) {
            return fail({Errc::too_large, "body over " + std::to_string(body_bytes_max_) + " bytes",
                         "request", "send less at once"},
                        413);
        }
        if (error == http::error::header_limit) {
            return fail({Errc::too_large, "headers too long", "request", "send fewer headers"},
                        431);
        }
        if (error) {
            return fail(
                {Errc::malformed, "no HTTP: " + error.message(), "request", "speak HTTP/1.1"}, 400);
        }
        if (!header_reported_ && parser->is_header_done()) {
            header_reported_ = true;
            return Step::header;
        }
    }
}

std::string_view HttpReader::method() const {
    return view(parser_->of_request->get().method_string());
}

std::string_view HttpReader::target() const { return view(parser_->of_request->get().target()); }

std::optional<std::string_view> HttpReader::field(std::string_view name) const {
    const auto [first, last] = parser_->of_request->get().equal_range(view(name));
    if (first == last || std::next(first) != last) return std::nullopt;
    return view(first->value());
}

std::size_t HttpReader::field_count(std::string_view name) const {
    return parser_->of_request->get().count(view(name));
}

bool HttpReader::keep_alive() const { return parser_->of_request->keep_alive(); }

bool HttpReader::expects_continue() const {
    const auto expect = field("Expect");
    return expect && beast::iequals(view(*expect), "100-continue");
}

bool HttpReader::limit_body(std::size_t bytes_max) {
    body_bytes_max_ = std::min(bytes_max, limits_.body_bytes_max);
    auto& parser = *parser_->of_request;
    parser.body_limit(body_bytes_max_);
    return parser.content_length().value_or(0) <= body_bytes_max_;
}

WipingString HttpReader::take() {
    auto& parser = parser_->of_request;
    MESH_ASSERT(parser && parser->is_done());
    WipingString body = std::move(parser->get().body());
    parser.reset();
    return body;
}

}  // namespace meshchain::host
