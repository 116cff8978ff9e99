#include "meshchain/demo/scenario.h"

#include <algorithm>
#include <thread>

#include "host/json_document.h"
#include "host/system_wall_clock.h"

namespace meshchain::app {
namespace {

using namespace std::chrono_literals;
using Result = std::expected<void, base::Error>;
using Clock = std::chrono::steady_clock;

constexpr wire::Amount stake{100};
constexpr wire::Amount coin{1000};
constexpr std::size_t coins_each = 16;  ///< so that nobody waits for change
constexpr std::size_t victim = Scenario::node_count - 1;
constexpr auto poll_interval = 50ms;
constexpr auto screen_interval = 500ms;

ledger::Genesis genesis_of(const std::vector<DemoNode>& nodes, base::WallTime start,
                           const DemoLink& link) {
    ledger::Genesis genesis;
    genesis.start = start;
    genesis.block_time_ms = static_cast<std::uint32_t>(link.block_time().count());
    genesis.slots_per_round = link.slots_per_round();
    genesis.rank_delay_ms = genesis.block_time_ms * 3 / 10;
    genesis.seed = crypto::hash(base::as_bytes("demo"));
    for (const DemoNode& node : nodes) {
        genesis.validators.push_back(node.genesis_entry(stake));
        genesis.allocations.insert(genesis.allocations.end(), coins_each, {node.owner(), coin});
    }
    sort_canonically(genesis);
    return genesis;
}

}  // namespace

bool ScenarioResult::all_right() const {
    return accounts.problems.empty() && killed_node_caught_up && accounts.tips_equal &&
           accounts.coins_equal && accounts.supply_conserved && payments_sent >= 50 &&
           accounts.payments_final == payments_sent && accounts.payments_while_down >= 10;
}

template <class Done>
Result Scenario::wait(std::string_view what, base::Duration timeout, Done done) {
    const auto deadline = Clock::now() + link_.patience() * timeout;
    while (!done()) {
        refresh();
        if (interrupted_) return base::failure(base::Errc::unavailable, "interrupted", "demo");
        if (Clock::now() > deadline) {
            return base::failure(base::Errc::timeout, "waited in vain for " + std::string(what),
                                 "demo", "run it with --keep and look at the node.log files");
        }
        std::this_thread::sleep_for(poll_interval);
    }
    return {};
}

void Scenario::refresh() {
    tracker_.poll();
    if (Clock::now() - shown_ < screen_interval) return;
    shown_ = Clock::now();
    screen_.show(nodes_, std::to_string(tracker_.final_count()) + " of " +
                             std::to_string(tracker_.sent()) + " payments FINAL");
}

Result Scenario::play() {
    MESH_CHECK(prepare());
    MESH_CHECK(start_all());
    MESH_CHECK(meet());
    screen_.say("Paying around, until every node shows each payment FINAL ...");
    MESH_CHECK(pay_around(payments_before, false));
    MESH_CHECK(wait_until_final());
    MESH_CHECK(lose_one());
    MESH_CHECK(take_it_back());
    MESH_CHECK(pay_around(payments_after, false));
    return wait_until_final();
}

Result Scenario::prepare() {
    screen_.say("Making " + std::to_string(node_count) + " validators and their genesis ...");
    for (std::size_t i = 0; i < node_count; ++i) {
        const std::string name = "node" + std::to_string(i + 1);
        MESH_TRY(DemoNode node, DemoNode::prepare(folder_ / name, name, engine_));
        nodes_.push_back(std::move(node));
    }
    host::SystemWallClock clock;
    const auto start = std::chrono::ceil<std::chrono::seconds>(clock.read());
    genesis_ = genesis_of(nodes_, base::WallTime(start.time_since_epoch()), link_);
    MESH_CHECK(ledger::validate(genesis_));
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        MESH_CHECK(nodes_[i].join(genesis_, link_.radio_of(i)));
    }
    result_.chain_id = crypto::to_hex(ledger::chain_id(genesis_));
    return {};
}

Result Scenario::start_all() {
    screen_.say("Starting them as processes on chain " + result_.chain_id.substr(0, 16) + " ...");
    for (DemoNode& node : nodes_) MESH_CHECK(node.start(30s));
    return {};
}

