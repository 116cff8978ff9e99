#pragma once
// Who may be one owner of many addresses: addresses of one host, hosts of one prefix. Limits that
// count addresses count these (PROTOCOL.md P1.6). For a link whose addresses are no IP addresses
// the same bytes serve: a group is then simply finer or coarser.

#include "base/link.h"
#include "crypto/hash.h"

namespace meshchain::mesh {

/// The part of an address that is one host: IPv4 whole, of IPv6 the /64 that a host picks freely
/// in.
base::Bytes host_of(const base::LinkAddress& address);
/// The part that is one network: IPv4 /24, IPv6 /48.
base::Bytes prefix_of(const base::LinkAddress& address);

/// Both as flows under a secret key.
struct AddressFlow {
    std::uint64_t host;
    std::uint64_t prefix;
};
AddressFlow flow_of(const crypto::ShortHashKey& key, const base::LinkAddress& address);

}  // namespace meshchain::mesh
