// Attacks by what any peer may say: requests that cost the victim more than the peer, and things
// about nodes that do not exist, rightly signed by them.

#include "crypto/identity.h"
#include "hostile/attacks.h"
#include "wire/announcement.h"
#include "wire/routed.h"
#include "wire/state.h"
#include "wire/sync.h"

namespace meshchain::tests {
namespace {

using namespace std::chrono_literals;
using wire::MessageType;

constexpr auto pause = 10ms;
constexpr auto patience = 10s;

/// `shoot`, `burst` times and then a pause, until stopped.
template <class Shoot>
void keep_on(Peer& peer, const std::stop_token& stop, int burst, Shoot shoot) {
    while (!stop.stop_requested()) {
        for (int i = 0; i < burst; ++i) shoot();
        peer.pump(pause);
    }
}

template <class Hash>
Hash random_of(Peer& peer) {
    Hash hash;
    std::ranges::copy(peer.random_bytes(hash.bytes.size()), hash.bytes.begin());
    return hash;
}

std::uint32_t unix_s() { return static_cast<std::uint32_t>(base::unix_ms(real_now().wall) / 1000); }

/// The largest answers there are, as often as a session may ask.
void greedy_requests(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    std::optional<wire::Hash> tip;
    wire::Height height;
    peer.on_frame = [&](MessageType type, base::Bytes body) {
        if (type != MessageType::sync_response) return wire::Verdict::keep;
        const auto answer = wire::parse_sync_response(body);
        const auto* hashes = answer ? std::get_if<wire::HashesResponse>(&*answer) : nullptr;
        if (hashes != nullptr && !hashes->hashes.empty()) {
            tip = hashes->hashes.back();
            height = {static_cast<std::uint32_t>(hashes->from.value + hashes->hashes.size() - 1)};
        }
        return wire::Verdict::keep;
    };
    peer.connect(patience);
    std::uint64_t nonce = 0;
    keep_on(peer, stop, 30, [&] {
        const auto ask = [&](const wire::SyncRequest& request) {
            peer.send(MessageType::sync_request, wire::encode(request));
        };
        if (!tip || peer.random().below(50) == 0) {
            return ask(wire::HashesRequest{height, wire::hashes_max});
        }
        if (peer.random().below(2) == 0 && height.value > wire::items_max) {
            constexpr auto count = static_cast<std::uint8_t>(wire::items_max);
            return ask(wire::BodiesRequest{++nonce, {height.value - count + 1}, count, *tip});
        }
        ask(wire::HeadersRequest{++nonce, *tip, wire::headers_max});
    });
}

/// As an object of `origin`, whoever that is.
void bring(Peer& peer, const crypto::SigningKey& origin, MessageType type, base::Bytes payload) {
    peer.send_raw({.type = type,
                   .sender = crypto::node_id(origin.public_key()),
                   .timestamp = unix_s(),
                   .sequence = static_cast<std::uint32_t>(peer.random().next()),
                   .hop_limit = wire::hop_limit_max},
                  payload);
}

wire::RoutedMessage message_of(Peer& peer, const wire::Destination& to, MessageType type) {
    wire::RoutedMessage message;
    message.issued = unix_s();
    message.sequence = peer.random().next();
    message.hop_limit = wire::hop_limit_max;
    message.destination = to;
    message.type = type;
    return message;
}

void bring_signed(Peer& peer, const Target& target, const crypto::SigningKey& origin,
                  wire::RoutedMessage message) {
    message.origin = origin.public_key();
    message.signature = origin.sign(wire::routed_preimage(target.chain, message));
    bring(peer, origin, MessageType::routed, wire::encode(message));
}

/// Each wants a receipt, a way back, and a place in every table; some are for nobody.
void messages_of_made_up_nodes(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.connect(patience);
    keep_on(peer, stop, 10, [&] {
        const auto origin = crypto::SigningKey::from_seed(random_of<crypto::Hash>(peer).bytes);
        const bool for_nobody = peer.random().below(4) == 0;
        auto message = message_of(peer, for_nobody ? origin.public_key() : target.identity,
                                  MessageType::probe);
        if (for_nobody) message.destination = random_of<crypto::PublicKey>(peer);
        message.receipt_wanted = true;
        bring_signed(peer, target, origin, std::move(message));
    });
}

/// Receipts of messages that were never sent, one wanting a receipt itself; and one message again
/// and again, as if its receipt had been lost.
void receipts_and_repetitions(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.connect(patience);
    auto repeated = message_of(peer, target.identity, MessageType::probe);
    repeated.receipt_wanted = true;
    keep_on(peer, stop, 10, [&] {
        auto receipt = message_of(peer, target.identity, MessageType::receipt);
        receipt.payload =
            wire::encode(wire::Receipt{.sequence = peer.random().next(),
                                       .attempt = static_cast<std::uint8_t>(peer.random().below(3)),
                                       .hops = 255});
        receipt.receipt_wanted = true;
        bring_signed(peer, target, peer.key(), std::move(receipt));
        repeated.issued = unix_s() - static_cast<std::uint32_t>(peer.random().below(60));
        repeated.attempt = static_cast<std::uint8_t>(peer.random().below(3));
        bring_signed(peer, target, peer.key(), repeated);
    });
}

/// Whole countries that do not exist, next to everybody.
void announcements_of_made_up_nodes(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.connect(patience);
    keep_on(peer, stop, 10, [&] {
        const auto origin = crypto::SigningKey::from_seed(random_of<crypto::Hash>(peer).bytes);
        wire::Announcement announcement;
        announcement.identity = origin.public_key();
        announcement.sequence = peer.random().next();
        announcement.issued = unix_s();
        announcement.validity = wire::Announcement::validity_max;
        announcement.name = "somebody";
        announcement.neighbours.push_back(crypto::node_id(target.identity));
        for (std::size_t i = 1; i < wire::Announcement::neighbours_max; ++i) {
            announcement.neighbours.push_back(random_of<crypto::NodeId>(peer));
        }
        std::ranges::sort(announcement.neighbours);
        announcement.signature =
            origin.sign(wire::announcement_preimage(target.chain, announcement));
        bring(peer, origin, MessageType::peer_info, wire::encode(announcement));
    });
}

/// States of blocks that are and that are not, asked for and told unasked.
void forged_states(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    std::vector<wire::Hash> blocks;
    peer.on_frame = [&](MessageType type, base::Bytes body) {
        const auto answer = wire::parse_state_response(body);
        if (type != MessageType::state_response || !answer) return wire::Verdict::keep;
        if (const auto* page = std::get_if<wire::HeaderPageResponse>(&*answer)) {
            for (const wire::BlockHeader& header : page->headers) blocks.push_back(header.parent);
        }
        return wire::Verdict::keep;
    };
    peer.connect(patience);
    keep_on(peer, stop, 10, [&] {
        const auto ask = [&](const wire::StateRequest& request) {
            peer.send(MessageType::state_request, wire::encode(request));
        };
        const wire::Hash block = blocks.empty() || peer.random().below(4) == 0
                                     ? random_of<wire::Hash>(peer)
                                     : blocks[peer.random().below(blocks.size())];
        const auto range = static_cast<std::uint8_t>(peer.random().below(wire::coin_ranges));
        ask(wire::HeaderPageRequest{{static_cast<std::uint32_t>(peer.random().below(1000))},
                                    wire::header_page_max});
        ask(wire::StatePageRequest{block, range, std::nullopt});
        ask(wire::RangeHashRequest{block, range});
        ask(wire::InclusionRequest{{block}});
        peer.send(MessageType::state_response,
                  wire::encode(wire::StateResponse(
                      wire::RangeHashResponse{block, range, random_of<wire::Hash>(peer)})));
        peer.send(MessageType::state_response,
                  wire::encode(wire::StateResponse(
                      wire::StatePage{block, wire::fee_range, std::nullopt, true, {}, {}})));
    });
}

}  // namespace

const std::array<Attack, 5> request_attacks{{
    {"greedy requests", greedy_requests},
    {"messages of made-up nodes", messages_of_made_up_nodes},
    {"receipts and repetitions", receipts_and_repetitions},
    {"announcements of made-up nodes", announcements_of_made_up_nodes},
    {"forged states", forged_states},
}};

}  // namespace meshchain::tests
