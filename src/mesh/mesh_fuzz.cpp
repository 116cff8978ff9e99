// Hostile datagrams against one mesh that talks with an honest one. The input is a script: random
// bytes, real datagrams replayed or with bytes changed, from known addresses or new ones, between
// steps of time. Whatever happens, invariants hold and memory stays bounded.

#include <cstdint>

#include "mesh/test_network.h"

namespace {

using namespace meshchain;
using namespace meshchain::mesh;
using namespace meshchain::mesh::test;

/// Takes numbers off the front of the input; zeros when it has ended.
class Script {
public:
    Script(const std::uint8_t* data, std::size_t size)
        : input_(std::as_bytes(std::span(data, size))) {}

    bool ended() const { return input_.remaining() == 0; }
    std::uint8_t byte() { return ended() ? std::uint8_t{0} : input_.u8(); }
    std::size_t below(std::size_t bound) { return (std::size_t{byte()} << 8 | byte()) % bound; }
    base::Bytes bytes(std::size_t count) {
        return input_.take(std::min(count, input_.remaining()));
    }

private:
    base::Reader input_;
};

class Stage {
public:
    Stage() : target_(network_, {.key = 1, .port = 1}), honest_(network_, {.key = 2, .port = 2}) {
        target_.handler().verdict = [](wire::MessageType, base::Bytes payload) {
            return static_cast<wire::Verdict>(payload.empty() ? 0 : std::uint8_t(payload[0]) % 4);
        };
        network_.run_for(1s);
    }

