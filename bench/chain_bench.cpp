// Catching up over a long chain, beside the bare verification of the signatures in it. The giving
// nodes are processes of their own, so that only the catching up is counted.

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "bench/timed_doors.h"
#include "bench/workloads.h"
#include "chain/test_long_chain.h"
#include "host/argon2_kdf.h"
#include "host/file_region.h"
#include "host/sqlite_store.h"
#include "host/system_entropy.h"
#include "host/system_wall_clock.h"
#include "host/temporary_folder.h"
#include "host/thread_pool_verifier.h"
#include "host/udp_link.h"
#include "kv/flash_log.h"
#include "ledger/test_payments.h"
#include "mesh/ip_frames.h"
#include "node/node.h"
#include "node/tables.h"

namespace meshchain::bench {
namespace {

constexpr std::uint32_t blocks = 10'000;
constexpr std::uint32_t transactions_each = 10;
constexpr std::size_t givers = 3;
constexpr std::uint32_t people = 16;

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "chain_bench: %s\n", what);
    std::abort();
}

/// Its last block is of the present.
ledger::Genesis make_genesis() {
    ledger::Genesis genesis = ledger::test::genesis_with(people, 250, 1'000'000, 4);
    genesis.start = host::SystemWallClock().read() - std::chrono::seconds(blocks + 60);
    genesis.start = base::wall_from_unix_ms(base::unix_ms(genesis.start) / 1000 * 1000);
    return genesis;
}

enum class Engine : std::uint8_t { sqlite, flash_log };

std::unique_ptr<kv::Store> open_store(const std::filesystem::path& path, Engine engine) {
    if (engine == Engine::sqlite) {
        return host::SqliteStore::open(path, {.tables = node::node_tables}).value();
    }
    auto region = host::FileRegion::open(path, {.mode = host::FileRegion::Mode::create_if_absent,
                                                .size_bytes = std::uint64_t{256} << 20})
                      .value();
    require(kv::FlashLog::format(*region).has_value(), "no flash log can be made");
    return kv::FlashLog::open(std::move(region), {.tables = node::node_tables}).value();
}

/// A node over loopback with a store on disk, as a process runs one. Noting where the time goes
/// takes some itself.
class LoopbackNode {
public:
    LoopbackNode(std::unique_ptr<kv::Store> store, const ledger::Genesis& genesis,
                 std::vector<base::LinkAddress> peers, crypto::Verifier* verifier,
                 bool is_timed = false)
        : store_(std::move(store)),
          timed_store(*store_),
          link_(host::UdpLink::open(io_, {.address = "127.0.0.1", .multicast = false}).value()),
          frames_(*link_),
          timed_link(frames_) {
        node::NodeConfig config;
        config.network.multicast = false;
        config.network.static_peers = std::move(peers);
        config.network.discovery_interval = std::chrono::milliseconds(500);
        node::Doors doors{is_timed ? static_cast<kv::Store&>(timed_store) : *store_,
                          is_timed ? static_cast<wire::FrameLink*>(&timed_link) : &frames_,
                          entropy_, kdf_};
        doors.verifier = verifier;
        node_ = node::Node::create(config, genesis,
                                   {crypto::SigningKey::generate(entropy_), std::nullopt},
                                   std::move(doors), now())
                    .value();
        require(node_->start(now()).has_value(), "a node does not start");
        link_->on_readable([] {});
    }

    base::LinkAddress address() const { return link_->local_address(); }
    std::uint32_t final_height() { return node_->status(now()).final_height.value; }
    void step() {
        node_->step(now());
        const base::Now at = now();
        const auto wait = std::min<base::Duration>(node_->poll_timeout(at) - at.instant,
                                                   std::chrono::milliseconds(100));
        io_.restart();
        if (wait > base::Duration::zero()) io_.run_one_for(wait);
    }
    std::uint64_t commits() const { return store_->stats().commits; }

private:
    base::Now now() const {
        const auto steady = std::chrono::steady_clock::now().time_since_epoch();
        return {base::Instant(std::chrono::duration_cast<base::Duration>(steady)),
                host::SystemWallClock().read()};
    }

    boost::asio::io_context io_{1};
    host::SystemEntropy entropy_;
    host::Argon2Kdf kdf_;
    std::unique_ptr<kv::Store> store_;

public:
    TimedStore timed_store;

private:
    std::unique_ptr<host::UdpLink> link_;
    mesh::IpFrames frames_;

public:
    TimedLink timed_link;

private:
    std::unique_ptr<node::Node> node_;
};

/// A giving node in a process of its own; ends with this.
class Giver {
public:
    Giver(const std::filesystem::path& path, const ledger::Genesis& genesis) {
        int ends[2];
        require(pipe(ends) == 0, "no pipe");
        child_ = fork();
        require(child_ >= 0, "no process");
        if (child_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            LoopbackNode node(open_store(path, Engine::sqlite), genesis, {}, nullptr);
            const std::uint16_t port = node.address().port;
            if (write(ends[1], &port, sizeof port) != sizeof port) _exit(1);
            for (;;) node.step();
        }
        require(read(ends[0], &port_, sizeof port_) == sizeof port_, "a giver does not start");
        close(ends[0]);
        close(ends[1]);
    }
    ~Giver() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    Giver(const Giver&) = delete;
    Giver& operator=(const Giver&) = delete;
    base::LinkAddress address() const { return node::ipv4({127, 0, 0, 1}, port_); }

private:
    pid_t child_ = 0;
    std::uint16_t port_ = 0;
};

