#include "host/genesis_json.h"

#include "crypto/identity.h"
#include "host/json_document.h"
#include "host/time_text.h"
#include "wallet/address.h"

namespace meshchain::host {
namespace {

using base::Error;
using ledger::Genesis;
using ledger::GenesisValidator;

constexpr std::size_t validators_read_max = 1000;  ///< validate() names the real limit

std::expected<ledger::Allocation, Error> read_allocation(const Json& json,
                                                         const std::string& path) {
    ledger::Allocation allocation;
    JsonObject object(json, path);
    object.require({"owner", "amount"});
    object.read_as("owner", allocation.owner, parse_owner);
    object.read("amount", allocation.amount.units);
    MESH_CHECK(object.finish());
    return allocation;
}

std::expected<GenesisValidator, Error> read_validator(const Json& json, const std::string& path) {
    GenesisValidator validator;
    JsonObject object(json, path);
    object.require({"identity", "key", "payout", "stake"});
    object.read_as("identity", validator.identity, crypto::public_key_from_hex);
    object.read_as("key", validator.key, crypto::public_key_from_hex);
    object.read_as("payout", validator.payout, parse_owner);
    object.read("stake", validator.stake.units);
    MESH_CHECK(object.finish());
    return validator;
}

std::expected<ledger::Predecessor, Error> read_predecessor(const Json& json) {
    ledger::Predecessor from;
    JsonObject object(json, "predecessor");
    object.require({"chain_id", "height", "block", "state"});
    object.read_as("chain_id", from.chain, crypto::hash_from_hex);
    object.read("height", from.height.value);
    object.read_as("block", from.block, crypto::hash_from_hex);
    object.read_as("state", from.state, crypto::hash_from_hex);
    MESH_CHECK(object.finish());
    return from;
}

std::expected<ledger::StakeRules, Error> read_stakes(const Json& json) {
    ledger::StakeRules rules;
    JsonObject object(json, "stakes");
    object.require({"stake_min", "unbond_epochs", "epoch_rounds"});
    object.read("stake_min", rules.stake_min.units);
    std::uint32_t unbond_epochs = 0;
    object.read("unbond_epochs", unbond_epochs);
    object.read("epoch_rounds", rules.epoch_rounds);
    MESH_CHECK(object.finish());
    if (unbond_epochs > UINT16_MAX) {
        return base::failure(base::Errc::invalid_argument,
                             std::to_string(unbond_epochs) + " epochs are too many",
                             "stakes.unbond_epochs", "65535 are the most");
    }
    rules.unbond_epochs = static_cast<std::uint16_t>(unbond_epochs);
    return rules;
}

template <class T, class Read>
void read_list(JsonObject& object, const char* name, std::size_t count_max, std::vector<T>& out,
               Read read) {
    for (const Json* element : object.children(name, count_max)) {
        auto value =
            read(*element, object.field_path(name) + "[" + std::to_string(out.size()) + "]");
        if (!value) return object.fail(std::move(value).error());
        out.push_back(*std::move(value));
    }
}

std::expected<Genesis, Error> read_genesis(const Json& json) {
    Genesis genesis;
    bool has_seed = false;
    std::uint32_t version = Genesis::protocol_version_known;
    JsonObject object(json, "");
    object.require({"start", "block_time_ms", "validators"});
    std::string stated_chain_id;
    object.read("chain_id", stated_chain_id);
    object.read("protocol_version", version);
    object.read_as("start", genesis.start, parse_iso);
    object.read("block_time_ms", genesis.block_time_ms);
    genesis.rank_delay_ms = genesis.block_time_ms / 3;
    object.read("rank_delay_ms", genesis.rank_delay_ms);
    object.read("slots_per_round", genesis.slots_per_round);
    object.read("vote_delay_slots", genesis.vote_delay_slots);
    object.read("vote_lead_ms", genesis.vote_lead_ms);
    object.read("block_bytes_limit", genesis.block_bytes_limit);
    object.read_as("seed", genesis.seed, [&](std::string_view text) {
        has_seed = true;
        return crypto::hash_from_hex(text);
    });
    read_list(object, "allocations", ledger::genesis_allocations_max, genesis.allocations,
              read_allocation);
    read_list(object, "validators", validators_read_max, genesis.validators, read_validator);
    if (const Json* from = object.child("predecessor")) {
        auto read = read_predecessor(*from);
        if (read) genesis.predecessor = *read;
        if (!read) object.fail(std::move(read).error());
    }
    if (const Json* rules = object.child("stakes")) {
        auto read = read_stakes(*rules);
        if (read) genesis.stakes = *read;
        if (!read) object.fail(std::move(read).error());
    }
    MESH_CHECK(object.finish());
    if (version != Genesis::protocol_version_known) {
        return base::failure(base::Errc::wrong_version, std::to_string(version) + " is unknown",
                             "protocol_version", "this program knows version 1");
    }
    sort_canonically(genesis);
    MESH_CHECK(validate(genesis));
    if (!has_seed) genesis.seed = crypto::hash(base::as_bytes("mc/gen/seed/1"), encode(genesis));
    if (!stated_chain_id.empty() && stated_chain_id != crypto::to_hex(chain_id(genesis))) {
        return base::failure(base::Errc::wrong_chain,
                             "the text gives chain " + crypto::to_hex(chain_id(genesis)),
                             "chain_id", "leave the field out, or undo the change");
    }
    return genesis;
}

template <class T>
std::expected<T, Error> at_source(std::expected<T, Error> result, std::string_view source) {
    if (!result) result.error().where = std::string(source) + ", field " + result.error().where;
    return result;
}

}  // namespace

std::expected<crypto::PublicKey, Error> parse_owner(std::string_view text) {
    const bool is_hex = text.size() == 2 * crypto::PublicKey::size &&
                        text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    return is_hex ? crypto::public_key_from_hex(text) : wallet::parse_address(text);
}

std::expected<Genesis, Error> parse_genesis_json(std::string_view text, std::string_view source) {
    MESH_TRY(const Json json, parse_json(text, source));
    return at_source(read_genesis(json), source);
}

std::expected<GenesisValidator, Error> parse_validator_json(std::string_view text,
                                                            std::string_view source) {
    MESH_TRY(const Json json, parse_json(text, source));
    return at_source(read_validator(json, ""), source);
}

Json to_json(const GenesisValidator& validator) {
    return {{"identity", crypto::to_hex(validator.identity)},
            {"key", crypto::to_hex(validator.key)},
            {"payout", wallet::encode_address(validator.payout)},
            {"stake", validator.stake.units}};
}

Json to_json(const Genesis& genesis) {
    Json allocations = Json::array();
    for (const ledger::Allocation& allocation : genesis.allocations) {
        allocations.push_back({{"owner", wallet::encode_address(allocation.owner)},
                               {"amount", allocation.amount.units}});
    }
    Json validators = Json::array();
    for (const GenesisValidator& validator : genesis.validators) {
        validators.push_back(to_json(validator));
    }
    Json json = {{"chain_id", crypto::to_hex(ledger::chain_id(genesis))},
                 {"protocol_version", genesis.protocol_version},
                 {"start", to_iso(genesis.start)},
                 {"block_time_ms", genesis.block_time_ms},
                 {"rank_delay_ms", genesis.rank_delay_ms},
                 {"slots_per_round", genesis.slots_per_round},
                 {"vote_delay_slots", genesis.vote_delay_slots},
                 {"block_bytes_limit", genesis.block_bytes_limit},
                 {"seed", crypto::to_hex(genesis.seed)},
                 {"allocations", std::move(allocations)},
                 {"validators", std::move(validators)}};
    if (genesis.vote_lead_ms != 0) json["vote_lead_ms"] = genesis.vote_lead_ms;
    if (const auto& from = genesis.predecessor) {
        json["predecessor"] = {{"chain_id", crypto::to_hex(from->chain)},
                               {"height", from->height.value},
                               {"block", crypto::to_hex(from->block)},
                               {"state", crypto::to_hex(from->state)}};
    }
    if (const auto& rules = genesis.stakes) {
        json["stakes"] = {{"stake_min", rules->stake_min.units},
                          {"unbond_epochs", rules->unbond_epochs},
                          {"epoch_rounds", rules->epoch_rounds}};
    }
    return json;
}

}  // namespace meshchain::host
