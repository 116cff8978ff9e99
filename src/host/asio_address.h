#pragma once
// Between base::LinkAddress and asio's endpoints. For .cpp files only: it includes asio.

#include <boost/asio/ip/address.hpp>
#include <cstring>

#include "base/link.h"

namespace meshchain::host {

template <class Endpoint>
Endpoint to_endpoint(const base::LinkAddress& address) {
    boost::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), address.host.data(), bytes.size());
    const boost::asio::ip::address_v6 v6(bytes);
    if (!v6.is_v4_mapped()) return Endpoint(v6, address.port);
    return Endpoint(make_address_v4(boost::asio::ip::v4_mapped, v6), address.port);
}

template <class Endpoint>
base::LinkAddress to_link_address(const Endpoint& endpoint) {
    const auto v6 = endpoint.address().is_v4()
                        ? make_address_v6(boost::asio::ip::v4_mapped, endpoint.address().to_v4())
                        : endpoint.address().to_v6();
    base::LinkAddress address;
    const auto bytes = v6.to_bytes();
    std::memcpy(address.host.data(), bytes.data(), bytes.size());
    address.port = endpoint.port();
    return address;
}

}  // namespace meshchain::host
