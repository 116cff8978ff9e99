// tx decode, frame decode: our bytes for those who want to check them.

#include <algorithm>
#include <charconv>

#include "host/api_client.h"
#include "host/data_folder.h"
#include "host/genesis_json.h"
#include "host/json_document.h"
#include "host/node_setup.h"
#include "host/wire_json.h"
#include "ledger/genesis.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

using base::Error;

std::unexpected<Error> refused(std::string what, std::string where, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), std::move(where),
                         std::move(advice));
}

/// The coin a compact transfer spends, as far as the command line tells it.
struct SpentCoin {
    wire::Outpoint outpoint;
    wire::Amount amount;
    std::optional<crypto::PublicKey> owner;
};

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == separator) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

std::expected<SpentCoin, Error> parse_coin(const std::string& text) {
    const std::vector<std::string> parts = split(text, ':');
    if (parts.size() != 3 && parts.size() != 4) {
        return refused("'" + text + "' names no coin", "--input",
                       "write it as TXID:INDEX:AMOUNT, and :OWNER where the payment has change");
    }
    SpentCoin coin;
    MESH_TRY(coin.outpoint, host::parse_outpoint(parts[0] + ":" + parts[1]));
    const char* const end = parts[2].data() + parts[2].size();
    const auto parsed = std::from_chars(parts[2].data(), end, coin.amount.units);
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
        return refused("'" + parts[2] + "' is no amount", "--input", "write whole units");
    }
    if (parts.size() == 4) {
        MESH_TRY(coin.owner, host::parse_owner(parts[3]));
    }
    return coin;
}

struct DecodeOptions {
    std::string hex;
    std::string input;
    std::optional<std::uint64_t> slot;
    std::string chain;
    std::string genesis;
};

std::expected<wire::ChainId, Error> chain_of(const DecodeOptions& options, const Context& context) {
    if (!options.chain.empty()) return crypto::hash_from_hex(options.chain);
    const std::filesystem::path path = options.genesis.empty()
                                           ? host::DataFolder(context.data).genesis()
                                           : std::filesystem::path(options.genesis);
    auto genesis = host::load_genesis(path);
    if (genesis) return ledger::chain_id(*genesis);
    genesis.error().advice = "say which chain it is of: --chain ID, --genesis FILE or --data DIR";
    return std::unexpected(genesis.error());
}

/// The transaction that `compact` stands for if it spends this coin at this slot.
std::expected<host::Json, Error> expand(const wire::CompactTransfer& compact,
                                        const wire::ChainId& chain, const SpentCoin& coin,
                                        wire::Slot slot) {
    if (wire::short_outpoint(chain, coin.outpoint) != compact.input) {
        return refused("the transfer spends another coin on chain " + crypto::to_hex(chain),
                       "--input", "check the outpoint and the chain");
    }
    const auto body = wire::expand(compact, coin.outpoint,
                                   {coin.owner.value_or(crypto::PublicKey{}), coin.amount}, slot);
    if (!body) {
        return refused(
            "a coin of " + std::to_string(coin.amount.units) + " units cannot pay amount and fee",
            "--input", "check the amount");
    }
    if (body->outputs.size() > 1 && !coin.owner) {
        return refused("the change goes back to the coin's owner, who is not told", "--input",
                       "write it as TXID:INDEX:AMOUNT:OWNER");
    }
    const wire::Transaction transaction{*body, {compact.signature}};
    host::Json json = host::to_json(compact);
    json["expanded"] = host::to_json(chain, transaction);
    if (coin.owner) {
        json["signature_valid"] =
            crypto::verify(*coin.owner, wire::preimage(chain, *body), compact.signature);
    }
    return json;
}

