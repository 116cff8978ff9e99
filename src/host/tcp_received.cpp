#include "host/tcp_received.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace meshchain::host {

std::optional<std::uint64_t> tcp_bytes_taken(int socket) {
    tcp_info info{};
    socklen_t size = sizeof info;
    int waiting = 0;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        ::ioctl(socket, FIONREAD, &waiting) != 0) {
        return std::nullopt;
    }
    // What arrived between the two looks waits, but was not counted.
    const std::uint64_t received = info.tcpi_bytes_received;
    return received - std::min<std::uint64_t>(received, static_cast<unsigned>(waiting));
}

}  // namespace meshchain::host
