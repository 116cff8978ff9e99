#pragma once
// Whole small files: configuration, genesis, keys, tokens. Not for data that grows; that is kv's.
//
// Errors:  those of os_error, naming path, cause and remedy; too_large.
// Threads: no state; two writers of one path leave one of the two contents, never a mixture.

#include <expected>
#include <filesystem>

#include "base/bytes.h"

namespace meshchain::host {

/// The whole content. Errors: not_found, unauthorized, invalid_argument (a folder), io, too_large
/// (more than `bytes_max`, of which no more is read than tells it).
std::expected<base::Buffer, base::Error> read_file(const std::filesystem::path& path,
                                                   std::size_t bytes_max);

enum class IfExists : unsigned char { replace, refuse };

/// Writes the file so that after a crash or power cut at any instant `path` holds the old content
/// or the new, and on return the new is on the disk: temporary file of mode 0600 in the same
/// folder (`.meshchain-NAME.part-XXXXXX`, under flock(2)), fsync, rename, fsync of the folder. A
/// symbolic link at `path` is itself replaced. After an error `path` is as it was, unless the last
/// fsync failed (io, which says so). Errors: not_found (no such folder), unauthorized, full, exists
/// (with IfExists::refuse), io.
std::expected<void, base::Error> write_file(const std::filesystem::path& path, base::Bytes content,
                                            IfExists if_exists = IfExists::replace);

/// As write_file, for a file that is of use to one run only, also on a full disk: into what
/// set_aside() kept of a former run, in place, where there is no room for a new one. A crash may
/// leave a mixture. Errors: those of write_file; full only where nothing was kept.
std::expected<void, base::Error> write_transient_file(const std::filesystem::path& path,
                                                      base::Bytes content);
/// Takes a file from its name and keeps the room that it has (`.meshchain-NAME.spare`).
void set_aside(const std::filesystem::path& path);

/// Removes what write_file left in the folder where it was killed; what somebody writes stays.
void remove_leftovers(const std::filesystem::path& folder);

/// Gives a file that is synced already its name, as write_file does at its end.
/// Errors: those of write_file.
std::expected<void, base::Error> move_file(const std::filesystem::path& from,
                                           const std::filesystem::path& to, IfExists if_exists);

/// Makes the names in the folder of this file durable: of a file made, moved or removed there.
std::expected<void, base::Error> sync_folder_of(const std::filesystem::path& file);

}  // namespace meshchain::host
