#include "mesh/flood.h"

#include <bit>

#include "base/assert.h"
#include "base/cursor.h"

namespace meshchain::mesh {
namespace {

std::size_t places_for(std::size_t capacity) { return std::bit_ceil(2 * capacity); }

}  // namespace

Flood::Flood(std::size_t capacity, const crypto::ShortHashKey& key)
    : capacity_(capacity), key_(key), places_(places_for(capacity), empty) {
    MESH_ASSERT(capacity > 0 && capacity < empty / 4);
    objects_.reserve(capacity);
}

std::size_t Flood::bytes(std::size_t capacity) {
    return capacity * sizeof(Object) + places_for(capacity) * sizeof(Position);
}

ContentId Flood::content_id(wire::MessageType type, base::Bytes payload) const {
    const crypto::WideShortHash hash = crypto::wide_short_hash(key_, payload);
    base::Reader in(hash);
    const std::uint64_t high = in.u64();
    return {high, in.u64(), type};
}

Flood::Novelty Flood::classify(const ContentId& id, std::uint8_t hop_limit) const {
    const Position position = places_[place_of(id)];
    if (position == empty) return Novelty::unseen;
    return hop_limit > objects_[position].hop_limit ? Novelty::reaches_further : Novelty::seen;
}

void Flood::mark_relayed(const ContentId& id, std::uint8_t hop_limit) {
    const Position known = places_[place_of(id)];
    if (known != empty) {
        objects_[known].hop_limit = hop_limit;
        return;
    }
    if (objects_.size() < capacity_) {
        objects_.push_back({id, hop_limit});
        places_[place_of(id)] = static_cast<Position>(objects_.size() - 1);
        return;
    }
    free_place(place_of(objects_[oldest_].id));
    objects_[oldest_] = {id, hop_limit};
    places_[place_of(id)] = oldest_;
    oldest_ = static_cast<Position>((oldest_ + 1) % capacity_);
}

std::size_t Flood::place_of(const ContentId& id) const {
    const std::size_t mask = places_.size() - 1;
    std::size_t place = id.low & mask;
    while (places_[place] != empty && objects_[places_[place]].id != id) place = (place + 1) & mask;
    return place;
}

void Flood::free_place(std::size_t place) {
    const std::size_t mask = places_.size() - 1;
    std::size_t next = place;
    while (places_[next = (next + 1) & mask] != empty) {
        const std::size_t home = objects_[places_[next]].id.low & mask;
        // Only what would be looked for at the gap, or before it, may move there.
        if (((next - home) & mask) < ((next - place) & mask)) continue;
        places_[place] = places_[next];
        place = next;
    }
    places_[place] = empty;
}

void Flood::check_invariants() const {
    MESH_ASSERT(objects_.size() <= capacity_);
    for (std::size_t i = 0; i < objects_.size(); ++i) {
        MESH_ASSERT(places_[place_of(objects_[i].id)] == i);
    }
}

}  // namespace meshchain::mesh
