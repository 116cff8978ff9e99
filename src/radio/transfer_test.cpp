// Outbox and Reassembly against each other, over air that loses.

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_effort.h"
#include "radio/outbox.h"
#include "radio/reassembly.h"
#include "radio/test_lossy_air.h"

namespace meshchain::radio {
namespace {

using namespace std::chrono_literals;
using Refusal = Reassembly::Refusal;
using test::LossyAir;

constexpr NodeNumber sender = LossyAir::sender;
constexpr base::Instant start = LossyAir::start;

base::Buffer random_bytes(base::Random& random, std::size_t count) {
    base::Buffer bytes(count);
    for (std::byte& value : bytes) value = static_cast<std::byte>(random.below(256));
    return bytes;
}

Message block_of(base::Bytes payload) {
    return {.type = wire::MessageType::block, .origin = {}, .payload = payload};
}

/// Packets of a message as they leave.
std::vector<base::Buffer> packets_of(base::Bytes payload, std::size_t more = 0) {
    Outbox outbox({});
    EXPECT_TRUE(outbox.submit(start, Priority::block, 3, block_of(payload)).has_value());
    std::vector<base::Buffer> packets;
    while (outbox.next(start)) packets.push_back(outbox.take(start).packet);
    for (; more > 0; --more) {
        outbox.handle_wish(start, transfer_id(wire::MessageType::block, {}, payload), 1);
        packets.push_back(outbox.take(start + 1min).packet);
    }
    return packets;
}

std::optional<Reassembly::Joined> hand_over(Reassembly& reassembly, base::Instant now,
                                            base::Bytes packet_bytes, NodeNumber from = sender) {
    const auto packet = parse_packet(packet_bytes);
    EXPECT_TRUE(packet.has_value());
    const auto joined = reassembly.handle_piece(now, from, std::get<Piece>(*packet));
    reassembly.check_invariants();
    return joined;
}

TEST(Transfer, FourKilobytesAtThirtyPercentLoss_CostLessThanTwiceTheirSize) {
    std::vector<double> costs;
    for (std::uint64_t seed = 0; seed < 41; ++seed) {
        LossyAir air(seed, 1, 30);
        const base::Buffer payload = random_bytes(air.random, 4096);
        ASSERT_TRUE(air.outbox.submit(start, Priority::sync, 3, block_of(payload)).has_value());
        air.run();
        ASSERT_EQ(air.receivers[0].got, payload) << "seed " << seed;
        costs.push_back(static_cast<double>(air.air_bytes) / 4096);
    }
    std::ranges::sort(costs);
    RecordProperty("median", std::to_string(costs[20]));
    EXPECT_LE(costs[20], 1.95);
    EXPECT_LE(costs.back(), 3.2);
}

TEST(Transfer, ManyReceivers_SpeakFarLessThanOnceEach) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        LossyAir air(seed, 20, 20);
        const base::Buffer payload = random_bytes(air.random, 1500);
        ASSERT_TRUE(air.outbox.submit(start, Priority::block, 3, block_of(payload)).has_value());
        air.run();
        EXPECT_TRUE(air.is_done()) << "seed " << seed;
        EXPECT_LE(air.wishes, 20U) << "seed " << seed;
    }
}

TEST(Transfer, EveryLengthAroundAPacket_ArrivesAsItWas) {
    base::Random random(1);
    for (const std::size_t bytes : {229U, 230U, 440U, 441U, 660U, 4095U, 8192U}) {
        const base::Buffer payload = random_bytes(random, bytes);
        auto packets = packets_of(payload);
        for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
            std::swap(packets[i], packets[i + random.below(packets.size() - i)]);
        }
        Reassembly reassembly({}, random);
        std::optional<Reassembly::Joined> joined;
        for (const base::Buffer& packet : packets) {
            EXPECT_FALSE(joined.has_value());
            joined = hand_over(reassembly, start, packet);
        }
        ASSERT_TRUE(joined.has_value()) << bytes;
        EXPECT_EQ(joined->bytes, payload);
        EXPECT_EQ(reassembly.transfers(), 0U);
    }
}

