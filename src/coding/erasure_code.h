#pragma once
// A systematic erasure code: a message is cut into k pieces of equal length, further ones are made
// of them, and any k different pieces of the up to 256 give the message back. Pieces below k are
// the message itself, so what arrives whole needs no arithmetic.
//
// Piece r >= k is the sum of data pieces j, each times 1 / (r + j) in GF(256): a Cauchy matrix,
// every square part of which can be inverted. The coefficient depends on r and j alone, so a sender
// can make ever new pieces without having decided how many.
//
// A false piece gives a false message: whoever uses this checks the message by its hash.
//
// Source:    Bloemer et al., "An XOR-Based Erasure-Resilient Coding Scheme" (1995).
// Ownership: spans are read before the call returns.
// Limits:    pieces_max pieces; a PieceCollector holds what was added, at most one message.

#include <bitset>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace meshchain::coding {

inline constexpr std::size_t pieces_max = 256;

/// How a message is cut. The last piece is filled up with zeros.
struct Cut {
    std::size_t message_bytes = 0;
    std::size_t piece_bytes = 0;

    constexpr std::size_t pieces() const { return (message_bytes + piece_bytes - 1) / piece_bytes; }
    /// Whether there is such a code: neither is zero, and a piece for repair can be made.
    constexpr bool is_sound() const {
        return piece_bytes > 0 && message_bytes > 0 && pieces() < pieces_max;
    }
    friend bool operator==(const Cut&, const Cut&) = default;
};

/// The cut into the fewest pieces of at most `piece_bytes_max`, all as short as that allows.
Cut cut_evenly(std::size_t message_bytes, std::size_t piece_bytes_max);

/// Writes piece `index` of `message`. Asserts that the cut is sound, fits the message, and that
/// `out` has cut.piece_bytes.
void make_piece(const Cut& cut, base::Bytes message, std::uint8_t index, base::MutableBytes out);

/// Gathers pieces of one message.
class PieceCollector {
public:
    /// Asserts that the cut is sound.
    explicit PieceCollector(const Cut& cut);

    const Cut& cut() const { return cut_; }
    bool has(std::uint8_t index) const { return known_.test(index); }
    /// Of different pieces, so many more are needed.
    std::size_t missing() const { return cut_.pieces() - indexes_.size(); }
    /// Keeps a copy. False: it is known, or none is missing. Asserts that it has cut.piece_bytes.
    bool add(std::uint8_t index, base::Bytes piece);
    /// The message; asserts that nothing is missing. The collector is of no use afterwards.
    base::Buffer take_message();

private:
    base::MutableBytes piece(std::size_t place);
    void swap_places(std::size_t a, std::size_t b);
    /// Every data piece to its own place; the places left hold pieces for repair.
    void put_in_order();
    void repair();

    Cut cut_;
    std::bitset<pieces_max> known_;
    std::vector<std::uint8_t> indexes_;  ///< of the pieces in the order in which they lie
    base::Buffer bytes_;
};

}  // namespace meshchain::coding
