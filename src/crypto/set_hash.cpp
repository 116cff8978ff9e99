#include "crypto/set_hash.h"

#include <sodium.h>

#include <bit>

#include "base/cursor.h"

namespace meshchain::crypto {
namespace {

using Lanes = std::array<std::uint16_t, SetHash::state_bytes / 2>;

/// The ChaCha20 key stream of an element, its 16-bit lanes read as big-endian. Loops over whole
/// arrays here and below, because those the compiler turns into vector instructions.
Lanes expand(const Hash& element) {
    static constexpr std::array<unsigned char, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
    Lanes lanes;
    crypto_stream_chacha20_ietf(reinterpret_cast<unsigned char*>(lanes.data()), sizeof lanes,
                                nonce.data(),
                                reinterpret_cast<const unsigned char*>(element.bytes.data()));
    if constexpr (std::endian::native == std::endian::little) {
        for (std::uint16_t& lane : lanes) {
            lane = static_cast<std::uint16_t>(lane << 8 | lane >> 8);
        }
    }
    return lanes;
}

}  // namespace

std::expected<SetHash, base::Error> SetHash::parse(base::Bytes state) {
    SetHash result;
    base::Reader in(state);
    for (auto& lane : result.state_) lane = in.u16();
    MESH_CHECK(in.finish("set hash"));
    return result;
}

base::Buffer SetHash::encode() const {
    base::Buffer out;
    out.reserve(state_bytes);
    base::Writer writer(out);
    for (const std::uint16_t lane : state_) writer.u16(lane);
    return out;
}

void SetHash::add(const Hash& element) {
    const auto lanes_of_element = expand(element);
    for (std::size_t i = 0; i < lanes; ++i) {
        state_[i] = static_cast<std::uint16_t>(state_[i] + lanes_of_element[i]);
    }
}

void SetHash::remove(const Hash& element) {
    const auto lanes_of_element = expand(element);
    for (std::size_t i = 0; i < lanes; ++i) {
        state_[i] = static_cast<std::uint16_t>(state_[i] - lanes_of_element[i]);
    }
}

void SetHash::add(const SetHash& other) {
    for (std::size_t i = 0; i < lanes; ++i) {
        state_[i] = static_cast<std::uint16_t>(state_[i] + other.state_[i]);
    }
}

Hash SetHash::digest() const { return hash(encode()); }

}  // namespace meshchain::crypto