TEST(Reassembly, MillionSinglePieces_PushOutEachOtherButNotWhatIsUnderWay) {
    base::Random random(2);
    Reassembly reassembly({}, random);
    const base::Buffer payload = random_bytes(random, 1000);
    const auto packets = packets_of(payload);
    for (std::size_t i = 0; i + 1 < packets.size(); ++i) hand_over(reassembly, start, packets[i]);
    const base::Buffer noise(100);
    std::size_t most = 0;
    for (std::uint32_t i = 0; i < meshchain::test::effort(20'000U, 1'000'000U); ++i) {
        const Piece piece{.type = wire::MessageType::block,
                          .head = {},
                          .transfer = TransferId{i},
                          .cut = {8000, 100},
                          .index = 200,
                          .rest = 9,
                          .bytes = noise};
        EXPECT_FALSE(reassembly.handle_piece(start + 1s, NodeNumber{i / 8}, piece));
        most = std::max(most, reassembly.bytes());
    }
    reassembly.check_invariants();
    EXPECT_LE(most, 1000U + 16 * 100);
    EXPECT_TRUE(hand_over(reassembly, start + 2s, packets.back()).has_value());
}

TEST(Reassembly, OneSender_HasNoMoreThanItsShare) {
    base::Random random(3);
    Reassembly reassembly({}, random);
    for (int i = 0; i < 10; ++i) {
        hand_over(reassembly, start + i * 1s, packets_of(random_bytes(random, 500))[0]);
    }
    EXPECT_EQ(reassembly.transfers(), ReassemblyLimits{}.transfers_of_one_max);
    EXPECT_EQ(reassembly.count(Refusal::displaced), 6U);
}

TEST(Reassembly, FalsePiece_SpoilsItsTransferAndNothingElse) {
    base::Random random(4);
    Reassembly reassembly({}, random);
    const base::Buffer payload = random_bytes(random, 400);
    auto packets = packets_of(payload);
    base::Buffer forged = packets[0];
    forged.back() ^= std::byte{1};
    hand_over(reassembly, start, forged);
    EXPECT_FALSE(hand_over(reassembly, start, packets[1]).has_value());
    EXPECT_EQ(reassembly.count(Refusal::untrue), 1U);
    // The true ones join, if they come again.
    hand_over(reassembly, start, packets[0]);
    EXPECT_TRUE(hand_over(reassembly, start, packets[1]).has_value());
}

TEST(Reassembly, PiecesOfAnotherSenderOrCut_AreNotMixed) {
    base::Random random(5);
    Reassembly reassembly({}, random);
    const base::Buffer payload = random_bytes(random, 400);
    const auto packets = packets_of(payload);
    hand_over(reassembly, start, packets[0]);
    EXPECT_FALSE(hand_over(reassembly, start, packets[1], NodeNumber{8}).has_value());
    EXPECT_EQ(reassembly.transfers(), 2U);
    auto other = std::get<Piece>(*parse_packet(packets[1]));
    other.type = wire::MessageType::transaction;
    EXPECT_FALSE(reassembly.handle_piece(start, sender, other));
    const base::Buffer half(100);
    other = std::get<Piece>(*parse_packet(packets[1]));
    other.cut = {400, 100};
    other.bytes = half;
    EXPECT_FALSE(reassembly.handle_piece(start, sender, other));
    EXPECT_EQ(reassembly.count(Refusal::contradicts), 2U);
}

TEST(Reassembly, MessageLongerThanIsJoined_TakesNoMemory) {
    Reassembly reassembly({.message_bytes_max = 1000}, base::Random(6));
    base::Random random(6);
    EXPECT_FALSE(
        hand_over(reassembly, start, packets_of(random_bytes(random, 1001))[0]).has_value());
    EXPECT_EQ(reassembly.count(Refusal::too_long), 1U);
    EXPECT_EQ(reassembly.transfers(), 0U);
}

TEST(Reassembly, RepairForOthers_IsNotJoinedAgain) {
    base::Random random(7);
    Reassembly reassembly({}, random);
    const auto packets = packets_of(random_bytes(random, 400), 2);
    hand_over(reassembly, start, packets[0]);
    EXPECT_TRUE(hand_over(reassembly, start, packets[1]).has_value());
    for (const auto& packet : packets) EXPECT_FALSE(hand_over(reassembly, start, packet));
    EXPECT_EQ(reassembly.transfers(), 0U);
    EXPECT_EQ(reassembly.count(Refusal::known), 4U);
}

TEST(Reassembly, NobodyAnswers_IsAskedRarerAndThenForgotten) {
    base::Random random(8);
    const ReassemblyLimits limits;
    Reassembly reassembly(limits, random);
    const auto packets = packets_of(random_bytes(random, 700));
    hand_over(reassembly, start, packets[0]);
    std::vector<base::Instant> asked;
    base::Instant now = start;
    while (reassembly.transfers() > 0) {
        now = reassembly.poll_timeout(now);
        ASSERT_LE(now, start + limits.forget_after);
        if (const auto wish = reassembly.poll_wish(now)) {
            EXPECT_EQ(wish->missing, packets.size() - 1);
            EXPECT_EQ(wish->sender, sender);
            asked.push_back(now);
        }
        reassembly.handle_timeout(now);
    }
    EXPECT_EQ(asked.size(), limits.wishes_max);
    for (std::size_t i = 2; i < asked.size(); ++i) {
        EXPECT_GT(asked[i] - asked[i - 1], asked[i - 1] - asked[i - 2]);
    }
    EXPECT_EQ(reassembly.count(Refusal::forgotten), 1U);
    EXPECT_EQ(reassembly.poll_timeout(now), base::never);
}

TEST(Reassembly, PiecesStillToCome_AreWaitedForAtTheirPace) {
    base::Random random(9);
    Reassembly reassembly({}, random);
    const auto packets = packets_of(random_bytes(random, 2200));
    ASSERT_EQ(packets.size(), 10U);
    hand_over(reassembly, start, packets[0]);
    hand_over(reassembly, start + 3min, packets[1]);
    // Eight more, one in three minutes.
    EXPECT_GE(reassembly.poll_timeout(start + 3min), start + 3min + 24min);
    hand_over(reassembly, start + 27min, packets[9]);
    EXPECT_LE(reassembly.poll_timeout(start + 27min), start + 27min + 2s);
}

TEST(Reassembly, WhoHeardOneMissingAsMany_KeepsSilent) {
    base::Random random(10);
    Reassembly reassembly({}, random);
    const base::Buffer payload = random_bytes(random, 700);
    const auto packets = packets_of(payload);
    hand_over(reassembly, start, packets[3]);
    Wish wish{.type = wire::MessageType::block,
              .sender = sender,
              .transfer = transfer_id(wire::MessageType::block, {}, payload),
              .missing = 2};
    reassembly.handle_wish(start, wish);
    EXPECT_LE(reassembly.poll_timeout(start), start + 3s);
    wish.missing = 3;
    reassembly.handle_wish(start, wish);
    EXPECT_GE(reassembly.poll_timeout(start), start + 20s);
}

TEST(Outbox, MoreUrgent_LeavesFirst_AndEqualsInTheirOrder) {
    Outbox outbox({});
    const auto submit = [&](Priority priority, std::uint8_t mark) {
        const base::Buffer payload(10, std::byte{mark});
        ASSERT_TRUE(outbox.submit(start, priority, 3, block_of(payload)).has_value());
    };
    submit(Priority::record, 1);
    submit(Priority::transaction, 2);
    submit(Priority::transaction, 3);
    submit(Priority::urgent, 4);
    for (const unsigned mark : {4U, 2U, 3U, 1U}) {
        ASSERT_TRUE(outbox.next(start).has_value());
        EXPECT_EQ(std::to_integer<unsigned>(outbox.take(start).packet.back()), mark);
    }
    EXPECT_FALSE(outbox.next(start).has_value());
    EXPECT_EQ(outbox.poll_timeout(start), base::never);
}

TEST(Outbox, WhatOthersMaySay_WaitsForItsTurn_AndIsNotSaidTwice) {
    Outbox outbox({});
    const base::Buffer whole(10, std::byte{1});
    const base::Buffer cut(700, std::byte{2});
    const base::Buffer own(10, std::byte{3});
    const auto id = [](const base::Buffer& payload) {
        return transfer_id(wire::MessageType::block, {}, payload);
    };
    const Outbox::Turn later{.from = start + 7s, .crowd = 5};
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(whole), later).has_value());
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(cut), later).has_value());
    EXPECT_FALSE(outbox.next(start + 6s).has_value());
    EXPECT_EQ(outbox.poll_timeout(start), start + 7s);
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(own)).has_value());
    for (const base::Buffer& payload : {whole, cut, own}) outbox.handle_overheard(id(payload));
    EXPECT_EQ(outbox.waiting(), 1U) << "what is ours is ours to say";
    EXPECT_EQ(std::to_integer<unsigned>(outbox.take(start).packet.back()), 3U);
    // What has begun goes on: others have heard some of ours.
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(cut), later).has_value());
    outbox.take(start + 7s);
    outbox.handle_overheard(id(cut));
    EXPECT_EQ(outbox.waiting(), 1U);
}

