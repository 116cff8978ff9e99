#include "wallet/wallet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "wallet/wallet_test_fixture.h"

namespace meshchain::wallet {
namespace {

using base::as_bytes;
using base::Errc;
using testing::HasSubstr;
using wire::Amount;

TEST_F(WalletTest, KeysOfAnotherWallet_DoNotUnlock) {
    const KeyFile foreign =
        create_key_file(doors, quick_cost, as_bytes(test_passphrase), "w").value();
    expect_error(wallet->unlock(secret_keys(foreign)), Errc::conflict);
    EXPECT_FALSE(wallet->is_unlocked());
    unlock();
    wallet->lock();
    EXPECT_FALSE(wallet->is_unlocked());
}

TEST_F(WalletTest, Locked_SignsNothing) {
    start({100});
    const Payment payment = pay(10);
    wallet->lock();
    expect_error(wallet->create_payment(order(1), {0}), Errc::unauthorized);
    expect_error(wallet->reissue_payment(payment.txid, order(1), {0}), Errc::unauthorized);
}

TEST_F(WalletTest, ImpossibleOrders_AreRefusedAndReserveNothing) {
    start({100});
    const auto create = [&](PaymentOrder wanted) { return wallet->create_payment(wanted, {0}); };
    expect_error(create(order(0)), Errc::invalid_argument);
    expect_error(create(order(Amount::units_max)), Errc::invalid_argument);
    expect_error(create(order(~std::uint64_t{0})), Errc::invalid_argument);
    expect_error(create(order(100)), Errc::full);  // the fee is missing
    expect_error(create({crypto::PublicKey{}, {1}, {1}, {900}}), Errc::invalid_argument);
    expect_error(create(order(1, 946)), Errc::invalid_argument);
    expect_error(wallet->create_payment(order(1, 4), {5 * 64}), Errc::invalid_argument);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {100}}));
    EXPECT_EQ(wallet->history(10)->size(), 1U);
}

TEST_F(WalletTest, OneCoin_PaysInCompactFormWhoseBodyAndSignatureAreRight) {
    start({100, 40, 60});
    const Payment payment = pay(30);
    const auto* compact = std::get_if<wire::CompactTransfer>(&payment.wire);
    ASSERT_NE(compact, nullptr);
    const auto body =
        wire::expand(*compact, payment.body.inputs[0].outpoint, {key(), {40}}, wire::Slot{0});
    EXPECT_EQ(body, payment.body);
    EXPECT_EQ(wire::txid(chain.id(), *body), payment.txid);
    EXPECT_TRUE(
        crypto::verify(key(), wire::preimage(chain.id(), payment.body), compact->signature));
    ASSERT_EQ(body->outputs.size(), 2U);
    EXPECT_EQ(body->outputs[0], (wire::Output{stranger(2), {30}}));
    EXPECT_EQ(body->outputs[1], (wire::Output{key(), {9}}));
}

TEST_F(WalletTest, ExactAmount_LeavesNoChange) {
    start({100});
    EXPECT_EQ(pay(99).body.outputs.size(), 1U);
    EXPECT_EQ(total(), 0U);
}

TEST_F(WalletTest, SeveralCoins_PayInLongFormSignedByEachOwner) {
    apply(chain.genesis({{key(0), {50}}, {key(1), {50}}}));
    unlock();
    const Payment payment = pay(80);
    const auto& transaction = std::get<wire::Transaction>(payment.wire);
    const base::Buffer preimage = wire::preimage(chain.id(), payment.body);
    ASSERT_EQ(transaction.signatures.size(), 2U);
    EXPECT_TRUE(crypto::verify(key(0), preimage, transaction.signatures[0]));
    EXPECT_TRUE(crypto::verify(key(1), preimage, transaction.signatures[1]));
    EXPECT_EQ(wallet->balance().pending_in, Amount{19});
    EXPECT_EQ(wallet->balance().locked, Amount{100});
    EXPECT_EQ(wallet->balance().pending_out, Amount{81});
}

