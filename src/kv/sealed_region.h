#pragma once
// A region whose content nobody reads or alters unnoticed without its key (row B14), on any other:
// a chip, a card, a file. It keeps to the rules of base::Region, so a store on it survives what it
// survives without it.
//
// The medium is cut into frames of whole sectors. A frame holds a salt, drawn anew with every
// erase, cells, each a program unit of ours and its tag, and the salt again at its other end. One
// damaged copy of the salt costs nothing. The nonce of a cell is salt and place, so what was moved
// from another place, or from an earlier life of this one, does not open; only a frame that is put
// back as a whole does, and what is above has to tell (docs/storage.md).
//
// What does not open reads as bytes that nobody else can foretell, as what was never programmed
// does: the two cannot be told apart, and checksums above report it.
//
// Ownership: the region beneath, the key and the source of salts are this one's.
// Limits:    programs only what it erased itself since it was opened, or asserts: under a salt that
//            it found a nonce might come twice. Memory: 17 bytes a frame and `buffer_bytes`.
// Errors:    those of the region beneath; invalid_argument (sizes that do not fit).
// Format:    docs/formats/sealed-region.md; why: docs/decisions/0095-sealed-region.md

#include <memory>
#include <vector>

#include "base/entropy.h"
#include "base/region.h"
#include "base/secret_buffer.h"
#include "crypto/piece_seal.h"

namespace meshchain::kv {

class SealedRegion final : public base::Region {
public:
    struct Shape {
        std::uint32_t unit_bytes = 256;       ///< programmed at once, in clear
        std::uint32_t frame_bytes = 65'536;   ///< whole sectors of the region beneath
        std::uint32_t buffer_bytes = 65'536;  ///< read or programmed at once, sealed
    };

    static std::expected<std::unique_ptr<SealedRegion>, base::Error> open(
        std::unique_ptr<base::Region> beneath, base::SecretBuffer key,
        std::unique_ptr<base::Entropy> entropy, const Shape& shape);
    SealedRegion(const SealedRegion&) = delete;
    SealedRegion& operator=(const SealedRegion&) = delete;

    std::uint64_t size_bytes() const override { return frames_.size() * frame_content_bytes(); }
    std::uint32_t sector_bytes() const override { return frame_content_bytes(); }
    std::uint32_t program_bytes() const override { return shape_.unit_bytes; }
    std::expected<void, base::Error> read(std::uint64_t offset, base::MutableBytes out) override;
    std::expected<void, base::Error> program(std::uint64_t offset, base::Bytes bytes) override;
    std::expected<void, base::Error> erase(std::uint64_t offset) override;
    std::expected<void, base::Error> sync() override { return beneath_->sync(); }

private:
    struct Frame {
        crypto::PieceSalt salt{};
        bool is_ours = false;  ///< erased since this was opened
    };
    /// Cells of one frame, one after the other.
    struct Stretch {
        std::uint32_t frame;
        std::uint32_t first;
        std::uint32_t count;
    };

    SealedRegion(std::unique_ptr<base::Region> beneath, base::SecretBuffer key,
                 std::unique_ptr<base::Entropy> entropy, const Shape& shape);

    std::expected<void, base::Error> load_salts();
    std::expected<void, base::Error> program_salt(std::uint32_t frame);
    std::uint64_t second_salt_at(std::uint32_t frame) const {
        return (frame + std::uint64_t{1}) * shape_.frame_bytes - salt_bytes_;
    }
    std::expected<void, base::Error> settle_salt(std::uint32_t frame,
                                                 const crypto::PieceSalt& copy);
    crypto::SealKey key() const { return key_.bytes().first<crypto::seal_key_bytes>(); }
    std::uint32_t frame_content_bytes() const { return cells_ * shape_.unit_bytes; }
    Stretch stretch_at(std::uint64_t cell, std::uint64_t end) const;
    std::uint64_t place_of(const Stretch& stretch) const;
    crypto::PieceNonce nonce_of(const Stretch& stretch, std::uint32_t cell) const;
    void open_cell(const Stretch& stretch, std::uint32_t cell, base::MutableBytes out) const;

    std::unique_ptr<base::Region> beneath_;
    base::SecretBuffer key_;
    std::unique_ptr<base::Entropy> entropy_;
    Shape shape_;
    std::uint32_t salt_bytes_;  ///< of a frame: in front of its cells, and again at its end
    std::uint32_t cell_bytes_;
    std::uint32_t cells_;  ///< of a frame
    std::vector<Frame> frames_;
    base::Buffer sealed_;
    base::Buffer unit_;
};

}  // namespace meshchain::kv
