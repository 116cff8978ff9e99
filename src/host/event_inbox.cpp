#include "host/event_inbox.h"

#include <utility>

namespace meshchain::host {

EventInbox::EventInbox(Wake wake, std::size_t events_max)
    : wake_(std::move(wake)), events_max_(events_max) {
    posted_.reserve(events_max);
    taken_.reserve(events_max);
}

bool EventInbox::post(const runtime::Event& event) {
    bool was_empty = false;
    {
        const std::lock_guard lock(mutex_);
        if (posted_.size() >= events_max_) {
            ++refused_;
            return false;
        }
        was_empty = posted_.empty();
        posted_.push_back(event);
    }
    if (was_empty) wake_();
    return true;
}

bool EventInbox::drain(runtime::EventLoop& loop) {
    if (next_ == taken_.size()) {
        taken_.clear();
        next_ = 0;
        const std::lock_guard lock(mutex_);
        taken_.swap(posted_);
    }
    while (next_ < taken_.size() && loop.has_room()) loop.enqueue(taken_[next_++]);
    if (next_ < taken_.size()) return true;
    const std::lock_guard lock(mutex_);
    return !posted_.empty();
}

std::uint64_t EventInbox::refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
}

}  // namespace meshchain::host
