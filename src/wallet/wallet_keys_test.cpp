// A wallet's keys beyond the first: handed out, found in use, added, and the chain read again.

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "base/random.h"

#include "wallet/wallet_test_fixture.h"

namespace meshchain::wallet {
namespace {

using base::Errc;
using testing::HasSubstr;
using wire::Amount;

class WalletKeysTest : public WalletTest {
protected:
    KeyFile with_keys(std::size_t count) {
        const auto opened =
            OpenedKeyFile::open(doors, keys, {base::as_bytes(test_passphrase)}).value();
        return opened.with_keys(doors, keys, count).value();
    }
    /// Tells the whole chain to a wallet that has started over.
    void tell(const std::vector<BlockChange>& blocks) {
        for (const BlockChange& block : blocks) apply(block);
        ASSERT_TRUE(wallet->handle_chain_read());
        wallet->check_invariants();
    }
};

TEST_F(WalletKeysTest, ForeignOrShorterKeyFile_IsRefused) {
    KeyFile foreign = keys;
    foreign.keys[0] = stranger(1);
    expect_error(wallet->handle_key_file(foreign), Errc::conflict);
    foreign = keys;
    foreign.keys.pop_back();
    expect_error(wallet->handle_key_file(foreign), Errc::conflict);
}

TEST_F(WalletKeysTest, CoinsOfTheLookahead_AreFoundWithoutAnyUnlocking) {
    start({});
    EXPECT_EQ(wallet->addresses().size(), 1U);
    apply(chain.block(1, {chain.gift(keys.keys[20], 9)}));
    EXPECT_EQ(total(), 9U);
    EXPECT_EQ(wallet->addresses().size(), 21U) << "what is paid counts as handed out";
    EXPECT_EQ(wallet->keys_wanted(), 21 + 2 * KeyFile::lookahead);
}

TEST_F(WalletKeysTest, Addresses_AreHandedOutUntilNoneIsLeftAndKeptOverARestart) {
    start({});
    for (std::size_t i = 1; i < keys.keys.size(); ++i) {
        EXPECT_EQ(wallet->hand_out_address().value(), keys.keys[i]);
    }
    expect_error(wallet->hand_out_address(), Errc::full);
    reopen();
    EXPECT_EQ(wallet->addresses().size(), keys.keys.size());
}

TEST_F(WalletKeysTest, AddedKeys_FindTheCoinsOfOldBlocks) {
    start({100});
    keys = with_keys(60);
    const std::vector<BlockChange> blocks{chain.genesis({{key(), {100}}, {stranger(1), {5000}}}),
                                          chain.block(1, {chain.gift(keys.keys[50], 9)})};
    apply(blocks[1]);
    EXPECT_EQ(total(), 100U);
    ASSERT_TRUE(wallet->handle_key_file(keys));
    EXPECT_FALSE(wallet->is_unlocked());
    EXPECT_FALSE(wallet->tip()) << "it wants to be told the chain again";
    tell(blocks);
    EXPECT_EQ(total(), 109U);
    EXPECT_EQ(wallet->history(10)->size(), 2U);
}

TEST_F(WalletKeysTest, KeysAddedWhileTheNodeWasOff_AreNoticedAtTheNextStart) {
    start({100});
    keys = with_keys(60);
    reopen();
    EXPECT_FALSE(wallet->tip());
}

TEST_F(WalletKeysTest, PaymentsUnderWay_SurviveReadingTheChainAgain) {
    start({100, 50});
    const std::vector<BlockChange> blocks{
        chain.genesis({{key(), {100}}, {key(), {50}}, {stranger(1), {5000}}}),
        chain.block(1, {chain.gift(key(), 7)})};
    apply(blocks[1]);
    const Payment first = pay(60);
    const Payment second = pay(70);  // takes change of the first or the other coin
    const Balance before = wallet->balance();
    ASSERT_TRUE(wallet->set_label(first.txid, "rent"));
    keys = with_keys(60);
    ASSERT_TRUE(wallet->handle_key_file(keys));
    EXPECT_TRUE(wallet->is_reading_again());
    tell(blocks);
    EXPECT_FALSE(wallet->is_reading_again());
    EXPECT_EQ(wallet->balance(), before);
    const auto waiting = wallet->payments_to_send();
    ASSERT_EQ(waiting.size(), 2U);
    EXPECT_EQ(waiting[0].txid, first.txid);
    EXPECT_EQ(waiting[1].txid, second.txid);
    EXPECT_EQ(wallet->find(first.txid).value()->label, "") << "labels come with the history";
    EXPECT_EQ(wallet->history(10)->at(1).label, "rent");
}

TEST_F(WalletKeysTest, HeldPayment_WhoseCoinAnotherTransactionTook_IsDead) {
    start({100});
    const std::vector<BlockChange> blocks{chain.genesis({{key(), {100}}, {stranger(1), {5000}}})};
    const Payment first = pay(60);
    PaymentOrder again = order(60);
    again.fee = {5};
    const Payment second = wallet->reissue_payment(first.txid, again, {0}).value();
    keys = with_keys(60);
    ASSERT_TRUE(wallet->handle_key_file(keys));
    apply(blocks[0]);
    apply(chain.block(1, {chain.change(second.body)}));
    ASSERT_TRUE(wallet->handle_chain_read());
    wallet->check_invariants();
    EXPECT_EQ(state_of(first.txid), EntryState::dead);
    EXPECT_EQ(state_of(second.txid), EntryState::live);
}

TEST_F(WalletKeysTest, HeldPaymentAndItsReissue_AreBothTakenUpAndTheLaterOneIsSent) {
    start({100});
    const Payment first = pay(60);
    PaymentOrder again = order(60);
    again.fee = {5};
    const Payment second = wallet->reissue_payment(first.txid, again, {0}).value();
    const Balance before = wallet->balance();
    keys = with_keys(60);
    ASSERT_TRUE(wallet->handle_key_file(keys));
    tell({chain.genesis({{key(), {100}}, {stranger(1), {5000}}})});
    EXPECT_EQ(wallet->balance(), before);
    ASSERT_EQ(wallet->payments_to_send().size(), 1U);
    EXPECT_EQ(wallet->payments_to_send()[0].txid, second.txid);
    EXPECT_EQ(state_of(first.txid), EntryState::pending);
}

TEST_F(WalletKeysTest, StartingOver_CutOffAnywhere_LosesNoPaymentUnderWay) {
    for (std::uint64_t sound = 0; sound < 6; ++sound) {
        SCOPED_TRACE(sound);
        medium = std::make_shared<kv::MemoryMedium>();
        keys.keys.resize(21);
        keys = create_key_file(doors, quick_cost, base::as_bytes(test_passphrase), "w").value();
        reopen();
        start({100});
        const std::vector<BlockChange> blocks{
            chain.genesis({{key(), {100}}, {stranger(1), {5000}}})};
        const Payment payment = pay(60);
        const KeyFile more = with_keys(60);
        faulty->fail_commit(sound, kv::CommitFault::refused);
        const auto told = wallet->handle_key_file(more);
        keys = more;
        reopen();
        if (!told) {
            EXPECT_FALSE(wallet->tip() && !wallet->is_reading_again() && sound > 1);
        }
        tell(blocks);
        ASSERT_EQ(wallet->payments_to_send().size(), 1U);
        EXPECT_EQ(wallet->payments_to_send()[0].txid, payment.txid);
        EXPECT_EQ(wallet->balance().locked, Amount{100});
    }
}

TEST_F(WalletKeysTest, StartFromAState_HasItsCoinsAndFollowsFromThere) {
    const Tip snapshot{{700}, crypto::hash(base::as_bytes("700"))};
    const auto coin = [](unsigned n, const crypto::PublicKey& owner, std::uint64_t units) {
        const wire::Txid txid{crypto::hash(base::Buffer(n))};
        return OwnedCoin{{txid, 0}, {owner, {units}}};
    };
    const std::vector<OwnedCoin> coins{coin(1, key(0), 40), coin(2, stranger(3), 5000),
                                       coin(3, key(5), 2)};
    ASSERT_TRUE(wallet->start_from(coins, snapshot));
    wallet->check_invariants();
    EXPECT_EQ(wallet->balance(), (Balance{.final = {42}}));
    EXPECT_EQ(wallet->addresses().size(), 6U);
    EXPECT_EQ(wallet->tip(), snapshot);
    expect_error(wallet->start_from(coins, snapshot), Errc::invalid_argument);
    reopen();
    unlock();
    EXPECT_EQ(wallet->balance(), (Balance{.final = {42}}));
    pay(30);
    apply(chain.block(701, {chain.gift(key(), 3)}));
    EXPECT_EQ(total(), 14U);
}

TEST_F(WalletKeysTest, WatchOnly_SeesEverythingAndSignsNothing) {
    keys = make_watch_only("till", {keys.keys[0], keys.keys[1]}).value();
    reopen();
    apply(chain.genesis({{key(0), {60}}, {key(1), {40}}}));
    EXPECT_EQ(wallet->balance(), (Balance{.final = {100}}));
    EXPECT_FALSE(wallet->can_sign());
    EXPECT_EQ(wallet->keys_wanted(), 2U);
    const auto paid = wallet->create_payment(order(10), {0});
    expect_error(paid, Errc::unsupported);
    EXPECT_THAT(paid.error().what, HasSubstr("watches"));
    expect_error(wallet->hand_out_address(), Errc::full);
}

TEST_F(WalletKeysTest, ChainedChange_IsReservedOnce) {
    start({1000});
    pay(250);
    pay(100);
    EXPECT_EQ(wallet->balance(),
              (Balance{.pending_in = {648}, .pending_out = {352}, .locked = {1000}}));
}

TEST_F(WalletKeysTest, ExpiredPayment_IsIssuedAgainFromTheSameCoinAndNeverTwice) {
    start({100, 200});
    const Payment first = pay(60, 5);
    apply(chain.block(1, {}, "main", 64 * 7));
    finalise(1, 64 * 7);
    ASSERT_EQ(state_of(first.txid), EntryState::dead);
    const Payment second = wallet->reissue_payment(first.txid, order(60), {64 * 7}).value();
    wallet->check_invariants();
    EXPECT_EQ(second.body.inputs, first.body.inputs);
    expect_error(wallet->reissue_payment(first.txid, order(60), {64 * 7}), Errc::conflict);
    apply(chain.block(2, {chain.change(second.body)}, "main", 64 * 8));
    finalise(2, 64 * 8);
    expect_error(wallet->reissue_payment(first.txid, order(60), {64 * 8}), Errc::conflict);
    expect_error(wallet->reissue_payment(second.txid, order(60), {64 * 8}), Errc::conflict);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {239}}));
}

