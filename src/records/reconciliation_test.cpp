#include "records/reconciliation.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/random.h"
#include "base/test_effort.h"
#include "wire/test_values.h"

namespace meshchain::records {
namespace {

using coding::FingerprintTree;
using wire::RecordId;

RecordId random_id(base::Random& random) {
    RecordId id;
    for (std::byte& byte : id.bytes) byte = static_cast<std::byte>(random.below(256));
    return id;
}

const auto all = [](const RecordId&) { return true; };

/// Two neighbours that tell each other until nothing is left to be told.
class Pair {
public:
    struct Cost {
        std::size_t message_bytes = 0;
        std::size_t messages = 0;
        std::size_t records = 0;
        std::size_t rounds = 0;
    };

    std::array<FingerprintTree, 2> trees;
    std::uint32_t loss_percent = 0;

    explicit Pair(std::uint64_t seed) : random_(seed) {}

    /// Begins anew, as time would, until both hold the same or `rounds_max` are over.
    Cost run(std::size_t rounds_max) {
        Cost cost;
        while (cost.rounds < rounds_max && trees[0].summary({}) != trees[1].summary({})) {
            ++cost.rounds;
            const std::size_t first = cost.rounds % 2;
            say(cost, first, begin_reconciliation(trees[first], {}, random_.next()));
            while (!under_way_.empty()) deliver(cost);
        }
        return cost;
    }

private:
    struct Message {
        std::size_t to;
        base::Buffer bytes;
    };
    bool is_lost() { return random_.below(100) < loss_percent; }
    void say(Cost& cost, std::size_t from, base::Buffer bytes) {
        cost.message_bytes += bytes.size();
        ++cost.messages;
        if (!is_lost()) under_way_.push_back({1 - from, std::move(bytes)});
    }
    void deliver(Cost& cost) {
        const Message message = std::move(under_way_.front());
        under_way_.pop_front();
        const auto answer = answer_reconciliation(parse_reconcile(message.bytes).value(),
                                                  trees[message.to], random_.next(), all);
        for (const base::Buffer& reply : answer.messages) say(cost, message.to, reply);
        for (const RecordId& id : answer.to_send) {
            ++cost.records;
            if (!is_lost()) trees[1 - message.to].insert(id.bytes);
        }
    }

