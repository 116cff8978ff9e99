#pragma once
// The one list of message types (row E1; PROTOCOL.md P1.8). 0-15 are the sources', 16-127 ours,
// 128-239 for applications. 0x7B is never assigned: Kodikon's JSON begins with it.

#include <cstdint>
#include <string_view>

namespace meshchain::wire {

enum class MessageType : std::uint8_t {
    transaction = 0,      ///< object: WireTransaction
    block = 1,            ///< object: BlockAnnouncement
    block_ack = 2,        ///< object: Vote
    sync_request = 3,     ///< control: wire/sync.h
    sync_response = 4,    ///< control: wire/sync.h
    peer_hello = 5,       ///< control: Hello
    peer_info = 6,        ///< object: Announcement
    status = 7,           ///< control: Heartbeat
    cookie = 16,          ///< unsigned answer to a HELLO without a valid cookie
    vote_request = 17,    ///< control: VoteRequest
    evidence = 18,        ///< object: Evidence
    sync_data = 19,       ///< chunk: SyncChunk
    routed = 20,          ///< object: RoutedMessage, which carries the types of class `routed`
    probe = 21,           ///< routed: wants nothing but its receipt
    receipt = 22,         ///< routed: Receipt
    state_request = 23,   ///< control: wire/state.h
    state_response = 24,  ///< control: wire/state.h
    clock_ask = 25,       ///< routed: wire/clock_question.h
    clock_answer = 26,    ///< routed: wire/clock_question.h
    air_ask = 27,         ///< chunk on the air: AirQuestion
    block_row = 28,       ///< chunk on the air: BlockRow
    short_vote = 29,      ///< object on the air: ShortVote
    short_block = 30,     ///< object on the air: ShortBlock
    record = 31,          ///< chunk: Record
    reconcile = 32,       ///< control: records/reconciliation.h
    record_receipt = 33,  ///< control: records/receipt.h
    alert_direct = 34,    ///< routed: Record, to whom the flood did not reach
    search_query = 35,    ///< routed: records/search_message.h
    search_answer = 36,   ///< routed: records/search_message.h
    alert_receipt = 37,   ///< routed: records/receipt.h
    alert_on_air = 38,    ///< object on the air: Record
    alert_digest = 39,    ///< chunk on the air: records/alert_digest.h
};

/// "TRANSACTION", "BLOCK_ACK", …; "UNKNOWN" for a number that is not listed.
std::string_view name(MessageType type);

/// Types from here on begin their payload with a version byte (row E8).
inline constexpr std::uint8_t versioned_types_from = 16;

/// The types an application may give to messages of its own.
inline constexpr std::uint8_t application_types_from = 128;
inline constexpr std::uint8_t application_types_to = 239;

constexpr MessageType application_type(std::uint8_t number) {
    return static_cast<MessageType>(number);
}
constexpr bool is_application_type(MessageType type) {
    const auto number = static_cast<std::uint8_t>(type);
    return number >= application_types_from && number <= application_types_to;
}

}  // namespace meshchain::wire
