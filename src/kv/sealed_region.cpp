#include "kv/sealed_region.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace meshchain::kv {
namespace {

using Result = std::expected<void, base::Error>;

constexpr std::uint32_t round_up(std::uint32_t value, std::uint32_t unit) {
    return (value + unit - 1) / unit * unit;
}

/// What a medium shows that was never programmed.
bool is_blank(const crypto::PieceSalt& salt) {
    return std::ranges::all_of(salt, [&](std::byte byte) {
        return byte == salt[0] && (byte == std::byte{0} || byte == std::byte{0xff});
    });
}

bool fits(const base::Region& beneath, const SealedRegion::Shape& shape) {
    return std::has_single_bit(shape.unit_bytes) && shape.frame_bytes > 0 &&
           shape.frame_bytes % beneath.sector_bytes() == 0;
}

}  // namespace

std::expected<std::unique_ptr<SealedRegion>, base::Error> SealedRegion::open(
    std::unique_ptr<base::Region> beneath, base::SecretBuffer key,
    std::unique_ptr<base::Entropy> entropy, const Shape& shape) {
    MESH_ASSERT(key.size() == crypto::seal_key_bytes);
    std::unique_ptr<SealedRegion> region;
    if (fits(*beneath, shape)) {
        region.reset(
            new SealedRegion(std::move(beneath), std::move(key), std::move(entropy), shape));
    }
    if (!region || region->size_bytes() == 0) {
        return base::failure(base::Errc::invalid_argument,
                             "frames of " + std::to_string(shape.frame_bytes) +
                                 " bytes with units of " + std::to_string(shape.unit_bytes),
                             "kv sealed region", "choose sizes that fit the medium's sectors");
    }
    MESH_CHECK(region->load_salts());
    return region;
}

SealedRegion::SealedRegion(std::unique_ptr<base::Region> beneath, base::SecretBuffer key,
                           std::unique_ptr<base::Entropy> entropy, const Shape& shape)
    : beneath_(std::move(beneath)),
      key_(std::move(key)),
      entropy_(std::move(entropy)),
      shape_(shape),
      salt_bytes_(round_up(crypto::piece_salt_bytes, beneath_->program_bytes())),
      cell_bytes_(round_up(shape.unit_bytes + crypto::piece_tag_bytes, beneath_->program_bytes())),
      cells_(shape.frame_bytes > 2 * salt_bytes_
                 ? (shape.frame_bytes - 2 * salt_bytes_) / cell_bytes_
                 : 0),
      frames_(beneath_->size_bytes() / shape.frame_bytes),
      sealed_(std::size_t{cell_bytes_} * std::max(shape.buffer_bytes / cell_bytes_, 1u)),
      unit_(shape.unit_bytes) {}

Result SealedRegion::load_salts() {
    for (std::uint32_t i = 0; i < frames_.size(); ++i) {
        crypto::PieceSalt& first = frames_[i].salt;
        crypto::PieceSalt second;
        MESH_CHECK(beneath_->read(std::uint64_t{i} * shape_.frame_bytes, first));
        MESH_CHECK(beneath_->read(second_salt_at(i), second));
        // A blank one is of an earlier version, which wrote the salt once, or was torn.
        if (second != first && !is_blank(second)) MESH_CHECK(settle_salt(i, second));
    }
    return {};
}

/// Where the copies differ, the one under which a cell opens; for the whole frame, or cells of an
/// earlier life could be put between those of this one.
Result SealedRegion::settle_salt(std::uint32_t frame, const crypto::PieceSalt& copy) {
    const crypto::PieceSalt first = frames_[frame].salt;
    const base::MutableBytes cell = base::MutableBytes(sealed_).first(cell_bytes_);
    const base::Bytes sealed = cell.first(shape_.unit_bytes + crypto::piece_tag_bytes);
    for (std::uint32_t i = 0; i < cells_; ++i) {
        const Stretch stretch{frame, i, 1};
        MESH_CHECK(beneath_->read(place_of(stretch), cell));
        for (const crypto::PieceSalt& salt : {first, copy}) {
            frames_[frame].salt = salt;
            if (crypto::open_piece(key(), nonce_of(stretch, 0), sealed, unit_)) return {};
        }
    }
    frames_[frame].salt = first;
    return {};
}

/// From `cell` as far as the frame, the buffer and `end` go.
SealedRegion::Stretch SealedRegion::stretch_at(std::uint64_t cell, std::uint64_t end) const {
    const auto first = static_cast<std::uint32_t>(cell % cells_);
    const std::uint64_t room =
        std::min<std::uint64_t>(cells_ - first, sealed_.size() / cell_bytes_);
    return {static_cast<std::uint32_t>(cell / cells_), first,
            static_cast<std::uint32_t>(std::min(room, end - cell))};
}

