#include "node/service_group.h"

#include <gtest/gtest.h>

namespace meshchain::node {
namespace {

constexpr base::Now now{base::Instant{std::chrono::hours(1)}, {}};

/// Owns one type, and counts what it is told of.
class CountingService final : public wire::Service {
public:
    CountingService(std::string_view name, std::uint8_t type)
        : name_(name),
          rules_{{{wire::MessageType{type}, wire::MessageClass::object, 1, 100, 60, 5, true}}} {}

    std::string_view name() const override { return name_; }
    std::span<const wire::MessageRule> rules() const override { return rules_; }
    std::expected<void, base::Error> start(base::Now) override { return {}; }
    void stop(base::Now) override {}
    wire::Verdict handle(base::Now, const wire::Ingress&, wire::MessageType, base::Bytes) override {
        return wire::Verdict::relay;
    }
    void handle_repeat(base::Now, wire::MessageType type, base::Bytes payload) override {
        repeats.emplace_back(type, base::to_buffer(payload));
    }
    void handle_timeout(base::Now) override {}
    std::optional<wire::Outgoing> poll_frame(base::Now) override { return std::nullopt; }
    base::Instant poll_timeout(base::Now) const override { return base::never; }

    std::vector<std::pair<wire::MessageType, base::Buffer>> repeats;

private:
    std::string_view name_;
    std::array<wire::MessageRule, 1> rules_;
};

TEST(ServiceGroup, ObjectThatIsHeardAgain_IsToldToItsOwner_WhileThatRuns) {
    CountingService core("core", 127);
    CountingService notes("notes", 128);
    CountingService maps("maps", 129);
    ServiceGroup group({&notes, &maps}, base::Log{});
    ASSERT_TRUE(group.join_rules({}, core).has_value());
    LifecycleManager lifecycle{base::Log{}};
    group.add_to(lifecycle);
    const base::Bytes payload = base::as_bytes("said before");
    const auto hear = [&] { group.handle_repeat(now, wire::MessageType{129}, payload); };
    hear();
    EXPECT_TRUE(maps.repeats.empty()) << "it has not begun";
    ASSERT_TRUE(lifecycle.start(now).has_value());
    hear();
    const std::pair<wire::MessageType, base::Buffer> told{wire::MessageType{129},
                                                          base::to_buffer(payload)};
    EXPECT_EQ(maps.repeats, std::vector{told});
    EXPECT_TRUE(notes.repeats.empty());
    lifecycle.stop(now);
    hear();
    EXPECT_EQ(maps.repeats.size(), 1U) << "it has ended";
}

}  // namespace
}  // namespace meshchain::node
