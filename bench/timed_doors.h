#pragma once
// Doors that note the processor time that is spent behind them, so that a run can say where its
// time goes.

#include <ctime>

#include "crypto/verifier.h"
#include "kv/store.h"
#include "wire/frame_link.h"

namespace meshchain::bench {

inline double cpu_seconds(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Adds the processor time of a scope, of this thread or of the whole process.
class Timed {
public:
    explicit Timed(double& total, clockid_t clock = CLOCK_THREAD_CPUTIME_ID)
        : total_(total), clock_(clock), begin_(cpu_seconds(clock)) {}
    ~Timed() { total_ += cpu_seconds(clock_) - begin_; }
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;

private:
    double& total_;
    clockid_t clock_;
    double begin_;
};

class TimedStore final : public kv::Store {
public:
    explicit TimedStore(kv::Store& inner) : inner_(inner) {}

    std::expected<bool, base::Error> get_into(kv::Table table, base::Bytes key,
                                              base::Buffer& value) override {
        const Timed timed(reads);
        return inner_.get_into(table, key, value);
    }
    std::expected<std::size_t, base::Error> scan(const kv::Range& range,
                                                 kv::Visitor visit) override {
        const Timed timed(reads);
        return inner_.scan(range, visit);
    }
    std::expected<std::uint64_t, base::Error> count(kv::Table table) override {
        return inner_.count(table);
    }
    std::expected<void, base::Error> commit(const kv::Batch& batch) override {
        const Timed timed(commits);
        return inner_.commit(batch);
    }
    bool is_read_only() const override { return inner_.is_read_only(); }
    std::expected<std::unique_ptr<kv::View>, base::Error> snapshot() override {
        return inner_.snapshot();
    }
    kv::Quota quota() const override { return inner_.quota(); }
    kv::Stats stats() const override { return inner_.stats(); }
    std::uint64_t sequence() const override { return inner_.sequence(); }
    std::expected<void, base::Error> verify() override { return inner_.verify(); }
    std::expected<void, base::Error> close() override { return inner_.close(); }

    double reads = 0;
    double commits = 0;

private:
    kv::Store& inner_;
};

class TimedLink final : public wire::FrameLink {
public:
    explicit TimedLink(wire::FrameLink& inner) : inner_(inner) {}

    std::size_t payload_bytes_max() const override { return inner_.payload_bytes_max(); }
    std::expected<void, base::Error> send(const std::optional<base::LinkAddress>& to,
                                          const wire::FrameHeader& header,
                                          base::Bytes payload) override {
        const Timed timed(seconds);
        return inner_.send(to, header, payload);
    }
    std::optional<wire::ReceivedFrame> receive() override {
        const Timed timed(seconds);
        return inner_.receive();
    }
    std::uint64_t malformed_count() const override { return inner_.malformed_count(); }

    double seconds = 0;

private:
    wire::FrameLink& inner_;
};

/// Of all threads together.
class TimedVerifier final : public crypto::Verifier {
public:
    explicit TimedVerifier(crypto::Verifier& inner) : inner_(inner) {}
    std::optional<std::size_t> first_wrong(
        std::span<const crypto::SignatureCheck> checks) override {
        const Timed timed(seconds, CLOCK_PROCESS_CPUTIME_ID);
        return inner_.first_wrong(checks);
    }

    double seconds = 0;

private:
    crypto::Verifier& inner_;
};

}  // namespace meshchain::bench
