// Registry: what one node enters, others find by its hash, until it is removed.

#include <cstdio>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;

/// Waits until so many entries are known there under the hash.
std::expected<void, base::Error> await(host::EmbeddedNode& node, std::size_t count) {
    for (int tries = 0; tries < 300; ++tries) {
        MESH_TRY(const auto hits, node.call([&](node::Node&, base::Now) {
            return node.records()->search({.hash = "bag-17"});
        }));
        if (hits.size() == count) {
            for (const auto& hit : hits) {
                std::printf("%s: a %s of %s, %s\n", hit.hash.c_str(), hit.entry.type.c_str(),
                            hit.entry.owner.c_str(), hit.entry.metadata.c_str());
            }
            return {};
        }
        std::this_thread::sleep_for(100ms);
    }
    return base::failure(base::Errc::timeout, "the entry does not come or go", "registry");
}

std::expected<void, base::Error> enter(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 2}));
    MESH_TRY(const auto desk, host::EmbeddedNode::open(chain.members[0].folder));
    MESH_TRY(const auto hall, host::EmbeddedNode::open(chain.members[1].folder));
    MESH_CHECK(desk->start());
    MESH_CHECK(hall->start());
    const records::RegistryEntry bag{.type = "bag",
                                     .owner = "guest 4",
                                     .confidence = 9'000,
                                     .embedding = {},
                                     .metadata = R"({"colour":"blue"})"};
    MESH_CHECK(desk->call([&](node::Node&, base::Now now) {
        return desk->records()->register_entry(now, "bag-17", bag, 1h);
    }));
    MESH_CHECK(await(*hall, 1));
    MESH_CHECK(desk->call([&](node::Node&, base::Now now) {
        return desk->records()->remove(now, wire::RecordKind::registry, base::as_bytes("bag-17"));
    }));
    MESH_CHECK(await(*hall, 0));
    MESH_CHECK(hall->stop());
    return desk->stop();
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, enter); }
