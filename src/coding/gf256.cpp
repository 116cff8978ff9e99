#include "coding/gf256.h"

#include "base/assert.h"

namespace meshchain::coding {
namespace {

/// Products of one factor with both halves of a byte: a product is the sum of two of them.
class Products {
public:
    explicit Products(std::uint8_t factor) {
        for (unsigned i = 0; i < 16; ++i) {
            low_[i] = std::byte{Gf256::multiply(factor, static_cast<std::uint8_t>(i))};
            high_[i] = std::byte{Gf256::multiply(factor, static_cast<std::uint8_t>(i << 4))};
        }
    }
    std::byte operator()(std::byte value) const {
        const unsigned index = std::to_integer<unsigned>(value);
        return low_[index & 15] ^ high_[index >> 4];
    }

private:
    std::array<std::byte, 16> low_;
    std::array<std::byte, 16> high_;
};

}  // namespace

void add_multiple(base::MutableBytes out, base::Bytes in, std::uint8_t factor) {
    MESH_ASSERT(in.size() <= out.size());
    const Products product(factor);
    for (std::size_t i = 0; i < in.size(); ++i) out[i] ^= product(in[i]);
}

void scale(base::MutableBytes out, std::uint8_t factor) {
    const Products product(factor);
    for (std::byte& value : out) value = product(value);
}

}  // namespace meshchain::coding
