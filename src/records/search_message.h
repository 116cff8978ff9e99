#pragma once
// A search that all nodes within reach take part in (row G3): the question, flooded once inside a
// ROUTED, and each node's answer to who asked. An answer is its sender's word: the entries are
// named, and whoever wants to be sure fetches the signed record.
//
// Errors: of parse: malformed, wrong_version.
// Limits: one ROUTED each; an answer has `hits_max` entries, more follow in another.
// Format: docs/formats/record.md

#include <vector>

#include "records/registry.h"
#include "wire/routed.h"

namespace meshchain::records {

struct SearchQuestion {
    static constexpr std::uint8_t count_max = 50;

    std::uint64_t number = 0;       ///< of its asker
    std::uint16_t patience_ms = 0;  ///< answers later than this are of no use
    RegistryQuery query;            ///< count 1 to count_max; similarity_min -1 to 1
};
/// The question as it fits into a ROUTED: without its embedding's refinement if long members of
/// metadata leave no room for it.
SearchQuestion fitted(SearchQuestion question);
base::Buffer encode(const SearchQuestion& question);
std::expected<SearchQuestion, base::Error> parse_search_question(base::Bytes payload);

struct SearchHit {
    wire::RecordId id;
    crypto::PublicKey origin;
    std::uint64_t stamp_ms = 0;
    std::string hash;
    std::string type;
    std::string owner;
    std::uint16_t confidence = 0;
    std::int16_t similarity = 0;  ///< in 1/10,000
    friend bool operator==(const SearchHit&, const SearchHit&) = default;
};
SearchHit search_hit(const RegistryHit& hit);

struct SearchAnswer {
    static constexpr std::size_t hit_bytes_max =
        32 + 32 + 8 + 2 + 2 + 3 + wire::Record::key_bytes_max + RegistryEntry::type_bytes_max +
        RegistryEntry::owner_bytes_max;
    static constexpr std::size_t hits_max = (wire::routed_payload_bytes_max - 15) / hit_bytes_max;

    static constexpr std::uint8_t parts_max = 64;

    std::uint64_t number = 0;
    std::uint32_t searched = 0;  ///< how many entries its sender looked through
    std::uint8_t part = 0;       ///< of its sender's answer, from 0; they may come in any order
    bool last = false;           ///< the parts are this one and those before it
    std::vector<SearchHit> hits;
    friend bool operator==(const SearchAnswer&, const SearchAnswer&) = default;
};
base::Buffer encode(const SearchAnswer& answer);
std::expected<SearchAnswer, base::Error> parse_search_answer(base::Bytes payload);

}  // namespace meshchain::records
