// A program that embeds two nodes, with a message type, a service and a kind of records of its own.
// It sees nothing of MeshChain but what was installed.

#include <meshchain/version.h>

#include <cstdio>
#include <future>

#include "host/embedded_node.h"
#include "host/local_chain.h"

namespace {

using namespace meshchain;

constexpr wire::MessageType reading = wire::application_type(150);

/// Sends what a thermometer shows once a second, and notes what the others' show.
class Thermometer final : public wire::Service {
public:
    explicit Thermometer(std::uint8_t degrees) : degrees_(degrees) {}
    std::future<std::uint8_t> first_reading() { return heard_.get_future(); }

    std::string_view name() const override { return "thermometer"; }
    std::span<const wire::MessageRule> rules() const override { return rules_; }
    std::expected<void, base::Error> start(base::Now now) override {
        due_ = now.instant;
        return {};
    }
    void stop(base::Now) override { due_ = base::never; }
    wire::Verdict handle(base::Now, const wire::Ingress&, wire::MessageType,
                         base::Bytes payload) override {
        if (!std::exchange(told_, true))
            heard_.set_value(std::to_integer<std::uint8_t>(payload[0]));
        return wire::Verdict::keep;
    }
    void handle_timeout(base::Now now) override {
        due_ = now.instant + std::chrono::seconds(1);
        waiting_ = true;
    }
    std::optional<wire::Outgoing> poll_frame(base::Now) override {
        if (!std::exchange(waiting_, false)) return std::nullopt;
        return wire::Outgoing{.type = reading, .payload = {std::byte(degrees_)}};
    }
    base::Instant poll_timeout(base::Now) const override { return due_; }

private:
    /// One byte, which the mesh signs and numbers.
    std::vector<wire::MessageRule> rules_{{.type = reading,
                                           .message_class = wire::MessageClass::control,
                                           .payload_bytes_min = 1 + crypto::Signature::size,
                                           .payload_bytes_max = 1 + crypto::Signature::size,
                                           .frames_per_minute_max = 120,
                                           .priority = 6,
                                           .on_radio = false}};
    std::uint8_t degrees_;
    base::Instant due_ = base::never;
    bool waiting_ = false;
    bool told_ = false;
    std::promise<std::uint8_t> heard_;
};

constexpr records::KindRule place{.kind = static_cast<wire::RecordKind>(150),
                                  .lifetime_max = std::chrono::hours(1),
                                  .per_origin_max = 1,
                                  .body_bytes_max = 32};

/// Waits for where another thermometer hangs.
class Places final : public records::RecordObserver {
public:
    std::future<std::string> first() { return told_.get_future(); }
    void handle_record(base::Now, const wire::RecordId&, const wire::Record& record) override {
        if (record.kind == place.kind) told_.set_value(std::string(base::as_text(record.body)));
    }

private:
    std::promise<std::string> told_;
};

std::expected<void, base::Error> say_place(host::EmbeddedNode& node, std::string_view where) {
    MESH_CHECK(node.call([&](node::Node&, base::Now now) {
        return node.records()->publish(now, {.kind = place.kind,
                                             .body = base::to_buffer(base::as_bytes(where)),
                                             .lifetime = std::chrono::minutes(10)});
    }));
    return {};
}

std::expected<void, base::Error> run(const std::filesystem::path& folder) {
    MESH_TRY(const auto chain, host::LocalChain::create(folder, {.nodes = 2}));
    Thermometer here(20);
    Thermometer there(30);
    MESH_TRY(const auto a,
             host::EmbeddedNode::open(chain.members[0].folder,
                                      {.services = {&here}, .record_kinds = {place}}));
    MESH_TRY(const auto b,
             host::EmbeddedNode::open(chain.members[1].folder,
                                      {.services = {&there}, .record_kinds = {place}}));
    Places places;
    b->records()->add_observer(places);
    auto hangs = places.first();
    auto of_there = here.first_reading();
    auto of_here = there.first_reading();
    MESH_CHECK(a->start());
    MESH_CHECK(b->start());
    MESH_CHECK(say_place(*a, "cellar"));
    if (hangs.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
        return base::failure(base::Errc::timeout, "no place came", "consumer");
    }
    for (auto* heard : {&of_there, &of_here}) {
        if (heard->wait_for(std::chrono::seconds(30)) == std::future_status::ready) continue;
        return base::failure(base::Errc::timeout, "no reading came", "consumer");
    }
    const int first = of_there.get();
    const int second = of_here.get();
    std::printf("meshchain %s: read %d degrees in the %s and %d here\n", MESHCHAIN_VERSION, first,
                hangs.get().c_str(), second);
    MESH_CHECK(b->stop());
    return a->stop();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const auto done = run(argv[1]);
    if (!done) std::fprintf(stderr, "%s\n", base::sentence(done.error()).c_str());
    return done ? 0 : 1;
}
