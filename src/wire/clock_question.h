#pragma once
// CLOCK_ASK and CLOCK_ANSWER: what a validator's clock shows, asked over several hops by one that
// hears too few others directly (PROTOCOL.md P3, "the clock is checked"). They travel inside
// ROUTED, whose signature covers origin, chain, destination and everything below.
//
// Errors: malformed, wrong_version.
// Format: docs/formats/routed.md

#include <array>
#include <expected>

#include "base/bytes.h"
#include "base/error.h"
#include "wire/numbers.h"

namespace meshchain::wire {

/// Drawn for each question, so that an answer to an older one means nothing.
using ClockNonce = std::array<std::byte, 16>;

struct ClockAsk {
    static constexpr std::size_t size = 1 + 16;
    ClockNonce nonce{};
    friend bool operator==(const ClockAsk&, const ClockAsk&) = default;
};
base::Buffer encode(const ClockAsk& question);
std::expected<ClockAsk, base::Error> parse_clock_ask(base::Bytes payload);

struct ClockAnswer {
    static constexpr std::size_t size = 1 + 16 + 4 + 2;
    ClockNonce nonce{};            ///< of the question
    Slot slot;                     ///< by the clock of who answers
    std::uint16_t slot_phase = 0;  ///< how much of the slot has passed, in 1/65536
    friend bool operator==(const ClockAnswer&, const ClockAnswer&) = default;
};
base::Buffer encode(const ClockAnswer& answer);
std::expected<ClockAnswer, base::Error> parse_clock_answer(base::Bytes payload);

}  // namespace meshchain::wire
