#include "wallet/address.h"

#include "wallet/bech32m.h"

namespace meshchain::wallet {
namespace {

/// 32 bytes are 51.2 symbols; the last one is padded with four zero bits.
constexpr std::size_t key_symbols = (crypto::PublicKey::size * 8 + 4) / 5;
static_assert(key_symbols == 52);

void append_key(const crypto::PublicKey& key, std::vector<std::uint8_t>& symbols) {
    unsigned bits = 0;
    unsigned count = 0;
    for (const std::byte byte : key.bytes) {
        bits = (bits << 8 | std::to_integer<unsigned>(byte)) & 0xfff;
        for (count += 8; count >= 5; count -= 5) {
            symbols.push_back(static_cast<std::uint8_t>(bits >> (count - 5) & 31));
        }
    }
    symbols.push_back(static_cast<std::uint8_t>(bits << (5 - count) & 31));
}

/// Nothing if the padding is not zero, so that each key has one address only.
std::optional<crypto::PublicKey> read_key(std::span<const std::uint8_t> symbols) {
    crypto::PublicKey key;
    std::size_t size = 0;
    unsigned bits = 0;
    unsigned count = 0;
    for (const std::uint8_t symbol : symbols) {
        bits = (bits << 5 | symbol) & 0xfff;
        count += 5;
        if (count < 8) continue;
        count -= 8;
        key.bytes[size++] = static_cast<std::byte>(bits >> count & 0xff);
    }
    const unsigned padding = bits & ((1U << count) - 1);
    return padding == 0 ? std::optional(key) : std::nullopt;
}

std::unexpected<base::Error> refused(base::Errc code, std::string what, std::string advice) {
    return base::failure(code, std::move(what), "address", std::move(advice));
}

}  // namespace

std::string encode_address(const crypto::PublicKey& owner) {
    Bech32m content{std::string(address_prefix), {address_version}};
    append_key(owner, content.symbols);
    return encode(content);
}

std::expected<crypto::PublicKey, base::Error> parse_address(std::string_view text) {
    MESH_TRY(const Bech32m content, parse_bech32m(text));
    if (content.prefix != address_prefix) {
        return refused(base::Errc::invalid_argument,
                       "the prefix '" + content.prefix + "' belongs to another kind of address",
                       "use one that begins with mesh1");
    }
    if (content.symbols.empty()) {
        return refused(base::Errc::malformed, "an empty address", "copy the whole address again");
    }
    if (content.symbols.front() != address_version) {
        return refused(base::Errc::wrong_version,
                       "address version " + std::to_string(content.symbols.front()),
                       "use a program that knows this version");
    }
    const std::span key_part = std::span(content.symbols).subspan(1);
    const auto key = key_part.size() == key_symbols ? read_key(key_part) : std::nullopt;
    if (!key) {
        return refused(base::Errc::malformed, "not a key of 32 bytes",
                       "ask the payee for the address again");
    }
    if (!crypto::is_prime_order(*key)) {
        return refused(base::Errc::invalid_argument, "a key for which nobody can sign",
                       "ask the payee for the address again: money sent there is lost");
    }
    return *key;
}

}  // namespace meshchain::wallet
