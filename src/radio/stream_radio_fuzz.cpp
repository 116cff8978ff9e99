// A client that says anything, and an air that brings anything: the radio stays within its limits,
// queues only what can be sent, and says nothing that a client cannot read.
//
// The input is a row of steps: what, how many bytes, and those bytes.

#include <span>

#include "base/assert.h"
#include "base/cursor.h"
#include "radio/stream_radio.h"

namespace meshchain::radio {
namespace {

class Fuzzed {
public:
    void step(std::uint8_t what, base::Bytes bytes) {
        switch (what % 10) {
            case 0: radio_.handle_open(); break;
            case 1: radio_.handle_bytes(bytes); break;
            case 2:
            case 3: radio_.handle_bytes(frame_for_stream(bytes)); break;
            case 4: submit(what, bytes); break;
            case 5: radio_.transmit(); break;
            case 6: radio_.relays = what % (StreamRadio::queue_size + 1); break;
            case 7: hear(bytes); break;
            case 8: radio_.hear_echo(radio_.queue.empty() ? what : radio_.queue.back().id); break;
            default: read(); break;
        }
        radio_.check_invariants();
    }
    /// Whatever happened, the next client is told all.
    void end() {
        radio_.handle_open();
        radio_.relays = 0;
        radio_.handle_bytes(frame_for_stream(encode(ToRadio{WantConfig{7}}).value()));
        const base::Buffer said = radio_.poll_bytes();
        bool is_complete = false;
        for (base::Bytes bytes = said; !bytes.empty();) is_complete |= is_end(next_of(bytes));
        MESH_ASSERT(is_complete);
    }

private:
    /// To everybody or, so that it is obeyed, to the radio.
    void submit(std::uint8_t what, base::Bytes bytes) {
        const MeshPacket packet{.to = what % 20 == 4 ? everybody : radio_.number,
                                .content = Content{.port = what % 20 == 4 ? Port{258} : Port{6},
                                                   .payload = base::to_buffer(bytes)},
                                .id = ++id_,
                                .wants_ack = what % 3 == 0};
        const auto message = encode(ToRadio{packet});
        if (message) radio_.handle_bytes(frame_for_stream(*message));
    }
    void hear(base::Bytes bytes) {
        if (const auto packet = parse_mesh_packet(bytes)) return radio_.hear(*packet);
        radio_.hear({.from = NodeNumber{id_ % 200},
                     .content = Content{.port = Port::node_info, .payload = base::to_buffer(bytes)},
                     .id = ++id_});
    }
    void read() {
        const base::Buffer said = radio_.poll_bytes();
        for (base::Bytes bytes = said; !bytes.empty();) (void)next_of(bytes);
    }
    /// Takes a whole message from the front, which a client understands.
    FromRadio next_of(base::Bytes& bytes) {
        bytes = bytes.subspan(reader_.handle_bytes(bytes));
        const auto message = reader_.poll_message();
        MESH_ASSERT(message && reader_.skipped_bytes() == 0);
        const auto parsed = parse_from_radio(*message);
        MESH_ASSERT(parsed.has_value());
        return *parsed;
    }
    static bool is_end(const FromRadio& message) {
        const auto* complete = std::get_if<ConfigComplete>(&message.news);
        return complete != nullptr && complete->nonce == 7;
    }

    StreamRadio radio_;
    StreamReader reader_;
    std::uint32_t id_ = 0;
};

}  // namespace
}  // namespace meshchain::radio

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, std::min<std::size_t>(size, 2'000))));
    radio::Fuzzed fuzzed;
    while (in.ok() && in.remaining() > 0) {
        const std::uint8_t what = in.u8();
        fuzzed.step(what, in.take(std::min<std::size_t>(in.u8(), in.remaining())));
    }
    fuzzed.end();
    return 0;
}
