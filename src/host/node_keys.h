#pragma once
// The file of a node's own secrets: its identity, and the key that signs blocks and votes. They
// lie in clear, because a node must come up again after a power cut with nobody there to type;
// the file is for its owner alone, and is refused when others may read it. Money is not in it.
//
// Format: docs/formats/node-keys.md

#include <expected>
#include <filesystem>

#include "base/entropy.h"
#include "host/secret.h"
#include "node/keys.h"

namespace meshchain::host {

/// A new identity and validating key.
node::Keys generate_keys(base::Entropy& entropy);

Secret encode(const node::Keys& keys);
/// Errors: malformed, wrong_version, corrupt (the checksum differs).
std::expected<node::Keys, base::Error> parse_node_keys(base::Bytes bytes);

/// Errors: unauthorized (others may read it), those of parse_node_keys and host/file.h.
std::expected<node::Keys, base::Error> load_node_keys(const std::filesystem::path& path);
/// Never replaces a file: that would end an identity. Errors: exists, those of host/file.h.
std::expected<void, base::Error> save_node_keys(const node::Keys& keys,
                                                const std::filesystem::path& path);

}  // namespace meshchain::host
