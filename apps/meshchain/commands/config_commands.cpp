// config check, config show: on the file, while no node uses it.

#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/file_lock.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

std::expected<Output, base::Error> check(const Context& context) {
    MESH_TRY(const host::FileLock lock, host::FileLock::acquire(context.data));
    const auto path = host::DataFolder(context.data).config();
    MESH_TRY(const node::NodeConfig config, host::load_config(path));
    return output({{"file", path.string()}, {"valid", true}}, path.string() + " is in order");
}

std::expected<Output, base::Error> show(const Context& context) {
    MESH_TRY(const node::NodeConfig config,
             host::load_config(host::DataFolder(context.data).config()));
    return output(host::to_json(config));
}

}  // namespace

Command config_command(const Context& context) {
    return {.name = "config",
            .summary = "Check or show a node's configuration",
            .commands = {{.name = "check",
                          .summary = "Find mistakes in DIR/config.json",
                          .examples = "Example:\n  meshchain config check --data alice",
                          .run = [&context] { return check(context); }},
                         {.name = "show",
                          .summary = "Print every setting, defaults included",
                          .examples = "Example:\n  meshchain config show --data alice",
                          .run = [&context] { return show(context); }}}};
}

}  // namespace meshchain::app