TEST_F(WalletTest, Payment_GoesFromPendingThroughLiveToFinal) {
    start({100});
    const Payment payment = pay(30);
    EXPECT_EQ(state_of(payment.txid), EntryState::pending);
    EXPECT_EQ(wallet->balance(),
              (Balance{.pending_in = {69}, .pending_out = {31}, .locked = {100}}));
    apply(chain.block(1, {chain.change(payment.body)}));
    EXPECT_EQ(state_of(payment.txid), EntryState::live);
    EXPECT_EQ(wallet->balance(), (Balance{.live = {69}, .pending_out = {31}, .locked = {100}}));
    EXPECT_TRUE(wallet->payments_to_send().empty());
    finalise(1);
    EXPECT_EQ(state_of(payment.txid), EntryState::final);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {69}}));
    const HistoryEntry entry = wallet->history(1)->front();
    EXPECT_EQ(entry.direction, Direction::outgoing);
    EXPECT_EQ(entry.amount, Amount{30});
    EXPECT_EQ(entry.fee, Amount{1});
    EXPECT_EQ(entry.counterparties, std::vector{stranger(2)});
    EXPECT_EQ(entry.height, wire::Height{1});
}

TEST_F(WalletTest, PaymentToOneself_CostsTheFeeAlone) {
    start({100});
    PaymentOrder to_self = order(30);
    to_self.payee = key();
    const Payment payment = wallet->create_payment(to_self, {0}).value();
    EXPECT_EQ(total(), 99U);
    EXPECT_EQ(wallet->balance().pending_out, Amount{1});
    apply(chain.block(1, {chain.change(payment.body)}));
    finalise(1);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {99}}));
    const HistoryEntry entry = wallet->history(1)->front();
    EXPECT_EQ(entry.direction, Direction::self);
    EXPECT_EQ(entry.amount, Amount{30});
}

TEST_F(WalletTest, IncomingPayment_IsPendingThenLiveThenFinal) {
    start({});
    const TransactionChange gift = chain.gift(key(1), 70);
    ASSERT_TRUE(wallet->handle_transaction_seen(gift));
    ASSERT_TRUE(wallet->handle_transaction_seen(gift));
    EXPECT_EQ(wallet->balance(), (Balance{.pending_in = {70}}));
    apply(chain.block(1, {gift}));
    EXPECT_EQ(wallet->balance(), (Balance{.live = {70}}));
    finalise(1);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {70}}));
    EXPECT_EQ(wallet->history(1)->front().counterparties, std::vector{stranger(9)});
    EXPECT_EQ(wallet->history(10)->size(), 1U);
}

TEST_F(WalletTest, ForeignPendingCoin_IsNotSpent) {
    start({});
    ASSERT_TRUE(wallet->handle_transaction_seen(chain.gift(key(), 70)));
    expect_error(wallet->create_payment(order(10), {0}), Errc::full);
}

TEST_F(WalletTest, OwnChange_IsSpentBeforeItIsInABlock) {
    start({100});
    const Payment first = pay(10);
    const Payment second = pay(10);
    EXPECT_EQ(second.body.inputs[0].outpoint, (wire::Outpoint{first.txid, 1}));
    EXPECT_EQ(wallet->balance().pending_out, Amount{22});
    EXPECT_EQ(total(), 78U);
    const auto to_send = wallet->payments_to_send();
    ASSERT_EQ(to_send.size(), 2U);
    EXPECT_EQ(to_send[0].txid, first.txid) << "parents first";
    EXPECT_EQ(to_send[0].wire, first.wire);
    EXPECT_EQ(to_send[1].wire, second.wire);
}

TEST_F(WalletTest, ForeignTransactions_AreIgnored) {
    start({100});
    apply(chain.block(1, {chain.gift(stranger(4), 70)}));
    ASSERT_TRUE(wallet->handle_transaction_seen(chain.gift(stranger(4), 70)));
    EXPECT_EQ(wallet->balance(), (Balance{.final = {100}}));
    EXPECT_EQ(wallet->history(10)->size(), 1U);
}

