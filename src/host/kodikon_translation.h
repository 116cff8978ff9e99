#pragma once
// Between what Kodikon's payloads say and records. Both ways carry a mark of where a thing came
// from, so that nothing comes back as if it were new: a record from Kodikon has an object `kodikon`
// in its JSON, a message from here has `meshchain_record`, and the name of a bridge begins with
// `meshchain-`.
//
// Limits: a record is one datagram. What has no room is left out and that is said, in the record
//         and in the value returned.
// Format: docs/formats/kodikon.md

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "host/kodikon_message.h"
#include "records/alert.h"
#include "records/registry_entry.h"

namespace meshchain::host {

inline constexpr std::string_view kodikon_bridge_prefix = "meshchain-";
/// Names of nodes; longer ones have no room in the keys of records.
inline constexpr std::size_t kodikon_id_bytes_max = 48;
/// Most networks carry so much in one piece.
inline constexpr std::size_t kodikon_datagram_bytes_aim = 1'400;

/// May be shown, and is no longer than that.
bool is_kodikon_id(std::string_view id);

/// The same for every copy of one message, whatever number and path it came with.
std::uint64_t kodikon_content(const KodikonMessage& message);

struct KodikonMark {
    std::optional<std::uint64_t> content;  ///< of the alert that it was
};
/// Nothing when a record's JSON says nothing of Kodikon.
std::optional<KodikonMark> kodikon_mark(std::string_view json);

struct KodikonAlert {
    records::Alert alert;
    bool is_left_out = false;  ///< its payload, for want of room
    bool is_from_bridge = false;
};
/// Nothing for an alert without anything to say.
std::optional<KodikonAlert> read_kodikon_alert(const KodikonMessage& message);

struct KodikonEntry {
    std::string hash;
    records::RegistryEntry entry;
    bool has_bad_embedding = false;  ///< not 512 finite numbers with a direction: left out
    bool is_left_out = false;        ///< its metadata, for want of room
    bool is_from_bridge = false;
};
struct KodikonEntries {
    std::vector<KodikonEntry> entries;
    std::size_t unreadable = 0;  ///< no object, or a hash that is no key of a record
};
KodikonEntries read_kodikon_entries(const KodikonMessage& message);

/// What a record of kind state says. Nothing when it is too large.
std::optional<std::string> read_kodikon_state(const KodikonMessage& message);

/// Payloads of messages of ours. `seconds` is the time by the clock of who said it.
struct KodikonOrigin {
    crypto::Hash record;
    base::Bytes origin;  ///< public key
    double seconds = 0;
};
std::string kodikon_alert_payload(const records::Alert& alert, const KodikonOrigin& from);
/// One entry as JSON, without its embedding: that is five to eleven kilobytes of text, and would
/// leave in eight pieces that are lost together.
std::string kodikon_entry_json(const std::string& hash, const records::RegistryEntry& entry,
                               const KodikonOrigin& from, const std::string& node_id);
std::string kodikon_registry_payload(std::span<const std::pair<std::string, std::string>> entries,
                                     std::uint64_t version, double seconds);
std::string kodikon_heartbeat_payload(const std::string& node_id, double seconds);
std::string kodikon_discovery_payload(const std::string& node_id, const std::string& address,
                                      std::uint16_t port, double seconds);

}  // namespace meshchain::host
