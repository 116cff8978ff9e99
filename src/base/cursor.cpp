#include "base/cursor.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::base {

Bytes Reader::take(std::size_t count) {
    if (failed_ || count > remaining()) {
        failed_ = true;
        return {};
    }
    const Bytes taken = input_.subspan(offset_, count);
    offset_ += count;
    return taken;
}

void Reader::read(MutableBytes out) {
    const Bytes taken = take(out.size());
    if (taken.size() == out.size()) {
        std::ranges::copy(taken, out.begin());
    } else {
        std::ranges::fill(out, std::byte{0});
    }
}

std::uint64_t Reader::unsigned_of(std::size_t width) {
    std::uint64_t value = 0;
    for (const std::byte byte : take(width)) value = value << 8 | std::to_integer<unsigned>(byte);
    return value;
}

std::expected<void, Error> Reader::finish(const char* format) const {
    if (failed_) {
        return failure(Errc::malformed,
                       "truncated or invalid at byte " + std::to_string(offset_) + " of " +
                           std::to_string(input_.size()),
                       format);
    }
    if (remaining() != 0) {
        return failure(
            Errc::malformed,
            std::to_string(remaining()) + " bytes too many after byte " + std::to_string(offset_),
            format);
    }
    return {};
}

Writer& Writer::u40(std::uint64_t value) {
    MESH_ASSERT(value >> 40 == 0);
    return unsigned_of(value, 5);
}

Writer& Writer::unsigned_of(std::uint64_t value, unsigned width) {
    for (unsigned i = width; i-- > 0;) out_->push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
}

FixedWriter& FixedWriter::bytes(Bytes value) {
    MESH_ASSERT(value.size() <= out_.size() - size_);
    std::ranges::copy(value, out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += value.size();
    return *this;
}

FixedWriter& FixedWriter::unsigned_of(std::uint64_t value, unsigned width) {
    MESH_ASSERT(width <= out_.size() - size_);
    MESH_ASSERT(width == 8 || value >> (8 * width) == 0);
    for (unsigned i = width; i-- > 0;) out_[size_++] = static_cast<std::byte>(value >> (8 * i));
    return *this;
}

}  // namespace meshchain::base
