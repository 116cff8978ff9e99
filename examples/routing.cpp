// Routing: a message to a node that is no neighbour, and its answer, over the node in between.

#include <cstdio>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"
#include "host/message_inbox.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;
using Received = host::MessageInbox::Received;

constexpr wire::MessageRule letter{.type = wire::application_type(201),
                                   .message_class = wire::MessageClass::routed,
                                   .payload_bytes_min = 1,
                                   .payload_bytes_max = 500,
                                   .frames_per_minute_max = 120,
                                   .priority = 5,
                                   .on_radio = false};

wire::Outgoing write_to(const crypto::PublicKey& who, std::string_view text) {
    return wire::routed_to(who, letter.type, base::to_buffer(base::as_bytes(text)));
}

std::expected<void, base::Error> route(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 3, .line = true}));
    std::vector<std::unique_ptr<host::MessageInbox>> inboxes;
    std::vector<std::unique_ptr<host::EmbeddedNode>> nodes;
    for (const auto& member : chain.members) {
        inboxes.push_back(std::make_unique<host::MessageInbox>(std::vector{letter}));
        MESH_TRY(auto node,
                 host::EmbeddedNode::open(member.folder, {.services = {inboxes.back().get()}}));
        MESH_CHECK(node->start());
        nodes.push_back(std::move(node));
    }

    // Until the three have met, there is no way to the last.
    std::expected<Received, base::Error> heard =
        base::failure(base::Errc::timeout, "it did not arrive", "routing");
    for (int tries = 0; tries < 60 && !heard; ++tries) {
        static_cast<void>(nodes[0]->send(write_to(chain.members[2].identity, "how far are you?")));
        heard = inboxes[2]->receive(500ms);
    }
    MESH_CHECK(heard);
    MESH_CHECK(nodes[2]->send(write_to(heard->from, "two steps")));
    MESH_TRY(const Received answer, inboxes[0]->receive(30s));
    std::printf("asked over %d hops, answered over %d\n", heard->hops, answer.hops);
    return {};
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, route); }