TEST_F(WalletTest, FloodOfIncomingTransactions_IsBoundedButABlockStillCounts) {
    start({});
    TransactionChange last;
    for (std::size_t i = 0; i < Wallet::pending_incoming_max + 10; ++i) {
        last = chain.gift(key(), 1);
        ASSERT_TRUE(wallet->handle_transaction_seen(last));
    }
    EXPECT_EQ(wallet->balance().pending_in, Amount{Wallet::pending_incoming_max});
    apply(chain.block(1, {last}));
    EXPECT_EQ(wallet->balance().live, Amount{1});
}

TEST_F(WalletTest, BlocksOutOfOrder_AreRefused) {
    start({100});
    expect_error(wallet->handle_block_applied(chain.block(2, {})), Errc::invalid_argument);
    expect_error(wallet->handle_final({1}, {10}), Errc::invalid_argument);
    apply(chain.block(1, {}));
    expect_error(wallet->handle_block_applied(chain.block(1, {})), Errc::invalid_argument);
    expect_error(wallet->handle_block_reverted({1}, chain.block(1, {}, "other").hash),
                 Errc::invalid_argument);
    finalise(1);
    expect_error(wallet->handle_block_reverted({1}, chain.block(1, {}).hash),
                 Errc::invalid_argument);
}

TEST_F(WalletTest, Reorganisation_AppliedRevertedAndAppliedElsewhere_EndsTheSame) {
    start({100});
    const Payment payment = pay(30);
    const TransactionChange gift = chain.gift(key(), 7);
    const BlockChange one = chain.block(1, {chain.change(payment.body), gift});
    apply(one);
    const Balance applied = wallet->balance();
    revert(one);
    EXPECT_EQ(wallet->tip(), (Tip{{0}, chain.id()}));
    EXPECT_EQ(state_of(payment.txid), EntryState::pending);
    EXPECT_EQ(wallet->balance(),
              (Balance{.pending_in = {76}, .pending_out = {31}, .locked = {100}}));
    ASSERT_EQ(wallet->payments_to_send().size(), 1U) << "it has to be sent again";
    apply(chain.block(1, {gift}, "other"));
    apply(chain.block(2, {chain.change(payment.body)}, "other"));
    EXPECT_EQ(wallet->balance(), applied);
    finalise(2);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {76}}));
    EXPECT_EQ(wallet->history(10)->size(), 3U) << "no entry twice";
}

TEST_F(WalletTest, CoinSpentByTheSameSeedElsewhere_KillsThePaymentOnlyWhenFinal) {
    start({100});
    const Payment mine = pay(30);
    const TransactionChange elsewhere =
        chain.change({mine.body.inputs, {{stranger(5), {99}}}, {1}, {900}});
    ASSERT_TRUE(wallet->handle_transaction_seen(elsewhere));
    EXPECT_EQ(total(), 69U) << "a rumour does not undo what was signed";
    apply(chain.block(1, {elsewhere}));
    EXPECT_EQ(total(), 0U);
    EXPECT_EQ(state_of(mine.txid), EntryState::pending);
    EXPECT_TRUE(wallet->payments_to_send().empty());
    finalise(1);
    EXPECT_EQ(state_of(mine.txid), EntryState::dead);
    EXPECT_EQ(state_of(elsewhere.txid), EntryState::final);
    EXPECT_EQ(wallet->balance(), Balance{});
}

TEST_F(WalletTest, Expiry_KillsAPaymentAndWhatIsBuiltOnItOnlyWhenFinalHasPassedIt) {
    start({100, 50});
    const Payment first = pay(60, 2);
    const Payment second = pay(80, 900);  // takes the change of the first, and the other coin
    ASSERT_EQ(second.body.inputs.size(), 2U);
    apply(chain.block(1, {}, "main", 2 * 64 + 63));
    finalise(1, 2 * 64 + 63);
    EXPECT_EQ(state_of(first.txid), EntryState::pending) << "it could still be in a block of 191";
    apply(chain.block(2, {}, "main", 3 * 64));
    EXPECT_EQ(state_of(first.txid), EntryState::pending) << "not FINAL yet";
    finalise(2, 3 * 64);
    EXPECT_EQ(state_of(first.txid), EntryState::dead);
    EXPECT_EQ(state_of(second.txid), EntryState::dead);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {150}}));
}

