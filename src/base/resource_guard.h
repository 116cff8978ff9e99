#pragma once
// Runs a clean-up when a scope is left, unless it was dismissed.

#include <utility>

namespace meshchain::base {

template <class Cleanup>
class ResourceGuard {
public:
    explicit ResourceGuard(Cleanup cleanup) : cleanup_(std::move(cleanup)) {}
    ~ResourceGuard() {
        if (armed_) cleanup_();
    }
    ResourceGuard(const ResourceGuard&) = delete;
    ResourceGuard& operator=(const ResourceGuard&) = delete;

    /// The resource has found its owner; nothing is cleaned up any more.
    void dismiss() { armed_ = false; }

private:
    Cleanup cleanup_;
    bool armed_ = true;
};

}  // namespace meshchain::base
