#pragma once
// Requests out of the bytes of one connection: a value without socket or clock, so that a test or a
// fuzzer feeds it what it likes. The header is reported before the body is read, and whoever judges
// it may refuse, or bound the body.
//
// Ownership: what head functions return borrows from the reader until take().
// Limits:    Limits; memory is header_bytes_max + read_bytes and one body.
// Errors:    failure(): the answer to what is no HTTP or too large. Nothing more can be read then.
// Secrets:   header and body are wiped when they are used.
// Format:    RFC 9112

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "host/http.h"

namespace meshchain::host {

class HttpReader {
public:
    struct Limits {
        std::size_t header_bytes_max = 8 * 1024;
        std::size_t body_bytes_max = 64 * 1024;
    };
    static constexpr std::size_t read_bytes = 4096;

    enum class Step {
        more,     ///< read into space(), then received()
        header,   ///< head functions speak; said once a request
        request,  ///< take() it
        failed,   ///< failure() says why
    };

    explicit HttpReader(const Limits& limits);
    ~HttpReader();

    /// Where to read to: never empty while step() says `more`.
    std::span<char> space();
    void received(std::size_t bytes);
    Step step();
    /// Bytes of a request that is not whole are there, or were.
    bool has_begun() const;

    std::string_view method() const;
    std::string_view target() const;
    /// The value of a field that stands once; nothing when it is absent or repeated.
    std::optional<std::string_view> field(std::string_view name) const;
    std::size_t field_count(std::string_view name) const;
    bool keep_alive() const;
    /// The client waits for "100 Continue" before it sends the body.
    bool expects_continue() const;

    /// Between header and body. False when the body is announced to be larger.
    bool limit_body(std::size_t bytes_max);
    /// The body; the reader turns to the next request.
    WipingString take();

    const HttpResponse& failure() const { return failure_; }

private:
    struct Parser;

    void consume(std::size_t bytes);
    Step fail(const base::Error& error, unsigned status);

    Limits limits_;
    std::basic_string<char, std::char_traits<char>, WipingAllocator<char>> buffer_;
    std::size_t filled_ = 0;
    std::unique_ptr<Parser> parser_;
    std::size_t body_bytes_max_ = 0;
    bool header_reported_ = false;
    std::size_t header_bytes_ = 0;  ///< parsed, of the header that is being read
    HttpResponse failure_;
};

}  // namespace meshchain::host
