#pragma once
// Remembers what was asked for lately, so that a question is not repeated with every message that
// raises it.
//
// Time:   civil; a step back of the clock lets everything be asked again.
// Limits: `keys_max` keys; the lowest is forgotten first.

#include <map>

#include "base/time.h"

namespace meshchain::consensus {

template <class Key>
class Throttle {
public:
    static constexpr std::size_t keys_max = 64;

    /// Whether to ask now; if so, not again before `pause` has passed.
    bool may_ask(const Key& key, base::WallTime now, base::Milliseconds pause) {
        const auto found = asked_.find(key);
        if (found != asked_.end() && now >= found->second && now - found->second < pause)
            return false;
        if (found == asked_.end() && asked_.size() >= keys_max) asked_.erase(asked_.begin());
        asked_[key] = now;
        return true;
    }
    void clear() { asked_.clear(); }

private:
    std::map<Key, base::WallTime> asked_;
};

}  // namespace meshchain::consensus
