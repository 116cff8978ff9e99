#pragma once
// How two neighbours find which records one of them lacks, at a cost that grows with what differs:
// each says what its ranges sum up to, and goes into those that differ (coding/fingerprint_tree.h).
//
// Every message stands on its own: it says what its sender holds at that moment, and the answer
// follows from it and from what the receiver holds. Nothing is remembered between messages, so one
// that is lost costs a repetition of its own part, and an interrupted exchange goes on where it
// was.
//
// RECONCILE: salt u64 ‖ segment (8, zeros for none) ‖ claims. Fingerprints are SipHash of the sums
// under the salt, which the sender draws anew, so no set can be made up to look like another.
// Errors: of parse: malformed, wrong_version.
// Limits: one message has `message_bytes_max` bytes; one answer, `answer_messages_max` messages and
//         `records_per_answer_max` records.
// Format: docs/formats/record.md

#include <functional>
#include <vector>

#include "records/record_index.h"
#include "wire/control.h"

namespace meshchain::records {

/// The front 64 bits of a record's name.
using ShortName = std::uint64_t;
ShortName short_name(const wire::RecordId& id);

/// What the sender says about a range.
struct RangeClaim {
    enum class Form : std::uint8_t {
        summary = 0,   ///< one fingerprint of the whole range
        children = 1,  ///< sixteen, one for each next digit; zero for an empty one
        members = 2,   ///< the short names of all that it holds
        wanted = 3,    ///< short names of what it lacks
    };
    static constexpr std::size_t names_max = 64;
    static constexpr std::size_t bytes_min = 2;  ///< that it holds nothing at all

    Form form{};
    coding::FingerprintTree::Prefix prefix;  ///< of `wanted`: everything
    std::vector<std::uint64_t> values;
    friend bool operator==(const RangeClaim&, const RangeClaim&) = default;
};

struct ReconcileMessage {
    static constexpr std::size_t message_bytes_max = wire::control_body_bytes_max;
    static constexpr std::size_t header_bytes = 1 + 8 + wire::SegmentId::size;

    std::uint64_t salt = 0;
    Segment segment;  ///< the segment of eight zeros is none
    std::vector<RangeClaim> claims;
    friend bool operator==(const ReconcileMessage&, const ReconcileMessage&) = default;
};
base::Buffer encode(const ReconcileMessage& message);
std::expected<ReconcileMessage, base::Error> parse_reconcile(base::Bytes body);

inline constexpr std::size_t answer_messages_max = 16;
inline constexpr std::size_t records_per_answer_max = 256;

/// What follows from a message.
struct ReconcileAnswer {
    std::vector<base::Buffer> messages;   ///< encoded, for its sender
    std::vector<wire::RecordId> to_send;  ///< records its sender lacks
    bool differs = false;
};

/// The message that begins: what everything sums up to.
base::Buffer begin_reconciliation(const coding::FingerprintTree& tree, const Segment& segment,
                                  std::uint64_t salt);
/// `salt` is for the answer. Of what the tree counts, only that for which `is_held` can be sent.
ReconcileAnswer answer_reconciliation(const ReconcileMessage& message,
                                      const coding::FingerprintTree& tree, std::uint64_t salt,
                                      const std::function<bool(const wire::RecordId&)>& is_held);

}  // namespace meshchain::records