    base::Random random_;
    std::deque<Message> under_way_;
};

TEST(ReconcileFormat, Message_HasOneForm) {
    ReconcileMessage message{.salt = 0x0102030405060708, .segment = std::nullopt, .claims = {}};
    using Form = RangeClaim::Form;
    message.claims.push_back({Form::summary, {}, {0x11}});
    RangeClaim children{Form::children, FingerprintTree::Prefix{}.child(0xa), {}};
    children.values.assign(16, 0);
    children.values[0] = 0x22;
    children.values[15] = 0x33;
    message.claims.push_back(children);
    message.claims.push_back({Form::members, children.prefix.child(0xb).child(0xc), {0x44}});
    message.claims.push_back({Form::wanted, {}, {0x55, 0x66}});
    wire::test::expect_one_form(
        message,
        "01"
        "0102030405060708"
        "0000000000000000"
        "00"
        "0000000000000011"
        "11"
        "a0"
        "8001"
        "0000000000000022"
        "0000000000000033"
        "23"
        "abc0"
        "01"
        "0000000000000044"
        "30"
        "02"
        "0000000000000055"
        "0000000000000066",
        [](base::Bytes bytes) -> std::expected<ReconcileMessage, base::Error> {
            // Cut at the end of a claim it is a message of fewer claims.
            auto parsed = parse_reconcile(bytes);
            if (parsed && parsed->claims.size() < 4) {
                return base::failure(base::Errc::malformed, "", "");
            }
            return parsed;
        });
}

TEST(ReconcileFormat, WhatCannotBe_IsMalformed) {
    const auto code = [](const std::string& claims) {
        const auto bytes = wire::test::bytes_of("01" + wire::test::times("00", 16) + claims);
        return parse_reconcile(bytes).error().code;
    };
    EXPECT_EQ(code(""), base::Errc::malformed);
    EXPECT_EQ(code("40" + wire::test::times("00", 8)), base::Errc::malformed) << "unknown form";
    EXPECT_EQ(code("09" + wire::test::times("00", 13)), base::Errc::malformed) << "nine digits";
    EXPECT_EQ(code("01" + std::string("ab") + wire::test::times("00", 8)), base::Errc::malformed)
        << "a digit that is not counted";
    EXPECT_EQ(code("10" + std::string("0001") + wire::test::times("00", 8)), base::Errc::malformed)
        << "a child that is empty and is not";
    EXPECT_EQ(code("20" + std::string("41") + wire::test::times("00", 8 * 65)),
              base::Errc::malformed)
        << "65 names";
    EXPECT_EQ(code("30" + std::string("00")), base::Errc::malformed) << "nothing wanted";
    EXPECT_EQ(code("31" + std::string("a001") + wire::test::times("00", 8)), base::Errc::malformed)
        << "wanted of a range";
}

TEST(Reconciliation, EqualSets_CostOneMessage) {
    base::Random random(3);
    Pair pair(3);
    for (int i = 0; i < 1'000; ++i) {
        const RecordId id = random_id(random);
        for (FingerprintTree& tree : pair.trees) tree.insert(id.bytes);
    }
    const auto message = parse_reconcile(begin_reconciliation(pair.trees[0], {}, 5)).value();
    const auto answer = answer_reconciliation(message, pair.trees[1], 6, all);
    EXPECT_TRUE(answer.messages.empty() && answer.to_send.empty());
    EXPECT_FALSE(answer.differs);
}

TEST(Reconciliation, AnyDifference_IsToldOnceInOneRound) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        base::Random random(seed);
        Pair pair(seed);
        const std::size_t common = random.below(3'000);
        const std::size_t apart = random.below(200);
        for (std::size_t i = 0; i < common; ++i) {
            const RecordId id = random_id(random);
            for (FingerprintTree& tree : pair.trees) tree.insert(id.bytes);
        }
        for (std::size_t i = 0; i < apart; ++i) {
            pair.trees[random.below(2)].insert(random_id(random).bytes);
        }
        const auto cost = pair.run(1);
        EXPECT_EQ(pair.trees[0].summary({}), pair.trees[1].summary({})) << "seed " << seed;
        EXPECT_EQ(cost.records, apart) << "seed " << seed;
    }
}

TEST(Reconciliation, NewcomerWithNothing_GetsEverythingRoundByRound) {
    base::Random random(8);
    Pair pair(8);
    for (int i = 0; i < 4'000; ++i) pair.trees[0].insert(random_id(random).bytes);
    const auto cost = pair.run(40);
    EXPECT_EQ(pair.trees[1].size(), 4'000U);
    EXPECT_EQ(cost.records, 4'000U);
    EXPECT_LT(cost.message_bytes, 4'000U * 100);
}

TEST(Reconciliation, LossOfAThird_ConvergesAndKeepsWhatWasWon) {
    base::Random random(4);
    Pair pair(4);
    pair.loss_percent = 33;
    for (int i = 0; i < 2'000; ++i) {
        const RecordId id = random_id(random);
        for (FingerprintTree& tree : pair.trees) tree.insert(id.bytes);
    }
    for (int i = 0; i < 100; ++i) pair.trees[random.below(2)].insert(random_id(random).bytes);
    const auto cost = pair.run(60);
    EXPECT_EQ(pair.trees[0].summary({}), pair.trees[1].summary({}));
    EXPECT_LT(cost.records, 100U * 3);
}

TEST(Reconciliation, HundredOfHundredThousand_CostLessThanTheRecordsThemselves) {
    base::Random random(6);
    Pair pair(6);
    const auto common = static_cast<int>(100'000);
    for (int i = 0; i < common; ++i) {
        const RecordId id = random_id(random);
        for (FingerprintTree& tree : pair.trees) tree.insert(id.bytes);
    }
    for (int i = 0; i < 100; ++i) pair.trees[random.below(2)].insert(random_id(random).bytes);
    const auto cost = pair.run(1);
    EXPECT_EQ(pair.trees[0].summary({}), pair.trees[1].summary({}));
    const std::size_t framed =
        cost.message_bytes + cost.messages * (wire::FrameHeader::size + crypto::Signature::size);
    EXPECT_LT(framed, 100U * 700) << cost.messages << " messages";
}

TEST(Reconciliation, NamesThatBeginAlike_EndInAListAndNotInALoop) {
    Pair pair(2);
    for (unsigned i = 0; i < 40; ++i) {
        RecordId id;
        id.bytes[6] = static_cast<std::byte>(i);
        pair.trees[i % 2].insert(id.bytes);
    }
    pair.run(5);
    EXPECT_EQ(pair.trees[0].summary({}), pair.trees[1].summary({}));
}

}  // namespace
}  // namespace meshchain::records