TEST_F(WalletTest, Reissue_UsesTheSameInputsAndOnlyOneOfTheTwoHappens) {
    start({100, 200});
    const Payment first = pay(60);
    PaymentOrder again = order(60);
    again.fee = {5};
    const Payment second = wallet->reissue_payment(first.txid, again, {0}).value();
    wallet->check_invariants();
    EXPECT_EQ(second.body.inputs, first.body.inputs);
    EXPECT_EQ(wallet->balance(),
              (Balance{.final = {200}, .pending_in = {35}, .pending_out = {65}, .locked = {100}}));
    ASSERT_EQ(wallet->payments_to_send().size(), 1U);
    EXPECT_EQ(wallet->payments_to_send()[0].txid, second.txid);
    apply(chain.block(1, {chain.change(first.body)}));  // the older one is faster after all
    EXPECT_EQ(total(), 239U);
    expect_error(wallet->reissue_payment(second.txid, again, {0}), Errc::conflict);
    finalise(1);
    EXPECT_EQ(state_of(first.txid), EntryState::final);
    EXPECT_EQ(state_of(second.txid), EntryState::dead);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {239}}));
}

TEST_F(WalletTest, ReissueThatItsInputsCannotBear_IsRefused) {
    start({100, 200});
    const Payment first = pay(60);
    expect_error(wallet->reissue_payment(first.txid, order(100), {0}), Errc::full);
    expect_error(wallet->reissue_payment(wire::Txid{}, order(1), {0}), Errc::not_found);
    EXPECT_EQ(wallet->payments_to_send().size(), 1U);
}

TEST_F(WalletTest, ReissueThatExpiresFirst_LeavesTheCoinTiedToTheOlderPayment) {
    start({100});
    const Payment older = pay(60, 900);
    PaymentOrder brief = order(60, 1);
    brief.fee = {5};
    ASSERT_TRUE(wallet->reissue_payment(older.txid, brief, {0}));
    apply(chain.block(1, {}, "main", 5 * 64));
    finalise(1, 5 * 64);
    EXPECT_EQ(wallet->balance(),
              (Balance{.pending_in = {39}, .pending_out = {61}, .locked = {100}}));
    EXPECT_EQ(wallet->payments_to_send().at(0).txid, older.txid);
}

TEST_F(WalletTest, PaymentCalledBack_ReturnsTheMoneyToOneself) {
    start({100});
    const Payment payment = pay(60);
    PaymentOrder back = order(99);
    back.payee = key();
    const Payment returned = wallet->reissue_payment(payment.txid, back, {0}).value();
    apply(chain.block(1, {chain.change(returned.body)}));
    finalise(1);
    EXPECT_EQ(wallet->balance(), (Balance{.final = {99}}));
    EXPECT_EQ(state_of(payment.txid), EntryState::dead);
}

TEST_F(WalletTest, DiscardedPayment_LeavesNoTraceUnlessItsChangeIsSpent) {
    start({100});
    const Payment first = pay(10);
    const Payment second = pay(10);
    expect_error(wallet->discard_payment(first.txid), Errc::conflict);
    ASSERT_TRUE(wallet->discard_payment(second.txid));
    ASSERT_TRUE(wallet->discard_payment(first.txid));
    wallet->check_invariants();
    EXPECT_EQ(wallet->balance(), (Balance{.final = {100}}));
    expect_error(wallet->discard_payment(first.txid), Errc::not_found);
    reopen();
    EXPECT_EQ(wallet->balance(), (Balance{.final = {100}}));
}

TEST_F(WalletTest, PaymentInABlock_CanBeNeitherDiscardedNorReissued) {
    start({100});
    const Payment payment = pay(10);
    apply(chain.block(1, {chain.change(payment.body)}));
    expect_error(wallet->discard_payment(payment.txid), Errc::conflict);
    expect_error(wallet->reissue_payment(payment.txid, order(10), {0}), Errc::conflict);
}

TEST_F(WalletTest, CrashBetweenReservationAndSending_StillHasTheSignedPayment) {
    start({100});
    const Payment payment = pay(30);
    const Balance before = wallet->balance();
    reopen();
    EXPECT_FALSE(wallet->is_unlocked());
    EXPECT_EQ(wallet->balance(), before);
    const auto to_send = wallet->payments_to_send();
    ASSERT_EQ(to_send.size(), 1U);
    EXPECT_EQ(to_send[0].wire, payment.wire) << "byte for byte, without unlocking";
}

