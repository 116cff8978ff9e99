#include "mesh/fair_budget.h"

namespace meshchain::mesh {

FairBudget::FairBudget(base::Instant now, base::Rate rate, std::size_t cells, Groups groups)
    : tokens_(now, rate), burst_(rate.burst), used_(cells), halved_(now) {
    if (groups == Groups::some) groups_.emplace(cells);
}

bool FairBudget::take(base::Instant now, std::uint64_t flow, std::optional<std::uint64_t> group) {
    if (now - halved_ >= memory) {
        used_.halve();
        if (groups_) groups_->halve();
        halved_ = now;
    }
    const std::uint64_t tokens = tokens_.available(now);
    if (tokens == 0) return false;
    if (2 * tokens <= burst_ && !is_within_share(flow, group, tokens)) return false;
    used_.add(flow);
    if (group) groups_->add(*group);
    return tokens_.take(now);
}

bool FairBudget::is_within_share(std::uint64_t flow, std::optional<std::uint64_t> group,
                                 std::uint64_t tokens) const {
    // used <= mean * tokens / (burst / 2), without dividing.
    const auto is_light = [&](std::uint64_t used, const UsageSketch& among) {
        return used * among.active() * burst_ <= 2 * tokens * among.total();
    };
    if (group) {
        const std::uint32_t used = groups_->estimate(*group);
        if (is_light(used, *groups_)) return true;
        if (!is_light(used / flows_a_group, used_)) return false;
    }
    return is_light(used_.estimate(flow), used_);
}

void FairBudget::give_back(std::uint64_t flow) {
    used_.remove(flow);
    tokens_.put_back();
}

}  // namespace meshchain::mesh
