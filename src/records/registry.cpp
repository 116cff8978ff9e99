#include "records/registry.h"

#include <algorithm>

#include "base/cursor.h"
#include "base/random.h"
#include "base/utf8.h"
#include "records/metadata.h"

namespace meshchain::records {

Registry::Registry(RecordStore& store, std::size_t capacity, std::uint64_t seed)
    : store_(store), similar_(capacity, seed) {
    base::Random random = base::Random(seed).stream("members");
    for (std::byte& byte : members_key_) byte = static_cast<std::byte>(random.next());
}

std::expected<void, base::Error> check_metadata(const RegistryQuery& query) {
    if (query.metadata.size() > query_members_max) {
        return base::failure(base::Errc::invalid_argument,
                             std::to_string(query.metadata.size()) + " members", "metadata",
                             "ask for at most " + std::to_string(query_members_max));
    }
    for (const std::string& member : query.metadata) {
        if (base::is_displayable(member) && is_metadata_member(member)) continue;
        return base::failure(base::Errc::invalid_argument, "no member with a plain value",
                             "metadata",
                             "write a name and a text, number, true, false or null, of up to " +
                                 std::to_string(metadata_member_bytes_max) + " bytes in all");
    }
    return {};
}

/// Keyed, so that nobody enters what is found under another's name.
std::uint32_t Registry::short_hash(std::string_view member) const {
    return static_cast<std::uint32_t>(crypto::short_hash(members_key_, base::as_bytes(member)));
}

std::expected<void, base::Error> Registry::load() {
    std::vector<wire::RecordId> ids;
    for (const auto& [address, held] : store_.index().all()) {
        if (address.kind == wire::RecordKind::registry) ids.push_back(held.id);
    }
    for (const wire::RecordId& id : ids) {
        MESH_TRY(const auto record, store_.get(id));
        if (record) handle_record(id, *record);
    }
    return {};
}

void Registry::handle_record(const wire::RecordId& id, const wire::Record& record) {
    Address address = address_of(record);
    const auto known = numbers_.find(address);
    if (known != numbers_.end()) drop(Number{known->second});
    if (record.tombstone) return;
    const auto parsed = parse_registry_entry(record.body);
    // What cannot be shown would be of no use in an answer either.
    if (!parsed || record.key.empty() || !base::is_displayable(base::as_text(record.key))) {
        ++left_out_;
        return;
    }
    const Number number = ++last_;
    if (parsed->embedding && !similar_.insert(number, *parsed->embedding)) ++left_out_;
    numbers_.emplace(address, number);
    std::vector<std::uint32_t> members;
    for (const std::string_view member : metadata_members(parsed->metadata, members_max)) {
        members.push_back(short_hash(member));
    }
    std::ranges::sort(members);
    entries_.emplace(number,
                     Entry{std::move(address), id, parsed->type, record.stamp, std::move(members)});
}

void Registry::forget(const Address& address) {
    const auto known = numbers_.find(address);
    if (known != numbers_.end() && !holds(entries_.at(known->second))) drop(Number{known->second});
}

void Registry::drop(Number number) {
    const auto found = entries_.find(number);
    numbers_.erase(found->second.address);
    similar_.erase(number);
    entries_.erase(found);
}

bool Registry::holds(const Entry& entry) const { return store_.index().find(entry.id) != nullptr; }

bool Registry::fits(const Entry& entry, const RegistryQuery& query,
                    const std::vector<std::uint32_t>& members) const {
    return (query.hash.empty() || base::as_text(entry.address.key) == query.hash) &&
           (query.type.empty() || entry.type == query.type) &&
           (!query.node || entry.address.origin == *query.node) &&
           entry.stamp.ms >= query.since_ms && entry.stamp.ms <= query.until_ms &&
           std::ranges::includes(entry.members, members);
}

std::expected<void, base::Error> Registry::add_hit(Number number, float similarity,
                                                   std::vector<RegistryHit>& hits) {
    const Entry& entry = entries_.at(number);
    MESH_TRY(const auto record, store_.get(entry.id));
    if (!record) return {};
    MESH_TRY(RegistryEntry parsed, parse_registry_entry(record->body));
    hits.push_back({.id = entry.id,
                    .origin = record->origin,
                    .stamp = record->stamp,
                    .hash = std::string(base::as_text(record->key)),
                    .entry = std::move(parsed),
                    .similarity = similarity});
    return {};
}

std::expected<std::vector<RegistryHit>, base::Error> Registry::search(const RegistryQuery& query) {
    std::vector<std::uint32_t> members;
    for (const std::string& member : query.metadata) members.push_back(short_hash(member));
    std::ranges::sort(members);
    const auto repeated = std::ranges::unique(members);
    members.erase(repeated.begin(), repeated.end());
    std::vector<std::pair<Number, float>> found;
    if (query.like) {
        const auto matches = similar_.search(
            SimilarityQuery(*query.like), {.count = query.count,
                                           .similarity_min = query.similarity_min,
                                           .accept = [&](Number number) {
                                               const Entry& entry = entries_.at(number);
                                               return fits(entry, query, members) && holds(entry);
                                           }});
        for (const auto& match : matches) found.emplace_back(match.id, match.similarity);
    } else {
        std::vector<std::pair<wire::HybridTime, Number>> newest;
        for (const auto& [number, entry] : entries_) {
            if (fits(entry, query, members)) newest.emplace_back(entry.stamp, number);
        }
        std::ranges::make_heap(newest);
        while (!newest.empty() && found.size() < query.count) {
            std::ranges::pop_heap(newest);
            const Number number = newest.back().second;
            newest.pop_back();
            if (holds(entries_.at(number))) found.emplace_back(number, 0.0F);
        }
    }
    std::vector<RegistryHit> hits;
    for (const auto& [number, similarity] : found) MESH_CHECK(add_hit(number, similarity, hits));
    return hits;
}

}  // namespace meshchain::records
