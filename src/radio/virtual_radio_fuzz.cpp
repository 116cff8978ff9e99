// Any packets at any time, with and without envelope: no limit is exceeded, what we send is never
// taken for another's, and nobody makes us say more of ourselves than the gaps allow.
//
// The input is a row of steps: what, how much time passes, how many bytes, and those bytes. Some
// steps seal them for a channel first, so that not only noise is opened.

#include <span>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/utf8.h"
#include "radio/test_cipher.h"
#include "radio/text_mirror.h"

namespace meshchain::radio {
namespace {

VirtualRadioOptions small_options() {
    return {.channels = {{"a", base::Buffer(16, std::byte{5})}, {"b", {}}},
            .public_key = base::Buffer(32, std::byte{3}),
            .text_channel = "a",
            .node_info_every = std::chrono::minutes(20),
            .node_info_gap = std::chrono::minutes(2),
            .received_max = 3,
            .departures_max = 2,
            .remembered_max = 5};
}

class Fuzzed {
public:
    void step(std::uint8_t what, base::Duration passed, base::Bytes bytes) {
        now_ += passed;
        switch (what % 8) {
            case 0: radio_.handle_envelope(now_, bytes); break;
            case 1: radio_.handle_packet(now_, bytes); break;
            case 2: radio_.handle_packet(now_, encode(sealed(bytes)).value()); break;
            case 3:
                radio_.handle_envelope(now_,
                                       encode(ServiceEnvelope{sealed(bytes), "a", "!1"}).value());
                break;
            case 4: (void)radio_.send(bytes, what >> 3); break;
            case 5: come_back(); break;
            case 6: is_up_ = true, radio_.handle_up(now_); break;
            default: is_up_ = false, radio_.handle_down(); break;
        }
        radio_.handle_timeout(now_);
        MESH_ASSERT(radio_.poll_timeout() > now_);
        radio_.check_invariants();
        const auto most = 1 + now_.time_since_epoch() / std::chrono::minutes(2);
        MESH_ASSERT(radio_.stats().node_infos <= static_cast<std::uint64_t>(most));
        if ((what & 64) != 0) empty();
    }

private:
    MeshPacket sealed(base::Bytes bytes) {
        const ChannelKey key = channel_key_of(base::Buffer(16, std::byte{5})).value();
        MeshPacket packet{.from = NodeNumber{9}, .id = ++ids_, .hop_limit = 3};
        packet.channel = channel_hash("a", key);
        packet.content = Ciphertext{cipher_.crypt(key, packet.from, packet.id, bytes).value()};
        return packet;
    }
    /// A gateway hands us what we sent.
    void come_back() {
        const auto departure = radio_.poll_departure();
        if (!departure) return;
        const std::uint64_t received = radio_.stats().received;
        radio_.handle_packet(now_, encode(departure->packet).value());
        radio_.handle_envelope(
            now_, encode(ServiceEnvelope{departure->packet, departure->channel, "!2"}).value());
        MESH_ASSERT(radio_.stats().received == received);
    }
    void empty() {
        while (const auto packet = radio_.receive()) {
            MESH_ASSERT(packet->from != radio_.number() && packet->hop_limit <= hops_max);
        }
        while (const auto text = radio_.receive_text()) {
            MESH_ASSERT(base::is_displayable(one_line(*text)));
        }
        while (const auto departure = radio_.poll_departure()) {
            const MeshPacket& packet = departure->packet;
            MESH_ASSERT(is_up_ || packet.to == everybody);
            MESH_ASSERT(packet.id != 0 && packet.hop_start >= packet.hop_limit);
            MESH_ASSERT(encode(packet).has_value());
        }
    }

    const test::NoiseCipher cipher_;
    test::SeededEntropy entropy_{1};
    VirtualRadio radio_ = VirtualRadio::create(small_options(), cipher_, entropy_).value();
    base::Instant now_{};
    std::uint32_t ids_ = 0;
    bool is_up_ = false;
};

}  // namespace
}  // namespace meshchain::radio

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, size)));
    radio::Fuzzed fuzzed;
    while (in.ok() && in.remaining() > 0) {
        const std::uint8_t what = in.u8();
        const std::uint8_t seconds = in.u8();
        const base::Bytes bytes = in.take(std::min<std::size_t>(in.u8(), in.remaining()));
        fuzzed.step(what, std::chrono::seconds(seconds), bytes);
    }
    return 0;
}