TEST(Outbox, WhatDidNotLeaveInItsTime_NeverDoes) {
    Outbox outbox({});
    const base::Buffer whole(10, std::byte{1});
    const base::Buffer cut(700, std::byte{2});
    const base::Buffer patient(10, std::byte{3});
    const Outbox::Turn soon{.from = start, .until = start + 20s};
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(cut), soon).has_value());
    ASSERT_TRUE(outbox.submit(start, Priority::record, 3, block_of(whole), soon).has_value());
    ASSERT_TRUE(outbox.submit(start, Priority::record, 3, block_of(patient)).has_value());
    EXPECT_EQ(outbox.poll_timeout(start), start + 20s);
    outbox.handle_timeout(start + 19s);
    EXPECT_EQ(outbox.waiting(), 3U);
    outbox.take(start + 19s);
    outbox.handle_timeout(start + 20s);
    EXPECT_EQ(outbox.waiting(), 2U) << "of what began to leave the rest follows";
    EXPECT_EQ(outbox.poll_timeout(start + 20s), base::never);
    base::Buffer last;
    while (outbox.next(start + 20s)) last = outbox.take(start + 20s).packet;
    EXPECT_EQ(std::to_integer<unsigned>(last.back()), 3U);
    outbox.check_invariants();
}

TEST(Outbox, WhatIsTooLate_StaysBack_ThoughNobodyHasLookedSince) {
    Outbox outbox({});
    const base::Buffer payload(10);
    const Outbox::Turn soon{.from = start, .until = start + 20s};
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(payload), soon).has_value());
    EXPECT_TRUE(outbox.next(start + 19s).has_value());
    EXPECT_FALSE(outbox.next(start + 20s).has_value());
}