TEST_F(WalletTest, StoreThatRefuses_LeavesWalletAndCoinsAsTheyWere) {
    start({100});
    faulty->fail_commit(0, kv::CommitFault::no_room);
    ASSERT_FALSE(wallet->create_payment(order(30), {0}));
    EXPECT_EQ(wallet->balance(), (Balance{.final = {100}}));
    const BlockChange block = chain.block(1, {chain.gift(key(), 5)});
    faulty->fail_commit(0, kv::CommitFault::refused);
    ASSERT_FALSE(wallet->handle_block_applied(block));
    EXPECT_EQ(wallet->tip(), (Tip{{0}, chain.id()}));
    EXPECT_EQ(total(), 100U);
    wallet->check_invariants();
    apply(block);
    EXPECT_EQ(total(), 105U);
}

TEST_F(WalletTest, OutcomeUnknown_ShowsOldOrNewAfterRestart) {
    for (const auto fault : {kv::CommitFault::unknown_absent, kv::CommitFault::unknown_present}) {
        medium = std::make_shared<kv::MemoryMedium>();
        reopen();
        start({100});
        faulty->fail_commit(0, fault);
        ASSERT_FALSE(wallet->create_payment(order(30), {0}));
        reopen();
        const bool present = fault == kv::CommitFault::unknown_present;
        EXPECT_EQ(wallet->payments_to_send().size(), present ? 1U : 0U);
        EXPECT_EQ(total(), present ? 69U : 100U);
    }
}

TEST_F(WalletTest, LargeBlockCutOffHalfWay_IsTurnedBackAtRestart) {
    start({});
    std::vector<TransactionChange> gifts;
    for (int i = 0; i < 600; ++i) gifts.push_back(chain.gift(key(), 1));
    const BlockChange large = chain.block(1, gifts);
    faulty->fail_commit(1, kv::CommitFault::refused);
    ASSERT_FALSE(wallet->handle_block_applied(large));
    EXPECT_EQ(total(), 0U);
    expect_error(wallet->handle_block_applied(large), Errc::unavailable);
    reopen();
    EXPECT_EQ(wallet->balance().live, Amount{}) << "its block was never told in full";
    gifts.resize(599);
    apply(chain.block(1, gifts, "other"));
    EXPECT_EQ(wallet->balance().live, Amount{599});
    finalise(1);
    EXPECT_EQ(wallet->balance().final, Amount{599});
}

TEST_F(WalletTest, FinalityCutOffHalfWay_IsCompletedAfterRestart) {
    start({});
    std::vector<TransactionChange> gifts;
    for (int i = 0; i < 300; ++i) gifts.push_back(chain.gift(key(), 5));
    apply(chain.block(1, gifts));
    finalise(1, 10);
    std::vector<TransactionChange> spends;
    for (unsigned i = 0; i < 300; ++i) {
        const Payment payment = pay(1 + i % 3, i % 2 != 0 ? 900 : 0);
        if (i % 2 != 0) spends.push_back(chain.change(payment.body));
    }
    apply(chain.block(2, spends, "main", 64));
    for (std::uint64_t sound = 0; sound < 2; ++sound) {
        faulty->fail_commit(sound, kv::CommitFault::refused);
        ASSERT_FALSE(wallet->handle_final({2}, {64}));
        reopen();
    }
    finalise(2, 64);
    EXPECT_EQ(wallet->balance().locked, Amount{});
    EXPECT_EQ(wallet->balance().pending_in, Amount{});
    EXPECT_EQ(wallet->history(1000)->size(), 600U);
}

TEST_F(WalletTest, AnotherChainOrAnotherWallet_IsRefusedByTheTable) {
    start({100});
    const TestChain other("other");
    expect_error(Wallet::open(*store, wallet_table, other.id(), keys), Errc::conflict);
    const KeyFile foreign =
        create_key_file(doors, quick_cost, as_bytes(test_passphrase), "").value();
    expect_error(Wallet::open(*store, wallet_table, chain.id(), foreign), Errc::conflict);
}

