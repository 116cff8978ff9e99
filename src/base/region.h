#pragma once
// Door to the outside: a medium that is written by the rules of NOR flash. A chip, a partition of
// an SD card, a file, or memory that loses power when a test says so.
//
// Units:     it is erased by whole sectors and programmed by whole units; both divide what they
//            are parts of. A unit is programmed once after its sector was erased. What an erased
//            unit reads as until then is not said: ones on a chip, the old content in a file.
// Order:     until sync() returns, everything programmed or erased since the last one may be there,
//            be missing, be torn at any byte, and all that in any order. Reads show it at once.
// Threads:   one owner.
// Errors:    io; of program and erase also full: the medium found no room and has changed nothing.
// Ownership: spans are used before a call returns and never kept. One region is open on a medium at
//            a time, until it is destroyed.

#include <cstdint>
#include <expected>

#include "base/bytes.h"

namespace meshchain::base {

class Region {
public:
    virtual ~Region() = default;

    virtual std::uint64_t size_bytes() const = 0;
    virtual std::uint32_t sector_bytes() const = 0;
    virtual std::uint32_t program_bytes() const = 0;

    virtual std::expected<void, Error> read(std::uint64_t offset, MutableBytes out) = 0;
    /// Both ends at the boundary of a unit.
    virtual std::expected<void, Error> program(std::uint64_t offset, Bytes bytes) = 0;
    /// The sector that starts at `offset`.
    virtual std::expected<void, Error> erase(std::uint64_t offset) = 0;
    virtual std::expected<void, Error> sync() = 0;
};

}  // namespace meshchain::base
