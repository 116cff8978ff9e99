#pragma once
// What the checkers outside the nodes found broken, with the time at which it happened.

#include <string>
#include <vector>

#include "base/time.h"

namespace meshchain::sim {

struct Finding {
    base::Duration at{};  ///< since the start
    std::string rule;     ///< "final-prefix", for programs
    std::string text;
};

class Findings {
public:
    static constexpr std::size_t kept_max = 20;

    void set_time(base::Duration at) { at_ = at; }
    void add(std::string rule, std::string text) {
        ++count_;
        if (kept_.size() < kept_max) kept_.push_back({at_, std::move(rule), std::move(text)});
    }
    /// The first of them.
    const std::vector<Finding>& kept() const { return kept_; }
    std::size_t count() const { return count_; }
    bool empty() const { return count_ == 0; }

private:
    base::Duration at_{};
    std::vector<Finding> kept_;
    std::size_t count_ = 0;
};

}  // namespace meshchain::sim
