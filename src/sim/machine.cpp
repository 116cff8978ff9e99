#include "sim/machine.h"

#include <algorithm>

namespace meshchain::sim {
namespace {

constexpr std::uint16_t port_number = 4000;

}  // namespace

base::LinkAddress address_of(std::size_t index) {
    base::LinkAddress address;
    address.host[10] = address.host[11] = std::byte{0xff};
    address.host[12] = std::byte{10};
    const std::size_t number = index + 1;
    for (std::size_t i = 0; i < 3; ++i) {
        address.host[13 + i] = static_cast<std::byte>(number >> (16 - 8 * i));
    }
    address.port = port_number;
    return address;
}

std::optional<std::size_t> index_of(const base::LinkAddress& address) {
    std::size_t number = 0;
    for (std::size_t i = 13; i < 16; ++i) {
        number = number << 8 | std::to_integer<std::size_t>(address.host[i]);
    }
    if (number == 0 || address != address_of(number - 1)) return std::nullopt;
    return number - 1;
}

std::expected<void, base::Error> Port::send(const std::optional<base::LinkAddress>& to,
                                            base::Bytes datagram) {
    if (is_dead || !has_power())
        return base::failure(base::Errc::io, "the link is down", "sim port");
    base::Duration held{};
    if (tamper) {
        const auto fate = tamper->lets_out(to, datagram);
        if (!fate) return {};
        held = *fate;
        if (const auto other = tamper->turn(to, datagram)) {
            post({to, address_, *other, held});
            return {};
        }
    }
    post({to, address_, datagram, held});
    return {};
}

void Port::send_as(const base::LinkAddress& source, const base::LinkAddress& to,
                   base::Bytes datagram) {
    post({to, source, datagram, {}});
}

void Port::arrive(Arrival arrival) {
    if (waiting_.size() >= waiting_max) return;
    if (tamper && !tamper->lets_in(*arrival.bytes)) return;
    waiting_.push_back(std::move(arrival));
}

std::optional<base::Datagram> Port::receive(base::MutableBytes buffer) {
    while (!waiting_.empty()) {
        const Arrival arrival = std::move(waiting_.front());
        waiting_.pop_front();
        if (arrival.bytes->size() > buffer.size()) continue;
        std::ranges::copy(*arrival.bytes, buffer.begin());
        return base::Datagram{arrival.from, arrival.multicast, arrival.bytes->size()};
    }
    return std::nullopt;
}

}  // namespace meshchain::sim
