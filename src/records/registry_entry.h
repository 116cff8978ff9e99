#pragma once
// Something that was seen (row G2), as the body of a record of kind registry; its key is the hash
// that producers know it by, as text.
//
// Errors: of parse: malformed, wrong_version.
// Limits: hash, type and owner as below; metadata has what the record leaves.
// Format: docs/formats/record.md

#include <optional>
#include <string>

#include "records/embedding.h"
#include "wire/record.h"

namespace meshchain::records {

struct RegistryEntry {
    static constexpr std::size_t type_bytes_max = 32;
    static constexpr std::size_t owner_bytes_max = 64;
    /// Of confidence: certain.
    static constexpr std::uint16_t certain = 10'000;

    std::string type;              ///< "bag", "face", …; displayable
    std::string owner;             ///< whose it is; displayable, may be empty
    std::uint16_t confidence = 0;  ///< in 1/10,000
    std::optional<Embedding> embedding;
    std::string metadata;  ///< UTF-8, JSON by custom; may be empty
    friend bool operator==(const RegistryEntry&, const RegistryEntry&) = default;
};
/// Asserts the limits above; the record's are judged when it is published.
base::Buffer encode(const RegistryEntry& entry);
std::expected<RegistryEntry, base::Error> parse_registry_entry(base::Bytes body);

/// The entry as it fits into a record under this hash: without its embedding's refinement if there
/// is no room for it. What is said beside an embedding counts for more.
RegistryEntry fitted(std::string_view hash, RegistryEntry entry);

/// For what a person or program hands in, which is `fitted` already. Errors: invalid_argument,
/// too_large, each naming the field and what is allowed.
std::expected<void, base::Error> check(std::string_view hash, const RegistryEntry& entry);

}  // namespace meshchain::records
