#pragma once
// A chain for tests of the wallet: knows who owns which coin, and makes blocks of transactions.

#include <map>

#include "kv/faulty_store.h"
#include "kv/memory_store.h"
#include "wallet/opened_key_file.h"
#include "wallet/test_doors.h"
#include "wallet/wallet.h"

namespace meshchain::wallet {

inline constexpr std::string_view test_passphrase = "open sesame";
inline constexpr kv::Table wallet_table{3};
inline constexpr std::array wallet_tables{kv::TableInfo{wallet_table, "wallet"}};

inline crypto::PublicKey stranger(unsigned number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = static_cast<std::byte>(number);
    seed[1] = std::byte{0xee};
    return crypto::SigningKey::from_seed(seed).public_key();
}

class TestChain {
public:
    explicit TestChain(std::string_view name) : id_(crypto::hash(base::as_bytes(name))) {}

    const wire::ChainId& id() const { return id_; }

    BlockChange genesis(std::vector<wire::Output> allocations) {
        TransactionChange change{wire::Txid{id_}, {{}, std::move(allocations), {}, {}}, {}};
        remember(change);
        return {{0}, {0}, id_, {change}};
    }

    /// The transaction as the node would tell of it.
    TransactionChange change(const wire::TransactionBody& body) {
        TransactionChange result{wire::txid(id_, body), body, {}};
        for (const wire::Input& input : body.inputs) {
            result.spent.push_back(owners_.at(input.outpoint));
        }
        remember(result);
        return result;
    }

    /// A stranger's payment of `units` to `payee`.
    TransactionChange gift(const crypto::PublicKey& payee, std::uint64_t units,
                           wire::Expiry expiry = {900}) {
        const wire::Outpoint source{wire::Txid{crypto::hash(base::as_bytes("gift"))}, gifts_++};
        owners_[source] = {stranger(9), {units + 1}};
        return change({{{source, {units + 1}}}, {{payee, {units}}}, {1}, expiry});
    }

    /// Block `height` of branch `branch`, in slot `slot`.
    BlockChange block(std::uint32_t height, std::vector<TransactionChange> transactions,
                      std::string_view branch = "main", std::uint32_t slot = 0) const {
        base::Buffer name = base::to_buffer(base::as_bytes(branch));
        name.push_back(static_cast<std::byte>(height));
        return {{height}, {slot ? slot : height * 10}, crypto::hash(name), std::move(transactions)};
    }

private:
    void remember(const TransactionChange& change) {
        for (std::size_t i = 0; i < change.body.outputs.size(); ++i) {
            owners_[{change.txid, static_cast<std::uint16_t>(i)}] = change.body.outputs[i];
        }
    }

    wire::ChainId id_;
    std::map<wire::Outpoint, wire::Output> owners_;
    std::uint16_t gifts_ = 0;
};

}  // namespace meshchain::wallet
