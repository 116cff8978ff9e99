// Two meshes that talk while somebody between them drops, repeats, changes, cuts and replays their
// datagrams as the input says. Invariants hold throughout, nothing is handed up that the other did
// not send, and once the meddling ends both have a session again.

#include <cstdint>

#include "mesh/test_network.h"

namespace {

using namespace meshchain;
using namespace meshchain::mesh;
using namespace meshchain::mesh::test;

class Meddler {
public:
    Meddler(const std::uint8_t* data, std::size_t size)
        : input_(std::as_bytes(std::span(data, size))) {}

    bool ended() const { return input_.remaining() == 0; }
    std::uint8_t byte() { return ended() ? std::uint8_t{0} : input_.u8(); }

    /// What becomes of one datagram: the copies that arrive.
    std::vector<base::Buffer> meddle(base::Bytes datagram) {
        if (ended()) return {base::to_buffer(datagram)};
        base::Buffer copy = base::to_buffer(datagram);
        switch (byte() % 8) {
            case 0: return {};
            case 1: return {copy, copy};
            case 2: copy[byte() % copy.size()] ^= std::byte{byte()}; return {copy};
            case 3: copy.resize(byte() % copy.size()); return {copy};
            case 4: held_.push_back(copy); return {};
            case 5: return {copy, held_.empty() ? copy : held_[byte() % held_.size()]};
            case 6: copy[byte() % wire::FrameHeader::size] = std::byte{byte()}; return {copy};
            default: return {copy};
        }
    }

private:
    base::Reader input_;
    std::vector<base::Buffer> held_;
};

class Pair {
public:
    Pair() : first_(network_, {.key = 1, .port = 1}), second_(network_, {.key = 2, .port = 2}) {
        network_.delay_max = 30ms;
        for (Node* node : {&first_, &second_}) {
            node->handler().verdict = [](wire::MessageType, base::Bytes) {
                return wire::Verdict::keep;
            };
        }
    }

    void play(Meddler& meddler) {
        network_.meddle = [&](base::Bytes datagram) { return meddler.meddle(datagram); };
        for (int step = 0; step < 100 && !meddler.ended(); ++step) act(meddler);
        network_.meddle = nullptr;
        const bool healed = network_.run_until(
            [&] {
                return first_.mesh().is_connected(second_.key()) &&
                       second_.mesh().is_connected(first_.key());
            },
            2min);
        MESH_ASSERT(healed);
        check_control(first_, second_);
        check_control(second_, first_);
    }

private:
    void act(Meddler& meddler) {
        Node& from = meddler.byte() % 2 == 0 ? first_ : second_;
        Node& to = &from == &first_ ? second_ : first_;
        switch (meddler.byte() % 5) {
            case 0: network_.run_for(base::Milliseconds(meddler.byte() * 150)); break;
            case 1: send(from, wire::MessageType::transaction, std::nullopt); break;
            case 2: send(from, wire::MessageType::sync_request, to.key()); break;
            case 3: from.mesh().request_hello(network_.now()); break;
            case 4: from.restart(static_cast<std::uint16_t>(from.setup().port), false); break;
        }
        network_.run_for(50ms);
    }

    void send(Node& from, wire::MessageType type, std::optional<crypto::PublicKey> to) {
        base::Buffer payload(12);
        base::FixedWriter(payload).u32(from.setup().key).u64(++sent_);
        (void)from.mesh().send(
            network_.now(), {.type = type, .to = to, .except = std::nullopt, .payload = payload});
    }

    /// Requests are signed: each arrives as it was sent, from whom it was sent, once at most.
    static void check_control(Node& receiver, const Node& sender) {
        std::set<base::Buffer> seen;
        for (const RecordingHandler::Seen& item : receiver.handler().seen) {
            if (item.type != wire::MessageType::sync_request) continue;
            MESH_ASSERT(item.from == sender.key());
            MESH_ASSERT(item.payload.size() == 12);
            MESH_ASSERT(base::Reader(item.payload).u32() == sender.setup().key);
            MESH_ASSERT(seen.insert(item.payload).second);
        }
    }

    Network network_;
    Node first_;
    Node second_;
    std::uint64_t sent_ = 0;
};

}  // namespace

/// A run spans minutes of virtual time, so a test run affords fewer of them
/// (tests/fuzz_replay.cpp).
extern "C" std::uint64_t fuzz_replay_mutations() { return 200; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Meddler meddler(data, size);
    Pair pair;
    pair.play(meddler);
    return 0;
}