TEST(Outbox, NewTurns_AreForThoseThatWait) {
    Outbox outbox({});
    const base::Buffer others(10, std::byte{1});
    const base::Buffer own(10, std::byte{2});
    const Outbox::Turn now{.from = start, .crowd = 5};
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(others), now).has_value());
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(own)).has_value());
    outbox.draw_turns(start + 10s, [](std::size_t crowd) {
        EXPECT_EQ(crowd, 5U);
        return base::Duration(5s);
    });
    EXPECT_EQ(std::to_integer<unsigned>(outbox.take(start).packet.back()), 2U);
    EXPECT_FALSE(outbox.next(start + 14s).has_value());
    EXPECT_TRUE(outbox.next(start + 15s).has_value());
}

TEST(Outbox, Full_GivesUpWhatIsLessUrgentAndNothingElse) {
    Outbox outbox({.messages_max = 4});
    const auto submit = [&](Priority priority, std::uint8_t mark) {
        const base::Buffer payload(10, std::byte{mark});
        const auto taken = outbox.submit(start, priority, 3, block_of(payload));
        outbox.check_invariants();
        return taken.has_value();
    };
    for (std::uint8_t mark = 1; mark <= 4; ++mark) EXPECT_TRUE(submit(Priority::transaction, mark));
    EXPECT_FALSE(submit(Priority::record, 5));
    EXPECT_FALSE(submit(Priority::transaction, 6));
    EXPECT_TRUE(submit(Priority::urgent, 7));
    EXPECT_EQ(outbox.waiting(), 4U);
    // The newest of the least urgent made room.
    for (const unsigned mark : {7U, 1U, 2U, 3U}) {
        EXPECT_EQ(std::to_integer<unsigned>(outbox.take(start).packet.back()), mark);
    }
}

