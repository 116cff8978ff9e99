// Validation of transactions beside bare signature checks, and of blocks whose transactions were
// verified when they came in.

#include <sodium.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "bench/workloads.h"
#include "ledger/test_payments.h"

namespace meshchain::bench {
namespace {

constexpr std::uint32_t people = 16;
constexpr std::uint32_t coins_each = 125;

/// Compact payments as they come off the wire, and what a bare verifier would be handed for each.
struct Payments {
    struct Signed {
        crypto::PublicKey key;
        base::Buffer preimage;
        crypto::Signature signature;
    };

    Payments() {
        for (std::uint32_t person = 0; person < people; ++person) {
            for (const ledger::Coin& coin : ledger::test::coins_of(coins, person)) {
                add(coin, person);
            }
        }
    }
    void add(const ledger::Coin& coin, std::uint32_t person) {
        const auto payment = ledger::test::pay(chain, coin, {person, people, 100, 9});
        const auto compact = wire::compact(chain, payment, coin.output);
        wires.push_back(wire::encode(wire::WireTransaction(*compact)));
        signed_by.push_back(
            {coin.output.owner, preimage(chain, payment.body), payment.signatures.front()});
    }

    ledger::Genesis genesis = [] {
        ledger::Genesis result = ledger::test::genesis_with(people, coins_each, 1000);
        result.block_bytes_limit = wire::block_bytes_limit_max;
        return result;
    }();
    wire::ChainId chain = ledger::chain_id(genesis);
    ledger::CoinSet coins{genesis};
    wire::Slot slot{64};
    std::vector<base::Buffer> wires;
    std::vector<Signed> signed_by;
};

void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "ledger_bench: %s\n", what);
    std::abort();
}

double validate_all(const Payments& payments) {
    const ledger::NothingVerified none;
    std::size_t valid = 0;
    const double rate = million_per_second(payments.wires.size(), [&] {
        for (const base::Buffer& bytes : payments.wires) {
            const auto transaction = wire::parse_transaction(bytes);
            valid += transaction && ledger::check(payments.chain, *transaction, payments.slot,
                                                  payments.coins, none);
        }
    });
    require(valid == payments.wires.size(), "a payment is not valid");
    return rate * 1e3;
}

double verify_all(const Payments& payments) {
    std::size_t valid = 0;
    const auto raw = [](const auto& bytes) {
        return reinterpret_cast<const unsigned char*>(bytes.data());
    };
    const double rate = million_per_second(payments.signed_by.size(), [&] {
        for (const Payments::Signed& each : payments.signed_by) {
            valid +=
                crypto_sign_ed25519_verify_detached(raw(each.signature.bytes), raw(each.preimage),
                                                    each.preimage.size(), raw(each.key.bytes)) == 0;
        }
    });
    require(valid == payments.signed_by.size(), "a signature does not verify");
    return rate * 1e3;
}

class Verified final : public ledger::VerifiedSet {
public:
    bool contains(const wire::Wtxid& id) const override { return ids.contains(id); }
    std::set<wire::Wtxid> ids;
};

/// A full block, and the memory of having verified what is in it.
struct FullBlock {
    explicit FullBlock(const Payments& payments) : context(context_after(payments.genesis)) {
        std::vector<wire::WireTransaction> transactions;
        for (std::size_t i = 0; i < wire::BlockAnnouncement::transactions_max; ++i) {
            transactions.push_back(wire::parse_transaction(payments.wires[i]).value());
        }
        block = ledger::test::block_of(context, payments.coins, payments.slot, transactions);
        const auto effects = execute(context, block, payments.coins, ledger::NothingVerified{});
        for (const auto& each : effects.value().transactions) verified.ids.insert(each.wtxid);
    }

    ledger::BlockContext context;
    wire::Block block;
    Verified verified;
};

double execute_block(const Payments& payments, const FullBlock& full,
                     const ledger::VerifiedSet& verified) {
    constexpr std::size_t times = 8;
    std::size_t valid = 0;
    const double rate = million_per_second(times * full.block.transactions.size(), [&] {
        for (std::size_t i = 0; i < times; ++i) {
            valid += execute(full.context, full.block, payments.coins, verified).has_value();
        }
    });
    require(valid == times, "the block is not valid");
    return rate * 1e3;
}

}  // namespace

void ledger_workloads(Report& report) {
    if (!report.wants("tx_validate") && !report.wants("block_revalidate")) return;
    require(sodium_init() >= 0, "libsodium does not start");
    const Payments payments;
    report.compare(
        {.name = "tx_validate", .unit = "k/s", .peer = "libsodium_verify"},
        [&] { return validate_all(payments); }, [&] { return verify_all(payments); });
    const FullBlock full(payments);
    const ledger::NothingVerified none;
    report.compare(
        {.name = "block_revalidate", .unit = "k/s", .peer = "verify_again"},
        [&] { return execute_block(payments, full, full.verified); },
        [&] { return execute_block(payments, full, none); });
}

}  // namespace meshchain::bench
