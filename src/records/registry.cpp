#include "records/registry.h"

#include <algorithm>

#include "base/utf8.h"

namespace meshchain::records {

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
    entries_.emplace(number, Entry{std::move(address), id, parsed->type, record.stamp});
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

bool Registry::fits(const Entry& entry, const RegistryQuery& query) const {
    return (query.hash.empty() || base::as_text(entry.address.key) == query.hash) &&
           (query.type.empty() || entry.type == query.type) &&
           (!query.node || entry.address.origin == *query.node) &&
           entry.stamp.ms >= query.since_ms && entry.stamp.ms <= query.until_ms;
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
    std::vector<std::pair<Number, float>> found;
    if (query.like) {
        const auto matches = similar_.search(SimilarityQuery(*query.like),
                                             {.count = query.count,
                                              .similarity_min = query.similarity_min,
                                              .accept = [&](Number number) {
                                                  const Entry& entry = entries_.at(number);
                                                  return fits(entry, query) && holds(entry);
                                              }});
        for (const auto& match : matches) found.emplace_back(match.id, match.similarity);
    } else {
        std::vector<std::pair<wire::HybridTime, Number>> newest;
        for (const auto& [number, entry] : entries_) {
            if (fits(entry, query) && holds(entry)) newest.emplace_back(entry.stamp, number);
        }
        const std::size_t count = std::min(query.count, newest.size());
        std::ranges::partial_sort(newest, newest.begin() + static_cast<std::ptrdiff_t>(count),
                                  std::greater<>{});
        for (std::size_t i = 0; i < count; ++i) found.emplace_back(newest[i].second, 0.0F);
    }
    std::vector<RegistryHit> hits;
    for (const auto& [number, similarity] : found) MESH_CHECK(add_hit(number, similarity, hits));
    return hits;
}

}  // namespace meshchain::records
