#pragma once
// What happens in the node, for readers over HTTP: server-sent events (WHATWG HTML, 9.2).
//
// The newest events are kept in one ring; a reader is a place in it. So a slow reader costs nothing
// and delays nobody: what was overwritten before it came there is lost to it, and an event `lost`
// says how much. A reader that was cut off names the last id it saw and goes on after it, as long
// as the ring still has what follows.
//
// Ownership: outlives its readers.
// Limits:    ring_max events, readers_max readers.
// Threads:   one owner.

#include <bitset>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "host/http.h"
#include "runtime/event.h"

namespace meshchain::host {

class EventStream {
public:
    static constexpr std::size_t ring_max = 1024;
    static constexpr std::size_t readers_max = 16;
    static constexpr std::size_t types_max = 128;
    using Types = std::bitset<types_max>;

    /// `run` tells the ids of this run from those of another.
    explicit EventStream(std::uint32_t run) : run_(run) {}
    EventStream(const EventStream&) = delete;
    EventStream& operator=(const EventStream&) = delete;

    /// "BLOCK_ADDED,PEER_LOST"; an empty text stands for all.
    /// Errors: invalid_argument (no event has that name).
    static std::expected<Types, base::Error> parse_types(std::string_view text);

    void publish(const runtime::Event& event, base::WallTime at);
    /// Lets readers draw what was published; call after a burst of it.
    void wake();

    /// From the next event on, or after `last_event_id` (empty: none).
    /// Errors: unavailable (readers_max), invalid_argument (no id of this kind).
    std::expected<std::shared_ptr<HttpSource>, base::Error> open(Types types,
                                                                 std::string_view last_event_id);

    /// Published so far, by type.
    std::span<const std::uint64_t> published() const { return published_; }
    /// Events that some reader did not get.
    std::uint64_t lost() const { return lost_; }
    std::size_t readers() const { return readers_.size(); }

private:
    class Reader;
    struct Kept {
        runtime::EventType type{};
        std::string text;
    };

    std::uint64_t oldest() const { return next_ > ring_max ? next_ - ring_max : 0; }
    /// Where a reader goes on; nothing after an id of another run.
    std::expected<std::optional<std::uint64_t>, base::Error> place_after(std::string_view id) const;

    std::uint32_t run_;
    std::vector<Kept> ring_{ring_max};  ///< event n at n modulo its size
    std::uint64_t next_ = 0;
    std::array<std::uint64_t, types_max> published_{};
    std::uint64_t lost_ = 0;
    std::vector<Reader*> readers_;
};

}  // namespace meshchain::host
