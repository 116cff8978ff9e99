// The API's server against strangers, slow and oversized clients; then against our own client.

#include "host/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char token[] = "0123456789abcdef";

HttpServer::Options options_on_any_port() {
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
        server_->add_route("GET", "/v1/things", answering([](const HttpRequest& request) {
                               const auto count = request.query.find("count");
                               return json_response(
                                   {{"count", count == request.query.end() ? "" : count->second}});
                           }));
        server_->add_route("GET", "/v1/things/{thing}", answering([](const HttpRequest& request) {
                               return json_response({{"thing", request.parameters.at(0)}});
                           }));
        server_->add_route("POST", "/v1/things", answering([](const HttpRequest& request) {
                               return json_response({{"bytes", request.body.size()}}, 201);
                           }));
        server_->add_route("GET", "/v1/throws", answering([](const HttpRequest&) -> HttpResponse {
                               throw std::runtime_error("secret detail");
                           }));
        server_->add_route("GET", "/v1/later",
                           [this](const HttpRequest&, HttpServer::Respond respond) {
                               boost::asio::post(io_, [respond = std::move(respond)] {
                                   respond(json_response({{"late", true}}));
                               });
                           });
        server_->start();
        address_ = server_->address();
        thread_ = std::thread([this] { io_.run(); });
    }
    ~RunningServer() {
        boost::asio::post(io_, [this] { server_.reset(); });
        thread_.join();
    }

    void post(std::function<void(HttpServer&)> work) {
        boost::asio::post(io_, [this, work = std::move(work)] { work(*server_); });
    }
    base::LinkAddress address() const { return address_; }
    HttpClient client(std::string with_token = token, base::Duration timeout = 5s) const {
        return HttpClient(
            {.address = address_, .token = std::move(with_token), .timeout = timeout});
    }

private:
    boost::asio::io_context io_;
    std::unique_ptr<HttpServer> server_;
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

std::string raw_request(const std::string& extra, const std::string& host = "127.0.0.1",
                        const std::string& line = "GET /v1/things HTTP/1.1") {
    return line + "\r\nHost: " + host + "\r\nAuthorization: Bearer " + token +
           "\r\nConnection: close\r\n" + extra + "\r\n";
}

std::string code_in(const HttpResponse& response) {
    return std::string(name(parse_error_response(response).code));
}

TEST(HttpServer, WrongToken_IsRefused) {
    RunningServer server;
    for (const char* wrong : {"", "x", "0123456789abcdeF", "0123456789abcdef0"}) {
        const auto response = server.client(wrong).send("GET", "/v1/things");
        ASSERT_TRUE(response) << sentence(response.error());
        EXPECT_EQ(response->status, 401u) << wrong;
        EXPECT_EQ(code_in(*response), "unauthorized");
    }
}

TEST(HttpServer, MissingToken_IsRefusedBeforeTheBodyIsRead) {
    RunningServer server;
    RawClient client(server.address());
    client.send("POST /v1/things HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n");
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 401"));
}

TEST(HttpServer, ReboundHostName_IsRefused) {
    RunningServer server;
    for (const char* host : {"evil.example", "evil.example:80", "127.0.0.1.evil.example",
                             "127.0.0.1:x", "", "192.0.2.1"}) {
        RawClient client(server.address());
        client.send(raw_request("", host));
        EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 403")) << host;
    }
    for (const char* host : {"127.0.0.1", "localhost:4000", "[::1]", "[::1]:4000"}) {
        RawClient client(server.address());
        client.send(raw_request("", host));
        EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 200")) << host;
    }
}

TEST(HttpServer, OversizedBody_IsRefusedAndTheAnswerArrives) {
    RunningServer server;
    const auto client = server.client();
    EXPECT_EQ(client.send("POST", "/v1/things", std::string(64 * 1024, 'x'))->status, 201u);
    const auto response = client.send("POST", "/v1/things", std::string(64 * 1024 + 1, 'x'));
    ASSERT_TRUE(response) << sentence(response.error());
    EXPECT_EQ(response->status, 413u);
    EXPECT_EQ(code_in(*response), "too_large");
}

TEST(HttpServer, EndlessChunkedBody_IsRefused) {
    RunningServer server;
    RawClient client(server.address());
    client.send(
        raw_request("Transfer-Encoding: chunked\r\n", "127.0.0.1", "POST /v1/things HTTP/1.1"));
    for (int i = 0; i < 5; ++i) client.send("4000\r\n" + std::string(0x4000, 'x') + "\r\n");
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 413"));
}

TEST(HttpServer, OversizedHeader_IsRefused) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request("X-Long: " + std::string(9000, 'x') + "\r\n"));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 431"));
}

TEST(HttpServer, NoHttp_IsRefused) {
    RunningServer server;
    RawClient client(server.address());
    client.send("\x16\x03\x01 hello\r\n\r\n");
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 400"));
}

TEST(HttpServer, SlowClient_IsCutOffAndOthersAreServed) {
    auto options = options_on_any_port();
    options.request_timeout = 200ms;
    RunningServer server(options);
    RawClient slow(server.address());
    slow.send("GET /v1/things HTTP/1.1\r\nHost: 127");
    EXPECT_EQ(server.client().send("GET", "/v1/things")->status, 200u);
    EXPECT_EQ(slow.rest(), "") << "closed after the timeout, without an answer";
}

