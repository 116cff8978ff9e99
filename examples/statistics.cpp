// Statistics: what a node says about itself, while it takes a payment to FINAL.

#include <cstdio>
#include <future>

#include "examples/example.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"

namespace {

using namespace meshchain;
using namespace std::chrono_literals;

void print(const node::StatusView& status) {
    std::printf("height %llu, final %llu, %zu peers, %llu frames in, %llu out, %llu bytes stored\n",
                static_cast<unsigned long long>(status.height.value),
                static_cast<unsigned long long>(status.final_height.value), status.peers,
                static_cast<unsigned long long>(status.frames_received),
                static_cast<unsigned long long>(status.frames_sent),
                static_cast<unsigned long long>(status.storage_bytes));
    for (const std::string& problem : status.problems) std::printf("  %s\n", problem.c_str());
}

std::expected<void, base::Error> watch(const std::filesystem::path& path) {
    MESH_TRY(const auto chain, host::LocalChain::create(path, {.nodes = 1}));
    MESH_TRY(const auto node, host::EmbeddedNode::open(chain.members[0].folder));
    std::promise<void> final;
    bool first = true;
    MESH_CHECK(node->subscribe(runtime::EventType::transaction_confirmed, [&](const auto&) {
        if (std::exchange(first, false)) final.set_value();
    }));
    MESH_CHECK(node->start());
    MESH_TRY(const node::StatusView before, node->status());
    print(before);

    MESH_CHECK(node->unlock_wallet(host::LocalChain::passphrase));
    MESH_CHECK(node->pay(chain.members[0].identity, wire::Amount{10}));
    if (final.get_future().wait_for(30s) != std::future_status::ready) {
        return base::failure(base::Errc::timeout, "the payment is not final", "statistics");
    }
    MESH_TRY(const node::StatusView status, node->status());
    print(status);

    // Whatever the facade has no function for runs on the node's thread.
    using Loop = runtime::EventLoop::Statistics;
    MESH_TRY(const Loop loop, node->call([](node::Node& inner, base::Now) {
        return std::expected<Loop, base::Error>(inner.events().statistics());
    }));
    std::printf("%llu events told, %llu of them to somebody\n",
                static_cast<unsigned long long>(loop.dequeued),
                static_cast<unsigned long long>(loop.handled));
    return node->stop();
}

}  // namespace

int main(int argc, char** argv) { return example::run(argc, argv, watch); }
