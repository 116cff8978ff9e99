#pragma once
// The radios of a node (rows E3, E5, E6, E7, E9): each a door to Meshtastic, with messages made of
// its packets within an airtime budget that outlasts a restart.
//
// Ownership: borrows what Doors refers to, which outlives it; the node must be gone before.
// Threads:   the io_context's one.
// Errors:    of open(): which radio's setting is wrong and what to do. A door that does not come
//            up is no error: it is tried again, and view() says why it is not.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "crypto/signature.h"
#include "host/air_wait.h"
#include "host/radio_door.h"
#include "kv/store.h"
#include "node/radio_config.h"
#include "radio/airtime_log.h"
#include "radio/radio_frames.h"
#include "wire/control.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

/// What an operator wants to know of one radio.
struct RadioView {
    std::string place;  ///< "mqtt 192.0.2.7:1883 msh", "serial /dev/ttyUSB0"
    radio::NodeNumber number{};
    bool is_up = false;
    std::optional<base::Error> fault;
    bool is_paused = false;
    bool listens_only = false;
    std::string modulation;              ///< "LONG_FAST", or in numbers
    bool is_modulation_its_own = false;  ///< the radio has said so, and not the configuration
    base::Duration budget{};             ///< of an hour, at a quiet channel
    base::Duration spent{};              ///< in this hour
    base::Duration left{};               ///< of this hour, as busy as the channel is
    unsigned channel_use_percent = 0;
    std::size_t waiting = 0;  ///< messages that have not left
    /// Why the most urgent of these waits, and for how long if nothing else changes.
    std::optional<radio::AirtimeBudget::Reason> deferred_by;
    std::optional<base::Duration> deferred_for;  ///< nothing: not by waiting
    radio::RadioStats stats;
    struct Mirror {
        std::string channel;
        std::size_t waiting = 0;
        radio::TextMirror::Stats stats;
        std::optional<base::Error> fault;  ///< why nothing can be said
    };
    std::optional<Mirror> mirror{};
    std::vector<RadioDoor::Dropped> dropped;  ///< before they were ours to judge
};

class RadioLinks {
public:
    struct Doors {
        boost::asio::io_context& io;
        kv::Store& store;
        base::Entropy& entropy;
        std::filesystem::path folder;  ///< what paths in the configuration are relative to
        std::string node_name;
        crypto::PublicKey identity;
        base::Log log;
        wire::Role role = wire::Role::validator;  ///< others keep no air for votes
    };
    /// Errors: invalid_argument, not_found (a file that is named), and others of the doors.
    static std::expected<std::unique_ptr<RadioLinks>, base::Error> open(
        const std::vector<node::RadioConfig>& configs, Doors doors, base::Random random,
        base::Now now);
    ~RadioLinks();

    std::vector<wire::AirLink*> airs() const;
    /// Calls `callback` from the io_context whenever a radio has news. Once.
    void on_activity(const std::function<void()>& callback);
    /// After each step of the node: keeps what was spent.
    void note_step(base::Now now);

    std::size_t size() const { return radios_.size(); }
    /// Of this and the next two functions, `radio` < size().
    const std::string& place(std::size_t radio) const;
    RadioView view(std::size_t radio, base::Instant now) const;
    /// What each would make a message wait that is handed in now.
    std::vector<WayOut> ways_out(base::Instant now) const;
    /// Until the next start. What is paused still listens; what only listens stays as it is.
    void set_paused(base::Instant now, std::size_t radio, bool paused);

    /// What the configuration wants mirrored on this radio; nothing: no texts.
    const std::optional<node::MirrorConfig>& mirror(std::size_t radio) const;
    /// A plain text on the channel of its mirror, when it has the air: see RadioFrames::mirror.
    void say_text(base::Instant now, std::size_t radio, radio::Priority priority,
                  radio::MirrorText text, radio::TextMirror::Knows knows);

    /// Nothing is sent or received any more.
    void close(base::Now now);

private:
    struct Radio;
    explicit RadioLinks(base::Log log);

    base::Log log_;
    std::vector<std::unique_ptr<Radio>> radios_;
    bool is_closed_ = false;
};

}  // namespace meshchain::host
