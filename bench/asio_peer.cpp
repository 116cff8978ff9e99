#include "bench/asio_peer.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "bench/report.h"

namespace meshchain::bench {
namespace asio = boost::asio;
namespace {

struct Chain {
    asio::io_context* context;
    std::size_t* left;
    void operator()() const {
        if (--*left > 0) asio::post(*context, *this);
    }
};

}  // namespace

double asio_post_chain(std::size_t count) {
    asio::io_context context(1);
    std::size_t left = count;
    return million_per_second(count, [&] {
        asio::post(context, Chain{&context, &left});
        context.run();
    });
}

double asio_post_batches(std::size_t count, std::size_t batch) {
    asio::io_context context(1);
    std::size_t handled = 0;
    return million_per_second(count, [&] {
        while (handled < count) {
            for (std::size_t i = 0; i < batch; ++i) asio::post(context, [&] { ++handled; });
            context.run();
            context.restart();
        }
    });
}

double asio_timers(std::span<const std::int64_t> due_ns) {
    asio::io_context context(1);
    std::deque<asio::steady_timer> timers;
    for (std::size_t i = 0; i < due_ns.size(); ++i) timers.emplace_back(context);
    std::size_t fired = 0;
    const auto past = std::chrono::steady_clock::now() - std::chrono::seconds(10);
    return million_per_second(due_ns.size(), [&] {
        for (std::size_t i = 0; i < due_ns.size(); ++i) {
            timers[i].expires_at(past + std::chrono::nanoseconds(due_ns[i]));
            timers[i].async_wait([&](const boost::system::error_code&) { ++fired; });
        }
        context.run();
        keep(fired);
    });
}

}  // namespace meshchain::bench
