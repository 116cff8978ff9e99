// config check, config show: what the file says, what is in force, and what it bounds.

#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/http.h"
#include "host/json_document.h"
#include "host/node_inspection.h"
#include "host/node_setup.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

using host::Json;

std::expected<std::string, base::Error> config_text(const host::DataFolder& folder) {
    auto bytes = host::read_file(folder.config(), host::config_bytes_max);
    if (bytes) return std::string(base::as_text(*bytes));
    if (bytes.error().code == base::Errc::not_found) {
        bytes.error().advice =
            "prepare the folder with `meshchain node init`, or name another by "
            "--data";
    }
    return std::unexpected(bytes.error());
}

std::expected<Output, base::Error> check(const Context& context) {
    const host::DataFolder folder(context.data);
    const std::string file = folder.config().string();
    MESH_TRY(const std::string text, config_text(folder));
    const std::vector<base::Error> problems = host::all_config_problems(folder, text);
    Json list = Json::array();
    std::string page;
    for (const base::Error& problem : problems) {
        list.push_back(host::to_json(problem));
        page += sentence(problem) + "\n";
    }
    if (problems.empty()) page = file + " is in order";
    Output result =
        output({{"file", file}, {"valid", problems.empty()}, {"problems", list}}, std::move(page));
    if (!problems.empty()) result.exit_code = ExitCode::failure;
    return result;
}

std::expected<Output, base::Error> show_limits(const host::DataFolder& folder,
                                               const node::NodeConfig& config) {
    MESH_TRY(const ledger::Genesis genesis, host::load_genesis(folder.genesis()));
    const auto limits = host::memory_limits(config, genesis);
    Json rows = Json::array();
    std::vector<std::vector<std::string>> cells{{"MODULE", "WHAT", "AT MOST", "BYTES"}};
    for (const node::MemoryLimit& limit : limits) {
        rows.push_back({{"module", limit.module},
                        {"what", limit.what},
                        {"count_max", limit.count_max},
                        {"bytes_max", limit.bytes_max()}});
        cells.push_back({std::string(limit.module), std::string(limit.what),
                         std::to_string(limit.count_max), std::to_string(limit.bytes_max())});
    }
    const std::uint64_t total = node::total_bytes(limits);
    return output({{"limits", std::move(rows)}, {"bytes_max", total}},
                  table(cells) + "\nTogether at most " + std::to_string(total) +
                      " bytes, beside the program itself.");
}

std::expected<Output, base::Error> show(const Context& context, bool limits) {
    const host::DataFolder folder(context.data);
    MESH_TRY(const std::string text, config_text(folder));
    const std::string file = folder.config().string();
    MESH_TRY(const node::NodeConfig config, host::parse_config(text, file));
    if (limits) return show_limits(folder, config);
    MESH_TRY(const auto settings, host::settings_of(text, file));
    Json sources = Json::object();
    std::vector<std::vector<std::string>> cells{{"SETTING", "VALUE", "FROM"}};
    for (const host::Setting& setting : settings) {
        sources[setting.name] = setting.source;
        cells.push_back({setting.name, setting.value, setting.source});
    }
    return output({{"config", host::shown_json(config)}, {"sources", std::move(sources)}},
                  table(cells));
}

}  // namespace

Command config_command(const Context& context) {
    const auto limits = std::make_shared<bool>(false);
    return {
        .name = "config",
        .summary = "Check or show a node's configuration",
        .commands = {
            {.name = "check",
             .summary = "Find every mistake in DIR/config.json",
             .examples = "Example:\n  meshchain config check --data alice",
             .run = [&context] { return check(context); }},
            {.name = "show",
             .summary = "Print every setting in force, and whether the file or a default says so",
             .examples = "Examples:\n  meshchain config show --data alice\n"
                         "  meshchain config show --limits --data alice",
             .options = {{"--limits", "", "print what bounds the node's memory instead",
                          limits.get()}},
             .run = [&context, limits] { return show(context, *limits); }}}};
}

}  // namespace meshchain::app
