// Discovery: two nodes on one machine find each other by multicast, and part.

#include <cstdio>
#include <future>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;

std::expected<void, base::Error> discover(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 2}));
    MESH_TRY(const auto here, host::EmbeddedNode::open(chain.members[0].folder));
    MESH_TRY(const auto there, host::EmbeddedNode::open(chain.members[1].folder));

    // Handlers run on the node's thread: they note what happened, and wait for nothing.
    std::promise<void> found;
    bool first = true;
    const auto on_found = [&](const runtime::Event& event) {
        const auto* peer = event.data.id();
        std::printf("found a peer with key %s\n", base::to_hex(peer->hash).c_str());
        if (std::exchange(first, false)) found.set_value();
    };
    MESH_CHECK(here->subscribe(runtime::EventType::peer_discovered, on_found));
    MESH_CHECK(here->start());
    MESH_CHECK(there->start());
    if (found.get_future().wait_for(30s) != std::future_status::ready) {
        return base::failure(base::Errc::timeout, "nobody was found", "discovery",
                             "see whether loopback carries multicast here");
    }

    MESH_TRY(const auto peers, here->peers());
    for (const node::PeerView& peer : peers) {
        std::printf("%s at %s, score %u\n", peer.node_id.c_str(),
                    base::to_string(peer.address).c_str(), peer.score);
    }
    MESH_CHECK(there->stop());
    return here->stop();
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, discover); }
