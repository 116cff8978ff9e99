#include "radio/air_outlook.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/test_effort.h"
#include "radio/radio_frames.h"

namespace meshchain::radio {
namespace {

using namespace std::chrono_literals;
using Reason = AirtimeBudget::Reason;

constexpr base::Instant start{100h + 17s};

/// A radio that takes everything and hears nothing.
class MuteRadio final : public PacketLink {
public:
    NodeNumber number() const override { return NodeNumber{7}; }
    std::size_t payload_bytes_max() const override { return 200; }
    bool is_ready() const override { return true; }
    std::expected<void, base::Error> send(base::Instant now, base::Bytes payload,
                                          std::uint8_t) override {
        const auto packet = parse_packet(payload);
        if (!packet) return {};
        if (const auto* message = std::get_if<Message>(&*packet)) {
            left[transfer_id(message->type, {}, message->payload)] = now;
        } else if (const auto* piece = std::get_if<Piece>(&*packet)) {
            left[piece->transfer] = now;
        }
        return {};
    }
    std::optional<ReceivedPacket> receive() override { return std::nullopt; }
    std::optional<unsigned> take_channel_use_percent(base::Instant) override {
        return std::exchange(use_percent, std::nullopt);
    }

    std::map<TransferId, base::Instant> left;  ///< and when the last packet of it did
    std::optional<unsigned> use_percent;
};

struct Program {
    explicit Program(const RadioOptions& options, std::uint64_t seed = 1)
        : random(seed), frames(start, options, link, random.stream("frames")) {}

    /// Its name on the air.
    TransferId send(Priority priority, std::size_t bytes, const wire::Spoken& how = {}) {
        const auto type = wire::MessageType::transaction;
        const wire::MessageRule rule{type, wire::MessageClass::object,          0,   8'192,
                                     60,   static_cast<std::uint8_t>(priority), true};
        base::Buffer payload(bytes);
        for (std::byte& value : payload) value = static_cast<std::byte>(random.below(256));
        wire::FrameHeader header;
        header.type = type;
        EXPECT_TRUE(frames.send(now, rule, header, payload, how));
        return transfer_id(type, {}, payload);
    }
    void run_until(base::Instant end) {
        while (frames.poll_timeout() <= end) {
            now = std::max(now, frames.poll_timeout());
            frames.handle_timeout(now);
        }
        now = end;
    }
    auto deferral(Priority priority, std::size_t bytes) const {
        return frames.outlook(now).deferral(priority, bytes);
    }

