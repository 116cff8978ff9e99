#pragma once
// Tells the user of a radio's door that there is something to do: from the io_context, never from
// within the user's own call, and again after each time that left something. For .cpp files only:
// it includes asio.
//
// Ownership: part of an object that is shared; raise() keeps that weakly.
// Threads:   the io_context's one.

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace meshchain::host {

class Activity {
public:
    /// `has_more` says after each report whether there is another reason for one.
    Activity(boost::asio::io_context& context, std::function<bool()> has_more)
        : context_(context), has_more_(std::move(has_more)) {}

    /// Once.
    void set(std::function<void()> callback) {
        MESH_ASSERT(!callback_ && callback);
        callback_ = std::move(callback);
    }
    /// No more reports.
    void clear() { callback_ = nullptr; }

    void raise(std::weak_ptr<void> owner) {
        if (std::exchange(is_raised_, true)) return;
        boost::asio::post(context_, [this, owner = std::move(owner)] {
            const auto alive = owner.lock();
            if (!alive) return;
            is_raised_ = false;
            // The callback may clear itself.
            if (const auto callback = callback_) callback();
            if (callback_ && has_more_()) raise(alive);
        });
    }

private:
    boost::asio::io_context& context_;
    std::function<bool()> has_more_;
    std::function<void()> callback_;
    bool is_raised_ = false;
};

}  // namespace meshchain::host
