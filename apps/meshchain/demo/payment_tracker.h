#pragma once
// The demo's payments: what was sent, and when the sender's node first called it FINAL.
// What the nodes say here is for the screen and the clock; the proof is the accounting at the end.

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "meshchain/demo/demo_node.h"

namespace meshchain::app {

struct DemoPayment {
    using Clock = std::chrono::steady_clock;

    std::string txid;
    std::size_t sender = 0;
    bool while_down = false;
    Clock::time_point sent;
    std::optional<Clock::time_point> final;

    double seconds_to_final() const { return std::chrono::duration<double>(*final - sent).count(); }
};

class PaymentTracker {
public:
    explicit PaymentTracker(std::vector<DemoNode>& nodes) : nodes_(&nodes) {}

    /// Pays from one node to another. Errors: those of the node.
    std::expected<void, base::Error> pay(std::size_t from, std::size_t to, std::uint64_t amount,
                                         bool while_down);
    /// Asks each sender whose FINAL height rose about its open payments.
    void poll();

    std::size_t sent() const { return payments_.size(); }
    std::size_t final_count() const;
    const std::vector<DemoPayment>& payments() const { return payments_; }
    /// Seconds from sending to FINAL, ascending.
    std::vector<double> times() const;

private:
    void poll_node(std::size_t node);

    std::vector<DemoNode>* nodes_;
    std::vector<DemoPayment> payments_;
    std::map<std::size_t, std::uint64_t> final_heights_;
};

}  // namespace meshchain::app
