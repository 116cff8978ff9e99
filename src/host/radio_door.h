#pragma once
// What all doors to Meshtastic have in common: MQTT, UDP multicast, a radio of one's own.
//
// Each connects by itself and again after it was lost; why it cannot is in fault().

#include <functional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "radio/packet_link.h"

namespace meshchain::host {

class RadioDoor : public radio::PacketLink {
public:
    /// Calls `callback` from the io_context whenever a packet waits, again after each call that
    /// left some, and when the door has become ready. Once.
    virtual void on_activity(std::function<void()> callback) = 0;
    /// It can send for us.
    virtual bool is_up() const = 0;
    /// Why it is of no use now, as far as it has been tried.
    virtual std::optional<base::Error> fault() const = 0;

    /// What came and was of no use, by its reason; only those that happened.
    struct Dropped {
        std::string_view reason;
        std::uint64_t packets;
    };
    virtual std::vector<Dropped> dropped() const = 0;

    /// Calls back no more; send then fails, receive gives what is left.
    virtual void close() = 0;

protected:
    /// Of counters by a reason that has a name.
    template <class Reason, class Counters>
    static std::vector<Dropped> dropped_of(const Counters& counters) {
        std::vector<Dropped> happened;
        for (std::size_t i = 0; i < counters.size(); ++i) {
            if (counters[i] == 0) continue;
            happened.push_back({name(static_cast<Reason>(i)), counters[i]});
        }
        return happened;
    }
};

}  // namespace meshchain::host
