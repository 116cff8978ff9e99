#pragma once
// Stands in for AES in tests of this floor: as with it, another key, sender or id gives noise.

#include "base/random.h"
#include "radio/virtual_radio.h"

namespace meshchain::radio::test {

class NoiseCipher final : public ChannelCipher {
public:
    std::expected<base::Buffer, base::Error> crypt(const ChannelKey& key, NodeNumber from,
                                                   std::uint32_t id,
                                                   base::Bytes bytes) const override {
        base::Buffer out = base::to_buffer(bytes);
        if (key.bytes.empty()) return out;
        std::uint64_t seed = std::uint64_t{static_cast<std::uint32_t>(from)} << 32 | id;
        for (const std::byte byte : key.bytes) {
            seed = seed * 31 + std::to_integer<std::uint64_t>(byte);
        }
        base::Random noise(seed);
        for (std::byte& byte : out) byte ^= static_cast<std::byte>(noise.below(256));
        return out;
    }
};

class SeededEntropy final : public base::Entropy {
public:
    explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}
    void fill(base::MutableBytes out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(random_.below(256));
    }

private:
    base::Random random_;
};

}  // namespace meshchain::radio::test
