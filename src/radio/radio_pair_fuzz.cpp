// Two nodes with a hostile radio between them, which loses, repeats, changes and invents packets:
// no limit and no budget is exceeded, and what arrives over an honest one is what was sent.
//
// The input is a row of steps of three bytes: what, how much, and by whom or to whom.

#include <deque>
#include <set>
#include <span>

#include "base/assert.h"
#include "base/cursor.h"
#include "radio/radio_frames.h"

namespace meshchain::radio {
namespace {

constexpr std::size_t on_its_way_max = 64;

class FuzzedDoor final : public PacketLink {
public:
    explicit FuzzedDoor(std::uint32_t number) : number_(number) {}

    NodeNumber number() const override { return NodeNumber{number_}; }
    std::size_t payload_bytes_max() const override { return payload_bytes_max_; }
    bool is_ready() const override { return sent.size() < ready_max; }
    std::expected<void, base::Error> send(base::Instant, base::Bytes payload,
                                          std::uint8_t) override {
        MESH_ASSERT(payload.size() <= payload_bytes_max_);
        if (refuses) return base::failure(base::Errc::io, "the radio is gone", "fuzz");
        sent.push_back(base::to_buffer(payload));
        return {};
    }
    std::optional<ReceivedPacket> receive() override {
        if (arrived.empty()) return std::nullopt;
        borrowed_ = std::move(arrived.front());
        arrived.pop_front();
        return ReceivedPacket{.from = NodeNumber{peer}, .hop_limit = 3, .payload = borrowed_};
    }
    std::optional<unsigned> take_channel_use_percent(base::Instant) override {
        return std::exchange(use, std::nullopt);
    }

    std::deque<base::Buffer> sent;
    std::deque<base::Buffer> arrived;
    std::optional<unsigned> use;
    std::uint32_t peer = 0;
    std::size_t ready_max = 4;
    bool refuses = false;

private:
    std::uint32_t number_;
    std::size_t payload_bytes_max_ = 120;
    base::Buffer borrowed_;
};

RadioOptions small_options() {
    RadioOptions options;
    options.airtime.share_permille = 100;
    options.outbox = {.messages_max = 6, .message_bytes_max = 900, .bytes_max = 2'000};
    options.reassembly = {
        .message_bytes_max = 900, .transfers_max = 3, .transfers_of_one_max = 2, .done_max = 4};
    return options;
}

constexpr wire::MessageRule rule_of(std::uint8_t priority) {
    return {wire::MessageType::block,
            priority == 3 ? wire::MessageClass::control : wire::MessageClass::object,
            0,
            900,
            60,
            priority,
            priority != 7};
}

class Pair {
public:
    Pair() {
        doors_[0].peer = 2;
        doors_[1].peer = 1;
    }

    void step(std::uint8_t what, std::uint8_t much, std::uint8_t whom) {
        const std::size_t node = whom & 1;
        const std::size_t place = whom >> 1;
        switch (what % 9) {
            case 0: send(node, much, place); break;
            case 1: now_ += std::chrono::seconds(much); break;
            case 2: now_ += std::chrono::minutes(much); break;
            case 3: carry(node, place, true); break;
            case 4: carry(node, place, false); break;
            case 5: change(node, place, much); break;
            case 6: invent(node, much, whom); break;
            case 7: doors_[node].use = much % 120; break;
            default: doors_[node].refuses = (much & 1) != 0; break;
        }
        settle();
    }

private:
    void send(std::size_t node, std::uint8_t much, std::size_t place) {
        base::Buffer payload(std::size_t{much} * 4 + place % 4, std::byte{much});
        if (!payload.empty()) payload[0] = static_cast<std::byte>(place);
        const wire::MessageRule rule = rule_of(place & 7);
        const auto taken =
            frames_[node].send(now_, rule, {.type = rule.type, .sender = {}, .hop_limit = 3},
                               payload, {.crowd = place >> 6});
        MESH_ASSERT(taken || taken.error().code != base::Errc::malformed);
        if (taken) said_.insert(std::move(payload));
    }
    base::Buffer* under_way(std::size_t node, std::size_t place) {
        auto& sent = doors_[node].sent;
        return sent.empty() ? nullptr : &sent[place % sent.size()];
    }
    void carry(std::size_t node, std::size_t place, bool is_once) {
        const base::Buffer* packet = under_way(node, place);
        if (packet == nullptr) return;
        if (doors_[1 - node].arrived.size() < on_its_way_max) {
            doors_[1 - node].arrived.push_back(*packet);
        }
        auto& sent = doors_[node].sent;
        if (is_once) sent.erase(sent.begin() + static_cast<std::ptrdiff_t>(place % sent.size()));
    }
    void change(std::size_t node, std::size_t place, std::uint8_t much) {
        base::Buffer* packet = under_way(node, place);
        if (packet == nullptr || packet->empty()) return;
        (*packet)[much % packet->size()] ^= std::byte{much};
        if (much > 0) is_honest_ = false;
    }
    void invent(std::size_t node, std::uint8_t much, std::uint8_t whom) {
        base::Buffer packet(much % 40, std::byte{whom});
        if (packet.size() > 2) {
            packet[0] = std::byte{0xF9};
            packet[2] = static_cast<std::byte>(much & 7);
        }
        doors_[node].arrived.push_back(std::move(packet));
        is_honest_ = false;
    }
    void settle() {
        for (std::size_t node = 0; node < 2; ++node) {
            RadioFrames& frames = frames_[node];
            while (const auto heard = frames.receive(now_)) {
                MESH_ASSERT(heard->radio == doors_[node].peer);
                if (is_honest_) MESH_ASSERT(said_.contains(base::to_buffer(heard->frame.payload)));
            }
            for (int turns = 0; frames.poll_timeout() <= now_; ++turns) {
                MESH_ASSERT(turns < 64);
                frames.handle_timeout(now_);
            }
            frames.check_invariants();
            MESH_ASSERT(frames.budget().spent(now_) <= frames.budget().per_hour());
        }
    }

    base::Instant now_{};
    std::array<FuzzedDoor, 2> doors_{FuzzedDoor(1), FuzzedDoor(2)};
    std::array<RadioFrames, 2> frames_{
        RadioFrames(now_, small_options(), doors_[0], base::Random(1)),
        RadioFrames(now_, small_options(), doors_[1], base::Random(2))};
    std::set<base::Buffer> said_;
    bool is_honest_ = true;
};

}  // namespace
}  // namespace meshchain::radio

extern "C" std::uint64_t fuzz_replay_mutations() { return 1'500; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    base::Reader in(std::as_bytes(std::span(data, std::min<std::size_t>(size, 3'000))));
    radio::Pair pair;
    while (in.remaining() >= 3) {
        const std::uint8_t what = in.u8();
        const std::uint8_t much = in.u8();
        pair.step(what, much, in.u8());
    }
    return 0;
}
