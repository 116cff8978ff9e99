#pragma once
// Reading and writing big-endian bytes: the only code that knows byte order.
//
// Reader remembers the first failure, so a parser reads all fields and asks once:
//     Reader in(bytes);  h.slot = in.u32();  h.rank = in.u8();  MESH_CHECK(in.finish("block"));
// Every read after a failure yields zeros. Writer writes to a growing buffer or counts only.

#include <cstdint>
#include <expected>
#include <string>
#include <type_traits>

#include "base/bytes.h"

namespace meshchain::base {

class Reader {
public:
    explicit Reader(Bytes input) : input_(input) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(unsigned_of(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(unsigned_of(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(unsigned_of(4)); }
    std::uint64_t u40() { return unsigned_of(5); }
    std::uint64_t u64() { return unsigned_of(8); }

    /// Borrows the next `count` bytes of the input; empty after a failure.
    Bytes take(std::size_t count);
    Bytes rest() { return take(remaining()); }
    /// Copies exactly out.size() bytes; zeros after a failure.
    void read(MutableBytes out);
    template <std::size_t N>
    std::array<std::byte, N> array() {
        std::array<std::byte, N> out{};
        read(out);
        return out;
    }

    std::size_t remaining() const { return input_.size() - offset_; }
    std::size_t offset() const { return offset_; }
    bool ok() const { return !failed_; }
    /// Lets a parser reject a value it just read; `finish` then reports this offset.
    void fail() { failed_ = true; }

    /// Errors: malformed (truncated or rejected, at the offset; or bytes left over).
    std::expected<void, Error> finish(const char* format) const;

private:
    std::uint64_t unsigned_of(std::size_t width);

    Bytes input_;
    std::size_t offset_ = 0;
    bool failed_ = false;
};

class Writer {
public:
    explicit Writer(Buffer& out) : out_(&out) {}

    Writer& u8(std::uint8_t value) { return unsigned_of(value, 1); }
    Writer& u16(std::uint16_t value) { return unsigned_of(value, 2); }
    Writer& u32(std::uint32_t value) { return unsigned_of(value, 4); }
    /// Asserts that the value fits 40 bits.
    Writer& u40(std::uint64_t value);
    Writer& u64(std::uint64_t value) { return unsigned_of(value, 8); }
    Writer& bytes(Bytes value) {
        out_->insert(out_->end(), value.begin(), value.end());
        return *this;
    }
    Writer& text(std::string_view value) { return bytes(as_bytes(value)); }

private:
    Writer& unsigned_of(std::uint64_t value, unsigned width);

    Buffer* out_;
};

/// Writes into fixed memory, for messages that must not allocate. Asserts on overflow.
class FixedWriter {
public:
    explicit FixedWriter(MutableBytes out) : out_(out) {}

    FixedWriter& u8(std::uint8_t value) { return unsigned_of(value, 1); }
    FixedWriter& u16(std::uint16_t value) { return unsigned_of(value, 2); }
    FixedWriter& u32(std::uint32_t value) { return unsigned_of(value, 4); }
    FixedWriter& u40(std::uint64_t value) { return unsigned_of(value, 5); }
    FixedWriter& u64(std::uint64_t value) { return unsigned_of(value, 8); }
    FixedWriter& bytes(Bytes value);

    std::size_t size() const { return size_; }
    Bytes written() const { return out_.first(size_); }

private:
    FixedWriter& unsigned_of(std::uint64_t value, unsigned width);

    MutableBytes out_;
    std::size_t size_ = 0;
};

}  // namespace meshchain::base
