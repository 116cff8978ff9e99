// Random runs of four chains under loss, partitions and kills. The seed chooses the options too.
//
// MESHCHAIN_SOAK_SEEDS=200 runs more seeds, MESHCHAIN_SOAK_FIRST=n starts at another.

#include <gtest/gtest.h>

#include <cstdlib>

#include "chain/test_network.h"

namespace meshchain::chain {
namespace {

using test::milliseconds;
using test::Network;
using test::NetworkOptions;
using test::seconds;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

/// Payments are handed to chains 0-2, which stay on; chain 3 is switched off and on at random.
class Soak {
public:
    static constexpr std::size_t unlucky = 3;

    explicit Soak(std::uint64_t seed) : random_(seed), net_(options(seed)) {
        net_.start_all();
        net_.run_for(seconds(3));
        for (int step = 0; step < 30; ++step) {
            act();
            net_.run_for(milliseconds(50 + random_.below(1500)));
            net_.check();
            if (testing::Test::HasFailure()) return;
        }
        heal();
        for (const wire::Txid& txid : paid_) {
            EXPECT_TRUE(net_.run_until([&] { return net_.is_final_everywhere(txid); }, seconds(90)))
                << "forgotten: " << crypto::to_hex(txid.hash);
        }
        expect_one_of_each_pair();
        net_.check();
        for (std::size_t i = 0; i < 4; ++i) {
            EXPECT_EQ(net_.host(i).punished, 0U) << "honest frames punished by " << i;
            EXPECT_EQ(net_[i].engine().equivocators(), 0U);
        }
    }

private:
    static NetworkOptions options(std::uint64_t seed) {
        base::Random random = base::Random(seed).stream("options");
        NetworkOptions options;
        options.seed = seed;
        options.loss_percent = random.chance(1, 2) ? static_cast<unsigned>(random.below(20)) : 0;
        options.delay_max = milliseconds(1 + random.below(150));
        options.coins_each = 30;
        return options;
    }

    void act() {
        switch (random_.below(8)) {
            case 0: net_.partition({random_.below(4)}); break;
            case 1: net_.partition({random_.below(2), 2 + random_.below(2)}); break;
            case 2: net_.partition({}); break;
            case 3: switch_unlucky(); break;
            case 4: spend_twice(); break;
            default: pay(random_.below(3)); break;
        }
    }
    void switch_unlucky() {
        if (net_.is_alive(unlucky)) {
            net_.kill(unlucky);
        } else {
            net_.start(unlucky);
        }
    }
    void pay(std::size_t from) {
        const auto to = static_cast<std::uint32_t>(random_.below(4));
        paid_.push_back(net_.pay(static_cast<std::uint32_t>(from), next_coin_[from]++, to, 100));
    }
    /// One coin at two chains, which may already have heard of one another's.
    void spend_twice() {
        const std::size_t coin = next_coin_[0]++;
        const auto one = net_.submit(0, net_.payment(0, coin, 1, 100));
        const auto other = net_[2].submit(net_.now(), net_.payment(0, coin, 2, 100));
        if (other) {
            pairs_.emplace_back(one, other->txid);
        } else {
            paid_.push_back(one);
        }
    }
    void heal() {
        net_.partition({});
        if (!net_.is_alive(unlucky)) net_.start(unlucky);
    }
    void expect_one_of_each_pair() {
        for (const auto& [one, other] : pairs_) {
            EXPECT_TRUE(net_.run_until(
                [&] { return net_.is_final_everywhere(one) || net_.is_final_everywhere(other); },
                seconds(90)));
            for (std::size_t i = 0; i < 4; ++i) {
                EXPECT_NE(net_.is_final(i, one), net_.is_final(i, other));
                EXPECT_EQ(net_[i].mempool().find(one), nullptr);
                EXPECT_EQ(net_[i].mempool().find(other), nullptr);
            }
        }
    }

    base::Random random_;
    Network net_;
    std::array<std::size_t, 3> next_coin_{};
    std::vector<wire::Txid> paid_;
    std::vector<std::pair<wire::Txid, wire::Txid>> pairs_;
};

void run(std::uint64_t seed) {
    SCOPED_TRACE("replay: MESHCHAIN_SOAK_SEEDS=1 MESHCHAIN_SOAK_FIRST=" + std::to_string(seed));
    const Soak soak(seed);
}

TEST(ChainSoakTest, WhateverHappens_MoneyIsConserved_FinalAgrees_AndNothingIsForgotten) {
    const std::uint64_t first = from_environment("MESHCHAIN_SOAK_FIRST", 1);
    const std::uint64_t count = from_environment("MESHCHAIN_SOAK_SEEDS", 8);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        run(seed);
        if (testing::Test::HasFailure()) return;
    }
}

/// 1032: two chains waited for ever for the parent of a block that the other two had voted on.
TEST(ChainSoakTest, RunsThatFailedOnce_DoSoNoMore) { run(1032); }

}  // namespace
}  // namespace meshchain::chain
