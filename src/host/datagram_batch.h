#pragma once
// Datagrams read from a socket many at a time: one system call brings up to `datagrams_max`, which
// are then handed out one by one.
//
// Ownership: a taken datagram borrows from here until the next fill().
// Limits:    `memory_bytes`, taken at construction.
// Threads:   one.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <vector>

#include "base/link.h"

namespace meshchain::host {

class DatagramBatch {
public:
    static constexpr std::size_t datagrams_max = 64;
    /// More than any frame; what is longer is cut off, as its length tells.
    static constexpr std::size_t datagram_bytes_max = 2'048;
    static constexpr std::size_t memory_bytes = datagrams_max * datagram_bytes_max;

    DatagramBatch();
    DatagramBatch(const DatagramBatch&) = delete;
    DatagramBatch& operator=(const DatagramBatch&) = delete;

    bool empty() const { return next_ == count_; }
    /// Reads what waits at `socket`, which does not block. Only when empty().
    void fill(int socket);

    struct Taken {
        base::LinkAddress from;
        base::Bytes bytes;       ///< the front of it
        std::size_t length = 0;  ///< of the whole datagram
    };
    /// Nothing when empty().
    std::optional<Taken> take();

private:
    std::vector<std::byte> storage_;
    std::array<sockaddr_in6, datagrams_max> senders_;  ///< room for either family
    std::array<iovec, datagrams_max> parts_;
    std::array<mmsghdr, datagrams_max> headers_{};
    std::size_t next_ = 0;
    std::size_t count_ = 0;
};

}  // namespace meshchain::host
