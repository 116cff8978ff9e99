#pragma once
// Pieces of a medium sealed one by one (XChaCha20-Poly1305), each under the store's key and a nonce
// that says where and in which life of the medium it lies, so that nothing but the tag is stored
// beside it.
//
// Ownership: spans are used before a call returns and never kept.
// Errors:    a piece that does not open is told by false; all else is our own mistake and asserts.

#include "crypto/seal.h"

namespace meshchain::crypto {

inline constexpr std::size_t piece_salt_bytes = 16;
inline constexpr std::size_t piece_tag_bytes = 16;
using PieceSalt = std::array<std::byte, piece_salt_bytes>;

/// No two different pieces ever have both the same.
struct PieceNonce {
    PieceSalt salt;  ///< drawn at random for each life
    std::uint64_t number;
};

/// `out` has room for the piece and its tag.
void seal_piece(SealKey key, const PieceNonce& nonce, base::Bytes piece, base::MutableBytes out);
/// False, and `out` is not changed: altered, of another place or life, or never sealed.
bool open_piece(SealKey key, const PieceNonce& nonce, base::Bytes sealed, base::MutableBytes out);
/// What takes the place of a piece that does not open: bytes that only the key's owner can tell
/// beforehand, so that nobody can choose what damage reads as.
void fill_unopened(SealKey key, const PieceNonce& nonce, base::MutableBytes out);

}  // namespace meshchain::crypto
