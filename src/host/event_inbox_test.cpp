#include "host/event_inbox.h"

#include <gtest/gtest.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace meshchain::host {
namespace {

using base::Instant;
using runtime::Event;
using runtime::EventLoop;
using runtime::EventType;

TEST(EventInbox, Full_RefusesAndCounts) {
    EventInbox inbox([] {}, 2);
    EXPECT_TRUE(inbox.post({}));
    EXPECT_TRUE(inbox.post({}));
    EXPECT_FALSE(inbox.post({}));
    EXPECT_EQ(inbox.refused(), 1U);
}

TEST(EventInbox, WakesOnceForABurst_AndAgainAfterADrain) {
    int wakes = 0;
    EventLoop loop;
    EventInbox inbox([&wakes] { ++wakes; });
    inbox.post({});
    inbox.post({});
    EXPECT_EQ(wakes, 1);
    EXPECT_FALSE(inbox.drain(loop));
    EXPECT_EQ(loop.queued(), 2U);
    inbox.post({});
    EXPECT_EQ(wakes, 2);
}

TEST(EventInbox, WhatFindsNoRoomInTheLoop_StaysInOrder) {
    EventLoop loop({}, {.events_max = 2});
    std::string seen;
    ASSERT_TRUE(loop.register_handler(EventType::custom, [&seen](Instant, const Event& event) {
        seen += std::to_string(*event.data.number());
    }));
    EventInbox inbox([] {});
    for (std::uint64_t n = 0; n < 5; ++n) inbox.post({.data = n});
    EXPECT_TRUE(inbox.drain(loop));
    inbox.post({.data = std::uint64_t{5}});
    for (bool more = true; more;) {
        loop.run_once(Instant{});
        more = inbox.drain(loop);
    }
    loop.run_once(Instant{});
    EXPECT_EQ(seen, "012345");
    EXPECT_EQ(loop.statistics().refused, 0U);
}

TEST(EventInbox, B15_ManyThreadsPost_EveryEventArrivesInItsProducersOrder) {
    constexpr std::size_t producers = 4;
    constexpr std::uint64_t each = 5000;
    struct Seen {
        std::array<std::uint64_t, producers> next{};
        std::size_t total = 0;
    } seen;
    EventLoop loop;
    ASSERT_TRUE(loop.register_handler(EventType::custom, [&seen](Instant, const Event& event) {
        const std::uint64_t producer = *event.data.number() / each;
        EXPECT_EQ(*event.data.number() % each, seen.next.at(producer)++);
        ++seen.total;
    }));
    std::mutex mutex;
    std::condition_variable woken;
    bool wake = false;
    EventInbox inbox(
        [&] {
            const std::lock_guard lock(mutex);
            wake = true;
            woken.notify_one();
        },
        256);
    std::vector<std::thread> threads;
    for (std::size_t producer = 0; producer < producers; ++producer) {
        threads.emplace_back([&inbox, producer] {
            for (std::uint64_t n = 0; n < each; ++n) {
                while (!inbox.post({.data = producer * each + n})) std::this_thread::yield();
            }
        });
    }
    // The owner sleeps whenever it has nothing to do: a lost wake-up would hang the test.
    while (seen.total < producers * each) {
        {
            std::unique_lock lock(mutex);
            woken.wait(lock, [&wake] { return std::exchange(wake, false); });
        }
        for (bool more = true; more;) {
            more = inbox.drain(loop);
            while (loop.run_once(Instant{}) > 0) {
            }
        }
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(seen.total, producers * each);
}

}  // namespace
}  // namespace meshchain::host