std::uint64_t SealedRegion::place_of(const Stretch& stretch) const {
    return std::uint64_t{stretch.frame} * shape_.frame_bytes + salt_bytes_ +
           std::uint64_t{stretch.first} * cell_bytes_;
}

crypto::PieceNonce SealedRegion::nonce_of(const Stretch& stretch, std::uint32_t cell) const {
    return {frames_[stretch.frame].salt,
            std::uint64_t{stretch.frame} * cells_ + stretch.first + cell};
}

/// Of what lies in the buffer.
void SealedRegion::open_cell(const Stretch& stretch, std::uint32_t cell,
                             base::MutableBytes out) const {
    const auto sealed = base::Bytes(sealed_).subspan(std::size_t{cell} * cell_bytes_,
                                                     shape_.unit_bytes + crypto::piece_tag_bytes);
    const crypto::PieceNonce nonce = nonce_of(stretch, cell);
    if (!crypto::open_piece(key(), nonce, sealed, out)) crypto::fill_unopened(key(), nonce, out);
}

Result SealedRegion::read(std::uint64_t offset, base::MutableBytes out) {
    MESH_ASSERT(offset <= size_bytes() && out.size() <= size_bytes() - offset);
    const std::uint32_t unit = shape_.unit_bytes;
    const std::uint64_t end = (offset + out.size() + unit - 1) / unit;
    std::size_t skipped = offset % unit;
    for (std::uint64_t at = offset / unit; at < end && !out.empty();) {
        const Stretch stretch = stretch_at(at, end);
        MESH_CHECK(beneath_->read(
            place_of(stretch),
            base::MutableBytes(sealed_).first(std::size_t{stretch.count} * cell_bytes_)));
        for (std::uint32_t cell = 0; cell < stretch.count; ++cell) {
            const std::size_t part = std::min(unit - skipped, out.size());
            if (part == unit) {
                open_cell(stretch, cell, out.first(part));
            } else {
                open_cell(stretch, cell, unit_);
                std::ranges::copy(base::Bytes(unit_).subspan(skipped, part), out.begin());
            }
            out = out.subspan(part);
            skipped = 0;
        }
        at += stretch.count;
    }
    return {};
}

Result SealedRegion::program(std::uint64_t offset, base::Bytes bytes) {
    const std::uint32_t unit = shape_.unit_bytes;
    MESH_ASSERT(offset <= size_bytes() && bytes.size() <= size_bytes() - offset);
    MESH_ASSERT(offset % unit == 0 && bytes.size() % unit == 0);
    const std::uint64_t first = offset / unit;
    const std::uint64_t end = first + bytes.size() / unit;
    for (std::uint64_t at = first; at < end;) {
        const Stretch stretch = stretch_at(at, end);
        MESH_ASSERT(frames_[stretch.frame].is_ours);
        for (std::uint32_t cell = 0; cell < stretch.count; ++cell) {
            const auto place =
                base::MutableBytes(sealed_).subspan(std::size_t{cell} * cell_bytes_, cell_bytes_);
            std::ranges::fill(place.subspan(unit), std::byte{0});
            crypto::seal_piece(key(), nonce_of(stretch, cell), bytes.first(unit),
                               place.first(unit + crypto::piece_tag_bytes));
            bytes = bytes.subspan(unit);
        }
        auto done =
            beneath_->program(place_of(stretch),
                              base::Bytes(sealed_).first(std::size_t{stretch.count} * cell_bytes_));
        // Full says that nothing has changed, which holds for the first part alone.
        if (!done && at > first) done.error().code = base::Errc::io;
        MESH_CHECK(done);
        at += stretch.count;
    }
    return {};
}

Result SealedRegion::program_salt(std::uint32_t frame) {
    const base::MutableBytes salt = base::MutableBytes(sealed_).first(salt_bytes_);
    std::ranges::fill(salt, std::byte{0});
    std::ranges::copy(frames_[frame].salt, salt.begin());
    MESH_CHECK(beneath_->program(std::uint64_t{frame} * shape_.frame_bytes, salt));
    return beneath_->program(second_salt_at(frame), salt);
}

/// The new salt is on its way before anything is sealed under it. When there is no room for it, the
/// frame may be erased all the same, which nobody who asked for that minds.
Result SealedRegion::erase(std::uint64_t offset) {
    MESH_ASSERT(offset < size_bytes() && offset % sector_bytes() == 0);
    const auto number = static_cast<std::uint32_t>(offset / sector_bytes());
    const std::uint64_t start = std::uint64_t{number} * shape_.frame_bytes;
    Frame& frame = frames_[number];
    frame.is_ours = false;
    for (std::uint32_t at = 0; at < shape_.frame_bytes; at += beneath_->sector_bytes()) {
        MESH_CHECK(beneath_->erase(start + at));
    }
    entropy_->fill(frame.salt);
    MESH_CHECK(program_salt(number));
    frame.is_ours = true;
    return {};
}

}  // namespace meshchain::kv
