// A radio that says anything at any time, or nothing, and a port that comes and goes: no limit is
// exceeded, no more than one packet is on its way, and what waits never waits for ever.
//
// The input is a row of steps: what, how many seconds pass, how many bytes, and those bytes.

#include <span>

#include "base/assert.h"
#include "base/cursor.h"
#include "radio/stream_link.h"
#include "radio/stream_radio.h"
#include "radio/test_cipher.h"

namespace meshchain::radio {
namespace {

class Fuzzed {
public:
    void step(std::uint8_t what, base::Duration passed, base::Bytes bytes) {
        now_ += passed;
        switch (what % 12) {
            case 0: open(); break;
            case 1: close(); break;
            case 2: raw(bytes); break;
            case 3: message(bytes); break;
            case 4: send(bytes, what); break;
            case 5: radio_.transmit(); break;
            case 6: radio_.reboot(); break;
            case 7: radio_.is_deaf = (what & 16) != 0; break;
            case 8: radio_.mute_statuses = bytes.empty() ? 1 : 5; break;
            case 9: hear(bytes); break;
            case 10: radio_.say_status(static_cast<std::int8_t>(what), last_id()); break;
            default:
                while (link_.receive()) {
                }
                break;
        }
        settle();
    }
    /// A radio that answers again is used again.
    void end() {
        radio_ = {};
        if (link_.is_lost()) close();
        for (int i = 0; i < 400 && !link_.is_ready(); ++i) {
            open();
            settle();
            now_ += std::chrono::seconds(1);
            radio_.transmit();
            if (link_.is_lost()) close();
        }
        MESH_ASSERT(link_.is_ready());
    }

private:
    std::uint32_t last_id() const { return radio_.queue.empty() ? 0 : radio_.queue.back().id; }
    void open() {
        if (is_open_) return;
        is_open_ = true;
        link_.handle_open(now_);
    }
    void close() {
        is_open_ = false;
        link_.handle_close(now_);
        (void)radio_.poll_bytes();
    }
    void hear(base::Bytes bytes) {
        const base::Bytes payload = bytes.first(std::min(bytes.size(), payload_bytes_max));
        radio_.say(radio_.heard({.port = Port{300}, .payload = base::to_buffer(payload)}));
    }
    void raw(base::Bytes bytes) {
        if (is_open_) link_.handle_bytes(now_, bytes);
    }
    void message(base::Bytes bytes) { raw(frame_for_stream(bytes)); }
    void send(base::Bytes bytes, std::uint8_t hops) {
        const bool is_ready = link_.is_ready();
        const auto sent = link_.send(now_, bytes, hops);
        MESH_ASSERT(!sent || is_ready);
        MESH_ASSERT(!sent || !link_.is_ready());
    }
    void settle() {
        for (int turns = 0; turns < 20; ++turns) {
            link_.handle_timeout(now_);
            MESH_ASSERT(link_.poll_timeout() > now_);
            link_.check_invariants();
            const base::Buffer asked = link_.poll_bytes();
            // A row of hands at most: nothing piles up.
            MESH_ASSERT(asked.size() <= 4 * (stream_message_max + 4));
            radio_.handle_bytes(asked);
            const base::Buffer said = radio_.poll_bytes();
            raw(said);
            if (asked.empty() && said.empty()) break;
        }
    }

    test::SeededEntropy entropy_{1};
    StreamLink link_{{.channel = "village", .port = Port{300}, .received_max = 3}, entropy_};
    StreamRadio radio_;
    base::Instant now_{};
    bool is_open_ = false;
};

}  // namespace
}  // namespace meshchain::radio

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, std::min<std::size_t>(size, 2'000))));
    radio::Fuzzed fuzzed;
    while (in.ok() && in.remaining() > 0) {
        const std::uint8_t what = in.u8();
        const std::uint8_t seconds = in.u8();
        const base::Bytes bytes = in.take(std::min<std::size_t>(in.u8(), in.remaining()));
        fuzzed.step(what, std::chrono::seconds(seconds), bytes);
    }
    fuzzed.end();
    return 0;
}
