#pragma once
// A note in the data folder that it has a store, and how far that has come. A store that is
// deleted, emptied, or replaced by an older copy is thereby an Error at the next start instead of a
// new chain in silence: with it would go what this node's key has signed, and what its wallet
// knows. See docs/decisions/0110-mark-of-the-store.md.
//
// Format: docs/formats/store-marker.md

#include <filesystem>

#include "host/data_folder.h"
#include "host/file_descriptor.h"
#include "host/store_mark.h"
#include "kv/store.h"

namespace meshchain::host {

inline constexpr auto empty_store_advice =
    "put the store back; or, if it is lost, start once with `meshchain node run "
    "--accept-empty-store`: the node syncs anew, and a validator keeps silent until FINAL has "
    "passed its start";
inline constexpr auto older_store_advice =
    "put the newest store back; or, if it is lost, start once with `meshchain node run "
    "--accept-older-store`: the node goes on from there with what peers have, and a validator "
    "keeps silent until FINAL has passed its start";

/// Nothing where there is no note; read it before the store, which may be in use.
/// Errors: corrupt, those of read_file.
std::expected<std::optional<StoreMark>, base::Error> read_store_marker(const DataFolder& folder);
/// Errors: those of write_file.
std::expected<void, base::Error> write_store_marker(const DataFolder& folder,
                                                    const StoreMark& mark);
/// How far the store has come, and what the folder's note knows to be signed beyond it (newest());
/// a damaged note knows nothing. Errors: those of the store.
std::expected<StoreMark, base::Error> mark_of(const DataFolder& folder,
                                              const node::NodeConfig& config, kv::Store& store);

/// Errors: not_found (the store holds nothing), those of the store.
std::expected<void, base::Error> check_not_empty(const DataFolder& folder, kv::Store& store);
/// That the store is no older than the mark. One that holds nothing is not, nor one whose restored
/// key waits and has not been told for which round: neither signs anything twice.
/// Errors: stale, those of the store.
std::expected<void, base::Error> check_not_older(const StoreMark& mark, const DataFolder& folder,
                                                 const node::NodeConfig& config, kv::Store& store);
/// Both, if the folder has a note.
std::expected<void, base::Error> check_store_marker(const std::optional<StoreMark>& mark,
                                                    const DataFolder& folder,
                                                    const node::NodeConfig& config,
                                                    kv::Store& store);

/// The note, kept open so that it can be renewed on a full disk and with one sync.
class StoreMarkerFile {
public:
    /// Makes it if need be, and writes the mark. Errors: those of write_file, os_error.
    static std::expected<StoreMarkerFile, base::Error> open(const DataFolder& folder,
                                                            const StoreMark& mark);
    /// Durable when this returns; a cut leaves the one before. Errors: those of os_error.
    std::expected<void, base::Error> write(const StoreMark& mark);

private:
    StoreMarkerFile(std::filesystem::path path, FileDescriptor file, std::uint64_t turn)
        : path_(std::move(path)), file_(std::move(file)), turn_(turn) {}

    std::filesystem::path path_;
    FileDescriptor file_;
    std::uint64_t turn_;
};

/// Also where there is no file.
bool is_empty_file(const std::filesystem::path& path);

}  // namespace meshchain::host
