// Messages: an application's own message type, sent to all and answered to one.

#include <cstdio>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"
#include "host/message_inbox.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;

/// The numbers from 128 to 239 are for applications; every node of the network needs the rule.
constexpr wire::MessageRule question{.type = wire::application_type(200),
                                     .message_class = wire::MessageClass::control,
                                     .payload_bytes_min = 1,
                                     .payload_bytes_max = 500,  // the mesh's signature included
                                     .frames_per_minute_max = 120,
                                     .priority = 5,
                                     .on_radio = false};

wire::Outgoing message(std::string_view text, std::optional<crypto::PublicKey> to = {}) {
    return {.type = question.type, .to = to, .payload = base::to_buffer(base::as_bytes(text))};
}

std::expected<void, base::Error> talk(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 2}));
    host::MessageInbox asker({question});
    host::MessageInbox answerer({question});
    MESH_TRY(const auto here,
             host::EmbeddedNode::open(chain.members[0].folder, {.services = {&asker}}));
    MESH_TRY(const auto there,
             host::EmbeddedNode::open(chain.members[1].folder, {.services = {&answerer}}));
    MESH_CHECK(here->start());
    MESH_CHECK(there->start());

    // Until the two have met, a message to all leaves for nobody.
    std::expected<host::MessageInbox::Received, base::Error> heard =
        base::failure(base::Errc::timeout, "nobody came", "messages");
    for (int tries = 0; tries < 60 && !heard; ++tries) {
        MESH_CHECK(here->send(message("who is there?")));
        heard = answerer.receive(500ms);
    }
    MESH_CHECK(heard);
    MESH_CHECK(there->send(message("only me", heard->from)));
    MESH_TRY(const auto answer, asker.receive(30s));
    std::printf("answer: %s\n", std::string(base::as_text(answer.payload)).c_str());
    MESH_CHECK(there->stop());
    return here->stop();
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, talk); }