    void play(Script& script) {
        for (int step = 0; step < 200 && !script.ended(); ++step) act(script);
        network_.run_for(1s);
        target_.mesh().check_invariants();
        MESH_ASSERT(target_.mesh().peers().size() <= 4 * target_.setup().options.peers_max);
    }

private:
    void act(Script& script) {
        switch (script.byte() % 7) {
            case 0: return inject(script, script.bytes(script.below(1'300)));
            case 1: return inject(script, mutated(script));
            case 2: return inject(script, signed_by_stranger(script));
            case 3: return network_.run_for(base::Milliseconds(script.below(40'000)));
            case 4: return send(script);
            case 5: return target_.mesh().request_hello(network_.now());
            case 6: return inject(script, object_of_stranger(script));
        }
    }

    void inject(Script& script, base::Bytes datagram) {
        const auto port = static_cast<std::uint16_t>(1 + script.byte() % 8);
        const bool multicast = script.byte() % 4 == 0;
        network_.inject(address_of(port),
                        multicast ? std::nullopt : std::optional(target_.address()), datagram);
        network_.run_for(2ms);
    }

    base::Buffer mutated(Script& script) {
        base::Buffer datagram = network_.sent[script.below(network_.sent.size())].bytes;
        for (std::size_t changes = script.byte() % 4; changes > 0; --changes) {
            datagram[script.below(datagram.size())] = static_cast<std::byte>(script.byte());
        }
        if (script.byte() % 8 == 0) datagram.resize(script.below(datagram.size() + 1));
        return datagram;
    }

    /// A HELLO, heartbeat or request whose signature is right, under one of four keys.
    base::Buffer signed_by_stranger(Script& script) {
        const crypto::SigningKey key = key_of(static_cast<std::uint8_t>(10 + script.byte() % 4));
        const std::array types{wire::MessageType::peer_hello, wire::MessageType::status,
                               wire::MessageType::sync_request};
        const wire::MessageType type = types[script.byte() % types.size()];
        const wire::FrameHeader header{.type = type,
                                       .sender = crypto::node_id(key.public_key()),
                                       .timestamp = script.byte(),
                                       .sequence = script.byte(),
                                       .hop_limit = 0};
        base::Buffer payload = body_of(script, type, key.public_key());
        const crypto::Signature signature = key.sign(wire::control_preimage(
            target_.setup().chain, type, key.public_key(), header.control_sequence(), payload));
        base::Writer(payload).bytes(signature.bytes);
        return wire::encode_frame(header, payload);
    }

    /// An announcement or a routed message whose signature is right, under one of four keys.
    base::Buffer object_of_stranger(Script& script) {
        const crypto::SigningKey key = key_of(static_cast<std::uint8_t>(10 + script.byte() % 4));
        const wire::ChainId chain = target_.setup().chain;
        const auto issued = static_cast<std::uint32_t>(base::unix_ms(network_.now().wall) / 1000);
        const bool is_routed = script.byte() % 2 == 0;
        wire::FrameHeader header{
            .type = is_routed ? wire::MessageType::routed : wire::MessageType::peer_info,
            .sender = crypto::node_id(key.public_key())};
        header.hop_limit = script.byte() % (wire::hop_limit_max + 1);
        if (is_routed) {
            wire::RoutedMessage message;
            message.origin = key.public_key();
            message.issued = issued + script.byte() - 128U;
            message.sequence = script.byte();
            message.attempt = script.byte() % wire::RoutedMessage::attempts_max;
            message.hop_limit = script.byte() % (wire::hop_limit_max + 1);
            const std::array<wire::Destination, 4> destinations{
                target_.key(), honest_.key(), wire::Everybody{}, key_of(12).public_key()};
            message.destination = destinations[script.byte() % destinations.size()];
            message.receipt_wanted = message.destination.index() == 0 && script.byte() % 2 == 0;
            const std::array types{note_type, wire::MessageType::probe, wire::MessageType::receipt,
                                   wire::MessageType::clock_ask, wire::MessageType::clock_answer};
            message.type = types[script.byte() % types.size()];
            message.payload = base::to_buffer(script.bytes(script.byte() % 20));
            message.signature = key.sign(wire::routed_preimage(chain, message));
            return wire::encode_frame(header, wire::encode(message));
        }
        wire::Announcement announcement;
        announcement.identity = key.public_key();
        announcement.sequence = script.byte();
        announcement.issued = issued + script.byte() - 128U;
        announcement.validity = std::chrono::seconds(1 + script.byte());
        if (script.byte() % 2 == 0) {
            announcement.neighbours.push_back(crypto::node_id(target_.key()));
        }
        announcement.signature = key.sign(wire::announcement_preimage(chain, announcement));
        return wire::encode_frame(header, wire::encode(announcement));
    }

    base::Buffer body_of(Script& script, wire::MessageType type, const crypto::PublicKey& key) {
        if (type == wire::MessageType::status) return wire::encode(wire::Heartbeat{});
        if (type == wire::MessageType::sync_request) return base::to_buffer(script.bytes(20));
        wire::Hello hello;
        hello.chain = target_.setup().chain;
        hello.identity = key;
        hello.accepted = script.byte() % 2 == 0;
        hello.cookie = last_cookie();
        return wire::encode(hello);
    }

    wire::Cookie last_cookie() const {
        for (auto it = network_.sent.rbegin(); it != network_.sent.rend(); ++it) {
            const wire::Frame frame = it->frame();
            if (frame.header.type == wire::MessageType::cookie) {
                return *wire::parse_cookie(frame.payload);
            }
        }
        return {};
    }

    void send(Script& script) {
        Node& node = script.byte() % 2 == 0 ? target_ : honest_;
        if (script.byte() % 4 == 0) {
            const std::uint8_t to = script.byte() % 20;
            (void)node.mesh().send_routed(network_.now(), key_of(to).public_key(), note_type,
                                          base::as_bytes("x"));
        }
        (void)node.mesh().send(network_.now(),
                               {.type = wire::MessageType::transaction,
                                .to = std::nullopt,
                                .except = std::nullopt,
                                .payload = base::to_buffer(script.bytes(1 + script.byte() % 40))});
        network_.run_for(2ms);
    }

    Network network_;
    Node target_;
    Node honest_;
};

}  // namespace

/// A run drives many steps, so a test run affords fewer of them (tests/fuzz_replay.cpp).
extern "C" std::uint64_t fuzz_replay_mutations() { return 1500; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script script(data, size);
    Stage stage;
    stage.play(script);
    return 0;
}
