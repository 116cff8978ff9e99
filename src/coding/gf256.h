#pragma once
// Arithmetic in the field of 256 elements, as polynomials modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11D),
// of which 2 is a generator. Addition is exclusive or.

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace meshchain::coding {

class Gf256 {
public:
    static constexpr unsigned polynomial = 0x11D;

    static constexpr std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
        if (a == 0 || b == 0) return 0;
        return tables.power[std::size_t{tables.logarithm[a]} + tables.logarithm[b]];
    }
    /// 1 / a; `a` is not 0.
    static constexpr std::uint8_t inverse(std::uint8_t a) {
        return tables.power[255U - tables.logarithm[a]];
    }

private:
    struct Tables {
        std::array<std::uint8_t, 510>
            power{};  ///< of 2, twice round, so that a sum needs no modulo
        std::array<std::uint8_t, 256> logarithm{};
    };
    static constexpr Tables make_tables() {
        Tables made;
        unsigned value = 1;
        for (std::size_t i = 0; i < 255; ++i) {
            made.power[i] = made.power[i + 255] = static_cast<std::uint8_t>(value);
            made.logarithm[value] = static_cast<std::uint8_t>(i);
            value <<= 1;
            if (value > 255) value ^= polynomial;
        }
        return made;
    }
    static const Tables tables;
};

inline constexpr Gf256::Tables Gf256::tables = Gf256::make_tables();

/// out[i] += factor * in[i]. Asserts that `in` is no longer than `out`.
void add_multiple(base::MutableBytes out, base::Bytes in, std::uint8_t factor);
/// out[i] *= factor.
void scale(base::MutableBytes out, std::uint8_t factor);

}  // namespace meshchain::coding
