#pragma once
// Transactions (rows A1, A3; PROTOCOL.md P2). Compact and long wire forms expand to one body with
// one preimage, so both have the same txid, signatures and wtxid. A third form carries an operation
// on stakes beside what it pays (wire/operation.h).
//
// Format: docs/formats/transaction.md

#include <variant>
#include <vector>

#include "base/cursor.h"
#include "crypto/signature.h"
#include "wire/numbers.h"
#include "wire/operation.h"

namespace meshchain::wire {

using Hash = crypto::Hash;
using ChainId = crypto::Hash;  ///< H of the canonical genesis

/// H(preimage of the body): names the payment whatever form or signature it travels with.
struct Txid {
    Hash hash;
    friend auto operator<=>(const Txid&, const Txid&) = default;
};
/// H(txid ‖ signatures): what the Merkle root and relay ids are made of.
struct Wtxid {
    Hash hash;
    friend auto operator<=>(const Wtxid&, const Wtxid&) = default;
};

/// Names a coin for ever. Coins of genesis have the chain id as txid.
struct Outpoint {
    Txid txid;
    std::uint16_t index = 0;
    friend auto operator<=>(const Outpoint&, const Outpoint&) = default;
};

/// First 40 bits of H(chain id ‖ outpoint); does not change with a reorganisation.
struct ShortOutpoint {
    static constexpr std::size_t size = 5;

    std::array<std::byte, size> bytes{};
    friend auto operator<=>(const ShortOutpoint&, const ShortOutpoint&) = default;
};
ShortOutpoint short_outpoint(const ChainId& chain, const Outpoint& outpoint);

/// txid ‖ index, 34 bytes: the kv key of a coin and its form in every preimage.
inline constexpr std::size_t outpoint_bytes = Hash::size + 2;
std::array<std::byte, outpoint_bytes> encode(const Outpoint& outpoint);

struct Output {
    static constexpr std::size_t size = crypto::PublicKey::size + 5;
    crypto::PublicKey owner;
    Amount amount;
    friend auto operator<=>(const Output&, const Output&) = default;
};

/// The coin spent, with its amount, which the signature covers (as BIP 143 taught).
struct Input {
    Outpoint outpoint;
    Amount amount;
    friend auto operator<=>(const Input&, const Input&) = default;
};

struct TransactionBody {
    std::vector<Input> inputs;
    std::vector<Output> outputs;
    FeeCode fee;
    Expiry expiry;
    std::optional<Operation> operation = std::nullopt;
    friend bool operator==(const TransactionBody&, const TransactionBody&) = default;
};

/// Limits of the long form, such that one always fits a sync response beside its block's header.
inline constexpr std::size_t inputs_max = 6;
inline constexpr std::size_t outputs_max = 6;
/// The same for a transaction with an operation.
inline constexpr std::size_t operation_inputs_max = 4;
inline constexpr std::size_t operation_outputs_max = 4;

/// `mc/tx/1` ‖ chain ‖ type 0 ‖ all fields in full: what is signed, and what txid hashes. With an
/// operation the type is 3 and the operation stands behind the fields.
base::Buffer preimage(const ChainId& chain, const TransactionBody& body);

/// A body with one signature for each input, in the order of inputs, and then one for each
/// authority of its operation. Nothing is checked here: ledger does that.
struct Transaction {
    TransactionBody body;
    std::vector<crypto::Signature> signatures;
    friend bool operator==(const Transaction&, const Transaction&) = default;
};
Txid txid(const ChainId& chain, const TransactionBody& body);
Wtxid wtxid(const Txid& id, const std::vector<crypto::Signature>& signatures);

/// The 110-byte wire form of one plain payment. The change, if any, returns to the input's key.
/// Expanding it to a body needs the coin: see ledger/transaction_rules.h.
struct CompactTransfer {
    static constexpr std::size_t size = 110;
    ShortOutpoint input;
    crypto::PublicKey payee;
    Amount amount;
    FeeCode fee;
    std::uint16_t expiry_low = 0;
    crypto::Signature signature;
    friend bool operator==(const CompactTransfer&, const CompactTransfer&) = default;
};

/// The body that `compact` stands for if `coin` at `outpoint` is what it spends. Nothing when the
/// coin cannot pay amount and fee.
std::optional<TransactionBody> expand(const CompactTransfer& compact, const Outpoint& outpoint,
                                      const Output& coin, Slot near);
/// The compact form of a long transaction, if it has one: a single input, and outputs that are
/// a payee and at most the change to `coin`'s owner.
std::optional<CompactTransfer> compact(const ChainId& chain, const Transaction& transaction,
                                       const Output& coin);

/// Each form as it travels. The first byte tells: version (high nibble, 1) and form (low:
/// 0 compact, 1 long, 2 long with an operation).
using WireTransaction = std::variant<CompactTransfer, Transaction>;

inline constexpr std::size_t long_input_bytes = outpoint_bytes + 5 + crypto::Signature::size;
inline constexpr std::size_t long_bytes_max =
    1 + 2 + inputs_max * long_input_bytes + outputs_max * Output::size + 1 + 4;
static_assert(1 + 2 + operation_inputs_max * long_input_bytes +
                  operation_outputs_max * Output::size + 1 + 4 + 1 + 3 * crypto::PublicKey::size +
                  5 + 2 * crypto::Signature::size <=
              long_bytes_max);
static_assert(1 + 2 + 1 + 4 + operation_bytes_max <= long_bytes_max);

std::size_t encoded_bytes(const WireTransaction& transaction);
void encode(const WireTransaction& transaction, base::Buffer& out);
base::Buffer encode(const WireTransaction& transaction);
/// Takes one transaction off the front; nothing (and `in` failed) if there is none.
/// Rejects counts of zero or over the limits, amounts of zero or over Amount::units_max. With an
/// operation there may be no outputs, and what is_free has neither inputs nor outputs.
std::optional<WireTransaction> read_transaction(base::Reader& in);
/// Errors: malformed, wrong_version.
std::expected<WireTransaction, base::Error> parse_transaction(base::Bytes bytes);

}  // namespace meshchain::wire
