#pragma once
// What a node asks all who hear it on the air, and the answer that serves all who miss something
// of one block (rows F4, J5).
//
// AIR_ASK is unsigned and short, because a signature costs more air than most answers: whoever
// lies in it makes others say what they would say to anybody, as seldom as they would to anybody.
// BLOCK_ROW is one of the combinations of a block's transactions that coding/erasure_code.h makes:
// each repairs any one transaction, whichever a receiver lacks.
//
// Errors: malformed, wrong_version.
// Format: docs/formats/air.md

#include <expected>
#include <variant>

#include "wire/control.h"

namespace meshchain::wire {

/// Of a message that goes in one packet.
inline constexpr std::size_t air_payload_bytes_max = 228;

/// "Of this block I lack so many transactions, whichever"; 0: "its announcement, in whatever
/// form"; whole: "its announcement, as I cannot rebuild it from the short form".
struct BlockWish {
    static constexpr std::uint8_t whole = 255;  ///< no block has so many
    BlockName block;
    std::uint8_t missing = 0;
    bool is_for_announcement() const { return missing == 0 || missing == whole; }
    friend bool operator==(const BlockWish&, const BlockWish&) = default;
};

/// "My chain ends here, and others are FINAL above it: say the announcement of the block that is
/// FINAL after this one."
struct NextBlockWish {
    BlockName after;  ///< the chain id's, at height 0
    Height height;    ///< its own
    friend bool operator==(const NextBlockWish&, const NextBlockWish&) = default;
};

using AirQuestion = std::variant<BlockWish, VoteRequest, NextBlockWish>;
inline constexpr std::size_t air_question_bytes_min = 2 + 4;
inline constexpr std::size_t air_question_bytes_max = 2 + 4 + 8;
base::Buffer encode(const AirQuestion& question);
std::expected<AirQuestion, base::Error> parse_air_question(base::Bytes payload);

/// The transactions of a block in its order, each filled up with zeros to the length of the
/// longest, are the data pieces; `row` is at least their number.
struct BlockRow {
    static constexpr std::size_t overhead_bytes = 1 + 4 + 1;
    static constexpr std::size_t bytes_max = 220;

    BlockName block;
    std::uint8_t row = 0;
    base::Bytes bytes;  ///< 1 to bytes_max; borrowed from what was parsed
};
base::Buffer encode(const BlockRow& row);
std::expected<BlockRow, base::Error> parse_block_row(base::Bytes payload);

}  // namespace meshchain::wire
