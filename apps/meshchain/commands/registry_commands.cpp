// registry add, show, rm, import; search: what was seen, and where it is found again.

#include <chrono>
#include <cstdio>
#include <thread>

#include "host/api_client.h"
#include "host/file.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/embedding_file.h"
#include "meshchain/registry_import.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;

constexpr std::size_t import_bytes_max = 256 * 1024 * 1024;
constexpr auto search_look_interval = std::chrono::milliseconds(5);
/// Whoever reads no terminal is told so often that it goes on.
constexpr auto told_interval = std::chrono::seconds(10);

std::string number_text(const Json& number) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", number.get<double>());
    return text;
}

struct AddOptions {
    std::string hash;
    std::string type;
    std::string owner;
    std::string confidence = "0.5";
    std::string metadata;
    std::string segment;
    std::filesystem::path embedding;
    std::uint64_t lifetime_s = 7ULL * 86'400;
};

std::expected<Output, base::Error> add(const Context& context, const AddOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    Json body{{"hash", options.hash},
              {"type", options.type},
              {"owner", options.owner},
              {"lifetime_s", options.lifetime_s}};
    MESH_TRY(body["confidence"], host::parse_json(options.confidence, "--confidence"));
    if (!options.metadata.empty()) {
        MESH_TRY(body["metadata"], host::parse_json(options.metadata, "--metadata"));
    }
    if (!options.segment.empty()) body["segment"] = options.segment;
    if (!options.embedding.empty()) {
        MESH_TRY(body["embedding"], read_embedding(options.embedding));
    }
    MESH_TRY(Json json, client.post("/v1/registry", body));
    return output(std::move(json), "Entered.\n");
}

std::expected<Output, base::Error> show(const Context& context, const std::string& hash) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/registry?hash=" + host::percent_encoded(hash)));
    if (json.at("entries").empty()) {
        return base::failure(base::Errc::not_found, "no entry '" + hash + "'", "registry",
                             "`meshchain search` shows what is known here and elsewhere");
    }
    std::string text;
    for (const Json& entry : json.at("entries")) {
        text += (text.empty() ? "" : "\n") +
                table({{"Hash", entry.at("hash")},
                       {"Type", entry.at("type")},
                       {"Owner", entry.at("owner")},
                       {"Confidence", number_text(entry.at("confidence"))},
                       {"Seen by", entry.at("node_id")},
                       {"Time", entry.at("time")},
                       {"Embedding", entry.at("has_embedding") == true ? "yes" : "no"},
                       {"Metadata", host::to_line(entry.at("metadata"))}});
    }
    return output(std::move(json), text);
}

std::expected<Output, base::Error> remove(const Context& context, const std::string& hash) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.post("/v1/registry/removals", {{"hash", hash}}));
    return output(std::move(json), "Removed, here and wherever this node is heard.\n");
}

/// How far an import is, on stderr: redrawn in a terminal, elsewhere a line now and then.
class ImportProgress {
public:
    explicit ImportProgress(const Context& context) : json_(context.json), live_(context.json) {}

    void tell(const ImportCount& count, bool waits) {
        const std::string text = std::to_string(count.total()) + " entries are in" +
                                 (waits ? "; the node takes more in a moment" : "");
        live_.show(text);
        const auto now = std::chrono::steady_clock::now();
        if (json_ || is_terminal(stderr) || now - told_ < told_interval) return;
        told_ = now;
        std::fprintf(stderr, "%s\n", text.c_str());
    }

private:
    const bool json_;
    Progress live_;
    std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

/// Stops at the first line that is refused, and waits where the node says that it is full.
std::expected<Output, base::Error> import_entries(const Context& context,
                                                  const std::filesystem::path& path) {
    MESH_TRY(const base::Buffer bytes, host::read_file(path, import_bytes_max));
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    ImportProgress progress(context);
    const ImportDoors doors{
        .post = [&](const Json& entry) { return client.post("/v1/registry", entry); },
        .sleep = [](base::Duration time) { std::this_thread::sleep_for(time); },
        .tell = [&](const ImportCount& count, bool waits) { progress.tell(count, waits); }};
    MESH_TRY(const ImportCount count, import_lines(base::as_text(bytes), path.string(), doors));
    const std::string unchanged =
        count.unchanged == 0 ? "" : ", " + std::to_string(count.unchanged) + " as before";
    return output({{"entered", count.entered}, {"unchanged", count.unchanged}},
                  std::to_string(count.total()) + " entries are in" + unchanged + ".\n");
}

struct SearchOptions {
    std::string hash;
    std::string type;
    std::string node;
    std::string metadata;
    std::filesystem::path like;
    std::uint64_t top = 10;
    std::string least = "-1";
    std::uint64_t wait_ms = 2'000;
    bool follow = false;
};

std::string search_text(const Json& search, bool by_similarity) {
    std::vector<std::vector<std::string>> rows{
        {by_similarity ? "LIKENESS" : "SURE", "HASH", "TYPE", "OWNER", "NODE", "TIME"}};
    for (const Json& hit : search.at("hits")) {
        rows.push_back({number_text(hit.at(by_similarity ? "similarity" : "confidence")),
                        hit.at("hash"), hit.at("type"), hit.at("owner"), hit.at("node_id"),
                        hit.at("time")});
    }
    const auto count = [&](const char* field) {
        return std::to_string(search.at(field).get<std::uint64_t>());
    };
    return (rows.size() == 1 ? "Nothing was found.\n" : table(rows)) + count("answered") + " of " +
           count("asked") + " other nodes answered; " + count("searched") +
           " entries were looked through.\n";
}

std::expected<Output, base::Error> search(const Context& context, const SearchOptions& options) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    Json body{{"hash", options.hash},
              {"type", options.type},
              {"count", options.top},
              {"patience_ms", options.wait_ms}};
    MESH_TRY(body["similarity_min"], host::parse_json(options.least, "--min"));
    if (!options.node.empty()) {
        MESH_TRY(body["node"], identity_of(client, options.node));
    }
    if (!options.metadata.empty()) {
        MESH_TRY(body["metadata"], host::parse_json(options.metadata, "--metadata"));
    }
    if (!options.like.empty()) {
        MESH_TRY(body["embedding"], read_embedding(options.like));
    }
    const bool by_similarity = !options.like.empty();
    MESH_TRY(Json json, client.post("/v1/searches", body));
    const std::string path = "/v1/searches/" + json.at("search").get<std::string>();
    std::uint64_t answered = json.at("answered");
    while (json.at("done") != true) {
        std::this_thread::sleep_for(search_look_interval);
        MESH_TRY(json, client.get(path));
        if (options.follow && json.at("answered") != answered && json.at("done") != true) {
            answered = json.at("answered");
            const std::string text =
                context.json ? host::to_line(json) + "\n" : search_text(json, by_similarity) + "\n";
            std::fputs(text.c_str(), stdout);
            std::fflush(stdout);
        }
    }
    const std::string text = search_text(json, by_similarity);
    return output(std::move(json), text);
}

