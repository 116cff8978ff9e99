#pragma once
// What an operator does with a node's store: check it, make it small, copy it, move it to another
// engine (row B16).
//
// Time:    as long as reading the whole store, and writing it where that is done.
// Errors:  locked (the node runs where it must not; a flash log has one reader or writer), those of
//          the store, of host/file.h and of host/store_export.h.
// Safety:  a copy is older than what its key signs after it was made. In backups, and in imports
//          of anything but this folder's newest state, the signing record is marked as restored: a
//          validator that starts from them keeps silent until FINAL has passed its start.

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "host/folder_turn.h"
#include "host/node_store.h"
#include "host/store_export.h"
#include "node/config.h"

namespace meshchain::host {

/// The chain's newest block in a store; the chain id and 0 before the first.
struct StoreTip {
    crypto::Hash chain;
    crypto::Hash hash;
    std::uint32_t height = 0;
};

struct StoreDamage {
    std::string table;  ///< empty: the file's structure
    std::string after;  ///< the last key before it that can be read, in hexadecimal digits
    base::Error error;
};

struct StoreCheck {
    static constexpr std::size_t damages_max = 100;

    node::StoreEngine engine{};
    std::filesystem::path path;
    struct TableCount {
        std::string name;
        std::uint64_t entries;  ///< that can be read
    };
    std::vector<TableCount> tables;
    std::vector<StoreDamage> damages;  ///< the first of them
    std::optional<StoreTip> tip;       ///< none where the chain cannot be read
    std::string advice;                ///< empty where nothing is damaged

    bool is_sound() const { return damages.empty(); }
};

/// Reads everything, whatever part of it is damaged. Beside a running node with SQLite.
std::expected<StoreCheck, base::Error> check_store(const std::filesystem::path& root);

/// Of a stopped node.
std::expected<Compaction, base::Error> compact_store(const std::filesystem::path& root);

struct StoreCopy {
    StoreTip tip = {};
    std::uint64_t entries = 0;
    crypto::Hash fingerprint = {};  ///< of an export
    bool key_waits = false;         ///< the copy's signing record is marked as restored
    std::filesystem::path path = {};
    std::filesystem::path key_path = {};  ///< backup: of an encrypted store
    std::filesystem::path old_path = {};  ///< import: the store used before, if there was one
};

/// A copy of the newest state in a new file of the same engine, with every entry verified on the
/// way and the copy verified afterwards. Beside a running node with SQLite.
/// Errors: exists (`to` is there), those of wait_for_turn.
std::expected<StoreCopy, base::Error> backup_store(const std::filesystem::path& root,
                                                   const std::filesystem::path& to,
                                                   const TurnOptions& turn = {});
/// The newest state as a stream in a new file. Beside a running node with SQLite.
std::expected<StoreCopy, base::Error> export_store(const std::filesystem::path& root,
                                                   const std::filesystem::path& to,
                                                   const TurnOptions& turn = {});

struct ImportOptions {
    std::optional<node::StoreEngine> engine;  ///< of the new store; the configured one if not given
    std::optional<std::uint32_t> size_mb;     ///< of a new flash log
};
/// Makes a new store of an export, or of a backup, and lets the configuration name it, which is the
/// one act that changes anything: a crash before leaves the node as it was. The old store stays
/// where it is. Of a stopped node. Errors: wrong_chain, invalid_argument (of another validator).
std::expected<StoreCopy, base::Error> import_store(const std::filesystem::path& root,
                                                   const std::filesystem::path& from,
                                                   const ImportOptions& options);

}  // namespace meshchain::host
