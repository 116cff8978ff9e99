#include "meshchain/demo/payment_tracker.h"

#include <algorithm>

#include "host/json_document.h"

namespace meshchain::app {

std::expected<void, base::Error> PaymentTracker::pay(std::size_t from, std::size_t to,
                                                     std::uint64_t amount, bool while_down) {
    const auto sent = DemoPayment::Clock::now();
    MESH_TRY(const host::Json answer,
             (*nodes_)[from].post("/v1/payments",
                                  {{"to", (*nodes_)[to].address()}, {"amount", amount}}));
    payments_.push_back({answer.at("txid"), from, while_down, sent, std::nullopt});
    return {};
}

void PaymentTracker::poll() {
    for (std::size_t node = 0; node < nodes_->size(); ++node) poll_node(node);
}

void PaymentTracker::poll_node(std::size_t node) {
    const auto is_open = [&](const DemoPayment& payment) {
        return payment.sender == node && !payment.final;
    };
    if (std::ranges::none_of(payments_, is_open)) return;
    const auto status = (*nodes_)[node].get("/v1/status");
    if (!status) return;  // killed
    const std::uint64_t final_height = status->at("final_height");
    if (final_height == std::exchange(final_heights_[node], final_height)) return;
    for (DemoPayment& payment : payments_) {
        if (!is_open(payment)) continue;
        const auto view = (*nodes_)[node].get("/v1/transactions/" + payment.txid);
        if (view && view->at("certainty") == "FINAL") payment.final = DemoPayment::Clock::now();
    }
}

std::size_t PaymentTracker::final_count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        payments_, [](const DemoPayment& payment) { return payment.final.has_value(); }));
}

std::vector<double> PaymentTracker::times() const {
    std::vector<double> seconds;
    for (const DemoPayment& payment : payments_) {
        if (payment.final) seconds.push_back(payment.seconds_to_final());
    }
    std::ranges::sort(seconds);
    return seconds;
}

}  // namespace meshchain::app
