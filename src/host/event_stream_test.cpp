// Readers of events that are slow, cut off, picky or too many; then over a real connection.

#include "host/event_stream.h"

#include "host/http_test_server.h"

namespace meshchain::host {
namespace {

using runtime::Event;
using runtime::EventType;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t unlimited = 100'000'000;

Event event_of(EventType type, std::uint64_t number) { return {.type = type, .data = number}; }

std::string pull(HttpSource& source, std::size_t bytes_max = unlimited) {
    std::string out;
    source.pull(out, bytes_max);
    return out;
}

std::size_t count(const std::string& text, const std::string& word) {
    std::size_t found = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
    return found;
}

class EventStreamTest : public testing::Test {
protected:
    std::shared_ptr<HttpSource> open(std::string_view types = "", std::string_view last = "") {
        auto source = events_.open(*EventStream::parse_types(types), last);
        EXPECT_TRUE(source);
        return *source;
    }
    void publish(EventType type, int times = 1) {
        for (int i = 0; i < times; ++i) events_.publish(event_of(type, 7), {});
    }

    EventStream events_{42};
};

TEST_F(EventStreamTest, UnknownType_IsRefusedByName) {
    const auto types = EventStream::parse_types("BLOCK_ADDED,NOVEL");
    ASSERT_FALSE(types);
    EXPECT_THAT(types.error().what, HasSubstr("NOVEL"));
    for (const char* text : {",", "BLOCK_ADDED,", "UNKNOWN", "block_added", " "}) {
        EXPECT_EQ(EventStream::parse_types(text).has_value(), std::string(text) == "BLOCK_ADDED,")
            << text;
    }
}

TEST_F(EventStreamTest, StrangeLastId_IsRefused) {
    for (const char* id : {"x", "42", "42-", "-1", "42-1x", "42-99999999999999999999", "42--1"}) {
        EXPECT_FALSE(events_.open({}, id)) << id;
    }
}

TEST_F(EventStreamTest, MoreReadersThanAllowed_AreRefusedUntilOneGoes) {
    std::vector<std::shared_ptr<HttpSource>> readers;
    for (std::size_t i = 0; i < EventStream::readers_max; ++i) readers.push_back(open());
    EXPECT_EQ(events_.open({}, "").error().code, base::Errc::unavailable);
    readers.pop_back();
    EXPECT_TRUE(events_.open({}, ""));
}

TEST_F(EventStreamTest, SlowReader_IsToldHowManyEventsItLost) {
    const auto reader = open();
    publish(EventType::block_added, int(EventStream::ring_max) + 5);
    const std::string text = pull(*reader);
    EXPECT_THAT(text, StartsWith("event: lost\ndata: {\"type\":\"lost\",\"events\":5}\n\n"));
    EXPECT_EQ(count(text, "event: BLOCK_ADDED\n"), EventStream::ring_max);
    EXPECT_EQ(events_.lost(), 5U);
    EXPECT_EQ(pull(*reader), "");
}

TEST_F(EventStreamTest, Reader_GetsWhatItAskedForInPiecesOfBoundedSize) {
    const auto reader = open("PEER_LOST");
    publish(EventType::block_added, 50);
    publish(EventType::peer_lost, 50);
    std::string all;
    for (std::string piece = pull(*reader, 500); !piece.empty(); piece = pull(*reader, 500)) {
        EXPECT_LE(piece.size(), 500U);
        all += piece;
    }
    EXPECT_EQ(count(all, "event: PEER_LOST\n"), 50U);
    EXPECT_THAT(all, Not(HasSubstr("BLOCK_ADDED")));
}

TEST_F(EventStreamTest, ReaderThatWasCutOff_GoesOnAfterTheLastIdItSaw) {
    publish(EventType::block_added, 3);
    EXPECT_EQ(count(pull(*open("", "42-0")), "\nevent: "), 2U);
    EXPECT_EQ(pull(*open("", "42-2")), "");
    EXPECT_EQ(pull(*open()), "") << "a new reader begins with the next event";
    const std::string ahead = pull(*open("", "42-900"));
    EXPECT_EQ(ahead, "") << "an id that was never given";
}

TEST_F(EventStreamTest, ReaderOfAnotherRun_IsToldThatItMayHaveLostSome) {
    publish(EventType::block_added, 3);
    const std::string text = pull(*open("", "41-1"));
    EXPECT_THAT(text, StartsWith("event: lost\ndata: {\"type\":\"lost\",\"events\":null}\n\n"));
    EXPECT_EQ(count(text, "\nevent: BLOCK_ADDED\n"), 3U);
}

TEST_F(EventStreamTest, BeforeAnyEvent_AnIdOfThisRunIsNoPlaceInTheFuture) {
    const auto reader = open("", "42-5");
    publish(EventType::block_added);
    EXPECT_EQ(count(pull(*reader), "BLOCK_ADDED\n"), 1U);
}

TEST_F(EventStreamTest, Event_SaysWhatItIsAbout) {
    const auto reader = open();
    events_.publish({.type = EventType::block_added, .data = runtime::EventId{{}, 9}}, {});
    EXPECT_THAT(pull(*reader), HasSubstr("id: 42-0\nevent: BLOCK_ADDED\ndata: {\"type\":"
                                         "\"BLOCK_ADDED\",\"time\":\"1970-01-01T00:00:00.000Z\","
                                         "\"block\":\"0000"));
    events_.publish({.type = EventType::node_error, .data = runtime::EventText("a\nb")}, {});
    EXPECT_THAT(pull(*reader), HasSubstr("\"text\":\"a\\nb\"")) << "no text ends its line";
}

TEST_F(EventStreamTest, Wake_ReachesOnlyReadersThatHaveSomethingToDraw) {
    const auto reader = open();
    int woken = 0;
    reader->on_more([&] { ++woken; });
    events_.wake();
    EXPECT_EQ(woken, 0);
    publish(EventType::block_added, 2);
    events_.wake();
    EXPECT_EQ(woken, 1);
}

/// Serves `events` on /v1/events.
class EventServer {
public:
    EventServer() {
        server_.post([this](HttpServer& server) {
            server.add_route(
                {.method = "GET",
                 .pattern = "/v1/events",
                 .handler = [this](const HttpRequest& request, const HttpServer::Respond& respond) {
                     auto source = events_.open(EventStream::Types().set(), request.last_event_id);
                     respond({.body = ":\n\n",
                              .content_type = "text/event-stream",
                              .source = *std::move(source)});
                 }});
        });
    }
    void publish(int times) {
        server_.ask([&](HttpServer&) {
            for (int i = 0; i < times; ++i) {
                events_.publish(event_of(EventType::block_added, 1), {});
            }
            events_.wake();
            return true;
        });
    }
    std::unique_ptr<RawClient> reader(const std::string& extra = "") {
        auto client = std::make_unique<RawClient>(server_.address());
        client->send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                     std::string(token) + "\r\n" + extra + "\r\n");
        return client;
    }