Result Scenario::meet() {
    screen_.say("Waiting until they have found each other over " + link_.name() + " ...");
    return wait("the nodes to find each other", 60s, [this] {
        return std::ranges::all_of(nodes_, [](const DemoNode& node) {
            const auto status = node.get("/v1/status");
            return status && status->at("peers") == node_count - 1 &&
                   status->at("clock_checked") == true;
        });
    });
}

Result Scenario::pay_around(std::size_t count, bool while_down) {
    const std::size_t payers = while_down ? victim : node_count;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t from = i % payers;
        const std::size_t to = (from + 1 + i / payers % (node_count - 1)) % node_count;
        MESH_CHECK(tracker_.pay(from, to, next_amount_++, while_down));
        const auto next = Clock::now() + link_.between_payments();
        MESH_CHECK(wait("the next payment", 10s, [&] { return Clock::now() >= next; }));
    }
    return {};
}

/// First at the senders, which gives the times, then on every node that runs.
Result Scenario::wait_until_final() {
    MESH_CHECK(wait("payments to become FINAL", 60s,
                    [this] { return tracker_.final_count() == tracker_.sent(); }));
    std::size_t checked = 0;
    for (DemoNode& node : nodes_) {
        if (!node.running()) continue;
        checked = 0;
        MESH_CHECK(wait(node.name() + " to show every payment FINAL", 60s, [&] {
            for (; checked < tracker_.sent(); ++checked) {
                const auto view = node.get("/v1/transactions/" + tracker_.payments()[checked].txid);
                if (!view || view->at("certainty") != "FINAL") return false;
            }
            return true;
        }));
    }
    return {};
}

Result Scenario::lose_one() {
    screen_.say("Killing " + nodes_[victim].name() + " (kill -9); the others go on paying ...");
    nodes_[victim].kill();
    MESH_CHECK(pay_around(payments_down, true));
    return wait_until_final();
}

Result Scenario::take_it_back() {
    screen_.say("Starting " + nodes_[victim].name() + " again ...");
    const auto begun = Clock::now();
    MESH_CHECK(nodes_[victim].start(30s));
    MESH_CHECK(wait_until_final());
    result_.catch_up_seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    restarted_ = true;
    screen_.say(nodes_[victim].name() + " has caught up. Paying around once more ...");
    return {};
}

void Scenario::linger() {
    screen_.say("All payments are FINAL. The nodes run on; ask them, or press Ctrl-C.");
    for (const DemoNode& node : nodes_) {
        screen_.say("  " + node.name() + "  " + node.api_text() + "  meshchain status --data " +
                    node.folder().string());
    }
    screen_.say("(The table shows what the nodes say; the accounting at the end proves it.)");
    while (!interrupted_) {
        refresh();
        std::this_thread::sleep_for(poll_interval);
    }
}

/// An idle chain is final to its tip and silent: then nothing is under way any more.
Result Scenario::settle_down() {
    return wait("the chain to come to rest", 30s, [this] {
        std::vector<std::string> tips;
        for (const DemoNode& node : nodes_) {
            const auto status = node.get("/v1/status");
            if (!status || status->at("height") != status->at("final_height")) return false;
            tips.push_back(status->at("tip"));
        }
        return std::ranges::count(tips, tips.front()) == std::ssize(tips);
    });
}

std::expected<ScenarioResult, base::Error> Scenario::settle() {
    if (!interrupted_) MESH_CHECK(settle_down());
    screen_.say("Stopping all nodes, replaying every store from genesis ...");
    for (DemoNode& node : nodes_) {
        if (node.running()) MESH_CHECK(node.stop(20s));
    }
    result_.nodes = nodes_.size();
    result_.payments_sent = tracker_.sent();
    result_.seconds_to_final = tracker_.times();
    result_.accounts = app::settle(nodes_, genesis_, tracker_.payments());
    const std::vector<std::size_t>& final_at = result_.accounts.final_at;
    result_.killed_node_caught_up =
        restarted_ && !final_at.empty() && final_at[victim] == tracker_.sent();
    return result_;
}

}  // namespace meshchain::app
