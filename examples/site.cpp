// A site: two cameras and a node on a battery. The second camera sees a bag that the first one saw
// with somebody else, and raises the alarm that the third hears.

#include <cstdio>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;
using Node = host::EmbeddedNode;

/// What both cameras' recognition makes of one bag, in different light.
records::RegistryEntry bag_of(std::string owner, float light) {
    std::array<float, records::Embedding::dimensions> numbers{};
    numbers[17] = 1;
    numbers[40] = light;
    return {.type = "bag",
            .owner = std::move(owner),
            .confidence = 9'000,
            .embedding = *records::quantise(numbers),
            .metadata = R"({"fps":30})"};
}

std::expected<void, base::Error> watch(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 3}));
    std::vector<std::unique_ptr<Node>> nodes;
    for (const auto& member : chain.members) {
        MESH_TRY(auto node, Node::open(member.folder));
        MESH_CHECK(node->start());
        nodes.push_back(std::move(node));
    }
    Node& desk = *nodes[0];
    Node& exit = *nodes[1];
    Node& sensor = *nodes[2];
    MESH_CHECK(sensor.call([&](node::Node&, base::Now now) {
        return sensor.records()->publish_state(now, "", R"({"battery":20,"mode":"save"})", 10min);
    }));
    MESH_CHECK(desk.call([&](node::Node&, base::Now now) {
        return desk.records()->register_entry(now, "desk-1", bag_of("Ana", 0.2F), 1h);
    }));
    const auto seen = bag_of("Ben", 0.3F);
    for (int tries = 0; tries < 300; ++tries, std::this_thread::sleep_for(100ms)) {
        MESH_TRY(const auto alike, exit.call([&](node::Node&, base::Now) {
            return exit.records()->search({.like = seen.embedding, .similarity_min = 0.9F});
        }));
        if (alike.empty() || alike[0].entry.owner == seen.owner) continue;
        const std::string text = "bag of " + alike[0].entry.owner + " leaves with " + seen.owner;
        MESH_CHECK(exit.call([&](node::Node&, base::Now now) {
            return exit.records()->send_alert(now, {records::AlertPriority::critical, text, {}},
                                              1h);
        }));
        break;
    }
    for (int tries = 0; tries < 300; ++tries, std::this_thread::sleep_for(100ms)) {
        MESH_TRY(const auto alarms,
                 sensor.call([&](node::Node&, base::Now) { return sensor.records()->alerts(1); }));
        if (alarms.empty()) continue;
        std::printf("%s: %s\n", name(alarms[0].alert.priority).data(),
                    alarms[0].alert.text.c_str());
        for (const auto& node : nodes) MESH_CHECK(node->stop());
        return {};
    }
    return base::failure(base::Errc::timeout, "no alarm has come", "site");
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, watch); }
