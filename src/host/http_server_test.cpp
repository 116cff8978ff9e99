// The API's server against strangers, slow and oversized clients; then against our own client.

#include "host/http_server.h"

#include "host/http_test_server.h"
#include "host/token_gate.h"

namespace meshchain::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

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
    for (const char* host : {"127.0.0.1", "localhost:4000", "LOCALHOST", "[::1]", "[::1]:4000"}) {
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
    options.timeouts.request = 200ms;
    RunningServer server(options);
    RawClient slow(server.address());
    slow.send("GET /v1/things HTTP/1.1\r\nHost: 127");
    EXPECT_EQ(server.client().send("GET", "/v1/things")->status, 200u);
    EXPECT_EQ(slow.rest(), "") << "closed after the timeout, without an answer";
}

TEST(HttpServer, TrustedConnectionOverTheLimit_IsTurnedAwayWithReasonWhenNoneIsIdle) {
    auto options = options_on_any_port();
    options.connections_max = 2;
    options.strangers_max = 1;
    RunningServer server(options);
    RawClient busy(server.address());
    busy.send(raw_request("", "127.0.0.1", "GET /v1/never HTTP/1.1"));
    server.wait_for([](HttpServer& s) { return s.stats().connections == 1; });
    RawClient second(server.address());
    second.send(raw_request(""));
    EXPECT_THAT(second.rest(), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("too many")));
}

TEST(HttpServer, TrustedConnectionOverTheLimit_DisplacesAnIdleOne) {
    auto options = options_on_any_port();
    options.connections_max = 2;
    options.strangers_max = 1;
    RunningServer server(options);
    RawClient idle(server.address());
    idle.send(kept_request("GET /v1/things HTTP/1.1"));
    EXPECT_THAT(idle.until("}"), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(server.client().send("GET", "/v1/things")->status, 200U);
    EXPECT_EQ(idle.rest(), "");
}

TEST(HttpServer, ThousandSilentConnections_HoldFewDescriptorsAndNobodyUp) {
    raise_descriptor_limit(1200);
    RunningServer server;
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 1000; ++i) crowd.push_back(std::make_unique<RawClient>(server.address()));
    EXPECT_EQ(server.client(token, 2s).send("GET", "/v1/things")->status, 200U);
    EXPECT_EQ(crowd.front()->rest(), "") << "the oldest made room";
    server.wait_for([](HttpServer& s) { return s.stats().accepted >= 1001; });
    const HttpStats stats = server.ask([](HttpServer& s) { return s.stats(); });
    EXPECT_LE(stats.connections, HttpServer::Options{}.strangers_max + 1);
    EXPECT_GE(stats.displaced, 1000 - HttpServer::Options{}.strangers_max);
}

TEST(HttpServer, StrangersWithHalfAHeader_DisplaceNobodyWhoShowedTheToken) {
    auto options = options_on_any_port();
    options.strangers_max = 4;
    RunningServer server(options);
    RawClient owner(server.address());
    owner.send(kept_request("GET /v1/things HTTP/1.1"));
    EXPECT_THAT(owner.until("}"), StartsWith("HTTP/1.1 200"));
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 20; ++i) {
        crowd.push_back(std::make_unique<RawClient>(server.address()));
        crowd.back()->send("GET /v1/things HT");
    }
    server.wait_for([](HttpServer& s) { return s.stats().accepted == 21; });
    owner.send(raw_request(""));
    EXPECT_THAT(owner.rest(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, OpenRoute_NeedsNoTokenButNoWrongOneEither) {
    RunningServer server;
    RawClient without(server.address());
    without.send("GET /v1/open HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(without.rest(), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\"trusted\":false")));
    EXPECT_EQ(server.client().send("GET", "/v1/open")->body, R"({"trusted":true})");
    EXPECT_EQ(server.client("wrong").send("GET", "/v1/open")->status, 401U);
}

TEST(HttpServer, GuessesOfTheToken_AreCountedAndWaitWhileTheOwnerDoesNot) {
    RunningServer server;
    std::vector<std::unique_ptr<RawClient>> guessers;
    for (int i = 0; i < 10; ++i) {
        guessers.push_back(std::make_unique<RawClient>(server.address()));
        guessers.back()->send(
            "GET /v1/things HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
            std::to_string(i) + "\r\n\r\n");
    }
    server.wait_for([](HttpServer& s) { return s.stats().wrong_tokens == 10; });
    EXPECT_EQ(server.client().send("GET", "/v1/things")->status, 200U);
    EXPECT_EQ(server.ask([](HttpServer& s) { return s.stats(); }).responses[4], 0U)
        << "the guessers still wait";
    EXPECT_THAT(guessers.front()->rest(), StartsWith("HTTP/1.1 401"));
}

TEST(TokenGate, Penalty_GrowsWithGuessesAndIsForgotten) {
    TokenGate gate("right");
    EXPECT_TRUE(gate.is_token("right"));
    EXPECT_FALSE(gate.is_token(""));
    EXPECT_FALSE(gate.is_token("right "));
    base::Instant now{};
    now += 1h;
    EXPECT_EQ(gate.penalty(now), 100ms);
    EXPECT_EQ(gate.penalty(now), 200ms);
    for (int i = 0; i < 100; ++i) static_cast<void>(gate.penalty(now));
    EXPECT_EQ(gate.penalty(now), TokenGate::penalty_max);
    EXPECT_EQ(gate.penalty(now + 10min), 100ms);
    EXPECT_EQ(gate.guesses(), 104U);
}

