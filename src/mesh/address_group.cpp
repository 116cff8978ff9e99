#include "mesh/address_group.h"

namespace meshchain::mesh {
namespace {

constexpr std::size_t mapped_prefix_bytes = 12;  ///< ::ffff:0:0/96, in front of an IPv4 address

bool is_ipv4(const base::LinkAddress& address) {
    constexpr std::array<std::byte, mapped_prefix_bytes> mapped{
        {{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{0xFF}, std::byte{0xFF}}};
    return base::equal(base::Bytes(address.host).first(mapped_prefix_bytes), mapped);
}

}  // namespace

base::Bytes host_of(const base::LinkAddress& address) {
    return base::Bytes(address.host).first(is_ipv4(address) ? 16 : 8);
}

base::Bytes prefix_of(const base::LinkAddress& address) {
    return base::Bytes(address.host).first(is_ipv4(address) ? 15 : 6);
}

AddressFlow flow_of(const crypto::ShortHashKey& key, const base::LinkAddress& address) {
    return {crypto::short_hash(key, host_of(address)), crypto::short_hash(key, prefix_of(address))};
}

}  // namespace meshchain::mesh
