#include "host/thread_pool_verifier.h"

#include <algorithm>
#include <atomic>

namespace meshchain::host {
namespace {

/// Taken at a time: a millisecond of work.
constexpr std::size_t run_length = 16;

}  // namespace

struct ThreadPoolVerifier::Job {
    explicit Job(std::span<const crypto::SignatureCheck> checks_in)
        : checks(checks_in), lowest_wrong(checks_in.size()) {}

    /// Until nothing is left that could be lower than what was found.
    void run() {
        for (;;) {
            const std::size_t begin = next.fetch_add(run_length, std::memory_order_relaxed);
            const std::size_t end = std::min(begin + run_length, checks.size());
            for (std::size_t i = begin; i < end; ++i) {
                if (i > lowest_wrong.load(std::memory_order_relaxed)) return;
                const crypto::SignatureCheck& check = checks[i];
                if (!crypto::verify(check.key, check.message, check.signature)) note_wrong(i);
            }
            if (begin >= end) return;
        }
    }
    void note_wrong(std::size_t index) {
        std::size_t lowest = lowest_wrong.load(std::memory_order_relaxed);
        while (index < lowest && !lowest_wrong.compare_exchange_weak(lowest, index)) {
        }
    }

    std::span<const crypto::SignatureCheck> checks;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> lowest_wrong;
};

unsigned ThreadPoolVerifier::usual_helpers() {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    return std::min(cores - 1, helpers_max);
}

ThreadPoolVerifier::ThreadPoolVerifier(unsigned helpers) {
    for (unsigned i = 0; i < std::min(helpers, helpers_max); ++i) {
        threads_.emplace_back([this] { help(); });
    }
}

ThreadPoolVerifier::~ThreadPoolVerifier() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void ThreadPoolVerifier::help() {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
        work_.wait(lock, [&] { return ending_ || (job_ != nullptr && round_ != seen); });
        if (ending_) return;
        seen = round_;
        Job* const job = job_;
        ++busy_;
        lock.unlock();
        job->run();
        lock.lock();
        if (--busy_ == 0) done_.notify_one();
    }
}

std::optional<std::size_t> ThreadPoolVerifier::first_wrong(
    std::span<const crypto::SignatureCheck> checks) {
    if (threads_.empty() || checks.size() < shared_min) {
        return crypto::InlineVerifier().first_wrong(checks);
    }
    Job job(checks);
    {
        const std::lock_guard lock(mutex_);
        job_ = &job;
        ++round_;
    }
    work_.notify_all();
    job.run();
    {
        std::unique_lock lock(mutex_);
        job_ = nullptr;  // who sleeps still will not begin
        done_.wait(lock, [&] { return busy_ == 0; });
    }
    const std::size_t wrong = job.lowest_wrong.load();
    if (wrong == checks.size()) return std::nullopt;
    return wrong;
}

}  // namespace meshchain::host
