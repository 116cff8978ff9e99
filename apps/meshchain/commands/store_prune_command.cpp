// store prune: forgetting old blocks of a stopped node.

#include "host/json_document.h"
#include "host/store_pruning.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

std::expected<Output, base::Error> prune(const Context& context, std::uint64_t keep) {
    MESH_TRY(const host::PrunedStore pruned,
             host::prune_store(context.data, static_cast<std::uint32_t>(keep)));
    const std::string start = std::to_string(pruned.history_start.value);
    return output({{"blocks_pruned", pruned.blocks},
                   {"history_start", pruned.history_start.value},
                   {"final_height", pruned.final_height.value}},
                  std::to_string(pruned.blocks) + " blocks are pruned; those above height " +
                      start + " are held");
}

}  // namespace

Command store_prune_command(const Context& context) {
    const auto keep = std::make_shared<std::uint64_t>();
    return {
        .name = "prune",
        .summary = "Forget old FINAL blocks of a stopped node",
        .examples =
            "Example:\n  meshchain store prune --keep 10000 --data alice\n"
            "Coins and votes stay. A running node prunes by itself with store.keep_blocks set.\n"
            "SQLite gives the room back to the disk with `meshchain store compact`.",
        .options = {{"--keep", "N", "blocks to keep up to FINAL, 64 or more", keep.get(), true,
                     UINT32_MAX}},
        .run = [&context, keep]() -> std::expected<Output, base::Error> {
            if (*keep >= 64) return prune(context, *keep);
            return base::failure(base::Errc::invalid_argument,
                                 std::to_string(*keep) + " is too few", "--keep",
                                 "allowed: 64 or more, so that peers can start from it");
        }};
}

}  // namespace meshchain::app
