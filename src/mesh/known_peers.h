#pragma once
// Peers that were worth having, kept over restarts: they are dialled before strangers fill the
// table, and go before strangers who have shown nothing.
//
// Limits: `peers_max`, the longest unseen leaving first.
// Errors: those of the store. A list that cannot be read is no reason not to start: it is empty.
// Format: docs/formats/mesh-table.md

#include <vector>

#include "base/link.h"
#include "crypto/signature.h"
#include "kv/store.h"

namespace meshchain::mesh {

struct KnownPeer {
    crypto::PublicKey key;
    base::LinkAddress address;
    std::uint32_t seen = 0;  ///< seconds since 1970, by our clock
    friend bool operator==(const KnownPeer&, const KnownPeer&) = default;
};

class KnownPeers {
public:
    static constexpr std::size_t peers_max = 64;
    static constexpr std::size_t peer_bytes = 32 + 16 + 2 + 4;

    /// Replaces what is held by what the table has. Errors: malformed (no such list), the store's.
    std::expected<void, base::Error> load(kv::Store& store, kv::Table table);
    /// Writes the list if it changed since it was read or written.
    std::expected<void, base::Error> save(kv::Store& store, kv::Table table);

    /// Inserts a peer, or replaces what is known of it.
    void note(const KnownPeer& peer);
    bool contains(const crypto::PublicKey& key) const;
    const std::vector<KnownPeer>& all() const { return peers_; }

private:
    std::vector<KnownPeer> peers_;
    bool changed_ = false;
};

base::Buffer encode(std::span<const KnownPeer> peers);
/// Errors: malformed, wrong_version.
std::expected<std::vector<KnownPeer>, base::Error> parse_known_peers(base::Bytes bytes);

}  // namespace meshchain::mesh
