#include <gtest/gtest.h>

#include "ledger/test_payments.h"

namespace meshchain::ledger {
namespace {

constexpr std::uint32_t people = 6;
constexpr std::uint32_t validators = 3;

/// A random history of blocks with forks. Its own book says what everything must come to.
class History {
public:
    explicit History(std::uint64_t seed) : random_(seed) {
        for (std::uint32_t p = 0; p < people; ++p) numbers_.emplace(test::public_key(p), p);
        check_money();
        for (int step = 0; step < 60; ++step) {
            if (!applied_.empty() && random_.chance(1, 4)) {
                revert_some();
            } else {
                extend();
            }
            check_money();
        }
        while (!applied_.empty()) revert_last();
        EXPECT_EQ(coins_.coins(), CoinSet(genesis_).coins());
        EXPECT_GT(applied_count_, 20);
        EXPECT_GT(refused_count_, 0);
    }

private:
    struct Applied {
        BlockEffects effects;
        BlockContext context;                          ///< before it
        std::array<std::uint64_t, validators> fees;    ///< before it
        std::map<wire::Outpoint, wire::Output> coins;  ///< before it
    };

    std::uint32_t pick(std::uint64_t bound) {
        return static_cast<std::uint32_t>(random_.below(bound));
    }
    std::uint32_t owner_of(const Coin& coin) const { return numbers_.at(coin.output.owner); }

    /// One to three coins to one to three people; often a coin that was spent before, on this
    /// branch or another.
    wire::Transaction payment() {
        wire::TransactionBody body;
        std::vector<std::uint32_t> signers;
        std::uint64_t left = 0;
        for (std::uint32_t count = 1 + pick(3); count > 0; --count) {
            const Coin& coin = known_[pick(known_.size())];
            body.inputs.push_back({coin.outpoint, coin.output.amount});
            signers.push_back(owner_of(coin));
            left += coin.output.amount.units;
        }
        body.fee.code = static_cast<std::uint8_t>(pick(12));
        body.expiry.units = wire::expiry_units(slot_) + pick(3);
        left -= std::min(left, body.fee.amount().units);
        for (std::uint32_t count = pick(3); count > 0 && left > 1; --count) {
            const std::uint64_t part = 1 + random_.below(left - 1);
            body.outputs.push_back({test::public_key(pick(people)), wire::Amount{part}});
            left -= part;
        }
        const bool pays_itself = random_.chance(1, 2);
        const std::uint32_t last = pays_itself ? signers.front() : pick(people);
        body.outputs.push_back({test::public_key(last), wire::Amount{left}});
        if (random_.chance(1, 10)) body.outputs.front().amount.units += 1;
        return test::sign(chain_, std::move(body), signers);
    }

    void extend() {
        slot_.value = context_.parent_slot.value + 1 + pick(50);
        BlockBuilder builder(context_, slot_, coins_, none_);
        for (std::uint32_t count = pick(8); count > 0; --count) {
            const wire::Transaction transaction = payment();
            if (!builder.add(transaction)) {
                ++refused_count_;
                continue;
            }
            for (std::uint16_t i = 0; i < transaction.body.outputs.size(); ++i) {
                known_.push_back(test::output_of(chain_, transaction, i));
            }
        }
        // Shortest forms are executed, where transactions were offered in full.
        wire::Block block = test::block_of(context_, coins_, slot_, builder.transactions());
        block.header.proposer.value = static_cast<std::uint16_t>(pick(validators));
        const auto effects = execute(context_, block, coins_, none_);
        ASSERT_TRUE(effects.has_value()) << base::sentence(effects.error());
        ASSERT_EQ(effects->transactions,
                  std::move(builder).finish(block.header.proposer).transactions);
        apply(*effects);
    }

    void apply(const BlockEffects& effects) {
        const std::uint16_t proposer = effects.proposer.value;
        applied_.push_back({effects, context_, fees_, coins_.coins()});
        coins_.apply(effects);
        const std::uint64_t before = fees_.at(proposer);
        fees_.at(proposer) += effects.fees.units;
        ledger::apply(effects, {before}, {fees_.at(proposer)}, state_);
        context_.parent = crypto::hash(context_.parent.bytes, coins_.state().bytes);
        context_.parent_height.value += 1;
        context_.parent_slot = slot_;
        context_.parent_state = coins_.state();
        ++applied_count_;
    }

    void revert_last() {
        const Applied last = std::move(applied_.back());
        applied_.pop_back();
        coins_.revert(last.effects);
        const std::uint16_t proposer = last.effects.proposer.value;
        ledger::revert(last.effects, {last.fees.at(proposer)}, {fees_.at(proposer)}, state_);
        fees_ = last.fees;
        context_ = last.context;
        EXPECT_EQ(coins_.coins(), last.coins);
        EXPECT_EQ(coins_.state(), context_.parent_state);
    }
    void revert_some() {
        for (std::uint32_t depth = 1 + pick(5); depth > 0 && !applied_.empty(); --depth) {
            revert_last();
        }
    }

    void check_money() const {
        std::uint64_t total = coins_.total().units;
        for (const GenesisValidator& validator : genesis_.validators) {
            total += validator.stake.units;
        }
        for (const std::uint64_t fees : fees_) total += fees;
        EXPECT_EQ(total, supply(genesis_)->units);
        EXPECT_LT(total, std::uint64_t{1} << 40);
        EXPECT_EQ(state_.digest(), coins_.state());
        crypto::SetHash from_nothing;
        for (const auto& [outpoint, output] : coins_.coins()) {
            from_nothing.add(coin_hash({outpoint, output}));
        }
        for (std::uint16_t i = 0; i < validators; ++i) {
            add(FeeBalance{{i}, {fees_.at(i)}}, from_nothing);
        }
        EXPECT_EQ(from_nothing, state_);
    }

    base::Random random_;
    std::map<crypto::PublicKey, std::uint32_t> numbers_;  ///< of the people
    /// All the money there can be, so that every sum is close to its limit.
    Genesis genesis_ = test::genesis_with(
        people, 2, (wire::Amount::units_max - 100 * validators) / (people * 2), validators);
    wire::ChainId chain_ = chain_id(genesis_);
    CoinSet coins_{genesis_};
    crypto::SetHash state_ = genesis_state(genesis_);
    BlockContext context_ = context_after(genesis_);
    wire::Slot slot_;
    NothingVerified none_;
    std::vector<Coin> known_ = genesis_coins(genesis_);
    std::vector<Applied> applied_;
    std::array<std::uint64_t, validators> fees_{};
    int applied_count_ = 0;
    int refused_count_ = 0;
};

TEST(ConservationTest, RandomHistoriesWithForks_NeitherMakeNorLoseMoney) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        SCOPED_TRACE("replay: History(" + std::to_string(seed) + ")");
        const History history(seed);
    }
}

}  // namespace
}  // namespace meshchain::ledger
