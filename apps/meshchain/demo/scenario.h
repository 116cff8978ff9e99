#pragma once
// What happens in the demo: five nodes find each other, pay, lose one to kill -9, go on paying,
// take it back, and account for everything.

#include <atomic>

#include "meshchain/demo/accounting.h"
#include "meshchain/demo/demo_link.h"
#include "meshchain/demo/screen.h"

namespace meshchain::app {

struct ScenarioResult {
    std::size_t nodes = 0;
    std::size_t payments_sent = 0;
    bool killed_node_caught_up = false;  ///< by its own store, replayed
    double catch_up_seconds = 0;
    std::vector<double> seconds_to_final;  ///< ascending
    std::string chain_id;
    Accounts accounts;

    bool all_right() const;
};

class Scenario {
public:
    static constexpr std::size_t node_count = 5;
    static constexpr std::size_t payments_before = 25;
    static constexpr std::size_t payments_down = 15;
    static constexpr std::size_t payments_after = 15;

    /// `interrupted` is looked at in every wait.
    Scenario(const std::filesystem::path& folder, node::StoreEngine engine, const DemoLink& link,
             Screen& screen, const std::atomic<bool>& interrupted)
        : folder_(folder),
          engine_(engine),
          link_(link),
          screen_(screen),
          interrupted_(interrupted),
          tracker_(nodes_) {}

    /// Up to and with the catching up. Errors: what went wrong; unavailable when interrupted.
    std::expected<void, base::Error> play();
    /// Shows the nodes until interrupted.
    void linger();
    /// Stops the nodes and proves what they did.
    std::expected<ScenarioResult, base::Error> settle();

private:
    std::expected<void, base::Error> prepare();
    std::expected<void, base::Error> start_all();
    std::expected<void, base::Error> meet();
    std::expected<void, base::Error> pay_around(std::size_t count, bool while_down);
    std::expected<void, base::Error> wait_until_final();
    std::expected<void, base::Error> lose_one();
    std::expected<void, base::Error> take_it_back();
    std::expected<void, base::Error> settle_down();
    /// Calls `done` until it says yes, keeping payments and screen up to date.
    template <class Done>
    std::expected<void, base::Error> wait(std::string_view what, base::Duration timeout, Done done);
    void refresh();

    std::filesystem::path folder_;
    node::StoreEngine engine_;
    const DemoLink& link_;
    Screen& screen_;
    const std::atomic<bool>& interrupted_;
    ledger::Genesis genesis_;
    std::vector<DemoNode> nodes_;
    PaymentTracker tracker_;
    std::uint64_t next_amount_ = 1;
    bool restarted_ = false;
    std::chrono::steady_clock::time_point shown_{};
    ScenarioResult result_;
};

}  // namespace meshchain::app
