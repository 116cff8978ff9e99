#pragma once
// Records (rows G1, G2, G4; PROTOCOL.md P4): what a node says of itself, what it saw, and alarms.
// Small, signed by its origin and complete in itself, so it may cross any link unchanged.
//
// The newest of an origin wins for its own key, and nobody overwrites another's. The signature
// covers `mc/rec/1` ‖ chain ‖ type 31 ‖ every field below.
// Limits: one datagram with its frame: `record_bytes_max`.
// Format: docs/formats/record.md

#include <optional>
#include <string>

#include "base/time.h"
#include "wire/routed.h"

namespace meshchain::wire {

/// 1-127 are ours, 128-239 for applications, which bring a rule of their own
/// (records/kind_rules.h).
enum class RecordKind : std::uint8_t {
    state = 1,            ///< how a node is: one JSON object a key
    registry = 2,         ///< something seen, under its hash
    alert = 3,            ///< an alarm
    acknowledgement = 4,  ///< a person has seen an alarm
    ownership = 5,        ///< whose something seen is since when
};
/// "state", "registry", …; "kind-200" for one of an application.
std::string name(RecordKind kind);

/// A clock that never goes backwards for one origin: milliseconds of its wall clock, and a counter
/// for what came within one, or after what others had dated later. Sorts for display, decides
/// nothing.
struct HybridTime {
    static constexpr std::uint64_t ms_max = (std::uint64_t{1} << 48) - 1;

    std::uint64_t ms = 0;  ///< since 1970; at most ms_max
    std::uint16_t counter = 0;

    base::WallTime wall() const { return base::wall_from_unix_ms(static_cast<std::int64_t>(ms)); }
    friend auto operator<=>(const HybridTime&, const HybridTime&) = default;
};

struct Record {
    static constexpr std::size_t key_bytes_max = 64;

    RecordKind kind{};
    crypto::PublicKey origin;
    std::uint64_t sequence = 0;  ///< rises with every record of its origin, over restarts too; > 0
    HybridTime stamp;
    std::uint32_t expires = 0;         ///< seconds since 1970: forgotten by everybody
    bool tombstone = false;            ///< its key is no more; `body` is empty
    std::optional<SegmentId> segment;  ///< only its members keep it; none: everybody
    base::Buffer key;
    base::Buffer body;
    crypto::Signature signature;
    friend bool operator==(const Record&, const Record&) = default;
};

/// Everything but key, body and segment.
inline constexpr std::size_t record_overhead_bytes =
    1 + 1 + 1 + crypto::PublicKey::size + 8 + 8 + 4 + 1 + 2 + crypto::Signature::size;
inline constexpr std::size_t record_bytes_max = ip_payload_bytes_max;
/// What is left for the body of a record with this key.
constexpr std::size_t record_body_bytes_max(std::size_t key_bytes, bool has_segment) {
    return record_bytes_max - record_overhead_bytes - key_bytes -
           (has_segment ? SegmentId::size : 0);
}

base::Buffer record_preimage(const ChainId& chain, const Record& record);
/// H(preimage): one content has one name, however often its origin signs it.
using RecordId = Hash;
RecordId record_id(const ChainId& chain, const Record& record);

/// Asserts the limits above.
base::Buffer encode(const Record& record);
/// Errors: malformed (also: a sequence or kind of zero, a tombstone with a body, a key too long),
/// too_large, wrong_version.
std::expected<Record, base::Error> parse_record(base::Bytes bytes);

}  // namespace meshchain::wire
