#pragma once
// How the field types are read from and written to bytes: one place, used by every format.

#include "base/cursor.h"
#include "wire/vote.h"

namespace meshchain::wire {

inline Hash read_hash(base::Reader& in) { return {in.array<Hash::size>()}; }
inline crypto::PublicKey read_key(base::Reader& in) {
    return {in.array<crypto::PublicKey::size>()};
}
inline crypto::Signature read_signature(base::Reader& in) {
    return {in.array<crypto::Signature::size>()};
}

/// An amount on the wire is never zero: fails `in` if it is.
inline Amount read_amount(base::Reader& in) {
    const Amount amount{in.u40()};
    if (amount.units == 0) in.fail();
    return amount;
}

/// Fails `in` unless the index fits every bitmap over validators.
inline ValidatorIndex read_validator(base::Reader& in) {
    const ValidatorIndex index{in.u16()};
    if (index.value >= validators_max) in.fail();
    return index;
}

inline Checkpoint read_checkpoint(base::Reader& in) {
    Checkpoint checkpoint;
    checkpoint.round.value = in.u32();
    checkpoint.slot.value = in.u32();
    checkpoint.block = read_hash(in);
    return checkpoint;
}
inline void write(base::Writer& out, const Checkpoint& checkpoint) {
    out.u32(checkpoint.round.value).u32(checkpoint.slot.value).bytes(checkpoint.block.bytes);
}

inline void write(base::Writer& out, const Output& output) {
    out.bytes(output.owner.bytes).u40(output.amount.units);
}

/// A bitmap over validators at the end of a message, the first eight in its first byte: as many
/// bytes as the highest bit takes, none for none.
void write_bitmap(base::Writer& out, std::uint64_t bits);
/// Takes all that is left; fails `in` if that is longer than it has to be.
std::uint64_t read_last_bitmap(base::Reader& in);

/// Nothing if the first byte of `bytes` is `version` or missing; the parser judges the rest.
/// Errors: wrong_version.
std::expected<void, base::Error> check_version(base::Bytes bytes, std::uint8_t version,
                                               const char* format);

}  // namespace meshchain::wire
