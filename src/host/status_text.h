#pragma once
// The status as the API answers it, made at most once a step of the node and `age_max`: a client
// that asks ten thousand times a second is not to cost the node ten thousand looks at itself.
//
// Limits: what depends on the time alone (uptime, slot) is up to age_max old.

#include <string>

#include "base/time.h"

namespace meshchain::host {

class StatusText {
public:
    static constexpr base::Duration age_max = std::chrono::milliseconds(100);

    /// The node was stepped or changed.
    void forget() { made_at_ = base::Instant::min(); }

    /// `make` gives the text when there is no fresh one.
    template <class Make>
    const std::string& get(base::Instant now, Make make) {
        if (made_at_ == base::Instant::min() || now - made_at_ >= age_max) {
            text_ = make();
            made_at_ = now;
        }
        return text_;
    }

private:
    std::string text_;
    base::Instant made_at_ = base::Instant::min();
};

}  // namespace meshchain::host
