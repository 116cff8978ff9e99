#include "wire/transaction.h"

#include <algorithm>

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::uint8_t compact_form = version << 4 | 0;
constexpr std::uint8_t long_form = version << 4 | 1;
constexpr std::uint8_t operation_form = version << 4 | 2;
constexpr std::uint8_t payment_type = 0;
constexpr std::uint8_t operation_type = 3;  // blocks have 1, votes 2
static_assert(CompactTransfer::size ==
              1 + 5 + crypto::PublicKey::size + 5 + 1 + 2 + crypto::Signature::size);

void write_compact(base::Writer out, const CompactTransfer& transfer) {
    out.u8(compact_form)
        .bytes(transfer.input.bytes)
        .bytes(transfer.payee.bytes)
        .u40(transfer.amount.units)
        .u8(transfer.fee.code)
        .u16(transfer.expiry_low)
        .bytes(transfer.signature.bytes);
}

std::size_t authorities_of(const TransactionBody& body) {
    return body.operation ? authority_count(*body.operation) : 0;
}

void write_long(base::Writer out, const Transaction& transaction) {
    const TransactionBody& body = transaction.body;
    MESH_ASSERT(body.inputs.size() <= inputs_max && body.outputs.size() <= outputs_max);
    MESH_ASSERT(transaction.signatures.size() == body.inputs.size() + authorities_of(body));
    out.u8(body.operation ? operation_form : long_form)
        .u8(static_cast<std::uint8_t>(body.inputs.size()));
    for (std::size_t i = 0; i < body.inputs.size(); ++i) {
        out.bytes(encode(body.inputs[i].outpoint))
            .u40(body.inputs[i].amount.units)
            .bytes(transaction.signatures[i].bytes);
    }
    out.u8(static_cast<std::uint8_t>(body.outputs.size()));
    for (const Output& output : body.outputs) write(out, output);
    out.u8(body.fee.code).u32(body.expiry.units);
    if (!body.operation) return;
    write(out, *body.operation);
    for (std::size_t i = body.inputs.size(); i < transaction.signatures.size(); ++i) {
        out.bytes(transaction.signatures[i].bytes);
    }
}

CompactTransfer read_compact(base::Reader& in) {
    CompactTransfer transfer;
    transfer.input.bytes = in.array<5>();
    transfer.payee = read_key(in);
    transfer.amount = read_amount(in);
    transfer.fee.code = in.u8();
    transfer.expiry_low = in.u16();
    transfer.signature = read_signature(in);
    return transfer;
}

/// A count from `least` to `most`; 0, and `in` failed, for any other.
std::size_t read_count(base::Reader& in, std::size_t least, std::size_t most) {
    const std::size_t count = in.u8();
    if (count >= least && count <= most) return count;
    in.fail();
    return 0;
}

/// How many inputs and outputs there may be.
struct Counts {
    std::size_t least;
    std::size_t inputs;
    std::size_t outputs;
};

Transaction read_fields(base::Reader& in, const Counts& counts) {
    Transaction transaction;
    TransactionBody& body = transaction.body;
    for (auto left = read_count(in, counts.least, counts.inputs); left > 0 && in.ok(); --left) {
        Input input;
        input.outpoint.txid.hash = read_hash(in);
        input.outpoint.index = in.u16();
        input.amount = read_amount(in);
        body.inputs.push_back(input);
        transaction.signatures.push_back(read_signature(in));
    }
    for (auto left = read_count(in, counts.least, counts.outputs); left > 0 && in.ok(); --left) {
        const crypto::PublicKey owner = read_key(in);
        body.outputs.push_back({owner, read_amount(in)});
    }
    body.fee.code = in.u8();
    body.expiry.units = in.u32();
    return transaction;
}

/// What comes without a coin has nothing that could pay.
bool fits_operation(const TransactionBody& body) {
    if (!is_free(*body.operation)) return !body.inputs.empty();
    return body.inputs.empty() && body.outputs.empty() && body.fee == FeeCode{};
}

Transaction read_with_operation(base::Reader& in) {
    Transaction transaction = read_fields(in, {0, operation_inputs_max, operation_outputs_max});
    transaction.body.operation = read_operation(in);
    if (!in.ok() || !fits_operation(transaction.body)) {
        in.fail();
        return {};
    }
    for (std::size_t left = authorities_of(transaction.body); left > 0; --left) {
        transaction.signatures.push_back(read_signature(in));
    }
    return transaction;
}

}  // namespace

std::array<std::byte, outpoint_bytes> encode(const Outpoint& outpoint) {
    std::array<std::byte, outpoint_bytes> out;
    base::FixedWriter(out).bytes(outpoint.txid.hash.bytes).u16(outpoint.index);
    return out;
}

ShortOutpoint short_outpoint(const ChainId& chain, const Outpoint& outpoint) {
    const Hash full = crypto::hash(chain.bytes, encode(outpoint));
    ShortOutpoint result;
    std::copy_n(full.bytes.begin(), result.bytes.size(), result.bytes.begin());
    return result;
}

