#include "sim/record_traffic.h"

#include <gtest/gtest.h>

namespace meshchain::sim {
namespace {

using wire::MessageType;

class RecordTrafficTest : public testing::Test {
protected:
    void send(MessageType type, std::uint64_t honest, std::uint64_t attackers = 0) {
        all_[static_cast<std::size_t>(type)].datagrams = honest + attackers;
        attackers_[static_cast<std::size_t>(type)].datagrams = attackers;
    }
    std::string found() {
        Findings findings;
        check_record_traffic(all_, attackers_, load_, findings);
        std::string text;
        for (const Finding& finding : findings.kept()) text += finding.rule + finding.text + "\n";
        return text;
    }

    /// As the scenario storm has it.
    const RecordLoad load_{.records = 73, .nodes = 6, .starts = 7, .time = std::chrono::minutes(2)};
    Traffic all_{};
    Traffic attackers_{};
};

TEST_F(RecordTrafficTest, WhatAttackersSend_IsNotHonestNodesFault) {
    send(MessageType::record, 1'300, 260'000);
    send(MessageType::record_receipt, 3'000);
    send(MessageType::reconcile, 470, 6);
    send(MessageType::routed, 640, 1'400);
    EXPECT_EQ(found(), "");
}

TEST_F(RecordTrafficTest, NodeThatPassesOnWhatItKnows_IsFound) {
    // One neighbour for every twentieth of what came from attackers.
    send(MessageType::record, 13'000, 260'000);
    EXPECT_NE(found().find("record-stormhonest nodes sent 13000 RECORD for 73 records"),
              std::string::npos)
        << found();
}

TEST_F(RecordTrafficTest, NodeThatConfirmsOrAsksWithoutEnd_IsFound) {
    send(MessageType::record_receipt, 30'000, 0);
    EXPECT_NE(found().find("RECORD_RECEIPT"), std::string::npos) << found();
    send(MessageType::record_receipt, 0);
    send(MessageType::reconcile, 5'000);
    EXPECT_NE(found().find("RECONCILE"), std::string::npos) << found();
    send(MessageType::reconcile, 0);
    send(MessageType::routed, 50'000);
    EXPECT_NE(found().find("ROUTED"), std::string::npos) << found();
}

TEST_F(RecordTrafficTest, WithoutRecords_LittleIsSaid) {
    Findings findings;
    send(MessageType::record, 1);
    check_record_traffic(all_, attackers_, {.nodes = 6, .time = std::chrono::minutes(2)}, findings);
    EXPECT_EQ(findings.count(), 1U);
}

}  // namespace
}  // namespace meshchain::sim
