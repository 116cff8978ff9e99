#include "sim/network.h"

#include <algorithm>

namespace meshchain::sim {

std::optional<LinkQuality> quality_of(std::string_view name) {
    using std::chrono::milliseconds;
    if (name == "lan") return LinkQuality{};
    if (name == "wifi") {
        return LinkQuality{.delay_min = milliseconds(1),
                           .delay_max = milliseconds(40),
                           .loss_permille = 20,
                           .duplicate_permille = 5,
                           .corrupt_permille = 1,
                           .late_permille = 10};
    }
    if (name == "bad") {
        return LinkQuality{.delay_min = milliseconds(1),
                           .delay_max = milliseconds(60),
                           .loss_permille = 100,
                           .duplicate_permille = 20,
                           .corrupt_permille = 5,
                           .late_permille = 30};
    }
    if (name == "poor") {
        return LinkQuality{.delay_min = milliseconds(1),
                           .delay_max = milliseconds(60),
                           .loss_permille = 150,
                           .duplicate_permille = 20,
                           .corrupt_permille = 10,
                           .late_permille = 30};
    }
    if (name == "awful") {
        return LinkQuality{.delay_min = milliseconds(5),
                           .delay_max = milliseconds(90),
                           .loss_permille = 300,
                           .duplicate_permille = 50,
                           .corrupt_permille = 30,
                           .late_permille = 50};
    }
    return std::nullopt;
}

void Network::partition(const std::vector<std::set<std::size_t>>& sides) {
    std::ranges::fill(side_, 0);
    for (std::size_t side = 0; side < sides.size(); ++side) {
        for (const std::size_t machine : sides[side]) {
            if (machine < side_.size()) side_[machine] = side + 1;
        }
    }
}

void Network::heal() {
    partition({});
    cuts_.clear();
}

void Network::set_links(const std::vector<std::pair<std::size_t, std::size_t>>& links) {
    is_open_ = links.empty();
    for (auto& neighbours : linked_) neighbours.clear();
    for (const auto& [a, b] : links) {
        linked_.at(a).insert(b);
        linked_.at(b).insert(a);
    }
}

bool Network::is_cut_off(std::size_t to, std::size_t from) const {
    return side_[from] != side_[to] || (!cuts_.empty() && cuts_.contains({from, to}));
}

bool Network::hears(std::size_t to, std::size_t from) const {
    return !is_cut_off(to, from) && (is_open_ || linked_[from].contains(to));
}

Copies Network::carry(std::size_t from, std::size_t to) {
    if (!hears(to, from)) return {};
    if (random_.chance(quality_.loss_permille, 1000)) return {};
    Copies copies;
    const int count = random_.chance(quality_.duplicate_permille, 1000) ? 2 : 1;
    for (int i = 0; i < count; ++i) {
        Copy& copy = copies.add();
        const bool is_late = random_.chance(quality_.late_permille, 1000);
        copy.delay = random_.between(quality_.delay_min, quality_.delay_max * (is_late ? 10 : 1));
        copy.damaged = random_.chance(quality_.corrupt_permille, 1000);
    }
    return copies;
}

void Network::damage(base::MutableBytes datagram) {
    if (datagram.empty()) return;
    const std::size_t count = 1 + random_.below(3);
    for (std::size_t i = 0; i < count; ++i) {
        datagram[random_.below(datagram.size())] ^= static_cast<std::byte>(1 + random_.below(255));
    }
}

}  // namespace meshchain::sim
