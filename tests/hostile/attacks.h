#pragma once
// What hostile peers and hostile clients do. Each attack goes on until it is stopped, at a pace
// that a LAN's sender reaches but that leaves the machine's processors to the victim.

#include <array>
#include <atomic>
#include <stop_token>
#include <string_view>
#include <vector>

#include "hostile/peer.h"

namespace meshchain::tests {

/// What a chain's nodes say, to be said elsewhere.
struct Recorded {
    wire::MessageType type;
    base::Buffer payload;
};

struct Target {
    wire::ChainId chain;
    wire::ChainId other_chain;
    base::LinkAddress link;
    base::LinkAddress api;
    crypto::PublicKey identity;            ///< the victim's own
    std::vector<Recorded> of_other_chain;  ///< valid there
    std::atomic<int>* let_in = nullptr;    ///< requests that the API should have refused
};

struct Attack {
    std::string_view name;
    void (*run)(const Target& target, std::stop_token stop);
};

/// Of the link and of the API.
extern const std::array<Attack, 10> link_attacks;
extern const std::array<Attack, 5> request_attacks;
extern const std::array<Attack, 5> api_attacks;

}  // namespace meshchain::tests
