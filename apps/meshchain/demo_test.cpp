// The demo as others call it: one JSON object, and an exit code that can be believed.

#include "meshchain/test_program.h"

namespace meshchain::app {
namespace {

class Demo : public Program {};

TEST_F(Demo, FiveNodes_PayThroughAKillAndAccountForEverything) {
    const Ended ended = run({"demo", "--once", "--json"}, 110s);
    ASSERT_EQ(ended.exit_code, 0) << ended.output << ended.errors;
    const Json result = ended.json();
    EXPECT_EQ(result.at("nodes"), 5);
    EXPECT_GE(result.at("payments_sent"), 50);
    EXPECT_EQ(result.at("payments_final"), result.at("payments_sent"));
    EXPECT_GE(result.at("payments_while_down"), 10);
    EXPECT_GE(result.at("final_height"), 1);
    EXPECT_EQ(result.at("tips_equal"), true);
    EXPECT_EQ(result.at("supply_conserved"), true);
    EXPECT_EQ(result.at("killed_node_caught_up"), true);
    EXPECT_LE(result.at("seconds_to_final_p50"), result.at("seconds_to_final_max"));
}

TEST_F(Demo, ExistingFolder_IsNotPlayedIn) {
    EXPECT_EQ(run({"demo", "--once", "--json", "--keep", root_.string()}).error_code(), "exists");
}

}  // namespace
}  // namespace meshchain::app
