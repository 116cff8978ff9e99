#include "wallet/records.h"

#include <algorithm>
#include <utility>

namespace meshchain::wallet {
namespace {

constexpr std::uint8_t version = 2;
constexpr std::uint8_t version_without_keys = 1;
constexpr std::size_t list_max = 255;

base::Buffer key_of(Row row) { return {static_cast<std::byte>(row)}; }

base::Buffer key_of(Row row, const wire::Txid& txid) {
    base::Buffer key = key_of(row);
    base::Writer(key).bytes(txid.hash.bytes);
    return key;
}

std::unexpected<base::Error> corrupt(const char* row) {
    return base::failure(base::Errc::corrupt, std::string("a damaged row: ") + row, "wallet table",
                         "scan the chain again");
}

void write_height(base::Writer& out, const std::optional<wire::Height>& height) {
    out.u8(height.has_value()).u32(height ? height->value : 0);
}

bool read_flag(base::Reader& in) {
    const std::uint8_t flag = in.u8();
    if (flag > 1) in.fail();
    return flag == 1;
}

std::optional<wire::Height> read_height(base::Reader& in) {
    const bool present = read_flag(in);
    const wire::Height height{in.u32()};
    return present ? std::optional(height) : std::nullopt;
}

wire::Hash read_hash(base::Reader& in) { return {in.array<wire::Hash::size>()}; }

wire::Outpoint read_outpoint(base::Reader& in) {
    wire::Outpoint outpoint;
    outpoint.txid.hash = read_hash(in);
    outpoint.index = in.u16();
    return outpoint;
}

template <class Enum>
Enum read_enum(base::Reader& in, Enum last) {
    const std::uint8_t value = in.u8();
    if (value > std::to_underlying(last)) in.fail();
    return static_cast<Enum>(value);
}

void write_transaction(base::Writer& out, const std::optional<wire::Transaction>& transaction) {
    base::Buffer bytes;
    if (transaction) bytes = wire::encode(wire::WireTransaction(*transaction));
    out.u16(static_cast<std::uint16_t>(bytes.size())).bytes(bytes);
}

std::optional<wire::Transaction> read_own_transaction(base::Reader& in) {
    const base::Bytes bytes = in.take(in.u16());
    if (bytes.empty()) return std::nullopt;
    auto parsed = wire::parse_transaction(bytes);
    if (parsed && std::holds_alternative<wire::Transaction>(*parsed)) {
        return std::get<wire::Transaction>(*std::move(parsed));
    }
    in.fail();
    return std::nullopt;
}

}  // namespace

base::Buffer meta_key() { return key_of(Row::meta); }

base::Buffer block_key(wire::Height height) {
    base::Buffer key = key_of(Row::block);
    base::Writer(key).u32(height.value);
    return key;
}

base::Buffer coin_key(const wire::Outpoint& outpoint) {
    base::Buffer key = key_of(Row::coin);
    base::Writer(key).bytes(wire::encode(outpoint));
    return key;
}

base::Buffer open_entry_key(const wire::Txid& txid) { return key_of(Row::open_entry, txid); }
base::Buffer label_key(const wire::Txid& txid) { return key_of(Row::label, txid); }
base::Buffer held_payment_key(const wire::Txid& txid) { return key_of(Row::held_payment, txid); }

base::Buffer closed_entry_key(std::uint64_t sequence) {
    base::Buffer key = key_of(Row::closed_entry);
    base::Writer(key).u64(sequence);
    return key;
}

base::Buffer encode(const Meta& meta) {
    base::Buffer bytes;
    base::Writer out(bytes);
    out.u8(version).bytes(meta.chain.bytes).bytes(meta.wallet.bytes);
    write_height(out, meta.tip);
    out.bytes(meta.tip_hash.bytes).u32(meta.final.value).u64(meta.next_sequence);
    out.u16(meta.keys_scanned).u16(meta.handed_out).u8(meta.starting_over);
    return bytes;
}

std::expected<Meta, base::Error> parse_meta(base::Bytes value) {
    base::Reader in(value);
    const std::uint8_t found = in.u8();
    if (in.ok() && found != version && found != version_without_keys) {
        return base::failure(base::Errc::wrong_version, "version " + std::to_string(found),
                             "wallet table", "use a program that knows this version");
    }
    Meta meta;
    meta.chain = read_hash(in);
    meta.wallet = {in.array<crypto::PublicKey::size>()};
    meta.tip = read_height(in);
    meta.tip_hash = read_hash(in);
    meta.final.value = in.u32();
    meta.next_sequence = in.u64();
    if (found == version) {
        meta.keys_scanned = in.u16();
        meta.handed_out = in.u16();
        meta.starting_over = read_flag(in);
    }
    if (!in.finish("wallet table")) return corrupt("meta");
    return meta;
}

base::Buffer encode(const Coin& coin) {
    base::Buffer bytes;
    base::Writer out(bytes);
    out.u40(coin.amount.units).u16(coin.key);
    write_height(out, coin.created);
    out.u8(coin.spent_by.has_value());
    out.bytes(coin.spent_by.value_or(wire::Txid{}).hash.bytes);
    write_height(out, coin.spent);
    return bytes;
}

std::expected<Coin, base::Error> parse_coin(base::Bytes key, base::Bytes value) {
    Coin coin;
    base::Reader name(key);
    name.u8();
    coin.outpoint = read_outpoint(name);
    base::Reader in(value);
    coin.amount.units = in.u40();
    coin.key = in.u16();
    coin.created = read_height(in);
    const bool has_spender = read_flag(in);
    const wire::Txid spender{read_hash(in)};
    if (has_spender) coin.spent_by = spender;
    coin.spent = read_height(in);
    if (!name.finish("wallet table") || !in.finish("wallet table")) return corrupt("coin");
    return coin;
}

base::Buffer encode(const HistoryEntry& entry) {
    MESH_ASSERT(entry.counterparties.size() <= list_max && entry.spends.size() <= list_max);
    base::Buffer bytes;
    base::Writer out(bytes);
    out.u64(entry.sequence).bytes(entry.txid.hash.bytes);
    out.u8(std::to_underlying(entry.direction)).u8(std::to_underlying(entry.state));
    out.u40(entry.amount.units).u40(entry.fee.units).u32(entry.expiry.units);
    write_height(out, entry.height);
    out.u8(static_cast<std::uint8_t>(entry.counterparties.size()));
    for (const crypto::PublicKey& key : entry.counterparties) out.bytes(key.bytes);
    out.u8(static_cast<std::uint8_t>(entry.spends.size()));
    for (const wire::Outpoint& outpoint : entry.spends) out.bytes(wire::encode(outpoint));
    write_transaction(out, entry.transaction);
    return bytes;
}

std::expected<HistoryEntry, base::Error> parse_entry(base::Bytes value) {
    base::Reader in(value);
    HistoryEntry entry;
    entry.sequence = in.u64();
    entry.txid.hash = read_hash(in);
    entry.direction = read_enum(in, Direction::self);
    entry.state = read_enum(in, EntryState::dead);
    entry.amount.units = in.u40();
    entry.fee.units = in.u40();
    entry.expiry.units = in.u32();
    entry.height = read_height(in);
    entry.counterparties.resize(in.u8());
    for (crypto::PublicKey& key : entry.counterparties) in.read(key.bytes);
    entry.spends.resize(in.u8());
    for (wire::Outpoint& outpoint : entry.spends) outpoint = read_outpoint(in);
    entry.transaction = read_own_transaction(in);
    if (!in.finish("wallet table")) return corrupt("history entry");
    return entry;
}

}  // namespace meshchain::wallet
