#pragma once
// For tests: whole nodes on one datagram network in memory, under a clock that jumps from one thing
// that happens to the next. Stores outlive a node, as disks do. One seed decides everything.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/random.h"
#include "kv/faulty_store.h"
#include "kv/memory_store.h"
#include "mesh/ip_frames.h"
#include "node/node.h"
#include "node/tables.h"
#include "sim/doors.h"
#include "wallet/key_file.h"

namespace meshchain::tests {

class SeededEntropy final : public base::Entropy {
public:
    explicit SeededEntropy(base::Random random) : random_(random) {}
    void fill(base::MutableBytes out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(random_.below(256));
    }

private:
    base::Random random_;
};

class World {
public:
    struct Options {
        std::uint64_t seed = 1;
        std::size_t nodes = 5;
        std::size_t observers = 0;  ///< the last nodes, which are relays and no validators
        unsigned loss_percent = 0;
        base::Duration delay_max = std::chrono::milliseconds(5);
        /// So many blocks were made and finalised before: they are on all disks that `preload` is
        /// called for.
        std::uint32_t past_blocks = 0;
        /// The additional services of a node, which outlive the world.
        std::function<std::vector<wire::Service*>(std::size_t index)> services = {};
        /// Changes a node's configuration before it is made.
        std::function<void(std::size_t index, node::NodeConfig&)> configure = {};
        /// Whether one node's datagrams reach another; all do by default.
        std::function<bool(std::size_t from, std::size_t to)> reaches = {};
        /// Sees a node before it gets its wallet and starts.
        std::function<void(node::Node& node)> created = {};
        /// How much a node's store may hold; 0: anything.
        std::function<std::uint64_t(std::size_t index)> quota_bytes = {};
        /// Instead of the world's own genesis, which is handed in.
        std::function<ledger::Genesis(const ledger::Genesis&)> genesis = {};
    };
    explicit World(Options options);
    ~World();

    void start(std::size_t index);
    /// Errors: those of Node::create and Node::start; the node is gone then, its disk stays.
    std::expected<void, base::Error> try_start(std::size_t index);
    /// Power off: only what was committed stays.
    void kill(std::size_t index);
    bool is_alive(std::size_t index) const;
    node::Node& operator[](std::size_t index);
    std::size_t size() const { return hosts_.size(); }
    const ledger::Genesis& genesis() const { return genesis_; }
    crypto::PublicKey payee(std::size_t index) const;
    crypto::PublicKey identity(std::size_t index) const;
    /// Gives a living node's wallet more keys, as an unlocking does when they run short.
    std::expected<void, base::Error> add_keys(std::size_t index);
    /// The disk of a node that lives, to make it fail.
    kv::FaultyStore& disk(std::size_t index);
    /// What is on the disk of a node that does not live.
    std::unique_ptr<kv::MemoryStore> open_disk(std::size_t index);
    crypto::SigningKey identity_key(std::size_t index) const;

    /// Puts the past blocks on the disk of a node that was not started yet.
    void preload(std::size_t index);
    /// Datagrams that `passes` refuses are lost.
    void set_filter(std::function<bool(std::size_t from, std::size_t to, base::Bytes)> passes) {
        passes_ = std::move(passes);
    }

    /// Only nodes of one side hear each other; all in one side: no partition.
    void partition(std::set<std::size_t> side) { side_ = std::move(side); }

    /// The node's system clock is wrong by so much, from now on.
    void set_clock_error(std::size_t index, base::Milliseconds error);
    /// NTP keeps the node's system clock, or so its system says.
    void set_synchronised(std::size_t index, bool synchronised);

    void run_for(base::Duration duration);
    /// Until `done`, at most for `limit`; whether it came true.
    template <class Predicate>
    bool run_until(Predicate done, base::Duration limit) {
        const base::Instant end = now_ + limit;
        while (!done()) {
            if (now_ >= end) return false;
            run_for(std::chrono::milliseconds(50));
        }
        return true;
    }
    base::Now now() const { return {now_, wall_}; }
    /// As the node's system tells it.
    base::Now now(std::size_t index) const;
    std::uint64_t datagrams() const { return datagrams_; }

private:
    struct Port;
    struct Host;
    struct Flight {
        std::size_t to;
        base::LinkAddress from;
        bool multicast;
        base::Buffer bytes;
    };

    /// Made and received all payments of the past.
    static crypto::SigningKey past_payer();
    void make_past();
    std::expected<void, base::Error> boot(std::size_t index);
    static base::LinkAddress address(std::size_t index);
    void post(std::size_t from, const std::optional<base::LinkAddress>& to, base::Bytes datagram);
    void launch(std::size_t from, std::size_t to, bool multicast, base::Bytes datagram);
    bool hears(std::size_t from, std::size_t to) const {
        return side_.contains(from) == side_.contains(to) &&
               (!options_.reaches || options_.reaches(from, to));
    }
    void step_all();
    base::Instant next_event(base::Instant end) const;

    Options options_;
    base::Random random_;
    ledger::Genesis genesis_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::multimap<base::Instant, Flight> flights_;
    std::set<std::size_t> side_;
    std::function<bool(std::size_t, std::size_t, base::Bytes)> passes_;
    std::shared_ptr<kv::MemoryMedium> past_ = std::make_shared<kv::MemoryMedium>();
    base::Instant now_{std::chrono::hours(1)};
    base::WallTime wall_;
    std::uint64_t datagrams_ = 0;
};

}  // namespace meshchain::tests
