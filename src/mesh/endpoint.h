#pragma once
// An address on one of the mesh's links.

#include <compare>
#include <cstdint>

#include "base/link.h"

namespace meshchain::mesh {

struct Endpoint {
    std::uint8_t link = 0;  ///< in the order of Mesh::add_link
    base::LinkAddress address;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace meshchain::mesh
