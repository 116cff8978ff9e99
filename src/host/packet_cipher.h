#pragma once
// Meshtastic's two ciphers (rows E1, E4), needed where no radio does it for us: on MQTT and on UDP
// multicast. A channel's key hides what a packet says from those without it and proves nothing:
// anybody with the key can change or invent packets, so whatever matters is signed inside. A
// packet to one node is sealed for its public key, and was made by the owner of the other.
//
// Errors: io (OpenSSL refuses, which its versions in Debian 12 never do here).
// Source: firmware 2.7.26, CryptoEngine.cpp; RFC 7748 (X25519), RFC 3610 (CCM).
// Format: docs/formats/meshtastic.md

#include <array>
#include <expected>
#include <optional>

#include "base/entropy.h"
#include "radio/channel_key.h"

namespace meshchain::host {

/// Encrypts, and decrypts: it is the same. Without a key the bytes stay as they are.
std::expected<base::Buffer, base::Error> crypt_for_channel(const radio::ChannelKey& key,
                                                           radio::NodeNumber from, std::uint32_t id,
                                                           base::Bytes bytes);

/// The same behind the door of virtual radios. Without state.
class PacketCipher final : public radio::ChannelCipher {
public:
    std::expected<base::Buffer, base::Error> crypt(const radio::ChannelKey& key,
                                                   radio::NodeNumber from, std::uint32_t id,
                                                   base::Bytes bytes) const override {
        return crypt_for_channel(key, from, id, bytes);
    }
};

/// A radio's X25519 keys. Wiped when destroyed.
class RadioKey {
public:
    static constexpr std::size_t size = 32;
    using Bytes = std::array<std::byte, size>;

    static std::expected<RadioKey, base::Error> from_secret(const Bytes& secret);
    static std::expected<RadioKey, base::Error> generate(base::Entropy& entropy);

    RadioKey(RadioKey&& other) noexcept;
    RadioKey& operator=(RadioKey&& other) noexcept;
    RadioKey(const RadioKey&) = delete;
    RadioKey& operator=(const RadioKey&) = delete;
    ~RadioKey();

    const Bytes& public_key() const { return public_; }
    const Bytes& secret() const { return secret_; }

private:
    RadioKey() = default;

    Bytes secret_{};
    Bytes public_{};
};

/// What a sealed packet is longer than its content.
inline constexpr std::size_t direct_overhead_bytes = 8 + 4;

/// `content` holds something; `extra` is drawn anew for each packet. Errors: malformed (no public
/// key of X25519).
std::expected<base::Buffer, base::Error> seal_direct(const RadioKey& own,
                                                     const RadioKey::Bytes& peer,
                                                     radio::NodeNumber from, std::uint32_t id,
                                                     std::uint32_t extra, base::Bytes content);
/// Nothing: it was not sealed for us by this peer, or was changed.
std::optional<base::Buffer> open_direct(const RadioKey& own, const RadioKey::Bytes& peer,
                                        radio::NodeNumber from, std::uint32_t id,
                                        base::Bytes sealed);

}  // namespace meshchain::host