Command add_command(const Context& context) {
    const auto o = std::make_shared<AddOptions>();
    return {
        .name = "add",
        .summary = "Enter something that was seen, or enter it anew",
        .examples =
            "Example:\n  meshchain registry add bag-17 --type bag --embedding bag.f32 "
            "--metadata '{\"colour\":\"blue\"}'",
        .options = {{"hash", "HASH", "What it is known by, at most 64 bytes", &o->hash, true},
                    {"--type", "TYPE", "bag, face or whatever else", &o->type},
                    {"--owner", "NAME", "Whose it is", &o->owner},
                    {"--confidence", "0..1", "How sure that is", &o->confidence},
                    {"--embedding", "FILE",
                     "512 numbers: float32 in little-endian bytes, or a JSON list", &o->embedding},
                    {"--metadata", "JSON", "What else is known", &o->metadata},
                    {"--segment", "NAME", "For the members of one segment alone", &o->segment},
                    {"--lifetime", "SECONDS", "Until it is forgotten", &o->lifetime_s, false,
                     400ULL * 86'400, 1}},
        .run = [&context, o] { return add(context, *o); }};
}

}  // namespace

Command registry_command(const Context& context) {
    const auto shown = std::make_shared<std::string>();
    const auto removed = std::make_shared<std::string>();
    const auto file = std::make_shared<std::filesystem::path>();
    std::vector<Command> commands{
        add_command(context),
        {.name = "show",
         .summary = "What nodes know under a hash",
         .options = {{"hash", "HASH", "What it is known by", shown.get(), true}},
         .run = [&context, shown] { return show(context, *shown); }},
        {.name = "rm",
         .summary = "Remove an entry of this node",
         .options = {{"hash", "HASH", "What it is known by", removed.get(), true}},
         .run = [&context, removed] { return remove(context, *removed); }},
        {.name = "import",
         .summary = "Enter many, one JSON object a line as POST /v1/registry takes it; again: only "
                    "what is new",
         .options = {{"file", "FILE", "The entries", file.get(), true}},
         .run = [&context, file] { return import_entries(context, *file); }},
    };
    for (Command& command : ownership_commands(context)) commands.push_back(std::move(command));
    return {.name = "registry",
            .summary = "What was seen, and whose it is: enter, show, remove, import, claim, give",
            .commands = std::move(commands)};
}

Command search_command(const Context& context) {
    const auto o = std::make_shared<SearchOptions>();
    return {.name = "search",
            .summary = "Find what any node within reach has seen",
            .examples =
                "Examples:\n  meshchain search --like bag.f32 --top 5 --data bob\n"
                "  meshchain search --type bag --metadata '{\"colour\":\"blue\"}'",
            .options = {{"--hash", "HASH", "Known by exactly this", &o->hash},
                        {"--type", "TYPE", "Of this type", &o->type},
                        {"--node", "NODE", "Seen by this node: its name, node id or identity",
                         &o->node},
                        {"--metadata", "JSON", "With these members in its metadata", &o->metadata},
                        {"--like", "FILE",
                         "Similar to these 512 numbers: float32 in little-endian bytes, or a JSON "
                         "list",
                         &o->like},
                        {"--top", "N", "How many", &o->top, false, 50, 1},
                        {"--min", "-1..1", "Nothing less similar than this", &o->least},
                        {"--wait-ms", "MS", "For answers", &o->wait_ms, false, 60'000, 1},
                        {"--follow", "", "Print what is known after each answer", &o->follow}},
            .run = [&context, o] { return search(context, *o); }};
}

}  // namespace meshchain::app
