#include "host/device_secret.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/cursor.h"
#include "host/file.h"
#include "host/os_error.h"
#include "wallet/opened_key_file.h"

namespace meshchain::host {
namespace {

constexpr std::string_view magic = "MCDS\x01";
constexpr std::size_t file_bytes = magic.size() + wallet::device_secret_bytes;

}  // namespace

std::expected<std::filesystem::path, base::Error> device_secret_path(const DataFolder& folder,
                                                                     const node::NodeConfig& c) {
    if (!c.wallet.device_secret_path.empty()) return folder.root() / c.wallet.device_secret_path;
    const auto set = [](const char* name) -> std::filesystem::path {
        const char* const value = std::getenv(name);
        return value == nullptr ? "" : value;
    };
    std::filesystem::path state = set("XDG_STATE_HOME");
    if (state.empty() && !set("HOME").empty()) state = set("HOME") / ".local" / "state";
    if (state.is_absolute()) return state / "meshchain" / "device.secret";
    return base::failure(base::Errc::unavailable, "no place for the device secret is known", "PIN",
                         "set wallet.device_secret_path in the configuration");
}

std::expected<Secret, base::Error> load_device_secret(const std::filesystem::path& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno != ENOENT) return std::unexpected(os_error(errno, "read", path));
        return base::failure(base::Errc::not_found, "this device has no device secret",
                             path.string(), "use the passphrase, and set the PIN on this device");
    }
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return base::failure(base::Errc::unauthorized, "others may read the device secret",
                             path.string(), "remove it, and set the PIN again");
    }
    MESH_TRY(base::Buffer bytes, read_file(path, file_bytes));
    const Secret content{std::move(bytes)};
    base::Reader in(content.bytes());
    if (base::as_text(in.take(magic.size())) != magic) in.fail();
    const base::Bytes secret = in.take(wallet::device_secret_bytes);
    if (!in.finish("device secret")) {
        return base::failure(base::Errc::malformed, "this is no device secret", path.string(),
                             "move it away, and set the PIN again");
    }
    return Secret::copy_of(secret);
}

std::expected<Secret, base::Error> load_or_make_device_secret(const std::filesystem::path& path,
                                                              base::Entropy& entropy) {
    auto loaded = load_device_secret(path);
    if (loaded || loaded.error().code != base::Errc::not_found) return loaded;
    MESH_CHECK(make_folder(path.parent_path()));
    base::SecretBuffer content(secret_memory(), file_bytes);
    const auto rest = std::ranges::copy(base::as_bytes(magic), content.bytes().begin()).out;
    entropy.fill({rest, content.bytes().end()});
    const auto written = write_file(path, content.bytes(), IfExists::refuse);
    if (!written && written.error().code != base::Errc::exists) {
        return std::unexpected(written.error());
    }
    return load_device_secret(path);
}

}  // namespace meshchain::host