    EventStream events_{1};
    RunningServer server_;
};

TEST(EventStreamOverHttp, Events_ArriveAsTheyHappen) {
    EventServer server;
    auto reader = server.reader();
    EXPECT_THAT(reader->until(":\n\n"), HasSubstr("Content-Type: text/event-stream\r\n"));
    server.publish(1);
    EXPECT_THAT(reader->until("\n\n"), StartsWith("id: 1-0\nevent: BLOCK_ADDED\n"));
    auto resumed = server.reader("Last-Event-ID: 1-0\r\n");
    resumed->until(":\n\n");
    server.publish(1);
    EXPECT_THAT(resumed->until("\n\n"), StartsWith("id: 1-1\n"));
}

TEST(EventStreamOverHttp, BurstBeyondTheRing_IsToldToTheReader) {
    EventServer server;
    auto reader = server.reader();
    reader->until(":\n\n");
    server.publish(int(EventStream::ring_max) + 5);
    EXPECT_THAT(reader->until("\n\n"),
                StartsWith("event: lost\ndata: {\"type\":\"lost\",\"events\":5}"));
}

TEST(EventStreamOverHttp, ReaderThatGoes_FreesItsPlace) {
    EventServer server;
    {
        auto reader = server.reader();
        reader->until(":\n\n");
    }
    server.server_.wait_for([&](HttpServer&) { return server.events_.readers() == 0; });
}

TEST(EventStreamOverHttp, IdleReader_GetsHeartbeats) {
    auto options = options_on_any_port();
    options.timeouts.heartbeat = 20ms;
    EventStream events(1);
    RunningServer server(options);
    server.post([&](HttpServer& s) {
        s.add_route({.method = "GET",
                     .pattern = "/v1/events",
                     .handler = [&](const HttpRequest&, const HttpServer::Respond& respond) {
                         respond({.body = "",
                                  .content_type = "text/event-stream",
                                  .source = *events.open({}, "")});
                     }});
    });
    RawClient reader(server.address());
    reader.send(kept_request("GET /v1/events HTTP/1.1"));
    EXPECT_THAT(reader.until(":\n\n:\n\n"), HasSubstr(":\n\n:\n\n"));
}

}  // namespace
}  // namespace meshchain::host
