#pragma once
// Kodikon's messages (row F10): one JSON object a UDP datagram, with the names and types that its
// Python nodes write and read. A value without sockets; what is done with it: kodikon_bridge.h.
//
// Lossless: what `parse` takes, `encode` gives back with equal values, fields that Kodikon does not
//          know included. Doubles come back to the bit, in their shortest form.
// Limits:  65,507 bytes; `kodikon_depth_max` levels; `kodikon_members_max` fields an object.
// Errors:  too_large; malformed (no JSON, which NaN and Infinity are none of, though Python writes
//          them; a field missing, twice or of another type; a number that 64 bits or a double do
//          not hold); unsupported (a type that Kodikon does not have).
// Format:  docs/formats/kodikon.md

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace meshchain::host {

/// The most that UDP over IPv4 carries.
inline constexpr std::size_t kodikon_bytes_max = 65'507;
/// Kodikon nodes wrap an entry's metadata into another object at every hop, until the datagram is
/// full after some 290: that has to be read, or their snapshots are lost within a minute.
inline constexpr std::size_t kodikon_depth_max = 400;
/// A full snapshot without embeddings has 174 entries.
inline constexpr std::size_t kodikon_members_max = 1'024;
inline constexpr std::size_t kodikon_path_max = 64;

enum class KodikonType : std::uint8_t {
    heartbeat = 1,
    peer_discovery = 2,
    node_state_sync = 3,
    search_query = 4,
    alert = 5,
    hash_registry = 6,
    route_broadcast = 7,
    ack = 8,
    transfer_event = 9,
    ownership_vote = 10,
    location_signature = 11,
    face_search_request = 12,
    face_search_result = 13,
};
inline constexpr std::size_t kodikon_types_count = 13;
/// As Kodikon spells it: "HEARTBEAT".
std::string_view name(KodikonType type);

enum class KodikonNodeState : std::uint8_t { active = 1, idle = 2, processing = 3, offline = 4 };
/// "ACTIVE", …
std::string_view name(KodikonNodeState state);

struct KodikonMessage {
    KodikonType type{};
    std::string source;                  ///< who wrote it, as it says itself; not empty
    double timestamp = 0;                ///< seconds since 1970 by its clock; finite
    std::uint64_t seq = 0;               ///< anew at every hop: says nothing
    std::string payload{"{}"};           ///< a JSON object in one line
    std::vector<std::string> path = {};  ///< who passed it on
    std::string extra = {};  ///< the object's other fields, as JSON in one line; or empty
    friend bool operator==(const KodikonMessage&, const KodikonMessage&) = default;
};

/// The type may be a number or a name in any case; `seq` and `path` may be missing.
std::expected<KodikonMessage, base::Error> parse_kodikon(base::Bytes datagram);
/// Errors: too_large. Asserts that `payload` and `extra` are as said.
std::expected<base::Buffer, base::Error> encode(const KodikonMessage& message);

}  // namespace meshchain::host
