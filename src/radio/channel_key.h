#pragma once
// Keys of Meshtastic's channels (rows E1, E4): how a setting becomes a key, how packets name the
// channel they are encrypted for, and from what the ciphers count. The ciphers themselves are the
// host's (host/packet_cipher.h).
//
// Source: firmware 2.7.26, Channels.cpp and CryptoEngine.cpp.
// Format: docs/formats/meshtastic.md

#include <array>
#include <cstdint>
#include <expected>
#include <string_view>

#include "base/error.h"
#include "radio/packet.h"

namespace meshchain::radio {

/// 16 bytes for AES-128, 32 for AES-256, none for a channel in clear.
struct ChannelKey {
    base::Buffer bytes;
    friend bool operator==(const ChannelKey&, const ChannelKey&) = default;
};

/// What a radio makes of the bytes set as a channel's key: none or 0 is clear, one byte names a
/// well-known key, shorter ones are filled up with zeros. Errors: too_large (more than 32).
std::expected<ChannelKey, base::Error> channel_key_of(base::Bytes psk);

/// A key as Meshtastic's programs show it: base64, such as "AQ==" for the well-known one; empty for
/// none. Errors: malformed (no base64), too_large, invalid_argument (a length no program makes).
std::expected<base::Buffer, base::Error> parse_psk(std::string_view base64);

/// One byte, so different channels can share it: which key fits is found by trying.
std::uint8_t channel_hash(std::string_view name, const ChannelKey& key);

/// Counter block of AES-CTR for a packet. Never twice under one key: ids are drawn anew.
std::array<std::byte, 16> counter_block(NodeNumber from, std::uint32_t id);
/// Nonce of AES-CCM for a packet to one node; `extra` is random and travels with it.
std::array<std::byte, 13> direct_nonce(NodeNumber from, std::uint32_t id, std::uint32_t extra);

/// Door to the cipher of channels: AES-CTR from counter_block(from, id), which the host has.
class ChannelCipher {
public:
    virtual ~ChannelCipher() = default;
    /// Encrypts, and decrypts: it is the same. Without a key the bytes stay as they are. Errors:
    /// io.
    virtual std::expected<base::Buffer, base::Error> crypt(const ChannelKey& key, NodeNumber from,
                                                           std::uint32_t id,
                                                           base::Bytes bytes) const = 0;
};

}  // namespace meshchain::radio
