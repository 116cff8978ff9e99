// The bridge on real sockets: with a Python program that speaks as Kodikon's nodes do.

#include "host/kodikon_link.h"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "host/asio_address.h"
#include "host/child_process.h"
#include "host/file.h"
#include "host/monotonic.h"
#include "host/system_wall_clock.h"
#include "host/temporary_folder.h"
#include "records/test_records.h"

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::SizeIs;
using udp = boost::asio::ip::udp;

class KodikonLinkTest : public testing::Test {
protected:
    KodikonLinkTest() {
        kv_ = kv::MemoryStore::open(medium_, {.tables = records::test::tables}).value();
        records_ =
            records::RecordService::open(
                *kv_,
                {.store = {.table = records::test::table, .chain = records::test::chain_id()}},
                records::test::key_of(1), base::Random(1), now())
                .value();
    }
    base::Now now() const { return {monotonic_now(), clock_.read()}; }
    /// Of 127.0.0.1, free a moment ago.
    std::uint16_t free_port() {
        udp::socket socket(io_, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        return socket.local_endpoint().port();
    }
    node::KodikonConfig settings(std::uint16_t broadcast_port) {
        node::KodikonConfig settings;
        settings.listen = node::ipv4({127, 0, 0, 1}, 0);
        settings.broadcast = node::ipv4({127, 0, 0, 1}, broadcast_port);
        return settings;
    }
    std::expected<std::unique_ptr<KodikonLink>, base::Error> open(
        const node::KodikonConfig& settings) {
        return KodikonLink::open(io_, settings, *records_, [this] { return now(); });
    }
    template <class Done>
    bool run_until(Done&& done) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            if (io_.stopped()) io_.restart();
            io_.run_one_for(5ms);
        }
        return true;
    }

    boost::asio::io_context io_;
    mutable SystemWallClock clock_;
    std::shared_ptr<kv::MemoryMedium> medium_ = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::Store> kv_;
    std::unique_ptr<KodikonLink> link_;  ///< outlives the service, which calls it
    std::unique_ptr<records::RecordService> records_;
};

TEST_F(KodikonLinkTest, AddressThatIsNotOurs_IsNamedWithWhatToDo) {
    node::KodikonConfig wrong = settings(9);
    wrong.listen = node::ipv4({192, 0, 2, 7}, 9999);
    const auto link = open(wrong);
    ASSERT_FALSE(link);
    EXPECT_EQ(link.error().code, base::Errc::invalid_argument);
    EXPECT_THAT(sentence(link.error()), HasSubstr("kodikon.listen"));
}

TEST_F(KodikonLinkTest, PythonNode_FindsTheBridgeAndBothHearEachOther) {
    const TemporaryFolder folder;
    const std::uint16_t port = free_port();
    auto python =
        ChildProcess::start({.program = "/usr/bin/env",
                             .arguments = {"python3", MESHCHAIN_KODIKON_NODE, std::to_string(port)},
                             .output = folder.path() / "heard",
                             .errors = folder.path() / "errors"});
    ASSERT_TRUE(python) << sentence(python.error());
    const auto heard = [&] {
        const auto bytes = read_file(folder.path() / "heard", 1'000);
        return bytes ? std::string(base::as_text(*bytes)) : std::string();
    };
    ASSERT_TRUE(run_until([&] { return heard() == "ready\n"; }));
    link_ = open(settings(port)).value();
    ASSERT_TRUE(run_until([&] { return link_->view().stats.entries_in == 1; }));
    const auto alerts = records_->alerts(10).value();
    ASSERT_THAT(alerts, SizeIs(1));
    EXPECT_EQ(alerts[0].alert.text, "Tasche verlässt den Raum");
    EXPECT_EQ(alerts[0].alert.priority, records::AlertPriority::critical);
    const auto states = records_->states().value();
    ASSERT_THAT(states, SizeIs(1));
    EXPECT_EQ(states[0].key, "kodikon/Eingang-Süd");
    EXPECT_THAT(states[0].text, HasSubstr("90"));
    const auto hits = records_->search({.hash = "ab12"}).value();
    ASSERT_THAT(hits, SizeIs(1));
    EXPECT_TRUE(hits[0].entry.embedding);
    const KodikonView view = link_->view();
    ASSERT_THAT(view.peers, SizeIs(1));
    EXPECT_EQ(view.peers[0].address.port, port);
    EXPECT_EQ(view.stats.dropped[static_cast<std::size_t>(KodikonDrop::malformed)], 1U)
        << "the state whose version is Infinity";

    ASSERT_TRUE(records_->send_alert(now(), {records::AlertPriority::high, "Feuer", {}}, 1h));
    ASSERT_TRUE(run_until([&] { return !python->running(); }));
    EXPECT_EQ(heard(), "ready\nhigh Feuer\n");
}

TEST_F(KodikonLinkTest, StormOfDatagrams_LeavesTheLoopToOthersAndClosingEndsIt) {
    link_ = open(settings(free_port())).value();
    udp::socket sender(io_, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    const auto to = to_endpoint<udp::endpoint>(link_->local_address());
    const std::string garbage(60'000, '[');
    for (int i = 0; i < 200; ++i) {
        sender.send_to(boost::asio::buffer(garbage), to);
        if (i % 10 == 0) io_.poll_one();
    }
    ASSERT_TRUE(run_until([&] { return link_->view().stats.received >= 5; }));
    EXPECT_TRUE(link_->view().peers.empty());
    link_->close();
    io_.restart();
    io_.run_for(1s);
    EXPECT_TRUE(records_->send_alert(now(), {records::AlertPriority::high, "later", {}}, 1h))
        << "a closed link is told, and does nothing";
    EXPECT_EQ(link_->view().stats.alerts_out, 0U);
}

}  // namespace
}  // namespace meshchain::host
