#pragma once
// A piece of the disk that is kept for the start of a node (row B12): before SQLite can so much as
// open a store for writing it makes two files, and a start makes a few small commits. On a disk
// that others have filled, the file `<store>.room` is given up for that. A flash log needs none.
//
// Errors: none are told: without the room, the start says what it lacks.

#include <filesystem>

namespace meshchain::host {

/// Keeps as much as there is, up to half a megabyte; nothing where that would not do.
void keep_room(const std::filesystem::path& store);
/// Gives it back if there is little else.
void use_room(const std::filesystem::path& store);

}  // namespace meshchain::host
