#include "mesh/known_peers.h"

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"

namespace meshchain::mesh {
namespace {

constexpr std::uint8_t version = 1;

base::Bytes list_key() { return base::as_bytes("known_peers"); }

}  // namespace

std::expected<void, base::Error> KnownPeers::load(kv::Store& store, kv::Table table) {
    peers_.clear();
    changed_ = false;
    MESH_TRY(const auto stored, store.get(table, list_key()));
    if (!stored) return {};
    MESH_TRY(peers_, parse_known_peers(*stored));
    return {};
}

std::expected<void, base::Error> KnownPeers::save(kv::Store& store, kv::Table table) {
    if (!changed_) return {};
    kv::Batch batch;
    batch.put(table, list_key(), encode(peers_));
    MESH_CHECK(store.commit(batch));
    changed_ = false;
    return {};
}

void KnownPeers::note(const KnownPeer& peer) {
    const auto known = std::ranges::find(peers_, peer.key, &KnownPeer::key);
    if (known != peers_.end()) {
        changed_ |= *known != peer;
        *known = peer;
        return;
    }
    if (peers_.size() == peers_max) {
        peers_.erase(std::ranges::min_element(peers_, {}, &KnownPeer::seen));
    }
    peers_.push_back(peer);
    changed_ = true;
}

bool KnownPeers::contains(const crypto::PublicKey& key) const {
    return std::ranges::find(peers_, key, &KnownPeer::key) != peers_.end();
}

base::Buffer encode(std::span<const KnownPeer> peers) {
    MESH_ASSERT(peers.size() <= KnownPeers::peers_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(version).u8(static_cast<std::uint8_t>(peers.size()));
    for (const KnownPeer& peer : peers) {
        writer.bytes(peer.key.bytes).bytes(peer.address.host).u16(peer.address.port).u32(peer.seen);
    }
    return out;
}

std::expected<std::vector<KnownPeer>, base::Error> parse_known_peers(base::Bytes bytes) {
    base::Reader in(bytes);
    const std::uint8_t stated_version = in.u8();
    if (in.ok() && stated_version != version) {
        return base::failure(base::Errc::wrong_version, "version " + std::to_string(stated_version),
                             "known peers");
    }
    const std::size_t count = in.u8();
    if (count > KnownPeers::peers_max) in.fail();
    std::vector<KnownPeer> peers;
    for (std::size_t i = 0; in.ok() && i < count; ++i) {
        KnownPeer peer;
        peer.key.bytes = in.array<crypto::PublicKey::size>();
        peer.address.host = in.array<16>();
        peer.address.port = in.u16();
        peer.seen = in.u32();
        peers.push_back(peer);
    }
    MESH_CHECK(in.finish("known peers"));
    return peers;
}

}  // namespace meshchain::mesh
