#include "wallet/key_file.h"

#include <set>
#include <utility>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/utf8.h"

namespace meshchain::wallet {
namespace {

constexpr std::string_view magic = "MCWK";
constexpr std::uint8_t old_version = 1;
constexpr std::uint8_t version = 2;
constexpr std::size_t old_keys_max = 256;

std::unexpected<base::Error> failure_of(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "wallet key file", std::move(advice));
}

void read_label(base::Reader& in, KeyFile& file) {
    const std::size_t bytes = in.u8();
    if (bytes > KeyFile::label_bytes_max) in.fail();
    file.label = base::as_text(in.take(bytes));
}

void read_keys(base::Reader& in, KeyFile& file, std::size_t most) {
    const std::size_t count = in.u16();
    if (count == 0 || count > most) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        file.keys.push_back({in.array<crypto::PublicKey::size>()});
    }
}

base::Buffer read_sized(base::Reader& in) { return base::to_buffer(in.take(in.u16())); }

void write_sized(base::Writer& out, const base::Buffer& bytes) {
    out.u16(static_cast<std::uint16_t>(bytes.size())).bytes(bytes);
}

void read_old(base::Reader& in, KeyFile& file) {
    file.kind = KeyFile::Kind::old;
    read_label(in, file);
    read_keys(in, file, old_keys_max);
    file.handed_out = static_cast<std::uint16_t>(file.keys.size());
    file.by_passphrase = base::to_buffer(in.rest());
}

void read_present(base::Reader& in, KeyFile& file) {
    const std::uint8_t kind = in.u8();
    if (kind != std::to_underlying(KeyFile::Kind::sealed) &&
        kind != std::to_underlying(KeyFile::Kind::watch_only)) {
        in.fail();
    }
    file.kind = static_cast<KeyFile::Kind>(kind);
    read_label(in, file);
    file.handed_out = in.u16();
    read_keys(in, file, KeyFile::keys_max);
    if (file.handed_out == 0 || file.handed_out > file.keys.size()) in.fail();
    if (file.kind == KeyFile::Kind::watch_only) return;
    file.by_passphrase = read_sized(in);
    file.by_pin = read_sized(in);
    file.content = read_sized(in);
}

}  // namespace

base::Buffer encode_clear(const KeyFile& file) {
    const bool is_old = file.kind == KeyFile::Kind::old;
    MESH_ASSERT(file.label.size() <= KeyFile::label_bytes_max);
    MESH_ASSERT(!file.keys.empty());
    MESH_ASSERT(file.keys.size() <= (is_old ? old_keys_max : KeyFile::keys_max));
    base::Buffer out;
    base::Writer writer(out);
    writer.text(magic).u8(is_old ? old_version : version);
    if (!is_old) writer.u8(std::to_underlying(file.kind));
    writer.u8(static_cast<std::uint8_t>(file.label.size())).text(file.label);
    if (!is_old) writer.u16(file.handed_out);
    writer.u16(static_cast<std::uint16_t>(file.keys.size()));
    for (const crypto::PublicKey& key : file.keys) writer.bytes(key.bytes);
    return out;
}

base::Buffer encode(const KeyFile& file) {
    base::Buffer out = encode_clear(file);
    base::Writer writer(out);
    if (file.kind == KeyFile::Kind::old) writer.bytes(file.by_passphrase);
    if (file.kind != KeyFile::Kind::sealed) return out;
    write_sized(writer, file.by_passphrase);
    write_sized(writer, file.by_pin);
    write_sized(writer, file.content);
    return out;
}

std::expected<KeyFile, base::Error> parse_key_file(base::Bytes bytes) {
    if (bytes.size() > KeyFile::bytes_max) {
        return failure_of(base::Errc::too_large, std::to_string(bytes.size()) + " bytes",
                          "check that this is the right file");
    }
    base::Reader in(bytes);
    if (base::as_text(in.take(magic.size())) != magic) {
        return failure_of(base::Errc::malformed, "not a wallet key file",
                          "check that this is the right file");
    }
    const std::uint8_t found = in.u8();
    if (in.ok() && found != version && found != old_version) {
        return failure_of(base::Errc::wrong_version, "version " + std::to_string(found),
                          "use a program that knows this version");
    }
    KeyFile file;
    found == old_version ? read_old(in, file) : read_present(in, file);
    MESH_CHECK(in.finish("wallet key file"));
    return file;
}

std::expected<KeyFile, base::Error> make_watch_only(std::string_view label,
                                                    std::vector<crypto::PublicKey> keys) {
    MESH_CHECK(check_label(label));
    if (keys.empty()) {
        return failure_of(base::Errc::invalid_argument, "nothing to watch", "give an address");
    }
    if (keys.size() > KeyFile::keys_max) {
        return failure_of(base::Errc::too_large, std::to_string(keys.size()) + " addresses",
                          "watch at most " + std::to_string(KeyFile::keys_max));
    }
    std::set<crypto::PublicKey> seen;
    for (const crypto::PublicKey& key : keys) {
        if (!crypto::is_prime_order(key)) {
            return failure_of(base::Errc::invalid_argument, "a key for which nobody can sign",
                              "ask its owner for the address again");
        }
        if (!seen.insert(key).second) {
            return failure_of(base::Errc::invalid_argument, "an address is given twice",
                              "give each once");
        }
    }
    KeyFile file;
    file.kind = KeyFile::Kind::watch_only;
    file.label = label;
    file.handed_out = static_cast<std::uint16_t>(keys.size());
    file.keys = std::move(keys);
    return file;
}

std::expected<void, base::Error> check_label(std::string_view label) {
    if (!base::is_displayable(label)) {
        return failure_of(base::Errc::invalid_argument, "a label with control characters",
                          "write it in one line of UTF-8");
    }
    if (label.size() <= KeyFile::label_bytes_max) return {};
    return failure_of(base::Errc::invalid_argument,
                      "a label of " + std::to_string(label.size()) + " bytes",
                      "use at most " + std::to_string(KeyFile::label_bytes_max));
}

}  // namespace meshchain::wallet