TEST(HttpServer, ConnectionOverTheLimit_IsTurnedAwayWithReason) {
    auto options = options_on_any_port();
    options.connections_max = 1;
    RunningServer server(options);
    RawClient first(server.address());
    RawClient second(server.address());
    EXPECT_THAT(second.rest(), HasSubstr("too many connections"));
    first.send(raw_request(""));
    EXPECT_THAT(first.rest(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, CrowdOfSilentConnections_HoldsABoundedNumberOfDescriptors) {
    auto options = options_on_any_port();
    options.connections_max = 2;
    RunningServer server(options);
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 20; ++i) crowd.push_back(std::make_unique<RawClient>(server.address()));
    EXPECT_EQ(crowd.back()->rest(), "") << "turned away without a word";
    std::promise<std::size_t> open;
    server.post([&](HttpServer& s) { open.set_value(s.connections()); });
    EXPECT_LE(open.get_future().get(), 4U);
}

TEST(HttpServer, UnknownPathAndMethod_AreToldApart) {
    RunningServer server;
    const auto client = server.client();
    EXPECT_EQ(client.send("GET", "/v1/thing")->status, 404u);
    EXPECT_EQ(client.send("GET", "/v1/things/")->status, 404u);
    EXPECT_EQ(client.send("GET", "/v1/things/a/b")->status, 404u);
    EXPECT_EQ(client.send("DELETE", "/v1/things")->status, 405u);
    EXPECT_EQ(client.send("GET", "/v1/things?count=%zz")->status, 400u);
}

TEST(HttpServer, ThrowingHandler_IsAnsweredWithoutItsDetail) {
    RunningServer server;
    const auto response = server.client().send("GET", "/v1/throws");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 500u);
    EXPECT_THAT(response->body, testing::Not(HasSubstr("secret")));
}

TEST(HttpServer, HandlerThatAnswersLater_IsWaitedFor) {
    RunningServer server;
    EXPECT_EQ(server.client().send("GET", "/v1/later")->body, R"({"late":true})");
}

TEST(HttpServer, TakenPort_IsAClearError) {
    RunningServer server;
    boost::asio::io_context io;
    auto options = options_on_any_port();
    options.address = server.address();
    const auto second = HttpServer::listen(io, options, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, base::Errc::unavailable);
    EXPECT_THAT(second.error().what, HasSubstr(std::to_string(server.address().port)));
}

TEST(HttpServer, PublicAddress_IsNeverListenedOn) {
    boost::asio::io_context io;
    auto options = options_on_any_port();
    options.address = node::ipv4({0, 0, 0, 0}, 0);
    EXPECT_EQ(HttpServer::listen(io, options, {}).error().code, base::Errc::invalid_argument);
}

TEST(HttpServer, ParametersAndQuery_ReachTheHandlerDecoded) {
    RunningServer server;
    const auto client = server.client();
    EXPECT_EQ(client.send("GET", "/v1/things?count=a%20b%2Bc")->body, R"({"count":"a b+c"})");
    EXPECT_EQ(client.send("GET", "/v1/things/x%2dy")->body, R"({"thing":"x-y"})");
}

TEST(HttpServer, KeptConnection_ServesSeveralRequests) {
    RunningServer server;
    RawClient client(server.address());
    const std::string first =
        "GET /v1/things HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
        std::string(token) + "\r\n\r\n";
    client.send(first + raw_request(""));
    const std::string answer = client.rest();
    EXPECT_NE(answer.find("HTTP/1.1 200"), answer.rfind("HTTP/1.1 200"));
}

TEST(HttpServer, Stop_ClosesIdleConnectionsAndTakesNoNewOnes) {
    RunningServer server;
    RawClient idle(server.address());
    server.post([](HttpServer& s) { s.stop(); });
    EXPECT_EQ(idle.rest(), "");
    EXPECT_EQ(server.client().send("GET", "/v1/things").error().code, base::Errc::unavailable);
}

TEST(HttpClient, SilentServer_TimesOut) {
    boost::asio::io_context io;
    tcp::acceptor silent(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    const HttpClient client(
        {.address = to_link_address(silent.local_endpoint()), .token = token, .timeout = 100ms});
    EXPECT_EQ(client.send("GET", "/").error().code, base::Errc::timeout);
}

TEST(HttpErrors, Response_ReadsBackAsTheSameError) {
    const base::Error error{base::Errc::conflict, "spent \"twice\"", "coin", "wait"};
    const base::Error read = parse_error_response(error_response(error));
    EXPECT_EQ(read.code, error.code);
    EXPECT_EQ(read.what, error.what);
    EXPECT_EQ(read.where, error.where);
    EXPECT_EQ(read.advice, error.advice);
}

TEST(HttpErrors, StrangeResponse_IsUnavailable) {
    for (const char* body :
         {"", "<html>", "[]", "{}", R"({"error": 5})", R"({"error": {"code": "novel"}})"}) {
        EXPECT_EQ(parse_error_response({502, body}).code, base::Errc::unavailable) << body;
    }
}

TEST(HttpTarget, BrokenTargets_AreRefused) {
    for (const char* target : {"", "v1", "/%", "/%4", "/a?b=%g0", "/a?b=1&b=2"}) {
        EXPECT_FALSE(parse_target(target)) << target;
    }
}

}  // namespace
}  // namespace meshchain::host
