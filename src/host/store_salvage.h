#pragma once
// A new store of what can be read of a damaged one, for a stopped node. Nothing is invented: what
// is lost is said, and comes again from peers.
//
// - The chain is made whole of the rows that prove each other (chain/salvage.h).
// - The validating key counts as restored, whether its record could be read or not: it keeps
//   silent until FINAL has passed its start (PROTOCOL.md P3).
// - The wallet reads the chain again; labels and own payments that could be read and are in no
//   block stay. Without its key file, or with rows that do not belong to it, payments that no
//   block holds are forgotten.
//
// Time:   as long as reading the store, and at worst executing all blocks.
// Safety: the old store stays where it is; the configuration names the new one at the very end.
// Errors: exists (nothing is damaged), corrupt (nothing can be read at all), those of
//         host/store_replacing.h.

#include "chain/salvage.h"
#include "host/store_tools.h"

namespace meshchain::host {

inline constexpr auto salvage_advice =
    "stop the node and run `meshchain store salvage`: it makes a new store of what can be read, "
    "and the rest comes from peers";
/// Where a store cannot even be opened.
inline constexpr auto lost_store_advice =
    "restore a backup with `meshchain store import`; without one, stop the node, keep a copy of "
    "its folder, move the store with all files named like it away, and start with "
    "--accept-empty-store: it syncs again from peers";

struct StoreSalvage {
    static constexpr std::size_t damages_max = 20;

    struct Table {
        std::string name;
        std::uint64_t kept = 0;     ///< entries that could be read
        std::uint64_t damages = 0;  ///< places where something could not
    };
    std::vector<Table> tables;
    std::vector<StoreDamage> damages;  ///< the first of them
    chain::SalvagedChain chain;
    /// A flash log was damaged where it is read at the start: what was written last may be missing.
    bool may_lack_newest = false;
    bool takes_state = false;  ///< no chain is left, and it begins with a FINAL state of peers
    bool had_record = false;   ///< of what the key has signed
    bool had_wallet = true;    ///< whose rows go with the key file that is there
    std::filesystem::path path;
    std::filesystem::path old_path;
};

struct SalvageOptions {
    bool even_if_sound = false;  ///< every row may be sound, and one be missing all the same
};
std::expected<StoreSalvage, base::Error> salvage_store(const std::filesystem::path& root,
                                                       const SalvageOptions& options = {});

}  // namespace meshchain::host
