#pragma once
// What a transaction may do beside paying: stake, delegate, unbond, withdraw, claim fees, report an
// equivocator, testify (row A11; PROTOCOL.md P2.11). It travels in the third form of a transaction.
//
// Keys that must agree to it (`authorities`) sign the transaction's preimage behind those who spend
// its coins.
//
// Limits: `evidence_bytes_max` of evidence.
// Format: docs/formats/transaction.md, Operations

#include <variant>
#include <vector>

#include "base/cursor.h"
#include "crypto/signature.h"
#include "wire/numbers.h"
#include "wire/testimony.h"

namespace meshchain::wire {

/// A new validator, with its first bond, which `payout` owns.
struct Register {
    crypto::PublicKey identity;  ///< who it is, for life
    crypto::PublicKey key;       ///< signs its blocks and votes; never registered before
    crypto::PublicKey payout;    ///< owns what it earns, and the first bond
    Amount amount;
    friend bool operator==(const Register&, const Register&) = default;
};
/// More stake for a validator, whoever it belongs to.
struct Delegate {
    crypto::PublicKey validator;  ///< its validating key
    crypto::PublicKey owner;
    Amount amount;
    friend bool operator==(const Delegate&, const Delegate&) = default;
};
/// Part of a bond, or all of it, stops to count and waits.
struct Unbond {
    crypto::PublicKey validator;
    crypto::PublicKey owner;
    Amount amount;
    friend bool operator==(const Unbond&, const Unbond&) = default;
};
/// What waited until `epoch` becomes coins.
struct Withdraw {
    crypto::PublicKey validator;
    crypto::PublicKey owner;
    std::uint32_t epoch = 0;  ///< from which it may be had
    Amount amount;            ///< all that waits there
    friend bool operator==(const Withdraw&, const Withdraw&) = default;
};
/// Part of a fee balance, or all of it, becomes coins.
struct Claim {
    crypto::PublicKey validator;
    crypto::PublicKey owner;  ///< its payout key
    Amount amount;
    friend bool operator==(const Claim&, const Claim&) = default;
};
/// Evidence in its wire form (wire/vote.h). Spends nothing and pays nothing.
struct Report {
    base::Buffer evidence;
    friend bool operator==(const Report&, const Report&) = default;
};
using Operation = std::variant<Register, Delegate, Unbond, Withdraw, Claim, Report, Testimony>;

inline constexpr std::size_t evidence_bytes_max = 512;
inline constexpr std::size_t operation_bytes_max = 1 + 2 + evidence_bytes_max;

/// Comes without a coin and pays nothing: only a proposer puts it in a block.
bool is_free(const Operation& operation);
/// Who must sign, in this order.
std::vector<crypto::PublicKey> authorities(const Operation& operation);
/// How many those are.
std::size_t authority_count(const Operation& operation);
/// Out of the state, to the transaction's outputs; zero for most.
Amount released(const Operation& operation);
/// From the transaction's inputs into the state; zero for most.
Amount bound(const Operation& operation);

std::size_t encoded_bytes(const Operation& operation);
void write(base::Writer& out, const Operation& operation);
/// Nothing (and `in` failed) if the front is none. Amounts are never zero.
std::optional<Operation> read_operation(base::Reader& in);

}  // namespace meshchain::wire
