#pragma once
// Whom a message is for on a medium that everybody hears: the first four bytes of a node id. Two
// nodes may share one; then both read what was meant for one, and its signature or its content
// tells that it was not theirs. It is not signed.

#include <cstdint>

#include "crypto/identity.h"

namespace meshchain::wire {

enum class Addressee : std::uint32_t {};

constexpr Addressee addressee_of(const crypto::NodeId& node) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8 | std::to_integer<std::uint32_t>(node.bytes[i]);
    }
    return Addressee{value};
}

}  // namespace meshchain::wire
