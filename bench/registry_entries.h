#pragma once
// What cameras would enter into the registry, for benchmarks that search and spread it.

#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/assert.h"
#include "crypto/identity.h"
#include "records/registry_entry.h"

namespace meshchain::bench {

inline constexpr std::size_t record_bytes = 700;

inline crypto::SigningKey key_of(unsigned number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = static_cast<std::byte>(number);
    seed[1] = static_cast<std::byte>(number >> 8);
    return crypto::SigningKey::from_seed(seed);
}

/// A registry entry of `record_bytes` in all, and its embedding's refinement if there is one; dated
/// an hour before `now_ms`; not signed.
inline wire::Record record_of(std::int64_t now_ms, const crypto::PublicKey& origin,
                              std::uint64_t number,
                              std::optional<records::Embedding> embedding = {},
                              const std::optional<wire::SegmentId>& segment = {}) {
    records::RegistryEntry entry;
    entry.type = "face";
    entry.embedding = std::move(embedding);
    wire::Record record;
    record.kind = wire::RecordKind::registry;
    record.origin = origin;
    record.sequence = number + 1;
    record.stamp.ms = static_cast<std::uint64_t>(now_ms) - 3'600'000;
    record.expires = static_cast<std::uint32_t>(now_ms / 1'000) + 24 * 3'600;
    record.segment = segment;
    record.key = base::to_buffer(base::as_bytes("seen " + std::to_string(number)));
    record.body = records::encode(entry);
    const std::size_t bytes = wire::encode(record).size();
    const bool is_refined = entry.embedding && entry.embedding->fifths;
    const std::size_t bytes_wanted =
        record_bytes + (is_refined ? records::Embedding::refinement_bytes : 0);
    MESH_ASSERT(bytes <= bytes_wanted);
    entry.metadata.assign(bytes_wanted - bytes, '.');
    record.body = records::encode(entry);
    return record;
}

/// Groups of a few hundred and noise around them, as models make of faces.
class Faces {
public:
    records::Embedding next() {
        std::array<float, records::Embedding::dimensions> numbers{};
        const std::size_t group = random_() % groups_.size();
        if (groups_[group].empty()) {
            for (std::size_t i = 0; i < numbers.size(); ++i) {
                groups_[group].push_back(normal_(random_));
            }
        }
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            numbers[i] = groups_[group][i] + 0.6F * normal_(random_);
        }
        return records::quantise(numbers).value();
    }

private:
    std::mt19937 random_{7};
    std::normal_distribution<float> normal_;
    std::array<std::vector<float>, 300> groups_;
};

}  // namespace meshchain::bench
