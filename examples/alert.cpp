// Alert: one node raises an alarm, the other hears of it, a person there says that it was seen.

#include <cstdio>
#include <future>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;

std::expected<void, base::Error> raise(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 2}));
    MESH_TRY(const auto gate, host::EmbeddedNode::open(chain.members[0].folder));
    MESH_TRY(const auto desk, host::EmbeddedNode::open(chain.members[1].folder));
    std::promise<wire::RecordId> heard;
    MESH_CHECK(desk->subscribe(runtime::EventType::alert_received, [&](const auto& event) {
        heard.set_value({event.data.id()->hash});
    }));
    MESH_CHECK(gate->start());
    MESH_CHECK(desk->start());

    const records::Alert alert{records::AlertPriority::critical, "bag left at gate 2", {}};
    MESH_TRY(const wire::RecordId sent, gate->call([&](node::Node&, base::Now now) {
        return gate->records()->send_alert(now, alert, 1h);
    }));
    auto arrival = heard.get_future();
    if (arrival.wait_for(30s) != std::future_status::ready || arrival.get() != sent) {
        return base::failure(base::Errc::timeout, "the alarm has not arrived", "alert");
    }
    MESH_CHECK(desk->call([&](node::Node&, base::Now now) {
        return desk->records()->acknowledge(now, sent, {.by = "Ana", .note = "on my way"});
    }));
    for (int tries = 0; tries < 300; ++tries) {
        MESH_TRY(const records::AlertView view,
                 gate->call([&](node::Node&, base::Now) { return gate->records()->alert(sent); }));
        if (!view.seen.empty()) {
            std::printf("%s has seen it: %s\n", view.seen[0].acknowledgement.by.c_str(),
                        view.seen[0].acknowledgement.note.c_str());
            MESH_CHECK(desk->stop());
            return gate->stop();
        }
        std::this_thread::sleep_for(100ms);
    }
    return base::failure(base::Errc::timeout, "nobody has seen it", "alert");
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, raise); }
