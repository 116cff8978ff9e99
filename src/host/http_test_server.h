#pragma once
// A server on a thread of its own, and clients that send what no library would.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <thread>

#include "host/asio_address.h"
#include "host/http_client.h"
#include "host/http_server.h"
#include "host/json_document.h"
#include "node/config.h"

namespace meshchain::host {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

inline constexpr char token[] = "0123456789abcdef";

inline HttpServer::Options options_on_any_port() {
    return {.address = node::ipv4({127, 0, 0, 1}, 0), .token = token};
}

template <class Function>
HttpServer::Handler answering(Function function) {
    return [function](const HttpRequest& request, const HttpServer::Respond& respond) {
        respond(function(request));
    };
}

/// A server on its own thread, as a node is to the programs that ask it.
class RunningServer {
public:
    explicit RunningServer(HttpServer::Options options = options_on_any_port()) {
        server_ = *HttpServer::listen(io_, std::move(options), {});
        add("GET", "/v1/things", answering([](const HttpRequest& request) {
                const auto count = request.query.find("count");
                return json_response(
                    {{"count", count == request.query.end() ? "" : count->second}});
            }));
        add("GET", "/v1/things/{thing}", answering([](const HttpRequest& request) {
                return json_response({{"thing", request.parameters.at(0)}});
            }));
        add("POST", "/v1/things", answering([](const HttpRequest& request) {
                return json_response({{"bytes", request.body.size()}}, 201);
            }));
        add("GET", "/v1/throws", answering([](const HttpRequest&) -> HttpResponse {
                throw std::runtime_error("secret detail");
            }));
        add("GET", "/v1/never", [this](const HttpRequest&, HttpServer::Respond respond) {
            unanswered_ = std::move(respond);
        });
        server_->add_route({.method = "GET",
                            .pattern = "/v1/open",
                            .handler = answering([](const HttpRequest& request) {
                                return json_response({{"trusted", request.trusted}});
                            }),
                            .access = HttpRoute::Access::open});
        add("GET", "/v1/later", [this](const HttpRequest&, HttpServer::Respond respond) {
            boost::asio::post(
                io_, [respond = std::move(respond)] { respond(json_response({{"late", true}})); });
        });
        server_->start();
        address_ = server_->address();
        thread_ = std::thread([this] { io_.run(); });
    }
    ~RunningServer() {
        boost::asio::post(io_, [this] { server_.reset(); });
        thread_.join();
    }

    void add(std::string method, std::string pattern, HttpServer::Handler handler) {
        const std::size_t body_bytes_max = method == "POST" ? 64 * 1024 : 0;
        server_->add_route({.method = std::move(method),
                            .pattern = std::move(pattern),
                            .handler = std::move(handler),
                            .body_bytes_max = body_bytes_max});
    }
    void post(std::function<void(HttpServer&)> work) {
        boost::asio::post(io_, [this, work = std::move(work)] { work(*server_); });
    }
    /// What `question` says on the server's thread.
    template <class Question>
    auto ask(Question question) {
        std::promise<decltype(question(*server_))> answer;
        boost::asio::post(io_, [&] { answer.set_value(question(*server_)); });
        return answer.get_future().get();
    }
    template <class Condition>
    void wait_for(Condition condition) {
        while (!ask(condition)) std::this_thread::yield();
    }
    base::LinkAddress address() const { return address_; }
    HttpClient client(std::string with_token = token, base::Duration timeout = 5s) const {
        return HttpClient(
            {.address = address_, .token = std::move(with_token), .timeout = timeout});
    }

private:
    boost::asio::io_context io_;
    std::unique_ptr<HttpServer> server_;
    HttpServer::Respond unanswered_;
    base::LinkAddress address_;
    std::thread thread_;
};

/// Sends bytes as they are and returns all that comes until the server closes.
class RawClient {
public:
    explicit RawClient(base::LinkAddress address) {
        socket_.connect(to_endpoint<tcp::endpoint>(address));
    }
    void send(const std::string& bytes) {
        boost::system::error_code closed_meanwhile;
        boost::asio::write(socket_, boost::asio::buffer(bytes), closed_meanwhile);
    }
    /// Until `end` has come.
    std::string until(const std::string& end) {
        std::string answer;
        boost::system::error_code closed;
        while (!answer.contains(end) && !closed) {
            std::array<char, 4096> some{};
            const std::size_t bytes = socket_.read_some(boost::asio::buffer(some), closed);
            answer.append(some.data(), bytes);
        }
        return answer;
    }
    void end_output() { socket_.shutdown(tcp::socket::shutdown_send); }
    /// Sends `start`, then a byte each `pause`. True when the other side closes within `patience`.
    bool trickle(const std::string& start, char byte, base::Duration pause,
                 base::Duration patience) {
        send(start);
        bool closed = false;
        char received = 0;
        socket_.async_read_some(
            boost::asio::buffer(&received, 1),
            [&](boost::system::error_code error, std::size_t) { closed = bool(error); });
        for (base::Duration spent{}; !closed && spent < patience; spent += pause) {
            io_.run_for(pause);
            if (!closed) send(std::string(1, byte));
        }
        return closed;
    }
    std::string rest() {
        std::string answer;
        boost::system::error_code end;
        boost::asio::read(socket_, boost::asio::dynamic_buffer(answer), end);
        return answer;
    }

private:
    boost::asio::io_context io_;
    tcp::socket socket_{io_};
};

inline std::string raw_request(const std::string& extra, const std::string& host = "127.0.0.1",
                               const std::string& line = "GET /v1/things HTTP/1.1") {
    return line + "\r\nHost: " + host + "\r\nAuthorization: Bearer " + token +
           "\r\nConnection: close\r\n" + extra + "\r\n";
}

/// One of several on a connection.
inline std::string kept_request(const std::string& line) {
    return line + "\r\nHost: localhost\r\nAuthorization: Bearer " + token + "\r\n\r\n";
}

inline void raise_descriptor_limit(rlim_t wanted) {
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = std::max(limit.rlim_cur, std::min(wanted, limit.rlim_max));
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

inline std::string code_in(const HttpResponse& response) {
    return std::string(name(parse_error_response(response).code));
}

}  // namespace meshchain::host
