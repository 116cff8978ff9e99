#include "host/thread_safe_queue.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <thread>
#include <vector>

namespace meshchain::host {
namespace {

using namespace std::chrono_literals;
using base::Errc;
using runtime::Message;

/// The processor time this whole process has used.
base::Duration processor_time() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

TEST(ThreadSafeQueue, Empty_PopTimesOutWithoutBusyWaiting) {
    ThreadSafeQueue queue;
    const auto start = std::chrono::steady_clock::now();
    const base::Duration used_before = processor_time();
    EXPECT_EQ(queue.pop(300ms).error().code, Errc::timeout);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 300ms);
    EXPECT_LT(processor_time() - used_before, 100ms);
}

// N-11 of the audit: the documented non-blocking call hung for ever on an empty queue.
TEST(ThreadSafeQueue, N_11_WithoutATimeOut_EveryCallAnswersAtOnce) {
    ThreadSafeQueue queue({.messages_max = 1});
    EXPECT_EQ(queue.pop().error().code, Errc::timeout);
    EXPECT_TRUE(queue.push({.type = 1}));
    EXPECT_EQ(queue.push({.type = 2}).error().code, Errc::full);
}

TEST(ThreadSafeQueue, Full_PushTimesOutAndKeepsTheMessageWithTheCaller) {
    ThreadSafeQueue queue({.messages_max = 1});
    ASSERT_TRUE(queue.push({.type = 1}));
    Message message{.type = 2, .data = base::Buffer(5)};
    EXPECT_EQ(queue.push(std::move(message), 10ms).error().code, Errc::full);
    EXPECT_EQ(message.data.size(), 5U);
}

TEST(ThreadSafeQueue, AMessageThatNeverFits_IsRefusedWithoutWaiting) {
    ThreadSafeQueue queue({.bytes_max = 4});
    EXPECT_EQ(queue.push({.data = base::Buffer(5)}, 1h).error().code, Errc::too_large);
}

TEST(ThreadSafeQueue, Close_WakesWhoeverWaitsAndHandsOutTheRest) {
    ThreadSafeQueue queue({.messages_max = 1});
    ThreadSafeQueue empty;
    ASSERT_TRUE(queue.push({.type = 7}));
    std::thread producer([&] { EXPECT_EQ(queue.push({}, 1h).error().code, Errc::closed); });
    std::thread consumer([&] { EXPECT_EQ(empty.pop(1h).error().code, Errc::closed); });
    queue.close();
    empty.close();
    producer.join();
    consumer.join();
    EXPECT_EQ(queue.pop()->type, 7);
    EXPECT_EQ(queue.pop().error().code, Errc::closed);
    EXPECT_EQ(queue.retry({}).error().code, Errc::closed);
}

TEST(ThreadSafeQueue, ARetry_WakesAWaitingConsumer) {
    ThreadSafeQueue queue;
    ASSERT_TRUE(queue.push({.type = 3}));
    Message failed = *queue.pop();
    std::thread consumer([&] { EXPECT_EQ(queue.pop(1h)->retry_count, 1); });
    EXPECT_TRUE(queue.retry(std::move(failed)));
    consumer.join();
}

TEST(ThreadSafeQueue, B15_ManyProducersAndConsumers_LoseNothingAndKeepEachProducersOrder) {
    constexpr std::size_t producers = 4;
    constexpr std::size_t consumers = 3;
    constexpr std::uint16_t each = 2000;
    ThreadSafeQueue queue({.messages_max = 10});  // small, so that both sides have to wait
    std::vector<std::thread> threads;
    for (std::size_t producer = 0; producer < producers; ++producer) {
        threads.emplace_back([&queue, producer] {
            for (std::uint16_t n = 0; n < each; ++n) {
                EXPECT_TRUE(queue.push({.type = n, .source = producer}, 1min));
            }
        });
    }
    std::array<std::size_t, consumers> taken{};
    std::vector<std::thread> takers;
    for (std::size_t consumer = 0; consumer < consumers; ++consumer) {
        takers.emplace_back([&queue, &count = taken[consumer]] {
            std::array<int, producers> last;
            last.fill(-1);
            while (const auto message = queue.pop(1min)) {
                EXPECT_GT(message->type, last[message->source]);
                last[message->source] = message->type;
                ++count;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    queue.close();
    for (std::thread& thread : takers) thread.join();
    EXPECT_EQ(taken[0] + taken[1] + taken[2], producers * each);
    EXPECT_EQ(queue.statistics().dequeued, producers * each);
    EXPECT_LE(queue.statistics().peak, 10U);
}

}  // namespace
}  // namespace meshchain::host