TEST(HttpServer, TokenSentTwice_IsRefused) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request("Authorization: Bearer other\r\n"));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 401"));
}

TEST(HttpServer, HostSentTwice_IsRefused) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request("Host: evil.example\r\n"));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 403"));
}

TEST(HttpServer, LengthAndChunksAtOnce_AreRefused) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "127.0.0.1",
                            "POST /v1/things HTTP/1.1"));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 400"));
}

TEST(HttpServer, PathTricks_AreRefused) {
    RunningServer server;
    for (const char* path :
         {"/v1//things", "//v1/things", "/v1/./things", "/v1/x/../things", "/v1/%2e%2e/v1/things",
          "/v1/%2E/things", "/v1%2fthings", "/v1/things/%00", "/v1/things/a%0d%0ab", "/v1\\things",
          "/v1/things/%5c", "/v1/things#x", "http://evil.example/v1/things", "*", "/%"}) {
        RawClient client(server.address());
        client.send(raw_request("", "127.0.0.1", "GET " + std::string(path) + " HTTP/1.1"));
        EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 400")) << path;
    }
}

TEST(HttpServer, BodyForARouteThatTakesNone_IsRefusedUnread) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request("Content-Length: 1\r\n"));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 413"));
}

TEST(HttpServer, SlowBody_IsCutOff) {
    auto options = options_on_any_port();
    options.timeouts.request = 200ms;
    RunningServer server(options);
    RawClient slow(server.address());
    slow.send(raw_request("Content-Length: 10\r\n", "127.0.0.1", "POST /v1/things HTTP/1.1") + "x");
    EXPECT_EQ(slow.rest(), "");
}

TEST(HttpServer, TrickleOfHeaderBytes_DoesNotExtendTheTime) {
    auto options = options_on_any_port();
    options.timeouts.request = 200ms;
    RunningServer server(options);
    RawClient slow(server.address());
    EXPECT_TRUE(slow.trickle("GET /v1/things HTTP/1.1\r\nX: ", 'x', 20ms, 5s))
        << "was never cut off";
}

TEST(HttpServer, HalfClosedRequest_IsAnsweredAllTheSame) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request(""));
    client.end_output();
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 200"));
}

TEST(HttpServer, HeaderBomb_OfManyFieldsIsRefused) {
    RunningServer server;
    RawClient client(server.address());
    std::string fields;
    for (int i = 0; i < 4000; ++i) fields += "A: b\r\n";
    client.send(raw_request(fields));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 431"));
}

TEST(HttpServer, EndlessChunkHeader_IsRefused) {
    RunningServer server;
    RawClient client(server.address());
    client.send(
        raw_request("Transfer-Encoding: chunked\r\n", "127.0.0.1", "POST /v1/things HTTP/1.1") +
        "1;" + std::string(20'000, 'x'));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 4"));
}

TEST(HttpServer, ClientThatExpectsContinue_IsToldToGoOn) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request("Content-Length: 2\r\nExpect: 100-continue\r\n", "127.0.0.1",
                            "POST /v1/things HTTP/1.1"));
    EXPECT_THAT(client.until("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
    client.send("ab");
    EXPECT_THAT(client.rest(), HasSubstr("{\"bytes\":2}"));
}

TEST(HttpServer, WrongMethod_IsToldWhichAreAllowed) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request("", "127.0.0.1", "DELETE /v1/things HTTP/1.1"));
    EXPECT_THAT(client.rest(),
                AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, POST\r\n")));
}

/// Never ends; what was drawn from it is counted.
class Flood final : public HttpSource {
public:
    explicit Flood(std::atomic<std::size_t>& drawn) : drawn_(drawn) {}
    void pull(std::string& out, std::size_t bytes_max) override {
        out.append(bytes_max, 'x');
        drawn_ += bytes_max;
    }
    std::string_view heartbeat() const override { return "."; }
    void on_more(std::function<void()>) override {}

private:
    std::atomic<std::size_t>& drawn_;
};

TEST(HttpServer, ReaderThatReadsNothing_HoldsNobodyUpAndFillsNoMemory) {
    std::atomic<std::size_t> drawn = 0;
    RunningServer server;
    server.post([&](HttpServer& s) {
        s.add_route({.method = "GET",
                     .pattern = "/v1/flood",
                     .handler = [&](const HttpRequest&, const HttpServer::Respond& respond) {
                         respond({.body = "", .source = std::make_shared<Flood>(drawn)});
                     }});
    });
    RawClient slow(server.address());
    slow.send(kept_request("GET /v1/flood HTTP/1.1"));
    server.wait_for([&](HttpServer&) { return drawn > 0; });
    for (int i = 0; i < 200; ++i) {
        ASSERT_EQ(server.client().send("GET", "/v1/things")->status, 200U);
    }
    EXPECT_LT(drawn, 64U * 1024 * 1024) << "more than any socket keeps";
    const std::size_t before = drawn;
    while (drawn <= before) slow.until("x");
}

TEST(HttpServer, ForeignPage_GetsNoPermissionToRead) {
    RunningServer server;
    RawClient client(server.address());
    client.send(raw_request("Origin: http://evil.example\r\n"));
    EXPECT_THAT(client.rest(), Not(HasSubstr("Access-Control")));
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
    server.wait_for([](HttpServer& s) { return s.stats().accepted == 1; });
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

}  // namespace
}  // namespace meshchain::host
