#pragma once
// What is known to have been seen, ready to be searched (rows G2, G3): by hash, type, node, time
// and metadata, and by what it looks like.
//
// The records themselves stay in the store. Here is of each entry what a search looks at, built
// anew at each start; what the store has forgotten since is left out of results and then dropped.
//
// Ownership: the store outlives this.
// Limits:    `capacity` entries with an embedding; about 1,150 bytes each. Of an entry's metadata
//            the first `members_max` members can be searched.
// Threads:   the owner's.
// Errors:    those of the store.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "records/record_store.h"
#include "records/registry_entry.h"
#include "records/similarity_index.h"

namespace meshchain::records {

inline constexpr std::size_t query_members_max = 4;

/// What is asked for; all that is set must hold.
struct RegistryQuery {
    std::string hash = {};
    std::string type = {};
    std::optional<crypto::PublicKey> node = {};
    /// Members of its metadata (records/metadata.h), at most query_members_max.
    std::vector<std::string> metadata = {};
    std::uint64_t since_ms = 0;  ///< by the origin's clock
    std::uint64_t until_ms = wire::HybridTime::ms_max;
    std::optional<Embedding> like = {};  ///< then the most similar come first
    float similarity_min = -1;
    std::size_t count = 10;
};

/// Errors: invalid_argument (more members than a question has, or one that is none).
std::expected<void, base::Error> check_metadata(const RegistryQuery& query);

struct RegistryHit {
    wire::RecordId id;
    crypto::PublicKey origin;
    wire::HybridTime stamp;
    std::string hash;
    RegistryEntry entry;
    float similarity = 0;  ///< of a search by similarity
};

class Registry {
public:
    static constexpr std::size_t members_max = 64;

    /// `seed` decides which entries a search may miss: not known to others.
    Registry(RecordStore& store, std::size_t capacity, std::uint64_t seed);

    /// Reads all entries of the store.
    std::expected<void, base::Error> load();
    /// A record of kind registry that was taken just now.
    void handle_record(const wire::RecordId& id, const wire::Record& record);

    /// What the store says that it has forgotten.
    void forget(const Address& address);

    /// Best first: the most similar, or the newest. At most query.count.
    std::expected<std::vector<RegistryHit>, base::Error> search(const RegistryQuery& query);
    std::size_t size() const { return entries_.size(); }
    std::size_t searchable() const { return similar_.size(); }
    /// Entries that came without one that can be read, or found no room to be compared.
    std::uint64_t left_out() const { return left_out_; }

private:
    struct Entry {
        Address address;
        wire::RecordId id;
        std::string type;
        wire::HybridTime stamp;
        std::vector<std::uint32_t> members;  ///< short hashes, ascending
    };
    using Number = SimilarityIndex::Id;

    void drop(Number number);
    bool holds(const Entry& entry) const;
    std::uint32_t short_hash(std::string_view member) const;
    /// `members`: of the query.
    bool fits(const Entry& entry, const RegistryQuery& query,
              const std::vector<std::uint32_t>& members) const;
    std::expected<void, base::Error> add_hit(Number number, float similarity,
                                             std::vector<RegistryHit>& hits);

    RecordStore& store_;
    crypto::ShortHashKey members_key_{};
    SimilarityIndex similar_;
    std::map<Number, Entry> entries_;
    std::map<Address, Number> numbers_;
    Number last_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace meshchain::records
