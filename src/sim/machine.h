#pragma once
// Something that sits on a simulated network: a node on its disk, or an attacker. It lives by the
// clock of its own; a World moves it.
//
// Ownership: the port's `post` outlives it.

#include <deque>
#include <functional>
#include <memory>

#include "base/link.h"
#include "consensus/witness.h"
#include "sim/clock.h"

namespace meshchain::sim {

/// 10.x.y.z:4000, for the machine with this number.
base::LinkAddress address_of(std::size_t index);
/// Nothing for another address.
std::optional<std::size_t> index_of(const base::LinkAddress& address);

/// What leaves a port. `source` is the sender's own address, or the one it pretends to have.
struct Posting {
    std::optional<base::LinkAddress> to;  ///< empty: everybody in reach
    base::LinkAddress source;
    base::Bytes datagram;
    base::Duration held{};  ///< before it leaves
};

/// What somebody who owns the machine does to its datagrams: how a node of ours becomes an
/// attacker (sim/tampers.h).
class Tamper {
public:
    virtual ~Tamper() = default;
    /// Whether it exchanges anything with that machine.
    virtual bool talks_to(std::size_t machine) const = 0;
    /// Whether the node gets to see it.
    virtual bool lets_in(base::Bytes datagram) = 0;
    /// For how long it is held back; nothing: for ever.
    virtual std::optional<base::Duration> lets_out(const std::optional<base::LinkAddress>& to,
                                                   base::Bytes datagram) = 0;
    /// What leaves in its place, of what is let out; nothing: the datagram itself.
    virtual std::optional<base::Buffer> turn(const std::optional<base::LinkAddress>&, base::Bytes) {
        return std::nullopt;
    }
    /// What its node asks what to say of itself; nothing: it tells the truth.
    virtual consensus::Witness* witness() { return nullptr; }
    /// How often it has done what it is there for, as far as that can be counted.
    virtual std::uint64_t acts() const { return 0; }
};

class Port final : public base::Link {
public:
    static constexpr std::size_t waiting_max = 4096;  ///< like a socket's buffer: more is lost

    explicit Port(std::size_t index) : address_(address_of(index)) {}

    std::size_t datagram_bytes_max() const override { return 1472; }
    std::expected<void, base::Error> send(const std::optional<base::LinkAddress>& to,
                                          base::Bytes datagram) override;
    std::optional<base::Datagram> receive(base::MutableBytes buffer) override;
    /// As if somebody else had sent it.
    void send_as(const base::LinkAddress& source, const base::LinkAddress& to,
                 base::Bytes datagram);

    struct Arrival {
        base::LinkAddress from;
        bool multicast = false;
        std::shared_ptr<const base::Buffer> bytes;
    };
    void arrive(Arrival arrival);
    void clear() { waiting_.clear(); }

    bool talks_to(std::size_t machine) const { return !tamper || tamper->talks_to(machine); }

    std::function<void(const Posting&)> post;
    std::unique_ptr<Tamper> tamper;
    bool is_dead = false;  ///< it is off: nothing leaves
    /// Asked at each datagram: power may go in the middle of a step.
    std::function<bool()> has_power = [] { return true; };

private:
    base::LinkAddress address_;
    std::deque<Arrival> waiting_;
};

class Machine {
public:
    Machine(std::size_t index, Clock clock) : index_(index), port_(index), clock_(clock) {}
    virtual ~Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// Errors: why it does not start; it is off then.
    virtual std::expected<void, base::Error> start(base::Now now) = 0;
    /// Off at once, whatever it was doing.
    virtual void crash() = 0;
    virtual bool is_on() const = 0;
    /// It is on.
    virtual void step(base::Now now) = 0;
    /// By its own clock.
    virtual base::Instant poll_timeout(base::Now now) const = 0;
    /// How long its last step kept it busy.
    virtual base::Duration take_busy() { return {}; }
    virtual bool has_power() const { return true; }
    /// Of an attacker: how often it attacked.
    virtual std::uint64_t acts() const { return port_.tamper ? port_.tamper->acts() : 0; }

    std::size_t index() const { return index_; }
    Port& port() { return port_; }
    Clock& clock() { return clock_; }
    const Clock& clock() const { return clock_; }

private:
    std::size_t index_;
    Port port_;
    Clock clock_;
};

}  // namespace meshchain::sim