using Signatures = std::vector<chain::test::LongChain::Signed>;

/// Processor seconds of libsodium alone, on as many threads as there are cores.
double verify_all(const Signatures& signatures) {
    const double begin = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const unsigned threads = host::ThreadPoolVerifier::usual_helpers() + 1;
    std::vector<std::thread> running;
    std::atomic<std::size_t> valid = 0;
    const auto raw = [](const auto& bytes) {
        return reinterpret_cast<const unsigned char*>(bytes.data());
    };
    for (unsigned thread = 0; thread < threads; ++thread) {
        running.emplace_back([&, thread] {
            std::size_t good = 0;
            for (std::size_t i = thread; i < signatures.size(); i += threads) {
                const auto& each = signatures[i];
                good += crypto_sign_ed25519_verify_detached(raw(each.signature.bytes),
                                                            raw(each.message), each.message.size(),
                                                            raw(each.key.bytes)) == 0;
            }
            valid += good;
        });
    }
    for (std::thread& thread : running) thread.join();
    require(valid == signatures.size(), "a signature does not verify");
    return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
}

struct Run {
    double cpu = 0;
    double wall = 0;
    double verification = 0;
    double reads = 0;
    double commits = 0;
    double network = 0;
    std::uint64_t flushes = 0;
};

Run catch_up(std::unique_ptr<kv::Store> store, const ledger::Genesis& genesis,
             const std::vector<base::LinkAddress>& peers, bool is_timed) {
    host::ThreadPoolVerifier pool(host::ThreadPoolVerifier::usual_helpers());
    TimedVerifier verifier(pool);
    LoopbackNode node(std::move(store), genesis, peers, &verifier, is_timed);
    const std::uint64_t flushes = node.commits();
    const double cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    Run run;
    run.wall = seconds([&] {
        for (std::size_t steps = 0; steps % 16 != 0 || node.final_height() < blocks; ++steps) {
            node.step();
        }
    });
    run.cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    run.verification = verifier.seconds;
    run.reads = node.timed_store.reads;
    run.commits = node.timed_store.commits;
    run.network = node.timed_link.seconds;
    run.flushes = node.commits() - flushes;
    return run;
}

void print_shares(const Run& run) {
    const auto percent = [&](double part) { return 100 * part / run.cpu; };
    const double known = run.verification + run.reads + run.commits + run.network;
    std::printf(
        "  catch_up: %.0f blocks/s, %llu flushes; of %.2f s: verification %.0f %%, store "
        "reads %.0f %%, commits %.0f %%, link %.0f %%, the rest (execution, hashes) "
        "%.0f %%\n",
        blocks / run.wall, static_cast<unsigned long long>(run.flushes), run.cpu,
        percent(run.verification), percent(run.reads), percent(run.commits), percent(run.network),
        percent(run.cpu - known));
}

}  // namespace

void chain_workloads(Report& report) {
    if (!report.wants("catch_up_cpu") && !report.wants("catch_up_flash_cpu")) return;
    require(sodium_init() >= 0, "libsodium does not start");
    const host::TemporaryFolder folder;
    const ledger::Genesis genesis = make_genesis();
    const ledger::test::KeyRing keys(people, 4);
    Signatures signatures;
    {
        auto store =
            host::SqliteStore::open(folder.path() / "giver0.db", {.tables = node::node_tables},
                                    {.durability = host::SqliteOptions::Durability::off})
                .value();
        const chain::test::LongChain made(
            *store, genesis, [&](const auto& key) { return keys(key); },
            {.blocks = blocks, .transactions_each = transactions_each});
        signatures = made.signatures();
        require(store->close().has_value(), "the giver's store does not close");
    }
    std::vector<std::unique_ptr<Giver>> giving;
    std::vector<base::LinkAddress> peers;
    for (std::size_t i = 0; i < givers; ++i) {
        const auto path = folder.path() / ("giver" + std::to_string(i) + ".db");
        if (i > 0) std::filesystem::copy_file(folder.path() / "giver0.db", path);
    }
    for (std::size_t i = 0; i < givers; ++i) {
        const auto path = folder.path() / ("giver" + std::to_string(i) + ".db");
        giving.push_back(std::make_unique<Giver>(path, genesis));
        peers.push_back(giving.back()->address());
    }
    int number = 0;
    const auto run = [&](Engine engine, bool is_timed) {
        const auto path = folder.path() / ("taker" + std::to_string(number++));
        return catch_up(open_store(path, engine), genesis, peers, is_timed);
    };
    for (const auto& [name, engine] :
         {std::pair{"catch_up_cpu", Engine::sqlite}, {"catch_up_flash_cpu", Engine::flash_log}}) {
        if (!report.wants(name)) continue;
        print_shares(run(engine, true));
        report.compare(
            {.name = name,
             .unit = "s",
             .peer = "bare_verification",
             .better = Better::lower,
             .rounds = 3},
            [&] { return run(engine, false).cpu; }, [&] { return verify_all(signatures); });
    }
}

}  // namespace meshchain::bench
