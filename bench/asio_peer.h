#pragma once
// Boost.Asio as its users write it: the baseline of the runtime's workloads.

#include <cstddef>
#include <cstdint>
#include <span>

namespace meshchain::bench {

/// Millions of handlers a second through asio::post, concurrency hint 1, each handler posting the
/// next: the pattern in which asio recycles its memory and is at its best.
double asio_post_chain(std::size_t count);

/// The same, posted from outside in batches of `batch` and then run.
double asio_post_batches(std::size_t count, std::size_t batch);

/// Millions of steady_timers a second inserted at the given times and fired in order.
double asio_timers(std::span<const std::int64_t> due_ns);

}  // namespace meshchain::bench
