// Attacks by datagrams.

#include "crypto/identity.h"
#include "hostile/attacks.h"
#include "wire/sync.h"
#include "wire/transaction.h"
#include "wire/vote.h"

namespace meshchain::tests {
namespace {

using namespace std::chrono_literals;
using wire::MessageType;

constexpr int burst = 50;       // frames, and then
constexpr auto pause = 10ms;    // so about 5,000 frames a second from each attacker
constexpr auto patience = 10s;  // for a session, which a crowd may delay

/// `shoot` in bursts until stopped.
template <class Shoot>
void keep_on(Peer& peer, const std::stop_token& stop, Shoot shoot) {
    while (!stop.stop_requested()) {
        for (int i = 0; i < burst; ++i) shoot();
        peer.pump(pause);
    }
}

crypto::NodeId random_id(Peer& peer) {
    crypto::NodeId id;
    const base::Buffer bytes = peer.random_bytes(id.bytes.size());
    std::ranges::copy(bytes, id.bytes.begin());
    return id;
}

wire::Hash random_hash(Peer& peer) {
    wire::Hash hash;
    const base::Buffer bytes = peer.random_bytes(hash.bytes.size());
    std::ranges::copy(bytes, hash.bytes.begin());
    return hash;
}

void garbage(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    keep_on(peer, stop,
            [&] { peer.send_datagram(peer.random_bytes(1 + peer.random().below(1300))); });
}

void flood_from_one_identity(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.connect(patience);
    keep_on(peer, stop, [&] {
        peer.send(MessageType::transaction, peer.random_bytes(wire::CompactTransfer::size));
    });
}

void flood_under_a_thousand_claimed_ids(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.connect(patience);
    std::vector<crypto::NodeId> ids;
    for (int i = 0; i < 1000; ++i) ids.push_back(random_id(peer));
    std::uint32_t sequence = 0;
    keep_on(peer, stop, [&] {
        const auto& id = ids[peer.random().below(ids.size())];
        peer.send_raw({.type = MessageType::block_ack, .sender = id, .sequence = ++sequence},
                      peer.random_bytes(wire::Vote::size));
    });
}

void spoofed_ids(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.connect(patience);
    const std::array ids{crypto::node_id(target.identity), crypto::node_id(peer.key().public_key()),
                         random_id(peer)};
    std::uint32_t sequence = 0xffffff00;
    keep_on(peer, stop, [&] {
        for (const MessageType type :
             {MessageType::status, MessageType::sync_request, MessageType::transaction}) {
            peer.send_raw({.type = type,
                           .sender = ids[peer.random().below(ids.size())],
                           .timestamp = 0xffffffff,
                           .sequence = ++sequence},
                          peer.random_bytes(wire::CompactTransfer::size));
        }
    });
}

/// A new identity each time, none of which answers its cookie.
void half_open_handshakes(const Target& target, std::stop_token stop) {
    while (!stop.stop_requested()) {
        std::vector<std::unique_ptr<Peer>> strangers;
        for (int i = 0; i < 20 && !stop.stop_requested(); ++i) {
            strangers.push_back(std::make_unique<Peer>(target.chain, target.link));
        }
        if (!strangers.empty()) strangers.back()->pump(pause);
    }
}

void endless_and_overlapping_answers(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.claim(wire::Height{1000});
    peer.connect(patience);
    keep_on(peer, stop, [&] {
        wire::HashesResponse hashes;
        hashes.from = wire::Height{static_cast<std::uint32_t>(peer.random().below(40))};
        for (int i = 0; i < 16; ++i) hashes.hashes.push_back(random_hash(peer));
        peer.send(MessageType::sync_response, wire::encode(wire::SyncResponse(hashes)));
        wire::BlockResponse part;
        part.block = hashes.hashes[0];
        part.total = 60'000;
        part.first = static_cast<std::uint16_t>(peer.random().below(60'000));
        peer.send(MessageType::sync_response, wire::encode(wire::SyncResponse(part)));
    });
}

/// Claims to be far ahead, and proves it by certificates made of nothing.
void forged_heights_and_certificates(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.claim(wire::Height{1'000'000'000});
    peer.on_frame = [&](MessageType type, base::Bytes) {
        if (type == MessageType::sync_request) {
            wire::HashesResponse answer;
            for (std::size_t i = 0; i < wire::hashes_max; ++i) {
                answer.hashes.push_back(random_hash(peer));
            }
            peer.send(MessageType::sync_response, wire::encode(wire::SyncResponse(answer)));
        }
        return wire::Verdict::keep;
    };
    peer.connect(patience);
    keep_on(peer, stop,
            [&] { peer.send(MessageType::block_ack, peer.random_bytes(wire::Vote::size)); });
}

void valid_messages_of_another_chain(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    peer.connect(patience);
    std::size_t next = 0;
    keep_on(peer, stop, [&] {
        if (target.of_other_chain.empty()) return;
        const Recorded& said = target.of_other_chain[next++ % target.of_other_chain.size()];
        peer.send(said.type, said.payload);
    });
}

void wrong_genesis(const Target& target, std::stop_token stop) {
    Peer peer(target.other_chain, target.link);
    std::uint32_t sequence = 0;
    keep_on(peer, stop, [&] {
        peer.send_raw({.type = MessageType::transaction,
                       .sender = crypto::node_id(peer.key().public_key()),
                       .sequence = ++sequence},
                      peer.random_bytes(wire::CompactTransfer::size));
    });
}

/// HELLOs that speak other versions, rightly signed, and types nobody has assigned.
void version_mixes(const Target& target, std::stop_token stop) {
    Peer peer(target.chain, target.link);
    std::uint32_t sequence = 0;
    keep_on(peer, stop, [&] {
        const auto version = static_cast<std::uint8_t>(peer.random().below(256));
        wire::FrameHeader header{.type = MessageType::peer_hello,
                                 .sender = crypto::node_id(peer.key().public_key()),
                                 .timestamp = 0xf0000000,
                                 .sequence = ++sequence,
                                 .hop_limit = 0};
        base::Buffer payload = wire::encode(wire::Hello{.version_min = version,
                                                        .version_max = 255,
                                                        .chain = target.chain,
                                                        .identity = peer.key().public_key(),
                                                        .status = {}});
        const crypto::Signature signature = peer.key().sign(
            wire::control_preimage(target.chain, header.type, peer.key().public_key(),
                                   header.control_sequence(), payload));
        payload.insert(payload.end(), signature.bytes.begin(), signature.bytes.end());
        peer.send_raw(header, payload);
        header.type = static_cast<MessageType>(peer.random().below(256));
        peer.send_raw(header, payload);
    });
}

}  // namespace

const std::array<Attack, 10> link_attacks{{
    {"garbage", garbage},
    {"flood from one identity", flood_from_one_identity},
    {"flood under a thousand claimed ids", flood_under_a_thousand_claimed_ids},
    {"spoofed ids", spoofed_ids},
    {"half-open handshakes", half_open_handshakes},
    {"endless and overlapping answers", endless_and_overlapping_answers},
    {"forged heights and certificates", forged_heights_and_certificates},
    {"valid messages of another chain", valid_messages_of_another_chain},
    {"wrong genesis", wrong_genesis},
    {"version mixes", version_mixes},
}};

}  // namespace meshchain::tests
