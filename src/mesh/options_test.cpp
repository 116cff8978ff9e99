#include "mesh/options.h"

#include <gtest/gtest.h>

namespace meshchain::mesh {
namespace {

using namespace std::chrono_literals;

TEST(OptionsCheck, EachFieldOutOfRange_IsNamed) {
    EXPECT_TRUE(check(Options{}).has_value());
    const auto field_refused = [](auto change) {
        Options options;
        change(options);
        const auto checked = check(options);
        return checked ? std::string("nothing") : checked.error().where;
    };
    EXPECT_EQ(field_refused([](Options& o) { o.peers_max = 0; }), "peers_max");
    EXPECT_EQ(field_refused([](Options& o) { o.peers_reserved = 20; }), "peers_reserved");
    EXPECT_EQ(field_refused([](Options& o) { o.seen_objects_max = 0; }), "seen_objects_max");
    EXPECT_EQ(field_refused([](Options& o) { o.frames_per_step_max = 0; }), "frames_per_step_max");
    EXPECT_EQ(field_refused([](Options& o) { o.hop_limit = 8; }), "hop_limit");
    EXPECT_EQ(field_refused([](Options& o) { o.discovery_interval = 0ms; }), "discovery_interval");
    EXPECT_EQ(field_refused([](Options& o) { o.heartbeat_interval = -1s; }), "heartbeat_interval");
    EXPECT_EQ(field_refused([](Options& o) { o.dial_interval_max = 1ms; }), "dial_interval_max");
    EXPECT_EQ(field_refused([](Options& o) { o.peer_timeout = 15s; }), "peer_timeout");
    EXPECT_EQ(field_refused([](Options& o) { o.peer_forget_after = 29s; }), "peer_forget_after");
}

}  // namespace
}  // namespace meshchain::mesh
