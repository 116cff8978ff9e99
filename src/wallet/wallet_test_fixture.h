#pragma once
// A wallet on a store that can fail, following a chain made for the test.

#include <gtest/gtest.h>

#include "wallet/wallet_test_chain.h"

namespace meshchain::wallet {

class WalletTest : public testing::Test {
protected:
    WalletTest() {
        keys = create_key_file(doors, quick_cost, base::as_bytes(test_passphrase), "w").value();
        reopen();
    }

    /// What a restart does: memory is lost, the medium stays, the wallet is locked.
    void reopen() {
        wallet.reset();
        faulty.reset();
        store.reset();
        store = kv::MemoryStore::open(medium, {.tables = wallet_tables}).value();
        faulty = std::make_unique<kv::FaultyStore>(*store);
        wallet = Wallet::open(*faulty, wallet_table, chain.id(), keys).value();
        wallet->check_invariants();
    }
    void unlock() { ASSERT_TRUE(wallet->unlock(secret_keys(keys))); }
    SecretKeys secret_keys(const KeyFile& file) {
        return OpenedKeyFile::open(doors, file, {base::as_bytes(test_passphrase)})
            ->keys(memory, file.keys.size());
    }

    void start(std::vector<std::uint64_t> own_coins) {
        std::vector<wire::Output> allocations;
        for (const std::uint64_t units : own_coins) allocations.push_back({key(), {units}});
        allocations.push_back({stranger(1), {5000}});
        apply(chain.genesis(std::move(allocations)));
        unlock();
    }
    void apply(const BlockChange& block) {
        const auto result = wallet->handle_block_applied(block);
        ASSERT_TRUE(result) << base::sentence(result.error());
        wallet->check_invariants();
    }
    void revert(const BlockChange& block) {
        ASSERT_TRUE(wallet->handle_block_reverted(block.height, block.hash));
        wallet->check_invariants();
    }
    void finalise(std::uint32_t height, std::uint32_t slot = 0) {
        ASSERT_TRUE(wallet->handle_final({height}, {slot}));
        wallet->check_invariants();
    }

    PaymentOrder order(std::uint64_t units, std::uint32_t expiry = 900) const {
        return {stranger(2), {units}, {1}, {expiry}};
    }
    Payment pay(std::uint64_t units, std::uint32_t expiry = 900) {
        auto payment = wallet->create_payment(order(units, expiry), {0});
        EXPECT_TRUE(payment) << base::sentence(payment.error());
        wallet->check_invariants();
        return *std::move(payment);
    }
    const crypto::PublicKey& key(std::size_t index = 0) const { return keys.keys[index]; }
    std::uint64_t total() const {
        const Balance sums = wallet->balance();
        return sums.final.units + sums.live.units + sums.pending_in.units;
    }
    EntryState state_of(const wire::Txid& txid) const {
        const auto entries = wallet->history(100).value();
        for (const HistoryEntry& entry : entries) {
            if (entry.txid == txid) return entry.state;
        }
        ADD_FAILURE() << "not in the history";
        return EntryState::dead;
    }
    static void expect_error(const auto& result, base::Errc code) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << base::sentence(result.error());
        EXPECT_FALSE(result.error().advice.empty());
    }

    QuickKdf kdf;
    CountingEntropy entropy;
    crypto::HeapSecretMemory memory;
    KeyFileDoors doors{kdf, entropy, memory};
    TestChain chain{"test"};
    KeyFile keys;
    std::shared_ptr<kv::MemoryMedium> medium = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> store;
    std::unique_ptr<kv::FaultyStore> faulty;
    std::unique_ptr<Wallet> wallet;
};

}  // namespace meshchain::wallet
