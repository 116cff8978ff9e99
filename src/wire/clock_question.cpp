#include "wire/clock_question.h"

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t clock_version = 1;

ClockNonce read_nonce(base::Reader& in) { return in.array<std::tuple_size_v<ClockNonce>>(); }

}  // namespace

base::Buffer encode(const ClockAsk& question) {
    base::Buffer out;
    base::Writer(out).u8(clock_version).bytes(question.nonce);
    return out;
}

std::expected<ClockAsk, base::Error> parse_clock_ask(base::Bytes payload) {
    MESH_CHECK(check_version(payload, clock_version, "CLOCK_ASK"));
    base::Reader in(payload);
    in.u8();
    const ClockAsk question{read_nonce(in)};
    MESH_CHECK(in.finish("CLOCK_ASK"));
    return question;
}

base::Buffer encode(const ClockAnswer& answer) {
    base::Buffer out;
    base::Writer(out)
        .u8(clock_version)
        .bytes(answer.nonce)
        .u32(answer.slot.value)
        .u16(answer.slot_phase);
    return out;
}

std::expected<ClockAnswer, base::Error> parse_clock_answer(base::Bytes payload) {
    MESH_CHECK(check_version(payload, clock_version, "CLOCK_ANSWER"));
    base::Reader in(payload);
    in.u8();
    ClockAnswer answer{read_nonce(in), {}, 0};
    answer.slot.value = in.u32();
    answer.slot_phase = in.u16();
    MESH_CHECK(in.finish("CLOCK_ANSWER"));
    return answer;
}

}  // namespace meshchain::wire
