// The event loop and its timers beside Boost.Asio, one thread.

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "bench/asio_peer.h"
#include "bench/workloads.h"
#include "runtime/event_loop.h"

namespace meshchain::bench {
namespace {

using base::Instant;
using runtime::Event;
using runtime::EventLoop;
using runtime::EventType;

constexpr std::size_t posts = 10'000'000;
constexpr std::size_t batch = 100;
constexpr std::size_t timers = 1'000'000;

/// Every event's handler enqueues the next, through the prioritised queue.
double post_chain() {
    EventLoop loop;
    struct Chain {
        EventLoop* loop;
        std::size_t left;
    } chain{&loop, posts};
    const auto handler = loop.register_handler(EventType::custom, [&chain](Instant, const Event&) {
        if (--chain.left > 0) chain.loop->enqueue({.type = EventType::custom});
    });
    keep(handler);
    return million_per_second(posts, [&] {
        loop.enqueue({.type = EventType::custom});
        while (chain.left > 0) loop.run_once(Instant{});
    });
}

double post_batches() {
    EventLoop loop;
    std::size_t handled = 0;
    const auto handler =
        loop.register_handler(EventType::custom, [&handled](Instant, const Event&) { ++handled; });
    keep(handler);
    return million_per_second(posts, [&] {
        while (handled < posts) {
            for (std::size_t i = 0; i < batch; ++i) loop.enqueue({.type = EventType::custom});
            while (loop.run_once(Instant{}) > 0) {
            }
        }
    });
}

double closure_chain() {
    EventLoop loop;
    struct Chain {
        EventLoop* loop;
        std::size_t* left;
        void operator()(Instant) const {
            if (--*left > 0) loop->post(*this);
        }
    };
    std::size_t left = posts;
    return million_per_second(posts, [&] {
        loop.post(Chain{&loop, &left});
        while (left > 0) loop.run_once(Instant{});
    });
}

double emit() {
    EventLoop loop;
    std::size_t handled = 0;
    const auto handler =
        loop.register_handler(EventType::custom, [&handled](Instant, const Event&) { ++handled; });
    keep(handler);
    const double rate = million_per_second(5 * posts, [&] {
        for (std::size_t i = 0; i < 5 * posts; ++i) {
            loop.emit(Instant{}, {.type = EventType::custom, .data = std::uint64_t{i}});
        }
    });
    keep(handled);
    return rate;
}

std::vector<std::int64_t> random_due_times() {
    base::Random random(1);
    std::vector<std::int64_t> due(timers);
    for (std::int64_t& at : due) at = static_cast<std::int64_t>(random.below(1'000'000'000));
    return due;
}

double timers_ours(const std::vector<std::int64_t>& due) {
    runtime::TaskScheduler scheduler({.tasks_max = timers});
    std::size_t fired = 0;
    const double rate = million_per_second(timers, [&] {
        for (const std::int64_t at : due) {
            keep(scheduler.schedule_at(Instant{base::Duration{at}}, "bench",
                                       [&fired](Instant) { ++fired; }));
        }
        scheduler.run_due(Instant{std::chrono::seconds{1}});
    });
    MESH_ASSERT(fired == timers);
    return rate;
}

}  // namespace

void runtime_workloads(Report& report) {
    report.compare({"event_post", "M/s", "asio::post,hint_1"}, post_chain,
                   [] { return asio_post_chain(posts); });
    report.compare({"event_post_batch", "M/s", "asio::post,hint_1"}, post_batches,
                   [] { return asio_post_batches(posts, batch); });
    report.compare({"closure_post", "M/s", "asio::post,hint_1"}, closure_chain,
                   [] { return asio_post_chain(posts); });
    report.compare({"event_emit", "M/s", "asio::post,hint_1"}, emit,
                   [] { return asio_post_chain(posts); });
    const std::vector<std::int64_t> due = random_due_times();
    report.compare(
        {"timers", "M/s", "asio::steady_timer"}, [&] { return timers_ours(due); },
        [&] { return asio_timers(due); });
}

}  // namespace meshchain::bench
