#include "host/http_session.h"

namespace meshchain::host {
namespace {

using base::Errc;

/// For a handler that answers later; the longest work, opening a wallet, takes seconds.
constexpr auto handling_max = std::chrono::seconds(60);
/// What a reader of an endless answer may send meanwhile.
constexpr std::size_t chatter_bytes_max = 4096;

}  // namespace

HttpSession::HttpSession(Owner& owner, std::unique_ptr<HttpStream> stream,
                         const HttpReader::Limits& limits, const HttpTimeouts& timeouts)
    : owner_(owner), stream_(std::move(stream)), timeouts_(timeouts), reader_(limits) {}

void HttpSession::start() {
    expire_after(timeouts_.request);
    stream_->open(shared_from_this());
}

void HttpSession::expire_after(base::Duration time) {
    deadline_ = owner_.now() + time;
    owner_.expect_deadline(deadline_);
}

void HttpSession::close() {
    if (state_ == State::closed) return;
    const auto self = shared_from_this();
    state_ = State::closed;
    deadline_ = base::never;
    source_.reset();
    stream_->close();
    owner_.handle_closed(*this);
}

void HttpSession::stop() {
    if (state_ == State::opening || state_ == State::streaming || idle()) close();
}

void HttpSession::handle_deadline() {
    if (state_ == State::penalised) return respond(std::move(response_), false);
    if (state_ == State::streaming && !flowing_) {
        head_ = source_->heartbeat();
        return write_piece();
    }
    close();
}

void HttpSession::handle_open(bool well) {
    if (state_ == State::closed) return;
    if (!well) return close();
    state_ = State::reading;
    read();
}

void HttpSession::read() {
    if (reading_) return;
    reading_ = true;
    stream_->read(reader_.space(), shared_from_this());
}

void HttpSession::handle_read(std::size_t bytes) {
    reading_ = false;
    if (state_ == State::closed) return;
    if (bytes == 0) return close();
    owner_.before_work();
    if (state_ == State::streaming) {
        chatter_ += bytes;
        return chatter_ > chatter_bytes_max ? close() : read();
    }
    // The time for a first request runs from the beginning of its connection.
    if (served_ && !reader_.has_begun()) expire_after(timeouts_.request);
    reader_.received(bytes);
    proceed();
}

void HttpSession::proceed() {
    switch (reader_.step()) {
        case HttpReader::Step::more: return read();
        case HttpReader::Step::header: return handle_header();
        case HttpReader::Step::request: return handle_request();
        case HttpReader::Step::failed: return respond(reader_.failure(), false);
    }
}

void HttpSession::handle_header() {
    judgement_ = owner_.judge(reader_);
    if (judgement_.trusted && !trusted_) {
        trusted_ = true;
        if (!owner_.admit(*this)) {
            judgement_.refusal = error_response({Errc::unavailable, "too many connections",
                                                 "node's API", "close some and try again"});
        }
    }
    if (judgement_.refusal) return refuse();
    if (reader_.expects_continue()) {
        continuing_ = true;
        return stream_->write({"HTTP/1.1 100 Continue\r\n\r\n", {}}, shared_from_this());
    }
    proceed();
}

void HttpSession::refuse() {
    response_ = *std::move(judgement_.refusal);
    if (judgement_.penalty > base::Duration::zero()) {
        state_ = State::penalised;
        return expire_after(judgement_.penalty);
    }
    // A body that is still to come would have to be read before the next request.
    const bool whole = reader_.step() == HttpReader::Step::request;
    const bool keep = whole && trusted_ && reader_.keep_alive();
    if (whole) static_cast<void>(reader_.take());
    respond(std::move(response_), keep);
}

void HttpSession::handle_request() {
    const bool keep = reader_.keep_alive();
    judgement_.request.body = reader_.take();
    state_ = State::handling;
    expire_after(handling_max);
    owner_.serve(*judgement_.match.route, judgement_.request,
                 [self = shared_from_this(), keep](HttpResponse response) {
                     if (self->state_ != State::handling) return;
                     self->respond(std::move(response), keep);
                 });
}

void HttpSession::respond(HttpResponse response, bool keep_alive) {
    judgement_ = {};
    response_ = std::move(response);
    keep_alive_ = keep_alive && response_.source == nullptr && !owner_.is_stopping();
    state_ = State::writing;
    head_.clear();
    write_head(head_, response_, keep_alive_);
    expire_after(timeouts_.request);
    owner_.count(response_.status);
    stream_->write({head_, response_.body}, shared_from_this());
}

void HttpSession::handle_written(bool well) {
    if (state_ == State::closed) return;
    if (!well) return close();
    if (continuing_) {
        continuing_ = false;
        return proceed();
    }
    if (state_ == State::streaming) {
        flowing_ = false;
        return flow();
    }
    served_ = true;
    if (response_.source != nullptr) return start_flow();
    if (!keep_alive_ || owner_.is_stopping()) return finish();
    state_ = State::reading;
    const bool pipelined = reader_.has_begun();
    expire_after(pipelined ? timeouts_.request : timeouts_.idle);
    if (!pipelined) return read();
    owner_.before_work();
    proceed();
}

void HttpSession::start_flow() {
    source_ = std::move(response_.source);
    response_ = {};
    state_ = State::streaming;
    source_->on_more([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->flow();
    });
    read();  // notices when the reader goes
    flow();
}

void HttpSession::flow() {
    if (state_ != State::streaming || flowing_) return;
    if (owner_.is_stopping()) return close();
    head_.clear();
    source_->pull(head_, stream_bytes);
    head_.empty() ? expire_after(timeouts_.heartbeat) : write_piece();
}

void HttpSession::write_piece() {
    flowing_ = true;
    expire_after(timeouts_.request);
    stream_->write({head_, {}}, shared_from_this());
}

void HttpSession::finish() {
    state_ = State::finishing;
    expire_after(timeouts_.farewell);
    stream_->finish(shared_from_this());
}

}  // namespace meshchain::host
