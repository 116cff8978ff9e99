#pragma once
// Which objects were seen, and how far each was passed on (row F4, F9).
//
// An object's hop limit is signed by nobody, and its copies race. So a copy that may travel further
// than the one we relayed is relayed again, without being judged again: neither a detour nor a liar
// who writes 0 can shorten the reach of an object. That costs at most hop_limit_max repeats.
//
// Objects are told apart by SipHash-2-4-128 of their content under a key that nobody else has: most
// of what arrives was seen, and this takes a third of the time of BLAKE2b. Without the key nobody
// can make two objects that meet (docs/decisions/0062-keyed-seen-set.md).
//
// Limits: the `capacity` newest objects; memory taken at construction, nothing allocated later.

#include <cstdint>
#include <limits>
#include <vector>

#include "crypto/hash.h"
#include "wire/frame.h"

namespace meshchain::mesh {

/// Names an object in this process, whatever frame it travels in.
struct ContentId {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    wire::MessageType type{};
    friend bool operator==(const ContentId&, const ContentId&) = default;
};

class Flood {
public:
    Flood(std::size_t capacity, const crypto::ShortHashKey& key);

    ContentId content_id(wire::MessageType type, base::Bytes payload) const;

    enum class Novelty : std::uint8_t { unseen, seen, reaches_further };
    /// What a copy with `hop_limit` is to us.
    Novelty classify(const ContentId& id, std::uint8_t hop_limit) const;
    /// After the verdict, never before: a forged copy must not shadow the true one.
    void mark_relayed(const ContentId& id, std::uint8_t hop_limit);
    void mark_kept(const ContentId& id) { mark_relayed(id, wire::hop_limit_max); }

    std::size_t size() const { return objects_.size(); }
    std::size_t capacity() const { return capacity_; }
    static std::size_t bytes(std::size_t capacity);

    /// Asserts that every object is found where it is.
    void check_invariants() const;

private:
    struct Object {
        ContentId id;
        std::uint8_t hop_limit;  ///< the greatest passed on
    };
    using Position = std::uint32_t;
    static constexpr Position empty = std::numeric_limits<Position>::max();

    /// Where `id` is in places_, or the free place where it belongs.
    std::size_t place_of(const ContentId& id) const;
    /// Frees a place, and closes the gap in the run of places behind it.
    void free_place(std::size_t place);

    std::size_t capacity_;
    crypto::ShortHashKey key_;
    std::vector<Object> objects_;  ///< a ring in the order of arrival, wrapping once it is full
    Position oldest_ = 0;
    std::vector<Position>
        places_;  ///< open addressing by ContentId::low, never more than half full
};

}  // namespace meshchain::mesh
