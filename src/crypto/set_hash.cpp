#include "crypto/set_hash.h"

#include <sodium.h>

#include "base/cursor.h"

namespace meshchain::crypto {
namespace {

/// The ChaCha20 key stream of an element, its 16-bit lanes read as big-endian.
std::array<std::uint16_t, 1024> expand(const Hash& element) {
    static constexpr std::array<unsigned char, crypto_stream_chacha20_ietf_NONCEBYTES> nonce{};
    std::array<unsigned char, SetHash::state_bytes> stream;
    crypto_stream_chacha20_ietf(stream.data(), stream.size(), nonce.data(),
                                reinterpret_cast<const unsigned char*>(element.bytes.data()));
    std::array<std::uint16_t, 1024> lanes;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
        lanes[i] = static_cast<std::uint16_t>(stream[2 * i] << 8 | stream[2 * i + 1]);
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