    base::Random random;
    base::Instant now = start;
    MuteRadio link;
    RadioFrames frames;
};

TEST(AirOutlook, WhatItSays_IsWhenTheLastPacketLeaves) {
    unsigned waited = 0;
    unsigned exact = 0;
    const std::uint64_t seeds = test::effort(60U, 3'000U);
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        base::Random random(seed);
        RadioOptions options;
        options.airtime = {.modulation = modulation_of(static_cast<Preset>(random.below(presets))),
                           .share_permille = static_cast<unsigned>(10 + random.below(100)),
                           .keeps_for_votes = random.below(2) == 0};
        Program program(options, seed);
        for (int i = 0; i < 20; ++i) {
            const auto priority = static_cast<Priority>(random.below(priorities));
            const std::size_t bytes = 20 + random.below(600);
            const auto told = program.deferral(priority, bytes);
            const TransferId ours = program.send(priority, bytes);
            if (!told) {
                ASSERT_TRUE(program.link.left.contains(ours));
                EXPECT_EQ(program.link.left[ours], program.now);
            } else if (random.below(3) == 0) {
                ++waited;
                ASSERT_GT(told->until, program.now);
                program.run_until(told->until + 24h);
                ASSERT_TRUE(program.link.left.contains(ours));
                const base::Duration late = program.link.left[ours] - told->until;
                EXPECT_LE(late, 1ms);
                if (late > -1ms) ++exact;
            }
            program.run_until(program.now + random.below(60) * base::Duration(1s));
        }
    }
    EXPECT_GT(2 * waited, seeds) << "it shows nothing";
    // What is kept for what is urgent may be less meanwhile than when the wait is over.
    EXPECT_GT(10 * exact, 9 * waited);
}

TEST(AirOutlook, WhatWaitsAndIsAsUrgent_GoesBefore_AndWhatIsLessDoesNot) {
    Program program({});
    while (!program.deferral(Priority::transaction, 150)) program.send(Priority::transaction, 150);
    const auto alone = program.deferral(Priority::transaction, 150);
    ASSERT_TRUE(alone);
    EXPECT_FALSE(program.deferral(Priority::urgent, 150));
    program.send(Priority::sync, 150);
    EXPECT_EQ(program.deferral(Priority::transaction, 150)->until, alone->until);
    program.send(Priority::transaction, 150);
    const auto second = program.deferral(Priority::transaction, 150);
    EXPECT_GT(second->until, alone->until);
    program.send(Priority::block, 150);
    EXPECT_GT(program.deferral(Priority::transaction, 150)->until, second->until);
}

TEST(AirOutlook, WhatOtherLinksHaveUsedUp_HoldsNothingOfOursUp) {
    Program program({});
    wire::Spoken bridged;
    bridged.bridged = true;
    for (int i = 0; i < 8; ++i) program.send(Priority::block, 150, bridged);
    ASSERT_GT(program.frames.waiting(), 4U);
    EXPECT_FALSE(program.deferral(Priority::transaction, 150));
}

TEST(AirOutlook, ReasonIsWhatItWaitsForLongest_AndWithoutEndThatOfTheEnd) {
    Program program({});
    EXPECT_FALSE(program.deferral(Priority::transaction, 110));
    while (!program.deferral(Priority::transaction, 110)) program.send(Priority::transaction, 110);
    EXPECT_EQ(program.deferral(Priority::transaction, 110)->reason, Reason::pace);
    // As fast as the bucket fills, for less than an hour: then the hour has nothing left.
    for (auto told = program.deferral(Priority::urgent, 110); !told || told->reason == Reason::pace;
         told = program.deferral(Priority::urgent, 110)) {
        if (told) program.run_until(told->until);
        program.send(Priority::urgent, 110);
    }
    ASSERT_LT(program.now, start + 1h);
    EXPECT_EQ(program.deferral(Priority::transaction, 110)->reason, Reason::hour);

    program.frames.budget().set_paused(true);
    const auto paused = program.deferral(Priority::urgent, 110);
    EXPECT_EQ(paused->reason, Reason::paused);
    EXPECT_EQ(paused->until, base::never);
}

TEST(AirOutlook, BusyChannel_IsTheReason_ForAsLongAsTheReadingLasts) {
    Program program({});
    program.link.use_percent = AirtimeBudget::urgent_only_from_percent;
    program.frames.handle_timeout(program.now);
    EXPECT_FALSE(program.deferral(Priority::urgent, 110));
    const auto told = program.deferral(Priority::transaction, 110);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->reason, Reason::channel);
    EXPECT_EQ(told->until, start + AirtimeBudget::reading_lasts);
    // Then the bucket is full, but not for that many: a few minutes more, for another reason.
    for (int i = 0; i < 8; ++i) program.send(Priority::transaction, 110);
    const auto later = program.deferral(Priority::transaction, 110);
    EXPECT_GT(later->until, told->until + 1min);
    EXPECT_EQ(later->reason, Reason::channel);
}

TEST(AirOutlook, PacketThatNoBudgetAllows_NeverLeaves) {
    RadioOptions options;
    options.airtime = {.modulation = modulation_of(Preset::long_slow), .share_permille = 1};
    const Program program(options);
    const auto told = program.deferral(Priority::transaction, 110);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->reason, Reason::too_long);
    EXPECT_EQ(told->until, base::never);
}

}  // namespace
}  // namespace meshchain::radio
