// Security, as the audit's author would try it: P5-4, 11 and 12. docs/audit.md has the findings.

#include <gtest/gtest.h>

#include "chain/test_network.h"
#include "crypto/heap_secret_memory.h"
#include "host/argon2_kdf.h"
#include "host/system_entropy.h"
#include "host/temporary_folder.h"
#include "host/try_counter.h"
#include "mesh/rules.h"
#include "wallet/guessing_time.h"
#include "wallet/opened_key_file.h"

namespace meshchain::tests::audit {
namespace {

using base::Errc;
using chain::test::Network;
using std::chrono::seconds;

TEST(AuditSecurity, P5_4_NoReplayProtection_EverythingThatWasEverSaid_SaidAgain_ChangesNothing) {
    Network net({.seed = 4, .puppets = 1});
    std::vector<Network::Frame> heard;
    net.set_puppet(4, [&](std::size_t, const Network::Content& content) {
        if (const auto* frame = std::get_if<Network::Frame>(&content)) heard.push_back(*frame);
    });
    net.start_all();
    net.run_for(seconds(3));
    std::vector<wire::Transaction> payments;
    for (std::size_t coin = 0; coin < 3; ++coin) {
        payments.push_back(net.payment(0, coin, 1, 100));
        const wire::Txid txid = net.submit(0, payments.back());
        ASSERT_TRUE(net.run_until([&] { return net.is_final_everywhere(txid); }, seconds(30)));
    }
    net.run_for(seconds(5));
    ASSERT_GT(heard.size(), 6U) << "payments, blocks and votes";
    const auto expect_unmoved = [&] {
        const chain::Tip tip = net[2].store().tip();
        const auto coins = net[2].store().state().digest();
        for (const Network::Frame& frame : heard) net.hand(4, 2, frame.type, frame.payload);
        for (const wire::Transaction& payment : payments) {
            EXPECT_FALSE(net[2].submit(net.now(), payment).has_value()) << "applied a second time";
        }
        net.run_for(seconds(5));
        EXPECT_EQ(net[2].store().tip(), tip);
        EXPECT_EQ(net[2].store().state().digest(), coins);
        EXPECT_EQ(net[2].mempool().size(), 0U);
        net.check();  // money, to the last unit
    };
    expect_unmoved();
    net.kill(2);
    net.start(2);
    net.run_for(seconds(5));
    expect_unmoved();  // nothing that protects was in memory alone
}

TEST(AuditSecurity, P5_4_NoReplayProtection_APaymentOfAnotherChain_IsNoneHere) {
    Network here({.seed = 1});
    Network there({.seed = 2});  // the same people and coins, another genesis
    here.start_all();
    here.run_for(seconds(3));
    there.start_all();
    there.run_for(seconds(3));
    const auto refused = here[0].submit(here.now(), there.payment(0, 0, 1, 100));
    EXPECT_FALSE(refused.has_value());
    EXPECT_TRUE(here[0].submit(here.now(), here.payment(0, 0, 1, 100)).has_value());
}

TEST(AuditSecurity, P5_11_NoKeyDerivation_AWalletIsStretchedByArgon2AndAPinAloneOpensNothing) {
    host::Argon2Kdf kdf;
    host::SystemEntropy entropy;
    crypto::HeapSecretMemory memory;
    const wallet::KeyFileDoors doors{kdf, entropy, memory};
    const auto cost = wallet::key_file_cost_default;
    EXPECT_GE(cost.memory_kib, 64U * 1024U);
    EXPECT_GE(cost.passes, 3U);

    const auto passphrase = base::as_bytes("correct horse");
    const auto pin = base::as_bytes("2718");
    const base::Buffer device(wallet::device_secret_bytes, std::byte{7});
    const base::Buffer stolen(wallet::device_secret_bytes, std::byte{8});
    const auto file = wallet::create_key_file(doors, cost, passphrase, "savings").value();
    const auto other = wallet::create_key_file(doors, cost, passphrase, "savings").value();
    EXPECT_NE(file.by_passphrase, other.by_passphrase) << "unsalted: one table opens all wallets";
    const auto open = [&](const wallet::KeyFile& of, wallet::Unlocker with) {
        const auto opened = wallet::OpenedKeyFile::open(doors, of, with);
        return opened ? std::nullopt : std::optional(opened.error().code);
    };
    EXPECT_EQ(open(file, {passphrase}), std::nullopt);
    EXPECT_EQ(open(file, {base::as_bytes("correct hors")}), Errc::unauthorized);
    const auto with_pin = wallet::OpenedKeyFile::open(doors, file, {passphrase})
                              ->with_pin(doors, cost, file, pin, device)
                              .value();
    EXPECT_EQ(open(with_pin, {pin, device}), std::nullopt);
    EXPECT_EQ(open(with_pin, {pin}), Errc::unauthorized) << "four digits are no passphrase";
    EXPECT_EQ(open(with_pin, {pin, stolen}), Errc::unauthorized) << "the file alone is not enough";
}

TEST(AuditSecurity, P5_11_NoKeyDerivation_PinsCannotBeTriedOut_NotEvenByRestarting) {
    const host::TemporaryFolder folder;
    const auto path = folder.path() / "tries";
    base::Instant now{std::chrono::hours(1)};
    int tries = 0;
    for (int attempt = 0; attempt < 1000; ++attempt) {
        auto counter = host::TryCounter::open(path, now);  // the program is killed after each
        ASSERT_TRUE(counter.has_value()) << base::sentence(counter.error());
        now += std::chrono::hours(1);
        tries += counter->begin(wallet::TryKind::pin, now).has_value();
    }
    EXPECT_EQ(tries, static_cast<int>(wallet::TryLimiter::pin_tries_max)) << "of 10,000 PINs";
}

TEST(AuditSecurity, P5_12_NoRateLimits_EveryMessageOfThePeersHasItsRate) {
    const std::array<std::span<const wire::MessageRule>, 2> parts{mesh::mesh_rules(),
                                                                  chain::Chain::message_rules()};
    const auto table = mesh::build_rule_table(parts);
    ASSERT_TRUE(table.has_value()) << base::sentence(table.error());
    for (const wire::MessageRule& rule : *table) {
        EXPECT_GT(rule.frames_per_minute_max, 0U);
        EXPECT_LE(rule.frames_at_once(), rule.frames_per_minute_max);
        EXPECT_GT(rule.payload_bytes_max, 0U);
    }
    auto unlimited = table->front();
    unlimited.type = wire::application_type(130);
    unlimited.frames_per_minute_max = 0;
    const std::array<std::span<const wire::MessageRule>, 2> without{
        *table, std::span<const wire::MessageRule>(&unlimited, 1)};
    EXPECT_FALSE(mesh::build_rule_table(without).has_value()) << "a type without a rate";
}

TEST(AuditSecurity, P5_12_NoRateLimits_ASpammerOfTransactions_CrowdsOutNobodyWhoPays) {
    Network net({.seed = 12, .puppets = 1, .coins_each = 130});
    net.start_all();
    net.run_until_slot(3);
    std::size_t refused = 0;
    for (std::size_t coin = 0; coin < 130; ++coin) {
        auto spam = net.payment(1, coin, 1, 1);
        const auto verdict = net.hand(4, 0, wire::MessageType::transaction,
                                      wire::encode(wire::WireTransaction(spam)));
        refused += verdict != wire::Verdict::relay;
    }
    EXPECT_GE(refused, 30U);
    EXPECT_LE(net[0].mempool().size(), chain::MempoolLimits{}.per_key_max);
    const wire::Txid paid = net.pay(0, 0, 2, 100);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(paid); }, seconds(60)));
    net.check();
}

