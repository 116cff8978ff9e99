// store: what can be done with the store of a node.

#include "meshchain/commands/commands.h"

namespace meshchain::app {

Command store_command(const Context& context) {
    return {.name = "store",
            .summary = "Check, compact, back up and move a node's store",
            .commands = {store_prune_command(context)}};
}

}  // namespace meshchain::app
