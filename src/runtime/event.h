#pragma once
// Something that happened, as the node tells whoever registered for it. Observers only: no handler
// changes a verdict.
//
// Ownership: an Event is one cache line, owns its data and is copied like an integer. What does
//            not fit is named by its id and looked up.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

#include "runtime/source.h"

namespace meshchain::runtime {

enum class EventType : std::uint16_t {
    peer_discovered = 1,
    peer_lost = 2,
    message_received = 3,
    message_sent = 4,
    sync_started = 5,
    sync_completed = 6,
    block_received = 10,
    block_proposed = 11,
    block_validated = 12,
    block_added = 13,
    transaction_received = 20,
    transaction_validated = 21,
    transaction_added = 22,
    transaction_confirmed = 23,
    consensus_round_start = 30,
    consensus_round_end = 31,
    validator_selected = 32,
    block_approved = 33,
    wallet_created = 40,
    wallet_unlocked = 41,
    wallet_locked = 42,
    node_started = 50,
    node_stopped = 51,
    node_error = 52,
    node_synced = 53,
    record_taken = 60,
    alert_received = 61,
    search_answered = 62,
    custom = 100,  ///< and everything above
};

/// The n-th event type of an embedding program.
constexpr EventType custom_event(std::uint16_t n) {
    return static_cast<EventType>(static_cast<std::uint16_t>(EventType::custom) + n);
}

/// "BLOCK_ADDED"; "CUSTOM" from 100; "UNKNOWN" for a number without a name.
std::string_view name(EventType type);

/// The order in which queued events leave (see PriorityQueue).
enum class EventPriority : std::uint8_t { low = 0, normal = 64, high = 128, critical = 192 };

inline constexpr unsigned priority_levels = 4;
constexpr unsigned level(EventPriority priority) { return static_cast<unsigned>(priority) / 64; }

/// The hash of a block, transaction or object, and the number that goes with it (a height, say).
struct EventId {
    std::array<std::byte, 32> hash{};
    std::uint64_t number = 0;
    friend bool operator==(const EventId&, const EventId&) = default;
};

/// A short text, cut where it is too long but never inside a UTF-8 character.
class EventText {
public:
    static constexpr std::size_t bytes_max = 39;

    EventText() = default;
    explicit EventText(std::string_view text) : size_(static_cast<std::uint8_t>(fit(text))) {
        std::copy_n(text.data(), size_, text_.data());
    }
    std::string_view view() const { return {text_.data(), size_}; }
    friend bool operator==(const EventText& a, const EventText& b) { return a.view() == b.view(); }

private:
    static std::size_t fit(std::string_view text) {
        if (text.size() <= bytes_max) return text.size();
        std::size_t size = bytes_max;
        while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;
        return size;
    }

    std::array<char, bytes_max> text_{};
    std::uint8_t size_ = 0;
};

/// An answer to a search of this node, and how far the search is with it.
struct EventSearch {
    std::uint64_t number = 0;       ///< of the search
    std::array<std::byte, 8> by{};  ///< the id of the node that answered
    std::uint32_t results = 0;      ///< in this answer
    std::uint32_t asked = 0;        ///< nodes
    std::uint32_t answered = 0;     ///< of them
    std::uint32_t late = 0;         ///< answers after the end
    bool done = false;              ///< all have answered, or the time is over
    friend bool operator==(const EventSearch&, const EventSearch&) = default;
};

/// Nothing, a number (a node id, a count), an id, a text, or an answer to a search.
class EventData {
public:
    EventData() = default;
    EventData(std::uint64_t number) : value_(number) {}  // implicit: data is one of these
    EventData(const EventId& id) : value_(id) {}
    EventData(const EventText& text) : value_(text) {}
    EventData(const EventSearch& search) : value_(search) {}

    // Copies what is there instead of 48 bytes: a wide load just after narrow stores waits for
    // them to retire, which doubles the cost of queueing an event.
    EventData(const EventData& other) { copy(other); }
    EventData& operator=(const EventData& other) {
        copy(other);
        return *this;
    }
    ~EventData() = default;

    /// Nothing where the data is something else.
    const std::uint64_t* number() const { return std::get_if<std::uint64_t>(&value_); }
    const EventId* id() const { return std::get_if<EventId>(&value_); }
    const EventText* text() const { return std::get_if<EventText>(&value_); }
    const EventSearch* search() const { return std::get_if<EventSearch>(&value_); }

    friend bool operator==(const EventData&, const EventData&) = default;

private:
    void copy(const EventData& other) {
        if (std::holds_alternative<std::monostate>(other.value_)) {
            value_.emplace<std::monostate>();
        } else if (const std::uint64_t* number = other.number()) {
            value_.emplace<std::uint64_t>(*number);
        } else {
            value_ = other.value_;
        }
    }

    std::variant<std::monostate, std::uint64_t, EventId, EventText, EventSearch> value_;
};

struct Event {
    EventType type = EventType::custom;
    EventPriority priority = EventPriority::normal;
    Source source{};  ///< the component that tells
    EventData data{};
};
static_assert(std::is_trivially_destructible_v<Event> && sizeof(Event) <= 64);

}  // namespace meshchain::runtime
