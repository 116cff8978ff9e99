// Search: two cameras see bags, and a third node asks all of them which looks like this one.

#include <cstdio>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;

/// What a recognition model gives: here, numbers that are alike for bags of one colour.
std::expected<records::Embedding, base::Error> look(std::size_t colour, float light) {
    std::array<float, records::Embedding::dimensions> numbers{};
    numbers[colour] = 1;
    numbers[100 + colour] = light;
    return records::quantise(numbers);
}

std::expected<void, base::Error> find(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 3}));
    std::vector<std::unique_ptr<host::EmbeddedNode>> nodes;
    for (std::size_t i = 0; i < 3; ++i) {
        MESH_TRY(auto node, host::EmbeddedNode::open(chain.members[i].folder));
        MESH_CHECK(node->start());
        nodes.push_back(std::move(node));
        MESH_TRY(const records::Embedding seen, look(i, 0.2F));
        MESH_CHECK(nodes[i]->call([&](node::Node&, base::Now now) {
            return nodes[i]->records()->register_entry(
                now, "bag-" + std::to_string(i),
                {.type = "bag", .owner = {}, .confidence = 0, .embedding = seen, .metadata = {}},
                1h);
        }));
    }
    MESH_TRY(const records::Embedding wanted, look(2, 0.1F));
    for (int tries = 0; tries < 60; ++tries) {
        MESH_TRY(const std::uint64_t number, nodes[0]->call([&](node::Node&, base::Now now) {
            return nodes[0]->records()->search_mesh(now, {.like = wanted, .count = 1}, 400ms);
        }));
        std::this_thread::sleep_for(500ms);
        MESH_TRY(const records::SearchView view, nodes[0]->call([&](node::Node&, base::Now now) {
            return nodes[0]->records()->search_view(now, number);
        }));
        if (view.answered == 2 && view.hits.at(0).hash == "bag-2") {
            std::printf("%s, alike to %d in 10,000\n", view.hits[0].hash.c_str(),
                        static_cast<int>(view.hits[0].similarity));
            for (const auto& node : nodes) MESH_CHECK(node->stop());
            return {};
        }
    }
    return base::failure(base::Errc::timeout, "nobody has found it", "search");
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, find); }