std::expected<Output, Error> decode_transaction(const Context& context,
                                                const DecodeOptions& options) {
    MESH_TRY(const base::Buffer bytes, base::from_hex(options.hex));
    MESH_TRY(const wire::WireTransaction transaction, wire::parse_transaction(bytes));
    if (const auto* full = std::get_if<wire::Transaction>(&transaction)) {
        const auto chain = chain_of(options, context);
        return output(chain ? host::to_json(*chain, *full) : host::to_json(*full));
    }
    const auto& compact = std::get<wire::CompactTransfer>(transaction);
    if (options.input.empty()) {
        // A node that knows the coin can say what the transfer stands for.
        const auto client = host::ApiClient::of_folder(context.data);
        auto json = client ? client->post("/v1/decode", {{"transaction", options.hex}})
                           : std::unexpected(client.error());
        return output(json ? *std::move(json) : host::to_json(compact));
    }
    MESH_TRY(const SpentCoin coin, parse_coin(options.input));
    MESH_TRY(const wire::ChainId chain, chain_of(options, context));
    if (!options.slot || *options.slot > UINT32_MAX) {
        return refused("which expiry is meant depends on the slot", "--slot",
                       "give the number of a slot near the payment's");
    }
    const wire::Slot slot{static_cast<std::uint32_t>(*options.slot)};
    MESH_TRY(host::Json json, expand(compact, chain, coin, slot));
    return output(std::move(json));
}

std::expected<wire::MessageType, Error> type_of(std::string_view text) {
    for (unsigned number = 0; number < 256; ++number) {
        const auto type = static_cast<wire::MessageType>(number);
        if (name(type) == text && text != "UNKNOWN") return type;
    }
    return refused("'" + std::string(text) + "' is no message type", "--type",
                   "write one like TRANSACTION, BLOCK, BLOCK_ACK or PEER_HELLO");
}

std::expected<Output, Error> decode_frame(const std::string& hex, const std::string& type) {
    MESH_TRY(const base::Buffer bytes, base::from_hex(hex));
    if (type.empty()) {
        MESH_TRY(host::Json json, host::decode_frame(bytes));
        return output(std::move(json));
    }
    MESH_TRY(const wire::MessageType known, type_of(type));
    MESH_TRY(host::Json json, host::decode_payload(known, bytes));
    return output(std::move(json));
}

}  // namespace

Command transaction_decode_command(const Context& context) {
    const auto o = std::make_shared<DecodeOptions>();
    return {
        .name = "decode",
        .summary = "Print a transaction's bytes as JSON",
        .examples =
            "Examples:\n  meshchain tx decode 10a1b2...\n"
            "  meshchain tx decode 10a1b2... --input 7f3c...:0:5000:mesh1... \\\n"
            "      --slot 1200 --genesis genesis.bin",
        .options = {{"hex", "HEX", "the bytes", &o->hex, true},
                    {"--input", "TXID:INDEX:AMOUNT[:OWNER]",
                     "the coin a compact transfer spends: adds its full form, preimage, txid",
                     &o->input},
                    {"--slot", "N", "a slot near the payment's, for its expiry", &o->slot},
                    {"--chain", "HEX", "the chain id", &o->chain},
                    {"--genesis", "FILE", "the chain's genesis (DIR/genesis.bin)", &o->genesis}},
        .run = [&context, o] { return decode_transaction(context, *o); }};
}

Command frame_command() {
    const auto hex = std::make_shared<std::string>();
    const auto type = std::make_shared<std::string>();
    return {.name = "frame",
            .summary = "Read a frame's bytes",
            .commands = {
                {.name = "decode",
                 .summary = "Print a frame's bytes as JSON",
                 .examples = "Examples:\n  meshchain frame decode 07a1b2...\n"
                             "  meshchain frame decode --type BLOCK_ACK 0001...",
                 .options = {{"hex", "HEX", "the bytes", hex.get(), true},
                             {"--type", "TYPE",
                              "they are a bare payload of this type, without header", type.get()}},
                 .run = [hex, type] { return decode_frame(*hex, *type); }}}};
}

}  // namespace meshchain::app
