#pragma once
// A world in one thread: machines on a network, under a time that jumps from one event to the next
// (row J1). Two worlds made and driven alike have one trace hash.
//
// Time:      starts at `start`; nothing in it reads a clock.
// Ownership: owns its machines.

#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "sim/event_queue.h"
#include "sim/machine.h"
#include "sim/network.h"
#include "sim/radio_air.h"
#include "sim/trace.h"

namespace meshchain::sim {

class World {
public:
    /// Between two steps of a machine at least: work due at once still takes a moment, or two
    /// nodes could answer each other for ever.
    static constexpr base::Duration step_time = std::chrono::microseconds(500);
    static constexpr base::Instant start{std::chrono::hours(1)};

    World(std::uint64_t seed, std::size_t machines, base::WallTime wall);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// The next number; at most as many as were announced.
    void add(std::unique_ptr<Machine> machine);
    std::size_t size() const { return machines_.size(); }
    Machine& machine(std::size_t index) { return *machines_.at(index); }
    const Machine& machine(std::size_t index) const { return *machines_.at(index); }
    Clock new_clock() const { return {now_, wall()}; }

    std::expected<void, base::Error> switch_on(std::size_t index);
    void crash(std::size_t index);
    /// As the machine's clocks show it.
    base::Now time_of(std::size_t index) const { return machine(index).clock().read(now_); }
    /// Something from outside happened to it: it steps soon.
    void wake(std::size_t index) { schedule(index, now_); }

    Network& network() { return network_; }
    /// Of the network, and as far as it is a matter of loss, of the air.
    void set_quality(const LinkQuality& quality);
    /// Machines get radios, each one at most. Before any is added.
    void use_air(const RadioAir::Options& options);
    /// Nothing without radios.
    RadioAir* air() { return air_.get(); }
    const RadioAir* air() const { return air_.get(); }
    const Trace& trace() const { return trace_; }
    void note(std::string_view what, std::size_t index) { trace_.note(now_, what, index); }
    base::Instant now() const { return now_; }
    base::WallTime wall() const;
    /// Asserts that it is not in the past.
    void at(base::Instant when, std::function<void()> what) { queue_.push(when, std::move(what)); }
    void run_until(base::Instant end);

    std::uint64_t events() const { return events_; }
    std::uint64_t steps() const { return steps_; }
    /// Events that are under way.
    std::size_t waiting() const { return queue_.size(); }

    /// Sees every datagram that a machine sends, once.
    std::function<void(std::size_t from, base::Bytes datagram)> on_sent = [](std::size_t,
                                                                             base::Bytes) {};
    /// The same of its packets on the radio.
    std::function<void(std::size_t from, base::Bytes payload)> on_radio = [](std::size_t,
                                                                             base::Bytes) {};
    /// Just before a machine is off, and just after it lost its power by itself.
    std::function<void(std::size_t index)> on_crash = [](std::size_t) {};

private:
    struct Delivery {
        std::size_t to;
        Port::Arrival arrival;
    };
    struct Wake {
        std::size_t index;
    };
    struct AirTime {};  ///< something happens on the air
    using What = std::variant<Delivery, Wake, AirTime, std::function<void()>>;
    struct Seat {
        base::Instant wake_at = base::never;
        base::Instant busy_until{};
    };

    void post(std::size_t from, const Posting& posting);
    void launch(std::size_t from, std::size_t to, const Posting& posting,
                std::shared_ptr<const base::Buffer>& bytes);
    void schedule(std::size_t index, base::Instant when);
    void happen(What& what);
    void deliver(Delivery& delivery);
    void step(std::size_t index);
    void schedule_air();
    void pass_air_time();

    base::Random random_;
    Network network_;
    EventQueue<What> queue_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::vector<Seat> seats_;
    std::unique_ptr<RadioAir> air_;
    base::Instant air_at_ = base::never;
    Trace trace_;
    base::Instant now_ = start;
    base::WallTime wall_;  ///< at `start`
    std::uint64_t events_ = 0;
    std::uint64_t steps_ = 0;
};

}  // namespace meshchain::sim
