#pragma once
// Bridges on one LAN with Kodikon nodes, over nodes of a mesh, under virtual time.

#include <gmock/gmock.h>

#include "host/json_document.h"
#include "host/kodikon_bridge.h"
#include "host/kodikon_translation.h"
#include "node/config.h"
#include "records/test_mesh.h"

namespace meshchain::host::test {

using namespace std::chrono_literals;
using Drop = KodikonDrop;

inline base::LinkAddress host(unsigned number) {
    return node::ipv4(
        {10, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}, 9999);
}

/// A Kodikon node's words.
struct Said {
    KodikonType type = KodikonType::alert;
    std::string source = "cam-1";
    std::string payload = R"({"alert":"bag left","priority":"high"})";
    double timestamp = 1'763'211'234.5;
    std::uint64_t seq = 1;
    std::vector<std::string> path = {};
};
inline base::Buffer bytes_of(const Said& said) {
    return encode(KodikonMessage{.type = said.type,
                                 .source = said.source,
                                 .timestamp = said.timestamp,
                                 .seq = said.seq,
                                 .payload = said.payload,
                                 .path = said.path})
        .value();
}
inline Said heartbeat(std::string id) {
    return {.type = KodikonType::heartbeat,
            .source = std::move(id),
            .payload = R"({"node_id":"x","state":{},"version":1,"timestamp":1.5})"};
}
inline Said alert(std::string text, double timestamp = 1.5, std::string priority = "high") {
    return {.payload = Json{{"alert", text}, {"priority", priority}}.dump(),
            .timestamp = timestamp};
}
inline Said entries(const Json& all, std::string source = "cam-1") {
    return {.type = KodikonType::hash_registry,
            .source = std::move(source),
            .payload = Json{{"version", 1}, {"entries", all}, {"timestamp", 1.5}}.dump()};
}
inline Json entry(double confidence = 0.5) {
    return {{"hash_value", "h"},
            {"node_id", "cam-1"},
            {"timestamp", 1.5},
            {"data_type", "bag"},
            {"embedding", nullptr},
            {"metadata", {{"color", "red"}}},
            {"ownership_history", Json::array()},
            {"transfer_token", nullptr},
            {"confidence", confidence},
            {"last_update", 1.5},
            {"source_node_id", "cam-1"},
            {"location_signature", nullptr}};
}

class BridgeTest : public testing::Test {
protected:
    explicit BridgeTest(unsigned bridges = 1) : mesh(bridges, 1) {
        mesh.connect_all();
        mesh.run(1s);
        for (unsigned i = 0; i < bridges; ++i) {
            all.push_back(std::make_unique<KodikonBridge>(
                mesh.now(),
                KodikonBridgeOptions{.node_id = kodikon_bridge_id(mesh.key(i)),
                                     .address = "10.9.0.1"},
                mesh[i]));
            mesh[i].add_observer(*all.back());
        }
    }

    struct Sent {
        unsigned bridge;
        std::optional<base::LinkAddress> to;
        KodikonMessage message;
        std::size_t bytes;
    };

    KodikonBridge& bridge() { return *all.front(); }
    records::RecordService& records() { return mesh[0]; }
    void hear(const Said& said, const base::LinkAddress& from = host(1), unsigned at = 0) {
        all[at]->handle_datagram(mesh.now(), from, bytes_of(said));
    }
    void hear_text(std::string_view text, const base::LinkAddress& from = host(1)) {
        bridge().handle_datagram(mesh.now(), from, base::as_bytes(text));
    }
    void run(base::Duration duration, base::Duration stride = 50ms) {
        const base::Instant end = mesh.now().instant + duration;
        while (mesh.now().instant < end) {
            step();
            mesh.run(stride);
        }
        step();
    }
    /// Everything that leaves now.
    void step() {
        for (unsigned i = 0; i < all.size(); ++i) {
            if (all[i]->poll_timeout(mesh.now()) <= mesh.now().instant) {
                all[i]->handle_timeout(mesh.now());
            }
            while (auto departure = all[i]->poll_datagram(mesh.now())) {
                sent.push_back({i, departure->to, parse_kodikon(departure->bytes).value(),
                                departure->bytes.size()});
            }
        }
    }
    std::vector<Sent> sent_of(KodikonType type) const {
        std::vector<Sent> found;
        for (const Sent& one : sent) {
            if (one.message.type == type) found.push_back(one);
        }
        return found;
    }
    std::uint64_t dropped(Drop reason, unsigned at = 0) const {
        return all[at]->view().stats.dropped[static_cast<std::size_t>(reason)];
    }
    std::vector<records::AlertView> alerts() { return records().alerts(1'000).value(); }
    std::optional<records::RegistryHit> find(const std::string& hash) {
        auto hits = records().search({.hash = hash}).value();
        if (hits.empty()) return std::nullopt;
        return hits.front();
    }
    std::size_t peers() { return bridge().view().peers.size(); }

    records::test::TestMesh mesh;
    std::vector<std::unique_ptr<KodikonBridge>> all;
    std::vector<Sent> sent;
};

}  // namespace meshchain::host::test