/// A validator may propose once a slot; who signs more is found out, and none of it is followed.
TEST(AuditSecurity, P5_12_NoRateLimits_ASpammerOfBlocks_IsHeldToTwoOfASlotAndProven) {
    Network net({.seed = 3, .chains = 3, .puppets = 1, .unattended = 1});
    net.start_all();
    net.run_until_slot(3);
    while (net.number_of(net.leader(net.slot() + 1, 0)) != 3) net.run_for(seconds(1));
    net.run_until_slot(net.slot() + 1);
    net.run_for(chain::test::milliseconds(20));
    std::size_t taken = 0;
    wire::ValidatorIndex spammer{};
    for (std::uint64_t units = 1; units <= 50; ++units) {
        const auto block = net.make_block(0, net.slot(), 0, {net.payment(1, 0, 2, units)});
        spammer = block.header.proposer;
        const auto verdict = net.hand(3, 0, wire::MessageType::block, net.announcement_of(block));
        taken += verdict == wire::Verdict::keep || verdict == wire::Verdict::relay;
    }
    EXPECT_LE(taken, 2U);
    EXPECT_EQ(net[0].engine().equivocators(), consensus::bit(spammer));
    const wire::Txid paid = net.pay(0, 0, 1, 100);
    EXPECT_TRUE(net.run_until([&] { return net.is_final_everywhere(paid); }, seconds(60)));
}

}  // namespace
}  // namespace meshchain::tests::audit