base::Buffer preimage(const ChainId& chain, const TransactionBody& body) {
    base::Buffer out =
        crypto::preimage("mc/tx/1", chain, body.operation ? operation_type : payment_type);
    base::Writer writer(out);
    MESH_ASSERT(body.inputs.size() <= inputs_max && body.outputs.size() <= outputs_max);
    writer.u8(static_cast<std::uint8_t>(body.inputs.size()));
    for (const Input& input : body.inputs) {
        writer.bytes(encode(input.outpoint)).u40(input.amount.units);
    }
    writer.u8(static_cast<std::uint8_t>(body.outputs.size()));
    for (const Output& output : body.outputs) write(writer, output);
    writer.u40(body.fee.amount().units).u32(body.expiry.units);
    if (body.operation) write(writer, *body.operation);
    return out;
}

Txid txid(const ChainId& chain, const TransactionBody& body) {
    return {crypto::hash(preimage(chain, body))};
}

Wtxid wtxid(const Txid& id, const std::vector<crypto::Signature>& signatures) {
    base::Buffer out;
    out.reserve(Hash::size + signatures.size() * crypto::Signature::size);
    base::Writer writer(out);
    writer.bytes(id.hash.bytes);
    for (const crypto::Signature& signature : signatures) writer.bytes(signature.bytes);
    return {crypto::hash(out)};
}

std::optional<TransactionBody> expand(const CompactTransfer& compact, const Outpoint& outpoint,
                                      const Output& coin, Slot near) {
    const auto spent = add(compact.amount, compact.fee.amount());
    const auto change = spent ? subtract(coin.amount, *spent) : std::nullopt;
    if (!change) return std::nullopt;
    TransactionBody body;
    body.inputs = {{outpoint, coin.amount}};
    body.outputs = {{compact.payee, compact.amount}};
    if (change->units != 0) body.outputs.push_back({coin.owner, *change});
    body.fee = compact.fee;
    body.expiry = expiry_from_low_bits(compact.expiry_low, near);
    return body;
}

std::optional<CompactTransfer> compact(const ChainId& chain, const Transaction& transaction,
                                       const Output& coin) {
    const TransactionBody& body = transaction.body;
    if (body.inputs.size() != 1 || transaction.signatures.size() != 1 || body.outputs.empty() ||
        body.operation) {
        return std::nullopt;
    }
    CompactTransfer result;
    result.input = short_outpoint(chain, body.inputs.front().outpoint);
    result.payee = body.outputs.front().owner;
    result.amount = body.outputs.front().amount;
    result.fee = body.fee;
    result.expiry_low = static_cast<std::uint16_t>(body.expiry.units);
    result.signature = transaction.signatures.front();
    // Whatever the outputs are, the compact form stands for this body iff it expands to it. The
    // expiry's high bits follow from the time of reading, in any slot where it is valid.
    auto expanded = expand(result, body.inputs.front().outpoint, coin, Slot{});
    if (!expanded) return std::nullopt;
    expanded->expiry = body.expiry;
    return *expanded == body ? std::optional(result) : std::nullopt;
}

std::size_t encoded_bytes(const WireTransaction& transaction) {
    const auto* full = std::get_if<Transaction>(&transaction);
    if (full == nullptr) return CompactTransfer::size;
    const std::size_t plain = 1 + 2 + full->body.inputs.size() * long_input_bytes +
                              full->body.outputs.size() * Output::size + 1 + 4;
    if (!full->body.operation) return plain;
    return plain + encoded_bytes(*full->body.operation) +
           authorities_of(full->body) * crypto::Signature::size;
}

void encode(const WireTransaction& transaction, base::Buffer& out) {
    if (const auto* transfer = std::get_if<CompactTransfer>(&transaction)) {
        write_compact(base::Writer(out), *transfer);
    } else {
        write_long(base::Writer(out), std::get<Transaction>(transaction));
    }
}

base::Buffer encode(const WireTransaction& transaction) {
    base::Buffer out;
    out.reserve(encoded_bytes(transaction));
    encode(transaction, out);
    return out;
}

std::optional<WireTransaction> read_transaction(base::Reader& in) {
    std::optional<WireTransaction> result;
    switch (in.u8()) {
        case compact_form: result = read_compact(in); break;
        case long_form: result = read_fields(in, {1, inputs_max, outputs_max}); break;
        case operation_form: result = read_with_operation(in); break;
        default: in.fail();
    }
    return in.ok() ? result : std::nullopt;
}

std::expected<WireTransaction, base::Error> parse_transaction(base::Bytes bytes) {
    if (!bytes.empty() && std::to_integer<unsigned>(bytes.front()) >> 4 != version) {
        return base::failure(
            base::Errc::wrong_version,
            "version " + std::to_string(std::to_integer<unsigned>(bytes.front()) >> 4),
            "transaction", "use a program that knows this version");
    }
    base::Reader in(bytes);
    const auto transaction = read_transaction(in);
    MESH_CHECK(in.finish("transaction"));
    return *transaction;
}

}  // namespace meshchain::wire
