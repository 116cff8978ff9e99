#pragma once
// A block as it is said on the air (rows A5, J5): who hears it has executed its parent, so what
// follows from that is left out, and a block of many transactions goes in one packet.
//
// The signature is that of the whole header, and the name the first bytes of its hash: what is
// rebuilt wrongly has another name and verifies for nobody. Whoever cannot rebuild it asks for the
// whole announcement by that name.
//
// Limits: what fits one packet, so ids_max transactions whatever its certificate.
// Errors: malformed, wrong_version.
// Format: docs/formats/air.md

#include <expected>
#include <optional>
#include <vector>

#include "wire/air_question.h"
#include "wire/block.h"

namespace meshchain::wire {

struct ShortBlock {
    static constexpr std::size_t bytes_min = 1 + 4 + 4 + 4 + 1 + 1 + Hash::size + 64;
    static constexpr std::size_t bytes_max = air_payload_bytes_max;
    static constexpr std::size_t ids_max =
        (bytes_max - bytes_min - Hash::size) / BlockAnnouncement::short_id_bytes;

    BlockName name;
    BlockName parent;
    Slot slot;
    std::uint8_t rank = 0;
    ValidatorIndex proposer;
    bool raises_epoch = false;  ///< to the one after its parent's
    Hash transaction_root;
    std::optional<Hash> certificate;  ///< nothing: that of its parent
    crypto::Signature signature;
    std::vector<std::uint32_t> short_ids;  ///< those of the announcement
    friend bool operator==(const ShortBlock&, const ShortBlock&) = default;
};

/// What of a block's header follows from its parent.
struct BlockParent {
    Hash hash;
    Height height;
    std::uint32_t epoch = 0;
    Hash certificate;  ///< that its header names; zero where there is none
    Hash state;        ///< after it
};

/// `hash`: of the announced block. Nothing where it names too many transactions, or its epoch does
/// not follow the parent's. The parent's state is of no matter.
std::optional<ShortBlock> shorten(const BlockAnnouncement& announcement, const Hash& hash,
                                  std::uint32_t parent_epoch, const Hash& parent_certificate);
/// The announcement that it stands for, if this is its parent.
BlockAnnouncement expand(const ShortBlock& block, const BlockParent& parent);

base::Buffer encode(const ShortBlock& block);
std::expected<ShortBlock, base::Error> parse_short_block(base::Bytes payload);

}  // namespace meshchain::wire
