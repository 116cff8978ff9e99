#include "radio/channel_key.h"

#include <sodium/utils.h>

#include <algorithm>

namespace meshchain::radio {
namespace {

constexpr std::size_t aes128_bytes = 16;
constexpr std::size_t aes256_bytes = 32;

/// The key of every radio that was never set up; the others that one byte names differ in its end.
constexpr std::array<std::uint8_t, aes128_bytes> well_known{
    0xd4, 0xf1, 0xbb, 0x3a, 0x20, 0x29, 0x07, 0x59, 0xf0, 0xbc, 0xff, 0xab, 0xcf, 0x4e, 0x69, 0x01};

void put_little_endian(std::byte* out, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<std::byte>(value >> 8 * i);
}

ChannelKey well_known_key(std::uint8_t number) {
    ChannelKey key;
    for (const std::uint8_t byte : well_known) key.bytes.push_back(std::byte{byte});
    key.bytes.back() = static_cast<std::byte>(well_known.back() + number - 1);
    return key;
}

}  // namespace

std::expected<ChannelKey, base::Error> channel_key_of(base::Bytes psk) {
    if (psk.size() > aes256_bytes) {
        return base::failure(base::Errc::too_large, std::to_string(psk.size()) + " bytes",
                             "channel key", "give one of 0, 1, 16 or 32 bytes");
    }
    if (psk.empty() || (psk.size() == 1 && psk[0] == std::byte{0})) return ChannelKey{};
    if (psk.size() == 1) return well_known_key(std::to_integer<std::uint8_t>(psk[0]));
    ChannelKey key{base::to_buffer(psk)};
    key.bytes.resize(psk.size() <= aes128_bytes ? aes128_bytes : aes256_bytes);
    return key;
}

std::expected<base::Buffer, base::Error> parse_psk(std::string_view base64) {
    const auto refuse = [](base::Errc code, std::string what) {
        return base::failure(code, std::move(what), "channel key",
                             "copy it from the radio's settings: base64 of 0, 1, 16 or 32 bytes");
    };
    if (base64.size() > (aes256_bytes + 2) / 3 * 4) {
        return refuse(base::Errc::too_large, std::to_string(base64.size()) + " characters");
    }
    base::Buffer psk(aes256_bytes);
    std::size_t size = 0;
    // The text is not repeated: it is a secret.
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(psk.data()), psk.size(), base64.data(),
                          base64.size(), nullptr, &size, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        return refuse(base::Errc::malformed, "no base64");
    }
    if (size != 0 && size != 1 && size != aes128_bytes && size != aes256_bytes) {
        return refuse(base::Errc::invalid_argument, std::to_string(size) + " bytes");
    }
    psk.resize(size);
    return psk;
}

std::uint8_t channel_hash(std::string_view name, const ChannelKey& key) {
    std::byte hash{0};
    for (const std::byte byte : base::as_bytes(name)) hash ^= byte;
    for (const std::byte byte : key.bytes) hash ^= byte;
    return std::to_integer<std::uint8_t>(hash);
}

std::array<std::byte, 16> counter_block(NodeNumber from, std::uint32_t id) {
    std::array<std::byte, 16> block{};
    put_little_endian(block.data(), id);
    put_little_endian(block.data() + 8, static_cast<std::uint32_t>(from));
    return block;
}

std::array<std::byte, 13> direct_nonce(NodeNumber from, std::uint32_t id, std::uint32_t extra) {
    std::array<std::byte, 13> nonce{};
    put_little_endian(nonce.data(), id);
    put_little_endian(nonce.data() + 4, extra);
    put_little_endian(nonce.data() + 8, static_cast<std::uint32_t>(from));
    return nonce;
}

}  // namespace meshchain::radio
