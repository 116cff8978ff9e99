#pragma once
// Which objects were seen, by hash of their content, and how far each was passed on (row F4, F9).
//
// An object's hop limit is signed by nobody, and its copies race. So a copy that may travel further
// than the one we relayed is relayed again, without being judged again: neither a detour nor a liar
// who writes 0 can shorten the reach of an object. That costs at most hop_limit_max repeats.
//
// Limits: the `capacity` most recently seen objects.

#include <cstdint>

#include "base/lru_cache.h"
#include "crypto/hash.h"
#include "wire/frame.h"

namespace meshchain::mesh {

/// H(type ‖ payload): names an object whatever frame it travels in.
using ContentId = crypto::Hash;
ContentId content_id(wire::MessageType type, base::Bytes payload);

class Flood {
public:
    explicit Flood(std::size_t capacity) : seen_(capacity) {}

    enum class Novelty : std::uint8_t { unseen, seen, reaches_further };
    /// What a copy with `hop_limit` is to us.
    Novelty classify(const ContentId& id, std::uint8_t hop_limit);
    /// After the verdict, never before: a forged copy must not shadow the true one.
    void mark_relayed(const ContentId& id, std::uint8_t hop_limit) { seen_.put(id, hop_limit); }
    void mark_kept(const ContentId& id) { seen_.put(id, wire::hop_limit_max); }

    std::size_t size() const { return seen_.size(); }
    std::size_t capacity() const { return seen_.capacity(); }

private:
    base::LruCache<ContentId, std::uint8_t> seen_;  ///< the greatest hop limit passed on
};

}  // namespace meshchain::mesh
