// validators, stakes, stake, delegate, unstake, withdraw, claim: who votes, and with whose money.

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/air_wait_text.h"
#include "meshchain/commands/commands.h"
#include "meshchain/payment_follow.h"
#include "meshchain/wallet_session.h"

namespace meshchain::app {
namespace {

using host::Json;

std::string number(const Json& object, const char* field) {
    return object.contains(field) ? host::to_line(object.at(field)) : "-";
}

std::expected<Output, base::Error> validators(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/validators"));
    std::vector<std::vector<std::string>> rows{
        {"SEAT", "NODE", "KEY", "VOTES", "STAKED", "LEAVING", "FEES", ""}};
    for (const Json& one : json.at("validators")) {
        std::string note = one.at("self").get<bool>() ? "this node" : "";
        if (one.value("slashed", false)) note = "slashed";
        rows.push_back({number(one, "index"), one.at("node_id").get<std::string>(),
                        one.at("key").get<std::string>(), number(one, "stake"),
                        number(one, "bonded"), number(one, "unbonding"), number(one, "earned"),
                        note});
    }
    std::string text = table(rows);
    return output(std::move(json), std::move(text));
}

std::expected<Output, base::Error> stakes(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/stakes"));
    std::string text =
        table({{"Epoch", number(json, "epoch") + ", FINAL " + number(json, "final_epoch")},
               {"Rises", "from slot " + number(json, "rises_from_slot") + " on, at least " +
                             number(json, "epoch_slots") + " slots apart"},
               {"Least stake", number(json, "stake_min")},
               {"Taken back", "may be had after " + number(json, "unbond_epochs") + " epochs"}});
    std::vector<std::vector<std::string>> rows{{"VALIDATOR", "AMOUNT", "OWNER", ""}};
    for (const Json& bond : json.at("bonds")) {
        rows.push_back({bond.at("validator").get<std::string>(), number(bond, "amount"),
                        bond.at("owner").get<std::string>(),
                        bond.at("from_epoch").is_null()
                            ? "votes"
                            : "may be had from epoch " + number(bond, "from_epoch")});
    }
    if (rows.size() > 1) text += "\n" + table(rows);
    return output(std::move(json), std::move(text));
}

struct MoveOptions {
    std::string validator;
    std::optional<std::uint64_t> amount;
    std::string fee;
    bool wait = false;
    std::uint64_t timeout_s = 120;
    UnlockOptions unlock;
};

std::expected<Output, base::Error> move(const Context& context, const char* action,
                                        const MoveOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    Json order = {{"action", action}};
    if (!options.validator.empty()) order["validator"] = options.validator;
    if (options.amount) order["amount"] = *options.amount;
    MESH_TRY(const Json fee, fee_json(options.fee));
    if (!fee.is_null()) order["fee"] = fee;
    MESH_TRY(Json json, with_unlocked_wallet(client, options.unlock,
                                             [&] { return client.post("/v1/stakes", order); }));
    const std::string txid = json.at("txid");
    std::string text = "Sent as " + txid + "; see `meshchain tx " + txid + "` and `meshchain " +
                       "stakes`" + lock_warning(json);
    if (const std::string wait = air_wait_text(json); !wait.empty()) text += "\n" + wait;
    if (options.wait) {
        MESH_CHECK(follow_payment(context, client, json, std::chrono::seconds(options.timeout_s)));
        text = "Done: " + txid + " is FINAL." + lock_warning(json);
    }
    return output(std::move(json), std::move(text));
}

/// What the commands differ in.
struct Move {
    const char* name;
    const char* action;
    const char* summary;
    const char* example;
    bool names_validator;
    bool has_amount;
};

Command move_command(const Context& context, const Move& what) {
    const auto o = std::make_shared<MoveOptions>();
    Command command{
        .name = what.name,
        .summary = what.summary,
        .examples = what.example,
        .options = {{"--fee", "FEE", "low, normal, high, or units (usual fee)", &o->fee},
                    {"--wait", "", "show its way to FINAL", &o->wait},
                    {"--timeout", "SECONDS", "how long to wait (120)", &o->timeout_s, false,
                     follow_s_max}},
        .run = [&context, o, action = what.action] { return move(context, action, *o); }};
    if (what.has_amount) {
        command.options.insert(command.options.begin(),
                               {"amount", "UNITS", "how much", &o->amount, true});
    }
    if (what.names_validator) {
        command.options.push_back(
            {"--validator", "KEY", "whose validating key (this node's own)", &o->validator});
    }
    o->unlock.add_to(command.options);
    return command;
}

}  // namespace

Command validators_command(const Context& context) {
    return {.name = "validators",
            .summary = "Who votes on this chain, and with how much",
            .examples = "Example:\n  meshchain validators --data alice",
            .run = [&context] { return validators(context); }};
}

std::vector<Command> stake_commands(const Context& context) {
    std::vector<Command> commands{{.name = "stakes",
                                   .summary = "Show the epoch, and what this wallet has staked",
                                   .examples = "Example:\n  meshchain stakes --data alice",
                                   .run = [&context] { return stakes(context); }}};
    for (const Move& what :
         {Move{"stake", "enroll", "Make this node a validator, with a stake from its wallet",
               "Example:\n  meshchain stake 5000 --wait --data alice", false, true},
          Move{"delegate", "delegate", "Add to the stake of a validator",
               "Example:\n  meshchain delegate 500 --validator KEY --wait", true, true},
          Move{"unstake", "unbond", "Take stake back; it may be had some epochs later",
               "Example:\n  meshchain unstake 500 --validator KEY", true, true},
          Move{"withdraw", "withdraw",
               "Turn one part that was taken back into coins, once it may be had",
               "Example:\n  meshchain withdraw --validator KEY", true, false},
          Move{"claim", "claim", "Turn the fees that this node earned into coins",
               "Example:\n  meshchain claim --wait", true, false}}) {
        commands.push_back(move_command(context, what));
    }
    return commands;
}

}  // namespace meshchain::app
