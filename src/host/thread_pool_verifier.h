#pragma once
// Judges many signatures on several cores (PROTOCOL.md P3a). The answer is the same whatever the
// threads do: the lowest index that is wrong.
//
// Ownership: what a call borrows is free again when it returns.
// Threads:   first_wrong is called by one thread at a time, which works along with `helpers`
// others;
//            they sleep between calls and end with this.
// Limits:    a batch below `shared_min` is judged by the caller alone.

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "crypto/verifier.h"

namespace meshchain::host {

class ThreadPoolVerifier final : public crypto::Verifier {
public:
    static constexpr std::size_t shared_min = 32;
    static constexpr unsigned helpers_max = 15;

    explicit ThreadPoolVerifier(unsigned helpers);
    /// As many helpers as leave one core to the caller.
    static unsigned usual_helpers();
    ~ThreadPoolVerifier() override;
    ThreadPoolVerifier(const ThreadPoolVerifier&) = delete;
    ThreadPoolVerifier& operator=(const ThreadPoolVerifier&) = delete;

    std::optional<std::size_t> first_wrong(std::span<const crypto::SignatureCheck> checks) override;

private:
    struct Job;

    void help();

    std::mutex mutex_;
    std::condition_variable work_;  ///< job_ or ending_ changed
    std::condition_variable done_;  ///< busy_ fell to zero
    Job* job_ = nullptr;
    std::uint64_t round_ = 0;  ///< of the job, so that nobody takes it twice
    unsigned busy_ = 0;        ///< helpers at the job
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace meshchain::host
