#pragma once
// The secret of this device, without which a wallet's PIN opens nothing. It lies outside the data
// folder, so that neither a copy of the wallet nor a backup of the folder holds it.
//
// Errors: unauthorized (others may read it), not_found (there is none; the PIN is of another
//         device), malformed, unavailable (no place for it is known), those of host/file.h.
// Format: docs/formats/wallet-tries.md

#include <expected>
#include <filesystem>

#include "base/entropy.h"
#include "host/data_folder.h"
#include "host/secret.h"

namespace meshchain::host {

/// wallet.device_secret_path of the configuration, or else $XDG_STATE_HOME/meshchain/device.secret,
/// where XDG_STATE_HOME stands for ~/.local/state if it is not set.
std::expected<std::filesystem::path, base::Error> device_secret_path(const DataFolder& folder,
                                                                     const node::NodeConfig& c);
std::expected<Secret, base::Error> load_device_secret(const std::filesystem::path& path);
/// Makes one if there is none. It is never replaced: PINs set before would be lost.
std::expected<Secret, base::Error> load_or_make_device_secret(const std::filesystem::path& path,
                                                              base::Entropy& entropy);

}  // namespace meshchain::host
