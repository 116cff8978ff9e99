// One honest peer keeps being served while others flood (rows A8, F1; PROTOCOL.md P1.6): each of
// its requests is answered as soon as without any load, and what the flood makes us check is
// bounded.

#include <gtest/gtest.h>

#include "mesh/memory_limits.h"
#include "mesh/test_outsider.h"

namespace meshchain::mesh::test {
namespace {

using wire::MessageType;
using wire::Verdict;

constexpr int rounds = 15;
/// There and back, over links of one millisecond each way.
constexpr base::Duration unloaded = 2ms;

class UnderLoad : public testing::Test {
protected:
    UnderLoad() {
        // Requests are answered at once; objects that call themselves bad are wrong.
        victim_.handler().verdict = [this](MessageType type, base::Bytes payload) {
            ++judged_;
            if (type != MessageType::sync_request) {
                return payload[0] == std::byte{'!'} ? Verdict::punish : Verdict::relay;
            }
            (void)victim_.mesh().send(network_.now(), {.type = MessageType::sync_request,
                                                       .to = honest_.key(),
                                                       .except = std::nullopt,
                                                       .payload = base::to_buffer(payload)});
            return Verdict::keep;
        };
        network_.run_for(2s);
    }

    /// A round a second: the flood lands first, the honest request right behind it.
    int answered_under(const std::function<void(int round)>& flood) {
        int answered = 0;
        for (int round = 0; round < rounds; ++round) {
            flood(round);
            const std::string text = "request " + std::to_string(++requests_);
            EXPECT_TRUE(honest_.mesh().send(network_.now(),
                                            {.type = MessageType::sync_request,
                                             .to = victim_.key(),
                                             .except = std::nullopt,
                                             .payload = base::to_buffer(base::as_bytes(text))}));
            network_.run_for(unloaded);
            answered += static_cast<int>(honest_.handler().count(base::as_bytes(text)));
            network_.run_for(1s - unloaded);
        }
        victim_.mesh().check_invariants();
        return answered;
    }
    /// Frames whose signature or content was looked at and which were worth nothing.
    std::uint64_t wasted() const {
        const Stats& stats = victim_.mesh().stats();
        return stats.of(Drop::bad_signature) + stats.of(Drop::punished) + stats.of(Drop::ignored);
    }
    static std::uint64_t wasted_max() {
        const base::Rate rate = Options{}.session_work;
        return rate.burst + std::uint64_t{rate.per_minute} * rounds / 60 + 1;
    }
    base::Buffer garbage(const crypto::NodeId& origin) {
        const wire::FrameHeader header{.type = MessageType::transaction,
                                       .sender = origin,
                                       .timestamp = 7,
                                       .sequence = ++garbage_,
                                       .hop_limit = 3};
        return wire::encode_frame(header,
                                  base::as_bytes("!" + std::to_string(garbage_) + " is wrong"));
    }
    static crypto::NodeId made_up_id(std::uint64_t number) {
        crypto::NodeId id;
        base::FixedWriter(id.bytes).u64(base::Random(number).next());
        return id;
    }
    void flood(const base::LinkAddress& from, int count, const auto& make) {
        for (int i = 0; i < count; ++i) network_.inject(from, victim_.address(), make(i));
    }

