// store check, salvage, compact, backup, export, import; prune has a file of its own.

#include <cstdio>

#include "host/config_json.h"
#include "host/http.h"
#include "host/json_document.h"
#include "host/store_salvage.h"
#include "host/store_tools.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;

std::string_view name_of(node::StoreEngine engine) {
    return engine == node::StoreEngine::sqlite ? "sqlite" : "flashlog";
}

// --- store check -------------------------------------------------------------------------------

Json json_of(const host::StoreDamage& damage) {
    Json json = {{"table", damage.table}, {"error", host::to_json(damage.error)}};
    if (!damage.after.empty()) json["after_key"] = damage.after;
    return json;
}

Json json_of(const host::StoreCheck& check) {
    Json entries = Json::object();
    for (const auto& table : check.tables) entries[table.name] = table.entries;
    Json damages = Json::array();
    for (const host::StoreDamage& damage : check.damages) damages.push_back(json_of(damage));
    Json json = {{"sound", check.is_sound()},
                 {"engine", name_of(check.engine)},
                 {"file", check.path.string()},
                 {"entries", std::move(entries)},
                 {"damage", std::move(damages)}};
    if (check.tip) {
        json["height"] = check.tip->height;
        json["tip"] = crypto::to_hex(check.tip->hash);
    }
    if (!check.advice.empty()) json["advice"] = check.advice;
    return json;
}

std::string text_of(const host::StoreCheck& check) {
    std::string text = check.path.string() + " (" + std::string(name_of(check.engine)) + ")\n";
    std::vector<std::vector<std::string>> rows{{"TABLE", "ENTRIES"}};
    for (const auto& table : check.tables) {
        rows.push_back({table.name, std::to_string(table.entries)});
    }
    if (rows.size() > 1) text += table(rows);
    if (check.tip) {
        text += "Tip: block " + std::to_string(check.tip->height) + ", " +
                crypto::to_hex(check.tip->hash) + "\n";
    }
    if (check.is_sound()) return text + "Everything in it is sound.";
    text += "\nDAMAGED:\n";
    for (const host::StoreDamage& damage : check.damages) {
        text += "  " + (damage.table.empty() ? "the file" : "table " + damage.table) +
                (damage.after.empty() ? "" : ", behind key " + damage.after) + ": " +
                damage.error.what + "\n";
    }
    if (check.damages.size() == host::StoreCheck::damages_max) text += "  and perhaps more\n";
    return text + "Do: " + check.advice + ".";
}

std::expected<Output, base::Error> check(const Context& context) {
    Progress progress(context.json);
    progress.show("Reading the store…");
    MESH_TRY(const host::StoreCheck found, host::check_store(context.data));
    Output result = output(json_of(found), text_of(found));
    if (!found.is_sound()) result.exit_code = ExitCode::failure;
    return result;
}

// --- store salvage ------------------------------------------------------------------------------

std::string_view name_of(chain::SalvagedChain::Kind kind) {
    constexpr std::string_view names[] = {"whole", "clipped", "cut", "lost"};
    return names[static_cast<std::size_t>(kind)];
}

std::string text_of(const host::StoreSalvage& done) {
    using Kind = chain::SalvagedChain::Kind;
    const std::string tip = std::to_string(done.chain.tip.height.value);
    switch (done.chain.kind) {
        case Kind::whole:
            return "The chain is whole, up to block " + tip +
                   (done.may_lack_newest ? "; newer ones, should some be lost, come from peers."
                                         : ".");
        case Kind::clipped:
            return "The chain is there up to block " + tip + "; the blocks up to " +
                   std::to_string(done.chain.history_start.value) +
                   " are forgotten, as if they were pruned.";
        case Kind::cut:
            return "The chain is there up to block " + tip + "; the rest comes from peers.";
        case Kind::lost: break;
    }
    return done.takes_state
               ? "Nothing is left of the chain: the node takes a FINAL state of peers. Start it "
                 "once with --accept-empty-store."
               : "Nothing is left of the chain: it comes from peers, from genesis on. Where they "
                 "hold no whole history,\nset sync.start to snapshot and run this again with "
                 "--even-if-sound.";
}