TEST(Outbox, WhatIsNotOurs_HasHalfOfTheRoom_AndLeavesAfterOursThatIsAsUrgent) {
    OutboxLimits limits;
    limits.messages_max = 8;
    Outbox outbox(limits);
    const base::Instant now{std::chrono::hours(1)};
    const auto submit = [&](Priority priority, std::uint8_t number, bool bridged) {
        const base::Buffer payload(20, std::byte{number});
        const Message message{.type = wire::MessageType::block_ack,
                              .to = std::nullopt,
                              .origin = std::nullopt,
                              .payload = payload};
        return outbox
            .submit(now, priority, 3, message, {.from = now, .crowd = 0, .bridged = bridged})
            .has_value();
    };
    for (std::uint8_t i = 0; i < 4; ++i) EXPECT_TRUE(submit(Priority::block, i, true));
    EXPECT_FALSE(submit(Priority::block, 4, true)) << "half of the room";
    EXPECT_TRUE(submit(Priority::urgent, 5, true)) << "in place of one of its kind";
    EXPECT_EQ(outbox.waiting(), 4U);
    for (std::uint8_t i = 10; i < 14; ++i) EXPECT_TRUE(submit(Priority::block, i, false));
    EXPECT_EQ(outbox.waiting(), 8U);
    EXPECT_TRUE(submit(Priority::block, 14, false)) << "in place of what is not ours";
    EXPECT_FALSE(submit(Priority::transaction, 15, false));
    EXPECT_EQ(outbox.waiting(), 8U);
    EXPECT_TRUE(outbox.next(now)->bridged) << "the urgent one";
    EXPECT_FALSE(outbox.next(now, Outbox::Whose::own)->bridged);
    outbox.take(now);
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(outbox.next(now)->bridged);
        outbox.take(now);
    }
    EXPECT_TRUE(outbox.next(now)->bridged);
    outbox.check_invariants();
}

TEST(Outbox, SameMessage_WaitsOnce) {
    Outbox outbox({});
    const base::Buffer payload(10);
    EXPECT_TRUE(outbox.submit(start, Priority::record, 3, block_of(payload)).has_value());
    EXPECT_TRUE(outbox.submit(start, Priority::urgent, 3, block_of(payload)).has_value());
    EXPECT_EQ(outbox.waiting(), 1U);
    EXPECT_EQ(outbox.next(start)->priority, Priority::urgent);
}

TEST(Outbox, TooLong_IsRefusedWithItsLength) {
    Outbox outbox({});
    const base::Buffer payload(8'193);
    const auto taken = outbox.submit(start, Priority::sync, 3, block_of(payload));
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error().code, base::Errc::too_large);
}

TEST(Outbox, Wishes_AreGatheredAndAnsweredOnceWithAQuarterMore) {
    Outbox outbox({});
    base::Random random(11);
    const base::Buffer payload = random_bytes(random, 2200);
    const TransferId transfer = transfer_id(wire::MessageType::block, {}, payload);
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(payload)).has_value());
    for (int i = 0; i < 10; ++i) outbox.take(start);
    EXPECT_EQ(outbox.kept(), 1U);
    EXPECT_TRUE(outbox.handle_wish(start, transfer, 2));
    EXPECT_TRUE(outbox.handle_wish(start, transfer, 8));
    EXPECT_TRUE(outbox.handle_wish(start, transfer, 3));
    EXPECT_FALSE(outbox.next(start).has_value());
    const base::Instant then = outbox.poll_timeout(start);
    EXPECT_EQ(then, start + OutboxLimits{}.gather);
    std::size_t answered = 0;
    for (; outbox.next(then); ++answered) {
        const base::Buffer packet_bytes = outbox.take(then).packet;
        EXPECT_EQ(std::get<Piece>(*parse_packet(packet_bytes)).index, 10 + answered);
    }
    EXPECT_EQ(answered, 10U);
}

TEST(Outbox, WhoWishesForEver_GetsFourTimesTheMessageAndNoMore) {
    Outbox outbox({});
    base::Random random(12);
    const base::Buffer payload = random_bytes(random, 2200);
    const TransferId transfer = transfer_id(wire::MessageType::block, {}, payload);
    ASSERT_TRUE(outbox.submit(start, Priority::block, 3, block_of(payload)).has_value());
    std::size_t packets = 0;
    base::Instant now = start;
    for (int i = 0; i < 100; ++i) {
        for (; outbox.next(now); ++packets) outbox.take(now);
        outbox.handle_wish(now, transfer, 255);
        now += 10s;
    }
    EXPECT_GE(packets, 40U);
    EXPECT_LE(packets, 55U);
    EXPECT_FALSE(outbox.handle_wish(now, TransferId{1}, 1));
    outbox.handle_timeout(now + OutboxLimits{}.keep);
    EXPECT_EQ(outbox.kept() + outbox.waiting(), 0U);
}

}  // namespace
}  // namespace meshchain::radio