    Network network_;
    Node victim_{network_, {.key = 1, .port = 1}};
    Node honest_{network_, {.key = 2, .port = 2}};
    Outsider outsider_{network_, 200, address_of(200)};
    std::uint64_t judged_ = 0;
    std::uint32_t garbage_ = 0;
    int requests_ = 0;
};

TEST_F(UnderLoad, ANewIdentity_MaySayAtOnceWhatFewSecondsAllow) {
    const auto rules = test_rules();
    const wire::MessageRule* rule = find_rule(rules, MessageType::transaction);
    for (std::uint32_t i = 0; i < rule->frames_per_minute_max; ++i) {
        const std::string text = "payment " + std::to_string(i);
        ASSERT_TRUE(honest_.mesh().send(network_.now(),
                                        {.type = MessageType::transaction,
                                         .to = victim_.key(),
                                         .except = std::nullopt,
                                         .payload = base::to_buffer(base::as_bytes(text))}));
    }
    network_.run_for(unloaded);
    EXPECT_EQ(judged_, rule->frames_at_once());
    EXPECT_LT(5 * rule->frames_at_once(), rule->frames_per_minute_max) << "a fifth of it";
}

TEST_F(UnderLoad, None_AnswersEveryRequestAtOnce) {
    EXPECT_EQ(answered_under([](int) {}), rounds);
}

TEST_F(UnderLoad, WrongObjectsOfOneOrigin_AreCheckedOnlyAsOftenAsTheSessionMayWaste) {
    outsider_.join(victim_);
    const crypto::NodeId origin = crypto::node_id(outsider_.key());
    EXPECT_EQ(answered_under([&](int) {
                  flood(outsider_.address(), 2'000, [&](int) { return garbage(origin); });
              }),
              rounds);
    EXPECT_LE(wasted(), wasted_max());
    EXPECT_GT(victim_.mesh().stats().of(Drop::work), 20'000U);
}

TEST_F(UnderLoad, WrongObjectsOfAThousandOrigins_LeaveAnHonestOriginBehindTheSameRelayItsShare) {
    outsider_.join(victim_);
    // What one honest author sends comes through the same session, between the garbage.
    const crypto::NodeId author = made_up_id(9'999'999);
    int arrived = 0;
    EXPECT_EQ(answered_under([&](int round) {
                  const std::string text = "honest " + std::to_string(round);
                  const wire::FrameHeader header{.type = MessageType::transaction,
                                                 .sender = author};
                  flood(outsider_.address(), 2'000, [&](int i) {
                      return garbage(made_up_id(static_cast<std::uint64_t>(i % 1'000)));
                  });
                  network_.inject_now(outsider_.address(), victim_.address(),
                                      wire::encode_frame(header, base::as_bytes(text)));
                  arrived += static_cast<int>(victim_.handler().count(base::as_bytes(text)));
              }),
              rounds);
    // In the first seconds nobody has used anything yet, so all names are alike.
    EXPECT_GE(arrived, rounds - 4);
    EXPECT_LE(wasted(), wasted_max());
}

TEST_F(UnderLoad, SignedAnswersNobodyAskedFor_AreCheckedOnlyAsOftenAsTheSessionMayWaste) {
    outsider_.join(victim_);
    const auto judge = victim_.handler().verdict;
    victim_.handler().verdict = [judge](MessageType type, base::Bytes payload) {
        return payload[0] == std::byte{'?'} ? Verdict::ignore : judge(type, payload);
    };
    std::uint32_t unasked = 0;
    EXPECT_EQ(answered_under([&](int) {
                  flood(outsider_.address(), 500, [&](int) {
                      const std::string text = "? " + std::to_string(++unasked);
                      return outsider_.control(MessageType::state_response, base::as_bytes(text),
                                               outsider_.epoch, 1'000 + unasked);
                  });
              }),
              rounds);
    EXPECT_LE(wasted(), wasted_max());
    EXPECT_GT(victim_.mesh().stats().of(Drop::work), 0U);
}

TEST_F(UnderLoad, ForgedControlInTheHonestPeersName_CostsItNothing) {
    outsider_.join(victim_);
    EXPECT_EQ(answered_under([&](int round) {
                  flood(outsider_.address(), 1'000, [&](int i) {
                      const wire::FrameHeader header{
                          .type = MessageType::sync_request,
                          .sender = crypto::node_id(i % 2 == 0 ? honest_.key() : victim_.key()),
                          .timestamp = 0xFFFF'0000,
                          .sequence = static_cast<std::uint32_t>(round * 1'000 + i)};
                      return wire::encode_frame(header, base::Buffer(100));
                  });
              }),
              rounds);
    EXPECT_EQ(wasted(), 0U) << "one name is another peer's, the other our own";
}

TEST_F(UnderLoad, SpoofedSourceAddress_BelowTheSessionsBudget_CostsThePeerNothing) {
    const crypto::NodeId id = crypto::node_id(honest_.key());
    EXPECT_EQ(answered_under([&](int round) {
                  flood(honest_.address(), 150, [&](int i) {
                      if (i % 2 == 0) return garbage(made_up_id(static_cast<std::uint64_t>(i)));
                      const wire::FrameHeader header{
                          .type = MessageType::sync_request,
                          .sender = id,
                          .timestamp = 0xFFFF'0000,
                          .sequence = static_cast<std::uint32_t>(round * 1'000 + i)};
                      return wire::encode_frame(header, base::Buffer(100));
                  });
              }),
              rounds);
    EXPECT_TRUE(victim_.mesh().is_connected(honest_.key()));
}

TEST_F(UnderLoad, SpoofedSourceAddress_AboveIt_DelaysThatPeerOnlyWhileItLasts) {
    Node other(network_, {.key = 3, .port = 3});
    network_.run_for(6s);
    ASSERT_TRUE(victim_.mesh().is_connected(other.key()));
    answered_under([&](int) {
        flood(other.address(), 3'000,
              [&](int i) { return garbage(made_up_id(static_cast<std::uint64_t>(i))); });
    });
    EXPECT_TRUE(victim_.mesh().is_connected(other.key())) << "a session is never lost by it";
    network_.run_for(5s);
    const wire::Outgoing request{.type = MessageType::sync_request,
                                 .to = victim_.key(),
                                 .except = std::nullopt,
                                 .payload = base::to_buffer(base::as_bytes("after"))};
    ASSERT_TRUE(other.mesh().send(network_.now(), request));
    network_.run_for(unloaded);
    EXPECT_EQ(victim_.handler().count(base::as_bytes("after")), 1U);
}

TEST_F(UnderLoad, HellosFromThousandsOfSpoofedAddresses_DoNotReachTheSessions) {
    const base::Buffer hello = outsider_.hello_frame(outsider_.hello());
    EXPECT_EQ(answered_under([&](int round) {
                  for (int i = 0; i < 1'000; ++i) {
                      base::LinkAddress from = address_of(static_cast<std::uint16_t>(1'000 + i));
                      base::FixedWriter(base::MutableBytes(from.host).subspan(12))
                          .u32(static_cast<std::uint32_t>(round * 1'000 + i) * 2'654'435'761U);
                      network_.inject(from, victim_.address(), hello);
                  }
              }),
              rounds);
    EXPECT_EQ(victim_.mesh().peers().size(), 1U);
}

TEST_F(UnderLoad, HalfOpenHandshakes_HoldNothingAndAnHonestNewcomerStillComesIn) {
    std::vector<std::unique_ptr<Outsider>> half_open;
    for (std::uint8_t i = 0; i < 100; ++i) {
        half_open.push_back(
            std::make_unique<Outsider>(network_, static_cast<std::uint8_t>(100 + i),
                                       address_of(static_cast<std::uint16_t>(300 + i))));
    }
    EXPECT_EQ(answered_under([&](int) {
                  for (auto& face : half_open) {
                      network_.inject(face->address(), victim_.address(),
                                      face->hello_frame(face->hello()));
                  }
              }),
              rounds);
    EXPECT_EQ(victim_.mesh().peers().size(), 1U);
    const Node newcomer(network_, {.key = 9, .port = 9});
    EXPECT_TRUE(
        network_.run_until([&] { return victim_.mesh().is_connected(newcomer.key()); }, 10s));
}

TEST_F(UnderLoad, SessionsThatNeverSpeakAgain_FreeTheirSlotsForOthers) {
    std::vector<std::unique_ptr<Outsider>> silent;
    for (std::uint8_t i = 0; i < 30; ++i) {
        silent.push_back(
            std::make_unique<Outsider>(network_, static_cast<std::uint8_t>(100 + i),
                                       address_of(static_cast<std::uint16_t>(300 + i))));
        silent.back()->join(victim_);
    }
    EXPECT_EQ(victim_.mesh().connected_count(), 15U);
    EXPECT_EQ(answered_under([](int) {}), rounds);
    network_.run_for(31s);
    EXPECT_EQ(victim_.mesh().connected_count(), 1U);
    const Node newcomer(network_, {.key = 9, .port = 9});
    EXPECT_TRUE(
        network_.run_until([&] { return victim_.mesh().is_connected(newcomer.key()); }, 10s));
}

TEST_F(UnderLoad, VersionsChainsAndGuessedCookies_DrawNoAnswerBeyondACookie) {
    base::Random random(3);
    EXPECT_EQ(answered_under([&](int) {
                  for (std::uint8_t i = 0; i < 200; ++i) {
                      wire::Hello hello = outsider_.hello();
                      if (i % 3 == 0) hello.version_min = hello.version_max = 2;
                      if (i % 3 == 1) hello.chain = chain_of(9);
                      for (std::byte& byte : hello.cookie) {
                          byte = static_cast<std::byte>(random.below(256));
                      }
                      network_.inject(outsider_.address(), victim_.address(),
                                      outsider_.hello_frame(hello));
                  }
              }),
              rounds);
    EXPECT_FALSE(victim_.mesh().peer(outsider_.key()).has_value());
    EXPECT_EQ(wasted(), 0U);
    EXPECT_LE(outsider_.answers(), 12U + rounds) << "an address has twelve, and one a second";
}

TEST_F(UnderLoad, AllItEverHeard_ReplayedManyTimes_IsNeverCheckedAgain) {
    ASSERT_EQ(answered_under([](int) {}), rounds);
    const std::vector<SentDatagram> recorded = network_.sent;
    const std::uint64_t judged = judged_;
    for (int i = 0; i < 5; ++i) {
        for (const SentDatagram& item : recorded) network_.inject(item.from, item.to, item.bytes);
        network_.run_for(100ms);
    }
    EXPECT_EQ(judged_, judged);
    EXPECT_EQ(wasted(), 0U);
    network_.run_for(1min);  // a minute's requests are used up
    EXPECT_EQ(answered_under([](int) {}), rounds);
}

TEST(MemoryLimits, Tables_AreNamedAndTogetherSmall) {
    std::size_t total = 0;
    for (const base::LimitLine& line : memory_limits({}, 20)) {
        EXPECT_FALSE(line.what.empty());
        EXPECT_GT(line.bytes(), 0U) << line.what;
        total += line.bytes();
    }
    EXPECT_LT(total, 16U << 20);
    Options small;
    small.peers_max = 4;
    small.peers_reserved = 1;
    small.seen_objects_max = 200;
    small.flow_cells = 64;
    small.nodes_max = 16;
    small.routes_max = 32;
    std::size_t small_total = 0;
    for (const base::LimitLine& line : memory_limits(small, 20)) small_total += line.bytes();
    EXPECT_LT(small_total, 2U << 20) << "what is not an option yet is the rest";
}

}  // namespace
}  // namespace meshchain::mesh::test