std::expected<Output, base::Error> salvage(const Context& context,
                                           const host::SalvageOptions& options) {
    Progress progress(context.json);
    progress.show("Reading what can be read…");
    MESH_TRY(const host::StoreSalvage done, host::salvage_store(context.data, options));
    Json tables = Json::object();
    std::vector<std::vector<std::string>> rows{{"TABLE", "ENTRIES", "DAMAGED PLACES"}};
    for (const auto& one : done.tables) {
        tables[one.name] = {{"kept", one.kept}, {"damaged", one.damages}};
        rows.push_back({one.name, std::to_string(one.kept), std::to_string(one.damages)});
    }
    Json damages = Json::array();
    for (const host::StoreDamage& damage : done.damages) damages.push_back(json_of(damage));
    return output(
        {{"file", done.path.string()},
         {"old_file", done.old_path.string()},
         {"entries", std::move(tables)},
         {"damage", std::move(damages)},
         {"chain", name_of(done.chain.kind)},
         {"may_lack_newest", done.may_lack_newest},
         {"height", done.chain.tip.height.value},
         {"history_start", done.chain.history_start.value},
         {"had_signing_record", done.had_record},
         {"had_wallet", done.had_wallet}},
        table(rows) + text_of(done) +
            "\nThe validating key, if there is one, keeps silent until FINAL has passed its "
            "start." +
            (done.had_wallet ? "\nThe wallet reads the chain again."
                             : "\nThe wallet's rows do not go with a key file here: it reads the "
                               "chain again, and "
                               "payments that no block holds are forgotten.") +
            std::string("\nThe node's store is now ") + done.path.string() +
            "; the damaged one is left in " + done.old_path.string() +
            ". Start the node; remove the old store once it has caught up, and never run on it.");
}

// --- store compact -----------------------------------------------------------------------------

std::expected<Output, base::Error> compact(const Context& context) {
    Progress progress(context.json);
    progress.show("Compacting the store…");
    MESH_TRY(const host::Compaction done, host::compact_store(context.data));
    const std::string now = std::to_string(done.bytes_after / 1024) + " KiB";
    return output({{"bytes_before", done.bytes_before}, {"bytes_after", done.bytes_after}},
                  done.bytes_after < done.bytes_before
                      ? "The store took " + std::to_string(done.bytes_before / 1024) +
                            " KiB, and takes " + now + " now."
                      : "There was nothing to give back: the store takes " + now + ".");
}

// --- store backup, export, import --------------------------------------------------------------

constexpr auto waits =
    "\nIn it the validating key counts as restored: it keeps silent until FINAL has passed its "
    "start.";

Output show(const host::StoreCopy& copy, const std::string& text) {
    Json json = {{"file", copy.path.string()},
                 {"height", copy.tip.height},
                 {"tip", crypto::to_hex(copy.tip.hash)},
                 {"entries", copy.entries},
                 {"key_waits", copy.key_waits}};
    if (!copy.fingerprint.is_zero()) json["fingerprint"] = crypto::to_hex(copy.fingerprint);
    if (!copy.old_path.empty()) json["old_file"] = copy.old_path.string();
    if (!copy.key_path.empty()) json["key_file"] = copy.key_path.string();
    const std::string key =
        copy.key_path.empty() ? "" : "\nIts key is in " + copy.key_path.string() + ": keep both.";
    return output(std::move(json), text + " " + std::to_string(copy.entries) +
                                       " entries, up to block " + std::to_string(copy.tip.height) +
                                       ", " + crypto::to_hex(copy.tip.hash) + "." + key +
                                       (copy.key_waits ? waits : ""));
}

/// Several copies into one folder take turns: who waits is told for whom.
host::TurnOptions turn_of(Progress& progress) {
    return {.on_wait = [&progress](const std::string& holder) {
        progress.hide();
        std::fprintf(stderr, "Waiting for %s, which makes a copy in the same folder…\n",
                     holder.c_str());
    }};
}

std::expected<Output, base::Error> backup(const Context& context, const std::string& to) {
    Progress progress(context.json);
    progress.show("Copying the store…");
    MESH_TRY(const host::StoreCopy copy, host::backup_store(context.data, to, turn_of(progress)));
    return show(copy, "The store was copied to " + to + " and verified there:");
}

std::expected<Output, base::Error> export_to(const Context& context, const std::string& to) {
    Progress progress(context.json);
    progress.show("Exporting the store…");
    MESH_TRY(const host::StoreCopy copy, host::export_store(context.data, to, turn_of(progress)));
    return show(copy, "The store was written to " + to + ":");
}

struct ImportCommandOptions {
    std::string file;
    std::string engine;
    std::optional<std::uint64_t> size_mb;
};

