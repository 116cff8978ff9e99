#include "host/node_keys.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/cursor.h"
#include "base/resource_guard.h"
#include "crypto/hash.h"
#include "host/file.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

using base::Errc;

constexpr std::string_view magic = "MCNK";
constexpr std::uint8_t version = 1;
constexpr std::uint8_t has_validating_key = 1;
constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t file_bytes_max =
    4 + 1 + 1 + 2 * crypto::SigningKey::seed_size + checksum_bytes;

base::Buffer checksum(base::Bytes content) {
    return base::to_buffer(crypto::hash(content).span().first(checksum_bytes));
}

void write_seed(base::Writer& out, const crypto::SigningKey& key) {
    crypto::SigningKey::Seed seed = key.seed();
    out.bytes(seed);
    crypto::wipe(seed);
}

crypto::SigningKey read_key(base::Reader& in) {
    crypto::SigningKey::Seed seed = in.array<crypto::SigningKey::seed_size>();
    const base::ResourceGuard wipe([&] { crypto::wipe(seed); });
    return crypto::SigningKey::from_seed(seed);
}

std::unexpected<base::Error> refused(Errc code, std::string what) {
    return base::failure(code, std::move(what), "node keys",
                         "put the file back from a backup, or make a new identity");
}

}  // namespace

node::Keys generate_keys(base::Entropy& entropy) {
    return {crypto::SigningKey::generate(entropy), crypto::SigningKey::generate(entropy)};
}

Secret encode(const node::Keys& keys) {
    base::Buffer bytes;
    bytes.reserve(file_bytes_max);  // growing would leave copies of the seeds behind
    base::Writer out(bytes);
    out.text(magic).u8(version).u8(keys.validating ? has_validating_key : 0);
    write_seed(out, keys.identity);
    if (keys.validating) write_seed(out, *keys.validating);
    out.bytes(checksum(bytes));
    return Secret(std::move(bytes));
}

std::expected<node::Keys, base::Error> parse_node_keys(base::Bytes bytes) {
    base::Reader in(bytes);
    if (base::as_text(in.take(magic.size())) != magic) {
        return refused(Errc::malformed, "this is no file of node keys");
    }
    const std::uint8_t found = in.u8();
    if (in.ok() && found != version) {
        return refused(Errc::wrong_version, "version " + std::to_string(found) + " is unknown");
    }
    const std::uint8_t flags = in.u8();
    if (flags > has_validating_key) in.fail();
    node::Keys keys{read_key(in), std::nullopt};
    if (flags == has_validating_key) keys.validating = read_key(in);
    const base::Bytes content = bytes.first(in.offset());
    const base::Bytes stated = in.take(checksum_bytes);
    MESH_CHECK(in.finish("node keys"));
    if (!base::equal(stated, checksum(content))) {
        return refused(Errc::corrupt, "the checksum differs");
    }
    return keys;
}

std::expected<node::Keys, base::Error> load_node_keys(const std::filesystem::path& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return std::unexpected(os_error(errno, "read", path));
    if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return base::failure(Errc::unauthorized, "others may read the node's secrets",
                             path.string(), "chmod 600 it; if others did read it, replace it");
    }
    MESH_TRY(base::Buffer bytes, read_file(path, file_bytes_max));
    const Secret secret(std::move(bytes));
    auto keys = parse_node_keys(secret.bytes());
    if (!keys) keys.error().where = path.string();
    return keys;
}

std::expected<void, base::Error> save_node_keys(const node::Keys& keys,
                                                const std::filesystem::path& path) {
    return write_file(path, encode(keys).bytes(), IfExists::refuse);
}

}  // namespace meshchain::host
