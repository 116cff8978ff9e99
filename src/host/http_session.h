#pragma once
// One connection of the HTTP server: reads requests, has them judged and answered, writes the
// answers, one after the other.
//
// Ownership: the owner (the server) keeps it until it is told of its end; pending operations of the
//            stream keep it a moment longer.
// Time:      what misses its deadline() is closed; the owner calls handle_deadline().
// Limits:    those of HttpReader; one request at a time; of an endless answer, stream_bytes at
// once. Threads:   the server's.

#include <functional>
#include <memory>
#include <string>

#include "base/time.h"
#include "host/http_reader.h"
#include "host/http_router.h"
#include "host/http_stream.h"

namespace meshchain::host {

struct HttpTimeouts {
    base::Duration request = std::chrono::seconds(10);    ///< for one whole request, or one answer
    base::Duration idle = std::chrono::seconds(60);       ///< between two of them
    base::Duration heartbeat = std::chrono::seconds(15);  ///< of an endless answer
    base::Duration farewell = std::chrono::seconds(1);    ///< for the other side to close
};

class HttpSession final : public HttpStream::User,
                          public std::enable_shared_from_this<HttpSession> {
public:
    /// What was said of a header.
    struct Judgement {
        std::optional<HttpResponse> refusal;  ///< answered with this, and closed
        base::Duration penalty{};             ///< how long the refusal waits
        bool trusted = false;                 ///< it carries the token
        HttpRouter::Match match{};
        HttpRequest request;  ///< all but its body
    };

    /// The server, as a session sees it.
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual base::Instant now() const = 0;
        virtual Judgement judge(HttpReader& reader) = 0;
        /// Before anything is done for this session: the node's own work goes first.
        virtual void before_work() = 0;
        virtual void serve(const HttpRoute& route, const HttpRequest& request,
                           HttpRoute::Respond respond) = 0;
        /// It carries the token from now on. False: no room for more of these.
        virtual bool admit(HttpSession& session) = 0;
        virtual void handle_closed(HttpSession& session) = 0;
        /// handle_deadline() is to be called then.
        virtual void expect_deadline(base::Instant deadline) = 0;
        virtual void count(unsigned status) = 0;
        virtual bool is_stopping() const = 0;
    };

    static constexpr std::size_t stream_bytes = 16 * 1024;

    HttpSession(Owner& owner, std::unique_ptr<HttpStream> stream, const HttpReader::Limits& limits,
                const HttpTimeouts& timeouts);

    void start();
    /// Ends now, without a word.
    void close();
    /// Ends after the answer under way; at once when there is none.
    void stop();
    /// Called when deadline() has passed.
    void handle_deadline();

    base::Instant deadline() const { return deadline_; }
    bool is_trusted() const { return trusted_; }
    /// Has sent nothing yet.
    bool is_silent() const { return state_ == State::opening || (idle() && !served_); }
    bool idle() const { return state_ == State::reading && !reader_.has_begun(); }

    // HttpStream::User
    void handle_open(bool well) override;
    void handle_read(std::size_t bytes) override;
    void handle_written(bool well) override;
    void handle_finished() override { close(); }

private:
    enum class State {
        opening,
        reading,
        handling,
        penalised,
        writing,
        streaming,
        finishing,
        closed
    };

    void read();
    void proceed();
    void handle_header();
    void refuse();
    void handle_request();
    void respond(HttpResponse response, bool keep_alive);
    void start_flow();
    void flow();
    void write_piece();
    void finish();
    void expire_after(base::Duration time);

    Owner& owner_;
    std::unique_ptr<HttpStream> stream_;
    HttpTimeouts timeouts_;
    HttpReader reader_;
    State state_ = State::opening;
    base::Instant deadline_ = base::never;
    bool trusted_ = false;
    bool served_ = false;      ///< at least one request was answered
    bool reading_ = false;     ///< a read is under way
    bool continuing_ = false;  ///< "100 Continue" is being written
    bool keep_alive_ = false;
    Judgement judgement_;
    std::string head_;
    HttpResponse response_;
    std::shared_ptr<HttpSource> source_;
    bool flowing_ = false;     ///< a piece of the source is being written
    std::size_t chatter_ = 0;  ///< bytes that came while the source flowed
};

}  // namespace meshchain::host
