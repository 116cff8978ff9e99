#include "host/datagram_batch.h"

#include <cstring>

#include "base/assert.h"

namespace meshchain::host {
namespace {

/// An IPv4 sender in its mapped form, ::ffff:a.b.c.d.
base::LinkAddress to_link_address(const sockaddr_in6& sender) {
    base::LinkAddress address;
    if (sender.sin6_family == AF_INET6) {
        std::memcpy(address.host.data(), &sender.sin6_addr, address.host.size());
        address.port = ntohs(sender.sin6_port);
        return address;
    }
    sockaddr_in v4;
    std::memcpy(&v4, &sender, sizeof v4);
    address.host[10] = address.host[11] = std::byte{0xFF};
    std::memcpy(address.host.data() + 12, &v4.sin_addr, 4);
    address.port = ntohs(v4.sin_port);
    return address;
}

}  // namespace

DatagramBatch::DatagramBatch() : storage_(memory_bytes) {
    for (std::size_t i = 0; i < datagrams_max; ++i) {
        parts_[i] = {storage_.data() + i * datagram_bytes_max, datagram_bytes_max};
        headers_[i].msg_hdr.msg_iov = &parts_[i];
        headers_[i].msg_hdr.msg_iovlen = 1;
        headers_[i].msg_hdr.msg_name = &senders_[i];
    }
}

void DatagramBatch::fill(int socket) {
    MESH_ASSERT(empty());
    for (mmsghdr& header : headers_) header.msg_hdr.msg_namelen = sizeof(sockaddr_in6);
    // MSG_TRUNC makes msg_len the datagram's true length.
    const int received =
        ::recvmmsg(socket, headers_.data(), datagrams_max, MSG_DONTWAIT | MSG_TRUNC, nullptr);
    next_ = 0;
    count_ = received > 0 ? static_cast<std::size_t>(received) : 0;
}

std::optional<DatagramBatch::Taken> DatagramBatch::take() {
    if (empty()) return std::nullopt;
    const std::size_t index = next_++;
    const std::size_t length = headers_[index].msg_len;
    return Taken{to_link_address(senders_[index]),
                 base::Bytes(storage_).subspan(index * datagram_bytes_max,
                                               std::min(length, datagram_bytes_max)),
                 length};
}

}  // namespace meshchain::host
