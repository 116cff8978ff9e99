// State: each node says how it is, and every other one knows it of each by itself.

#include <cstdio>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;

std::expected<void, base::Error> share(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 2}));
    MESH_TRY(const auto camera, host::EmbeddedNode::open(chain.members[0].folder));
    MESH_TRY(const auto sensor, host::EmbeddedNode::open(chain.members[1].folder));
    MESH_CHECK(camera->start());
    MESH_CHECK(sensor->start());
    const auto say = [](host::EmbeddedNode& node, std::string_view text) {
        return node.call([&](node::Node&, base::Now now) {
            return node.records()->publish_state(now, "", text, 10min);
        });
    };
    MESH_CHECK(say(*camera, R"({"place":"hall","fps":30})"));
    MESH_CHECK(say(*sensor, R"({"place":"exit","battery":20})"));
    for (int tries = 0; tries < 300; ++tries) {
        MESH_TRY(const auto states,
                 camera->call([&](node::Node&, base::Now) { return camera->records()->states(); }));
        if (states.size() == 2) {
            for (const records::StateView& state : states) {
                std::printf("%s: %s\n", crypto::to_hex(crypto::node_id(state.origin)).c_str(),
                            state.text.c_str());
            }
            MESH_CHECK(sensor->stop());
            return camera->stop();
        }
        std::this_thread::sleep_for(100ms);
    }
    return base::failure(base::Errc::timeout, "the other says nothing", "state");
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, share); }
