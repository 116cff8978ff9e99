#include "hostile/peer.h"

#include "base/assert.h"
#include "host/system_wall_clock.h"
#include "sim/lax_rules.h"

namespace meshchain::tests {
namespace {

constexpr kv::Table mesh_table{0};
constexpr std::array tables{kv::TableInfo{mesh_table, "mesh"}};

std::uint64_t random_seed(base::Entropy& entropy) {
    std::array<std::byte, 8> bytes;
    entropy.fill(bytes);
    return base::Reader(bytes).u64();
}

}  // namespace

base::Now real_now() {
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    return {base::Instant(std::chrono::duration_cast<base::Duration>(steady)),
            host::SystemWallClock().read()};
}

Peer::Peer(const wire::ChainId& chain, const base::LinkAddress& target)
    : random_(random_seed(entropy_)),
      target_(target),
      key_(crypto::SigningKey::generate(entropy_)) {
    auto store = kv::MemoryStore::open(std::make_shared<kv::MemoryMedium>(), {tables});
    MESH_ASSERT(store.has_value());
    store_ = *std::move(store);
    auto link = host::UdpLink::open(io_, {.address = "127.0.0.1", .multicast = false});
    MESH_ASSERT(link.has_value());
    link_ = *std::move(link);
    frames_ = std::make_unique<mesh::IpFrames>(*link_);
    rules_ = sim::lax_rules();
    mesh::Options options;
    options.static_peers = {target};
    options.multicast = false;
    mesh_ = std::make_unique<mesh::Mesh>(
        options, mesh::Self{chain, key_.clone(), wire::Role::relay}, rules_,
        mesh::Doors{*store_, mesh_table, entropy_, base::Log{}}, random_.stream("mesh"), *this);
    mesh_->add_link(*frames_);
    claim(wire::Height{0});
    MESH_ASSERT(mesh_->start(real_now()).has_value());
    link_->on_readable([this] { step(); });
}

void Peer::step() {
    const base::Now now = real_now();
    mesh_->handle_readable(now);
    if (mesh_->poll_timeout(now) <= now.instant) mesh_->handle_timeout(now);
    while (mesh_->poll_event()) continue;
}

bool Peer::pump(base::Duration limit, const std::function<bool()>& done) {
    const base::Instant end = real_now().instant + limit;
    while (!done()) {
        const base::Instant now = real_now().instant;
        if (now >= end) return false;
        io_.run_one_for(std::min<base::Duration>(end - now, std::chrono::milliseconds(20)));
        step();
    }
    return true;
}

void Peer::send(wire::MessageType type, base::Buffer payload) {
    static_cast<void>(mesh_->send(real_now(), {.type = type, .payload = std::move(payload)}));
}

void Peer::send_raw(const wire::FrameHeader& header, base::Bytes payload) {
    static_cast<void>(frames_->send(target_, header, payload));
}

void Peer::send_datagram(base::Bytes datagram) {
    static_cast<void>(link_->send(target_, datagram));
}

void Peer::claim(wire::Height height) {
    wire::ChainStatus status;
    status.height = height;
    status.final_height = height;
    mesh_->set_status(status, 0);
}

base::Buffer Peer::random_bytes(std::size_t count) {
    base::Buffer bytes(count);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_.below(256));
    return bytes;
}

}  // namespace meshchain::tests