TEST_F(WalletKeysTest, ReissuedAtRandom_EveryPaymentHappensAtMostOnceWhateverTheChainTakes) {
    const std::uint64_t seed = 0x7265;
    base::Random random(seed);
    start({100, 100, 100, 100});
    std::uint32_t height = 0;
    std::uint32_t slot = 0;
    std::vector<std::vector<Payment>> families;  // one payment and all its re-issues
    std::map<wire::Outpoint, wire::Txid> spent;  // by the chain
    for (int step = 0; step < 400; ++step) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
        const auto choice = random.below(4);
        const std::uint32_t expiry = slot / 64 + static_cast<std::uint32_t>(random.below(3));
        if (choice == 0 && families.size() < 4) {
            const auto paid = wallet->create_payment(order(90, expiry), {slot});
            if (paid) families.push_back({*paid});
        } else if (choice == 1 && !families.empty()) {
            auto& family = families[random.below(families.size())];
            PaymentOrder again = order(90, expiry);
            again.fee = {static_cast<std::uint8_t>(1 + random.below(7))};
            const Payment& any = family[random.below(family.size())];
            const auto paid = wallet->reissue_payment(any.txid, again, {slot});
            if (paid) {
                ASSERT_EQ(paid->body.inputs, any.body.inputs);
                family.push_back(*paid);
            }
        } else {
            std::vector<TransactionChange> taken;  // whichever of all that were ever signed
            for (const auto& family : families) {
                const Payment& any = family[random.below(family.size())];
                if (any.body.expiry.units < slot / 64 || random.chance(1, 2)) continue;
                if (!spent.emplace(any.body.inputs[0].outpoint, any.txid).second) continue;
                taken.push_back(chain.change(any.body));
            }
            slot += static_cast<std::uint32_t>(random.below(100));
            apply(chain.block(++height, taken, "main", slot));
            if (random.chance(1, 2)) finalise(height, slot);
        }
        wallet->check_invariants();
        if (HasFatalFailure()) return;
    }
    finalise(height, slot + 64 * 10);
    std::map<std::size_t, int> paid_times;
    const auto history = wallet->history(1000).value();
    for (const HistoryEntry& entry : history) {
        for (std::size_t i = 0; i < families.size(); ++i) {
            const bool member = std::ranges::any_of(
                families[i], [&](const Payment& each) { return each.txid == entry.txid; });
            if (member && entry.state == EntryState::final) ++paid_times[i];
        }
    }
    EXPECT_FALSE(paid_times.empty());
    for (const auto& [family, times] : paid_times) EXPECT_EQ(times, 1) << "family " << family;
}

TEST_F(WalletKeysTest, WhatWasNeverPaidByThisWallet_IsNotIssuedAgain) {
    start({100});
    const TransactionChange gift = chain.gift(key(), 9);
    apply(chain.block(1, {gift}));
    expect_error(wallet->reissue_payment(gift.txid, order(5), {0}), Errc::not_found);
    expect_error(wallet->reissue_payment({}, order(5), {0}), Errc::not_found);
}

TEST_F(WalletKeysTest, Labels_NeedAPaymentAndHaveALimit) {
    start({100});
    const Payment payment = pay(10);
    expect_error(wallet->set_label({}, "x"), Errc::not_found);
    expect_error(wallet->set_label(payment.txid, std::string(81, 'x')), Errc::too_large);
    expect_error(wallet->set_label(payment.txid, "\x1b[2Jpaid"), Errc::invalid_argument);
    ASSERT_TRUE(wallet->set_label(payment.txid, "bread"));
    reopen();
    EXPECT_EQ(wallet->history(1)->front().label, "bread");
    ASSERT_TRUE(wallet->set_label(payment.txid, ""));
    EXPECT_EQ(wallet->history(1)->front().label, "");
}

}  // namespace
}  // namespace meshchain::wallet