std::expected<Output, base::Error> import(const Context& context,
                                          const ImportCommandOptions& given) {
    host::ImportOptions options;
    if (!given.engine.empty()) {
        const Json store = {{"store", {{"engine", given.engine}}}};
        MESH_TRY(const node::NodeConfig config,
                 host::parse_config(host::to_line(store), "--engine"));
        options.engine = config.store_engine;
    }
    if (given.size_mb) options.size_mb = static_cast<std::uint32_t>(*given.size_mb);
    Progress progress(context.json);
    progress.show("Importing the store…");
    MESH_TRY(const host::StoreCopy copy, host::import_store(context.data, given.file, options));
    Output result = show(copy, "The node's store is now " + copy.path.string() + ":");
    if (!copy.old_path.empty()) {
        result.text += "\nThe old one is left in " + copy.old_path.string() +
                       ". Remove it once the node has run with the new one, and never run on it.";
    }
    return result;
}

Command file_command(std::string name, std::string summary, std::string examples,
                     const std::shared_ptr<std::string>& file, std::string help,
                     std::function<std::expected<Output, base::Error>()> run) {
    return {.name = std::move(name),
            .summary = std::move(summary),
            .examples = std::move(examples),
            .options = {{"file", "FILE", std::move(help), file.get(), true}},
            .run = std::move(run)};
}

Command import_command(const Context& context) {
    const auto o = std::make_shared<ImportCommandOptions>();
    return {
        .name = "import",
        .summary = "Make the store of a stopped node from an export or a backup",
        .examples =
            "Move a node to another engine:\n"
            "  meshchain node stop --data alice\n"
            "  meshchain store export alice.export --data alice\n"
            "  meshchain store import alice.export --engine flashlog --data alice\n"
            "Restore a backup:\n"
            "  meshchain store import /mnt/card/alice.db --data alice\n"
            "The configuration names the new store at the very end; until then the old one is "
            "in use.\nA validator goes on at once if nothing was signed since the export.",
        .options = {{"file", "FILE", "what `store export` or `store backup` wrote", &o->file, true},
                    {"--engine", "ENGINE", "sqlite or flashlog (as configured)", &o->engine},
                    {"--size-mb", "N", "size of a new flash log (as configured)", &o->size_mb,
                     false, node::store_size_mb_max, node::store_size_mb_min}},
        .run = [&context, o] { return import(context, *o); }};
}

}  // namespace

Command store_command(const Context& context) {
    const auto copy = std::make_shared<std::string>();
    const auto stream = std::make_shared<std::string>();
    const auto salvaging = std::make_shared<host::SalvageOptions>();
    return {
        .name = "store",
        .summary = "Check, repair, compact, back up and move a node's store",
        .commands = {
            {.name = "check",
             .summary = "Read the whole store and say what is damaged",
             .examples =
                 "Example:\n  meshchain store check --data alice\n"
                 "Exit codes: 0 sound, 1 damaged. A flash log only while its node is stopped.",
             .run = [&context] { return check(context); }},
            {.name = "salvage",
             .summary = "Make a new store of what can be read of a damaged one",
             .examples =
                 "Example:\n  meshchain store salvage --data alice\n"
                 "For a stopped node whose store `store check` calls damaged. Blocks, coins and "
                 "votes that\nprove each other are kept, whatever else was lost comes from "
                 "peers, and the wallet reads\nthe chain again. The damaged store is left "
                 "where it is.",
             .options = {{"--even-if-sound", "", "also where no row is damaged: one may be missing",
                          &salvaging->even_if_sound}},
             .run = [&context, salvaging] { return salvage(context, *salvaging); }},
            {.name = "compact",
             .summary = "Give back what the store of a stopped node no longer needs",
             .examples = "Example:\n  meshchain store compact --data alice",
             .run = [&context] { return compact(context); }},
            file_command(
                "backup", "Copy the store into a new file and verify the copy",
                "Example:\n  meshchain store backup /mnt/card/alice.db --data alice\n"
                "With SQLite also while the node runs. To restore: `meshchain store import`. "
                "The\ncopy of an encrypted store has its key beside it, in FILE.key: keep "
                "both.",
                copy, "the copy to make", [&context, copy] { return backup(context, *copy); }),
            file_command("export", "Write the store as a file that either engine can import",
                         "Example:\n  meshchain store export alice.export --data alice\n"
                         "With SQLite also while the node runs. The file is not encrypted.",
                         stream, "the file to make",
                         [&context, stream] { return export_to(context, *stream); }),
            import_command(context),
            store_prune_command(context)}};
}

}  // namespace meshchain::app