TEST_F(WalletTest, DamagedTable_IsAnErrorNeverABalance) {
    start({100});
    faulty->fail_read(1, Errc::corrupt);
    EXPECT_FALSE(Wallet::open(*faulty, wallet_table, chain.id(), keys));
    kv::Batch batch;
    batch.put(wallet_table, base::Buffer(35, std::byte{'c'}), base::Buffer(3));
    ASSERT_TRUE(store->commit(batch));
    expect_error(Wallet::open(*store, wallet_table, chain.id(), keys), Errc::corrupt);
}

TEST_F(WalletTest, History_IsPagedNewestFirst) {
    start({});
    for (std::uint32_t i = 1; i <= 7; ++i) {
        apply(chain.block(i, {chain.gift(key(), i)}));
        if (i == 4) finalise(4);
    }
    std::vector<std::uint64_t> amounts;
    std::uint64_t before = ~std::uint64_t{0};
    for (;;) {
        const auto page = wallet->history(3, before).value();
        if (page.empty()) break;
        for (const HistoryEntry& entry : page) amounts.push_back(entry.amount.units);
        before = page.back().sequence;
    }
    EXPECT_EQ(amounts, (std::vector<std::uint64_t>{7, 6, 5, 4, 3, 2, 1}));
}

// Random payments, gifts, blocks, reorganisations, finality and restarts: whatever the order, what
// the wallet holds is what the chain says, and a restart never changes it.
TEST_F(WalletTest, RandomHistory_AgreesWithAFreshScanOfTheSameChain) {
    const std::uint64_t seed = 0x6d657368;
    base::Random random(seed);
    start({1000, 500, 250});
    std::vector<BlockChange> blocks{
        chain.genesis({{key(), {1000}}, {key(), {500}}, {key(), {250}}, {stranger(1), {5000}}})};
    std::vector<TransactionChange> loose;
    std::uint32_t final_height = 0;
    for (int step = 0; step < 600; ++step) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
        const auto choice = random.below(10);
        if (choice < 3) {
            const auto payment = wallet->create_payment(order(1 + random.below(20)), {0});
            if (payment) loose.push_back(chain.change(payment->body));
        } else if (choice < 5) {
            loose.push_back(chain.gift(key(random.below(2)), 1 + random.below(30)));
            if (random.chance(1, 2)) {
                ASSERT_TRUE(wallet->handle_transaction_seen(loose.back()));
            }
        } else if (choice < 8) {
            const auto height = static_cast<std::uint32_t>(blocks.size());
            blocks.push_back(chain.block(height, loose, "step " + std::to_string(step)));
            loose.clear();
            apply(blocks.back());
        } else if (choice == 8 && blocks.size() - 1 > final_height) {
            revert(blocks.back());
            auto& returned = blocks.back().transactions;
            loose.insert(loose.begin(), returned.begin(), returned.end());
            blocks.pop_back();
        } else if (choice == 9 && random.chance(1, 2)) {
            const auto tip = static_cast<std::uint32_t>(blocks.size() - 1);
            final_height += static_cast<std::uint32_t>(random.below(tip - final_height + 1));
            finalise(final_height, 10 * final_height);
        } else {
            const Balance before = wallet->balance();
            const auto coins = wallet->coins();
            reopen();
            unlock();
            ASSERT_EQ(wallet->balance(), before);
            ASSERT_EQ(wallet->coins(), coins);
        }
        wallet->check_invariants();
        if (HasFatalFailure()) return;
    }
    blocks.push_back(chain.block(static_cast<std::uint32_t>(blocks.size()), loose, "last"));
    apply(blocks.back());
    const Balance followed = wallet->balance();
    medium = std::make_shared<kv::MemoryMedium>();
    reopen();
    for (const BlockChange& block : blocks) apply(block);
    finalise(final_height, 10 * final_height);
    EXPECT_EQ(wallet->balance(), followed);
    EXPECT_EQ(followed.pending_in, Amount{});
}

}  // namespace
}  // namespace meshchain::wallet
