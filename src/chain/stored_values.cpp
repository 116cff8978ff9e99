#include "chain/stored_values.h"

namespace meshchain::chain {
namespace {

std::expected<void, base::Error> finish(const base::Reader& in, const char* what) {
    if (in.finish(what)) return {};
    return base::failure(base::Errc::corrupt, std::string("a stored ") + what + " does not parse",
                         "chain store", "stop the node and run `meshchain store salvage`");
}

wire::Outpoint read_outpoint(base::Reader& in) {
    wire::Outpoint outpoint;
    in.read(outpoint.txid.hash.bytes);
    outpoint.index = in.u16();
    return outpoint;
}

wire::Output read_output(base::Reader& in) {
    wire::Output output;
    in.read(output.owner.bytes);
    output.amount = {in.u40()};
    return output;
}

std::vector<ledger::Coin> read_coins(base::Reader& in) {
    std::vector<ledger::Coin> coins(in.u16());
    for (ledger::Coin& coin : coins) {
        coin.outpoint = read_outpoint(in);
        coin.output = read_output(in);
    }
    return coins;
}

/// Bytes behind their number, which fits a byte.
void write_short(base::Writer& out, base::Bytes bytes) {
    out.u8(static_cast<std::uint8_t>(bytes.size())).bytes(bytes);
}
base::Buffer read_short(base::Reader& in) {
    const std::size_t size = in.u8();
    return base::to_buffer(in.take(size));
}

/// A row's value; none has no bytes, which no value is.
void write_row(base::Writer& out, const std::optional<base::Buffer>& value) {
    write_short(out, value.value_or(base::Buffer()));
}
std::optional<base::Buffer> read_row(base::Reader& in) {
    base::Buffer value = read_short(in);
    if (value.empty()) return std::nullopt;
    return value;
}

}  // namespace

std::array<std::byte, 4> height_key(wire::Height height) {
    std::array<std::byte, 4> key;
    base::FixedWriter(key).u32(height.value);
    return key;
}

std::array<std::byte, 5> roster_key(std::uint32_t epoch) {
    std::array<std::byte, 5> key{};
    base::FixedWriter(key).u8(1).u32(epoch);
    return key;
}

std::array<std::byte, 5> epoch_proof_key(std::uint32_t epoch) {
    std::array<std::byte, 5> key{};
    base::FixedWriter(key).u8(2).u32(epoch);
    return key;
}

std::array<std::byte, 2> validator_key(wire::ValidatorIndex validator) {
    std::array<std::byte, 2> key;
    base::FixedWriter(key).u16(validator.value);
    return key;
}

PositionKey position_key(const wire::ChainId& chain, const wire::Outpoint& outpoint) {
    PositionKey key;
    base::FixedWriter(key)
        .bytes(wire::short_outpoint(chain, outpoint).bytes)
        .bytes(wire::encode(outpoint));
    return key;
}

std::array<std::byte, 40> encode_tip(const Tip& tip) {
    std::array<std::byte, 40> value;
    base::FixedWriter(value).bytes(tip.hash.bytes).u32(tip.height.value).u32(tip.slot.value);
    return value;
}

std::expected<Tip, base::Error> parse_tip(base::Bytes value) {
    base::Reader in(value);
    Tip tip;
    in.read(tip.hash.bytes);
    tip.height = {in.u32()};
    tip.slot = {in.u32()};
    MESH_CHECK(finish(in, "tip"));
    return tip;
}

std::array<std::byte, 6> encode_location(const TransactionLocation& location) {
    std::array<std::byte, 6> value;
    base::FixedWriter(value).u32(location.height.value).u16(location.index);
    return value;
}

std::array<std::byte, wire::Output::size> encode_output(const wire::Output& output) {
    std::array<std::byte, wire::Output::size> value;
    base::FixedWriter(value).bytes(output.owner.bytes).u40(output.amount.units);
    return value;
}

std::expected<wire::Output, base::Error> parse_output(base::Bytes value) {
    base::Reader in(value);
    const wire::Output output = read_output(in);
    MESH_CHECK(finish(in, "coin"));
    return output;
}

std::expected<wire::Outpoint, base::Error> parse_outpoint(base::Bytes value) {
    base::Reader in(value);
    const wire::Outpoint outpoint = read_outpoint(in);
    MESH_CHECK(finish(in, "outpoint"));
    return outpoint;
}

std::array<std::byte, 5> encode_amount(wire::Amount amount) {
    std::array<std::byte, 5> value;
    base::FixedWriter(value).u40(amount.units);
    return value;
}

std::expected<wire::Amount, base::Error> parse_amount(base::Bytes value) {
    base::Reader in(value);
    const wire::Amount amount{in.u40()};
    MESH_CHECK(finish(in, "amount"));
    return amount;
}

base::Buffer encode_coins(const std::vector<ledger::Coin>& coins) {
    base::Buffer value;
    base::Writer out(value);
    out.u16(static_cast<std::uint16_t>(coins.size()));
    for (const ledger::Coin& coin : coins) {
        out.bytes(wire::encode(coin.outpoint)).bytes(encode_output(coin.output));
    }
    return value;
}

std::expected<std::vector<ledger::Coin>, base::Error> parse_coins(base::Bytes value) {
    base::Reader in(value);
    std::vector<ledger::Coin> coins = read_coins(in);
    MESH_CHECK(finish(in, "undo"));
    return coins;
}

base::Buffer encode_undo(const std::vector<ledger::Coin>& spent,
                         const std::vector<ledger::StakeChange>& stakes) {
    base::Buffer value = encode_coins(spent);
    if (stakes.empty()) return value;
    base::Writer out(value);
    out.u16(static_cast<std::uint16_t>(stakes.size()));
    for (const ledger::StakeChange& row : stakes) {
        write_short(out, row.key);
        write_row(out, row.before);
        write_row(out, row.after);
    }
    return value;
}

std::expected<Undo, base::Error> parse_undo(base::Bytes value) {
    base::Reader in(value);
    Undo undo;
    undo.spent = read_coins(in);
    if (in.ok() && in.remaining() > 0) {
        const std::size_t count = in.u16();
        for (std::size_t i = 0; i < count && in.ok(); ++i) {
            base::Buffer key = read_short(in);
            auto before = read_row(in);
            undo.stakes.push_back({std::move(key), std::move(before), read_row(in)});
        }
        if (count == 0) in.fail();
    }
    MESH_CHECK(finish(in, "undo"));
    return undo;
}

}  // namespace meshchain::chain
