#pragma once
// Records of the log, read by their location and verified.
//
// Errors: io. A head that does not verify is nothing; a value that does not is told apart, because
//         the key of its record is sound.

#include "kv/flash_log_segments.h"

namespace meshchain::kv::flash {

struct KeyBuffer {
    std::array<std::byte, key_bytes_max> bytes;
    std::uint8_t size = 0;

    base::Bytes view() const { return base::Bytes(bytes).first(size); }
};

struct Record {
    RecordHead head;
    KeyBuffer key;
};

class Records {
public:
    Records(Medium& medium, const Segments& segments) : medium_(&medium), segments_(&segments) {}

    /// Nothing: damaged, or no record.
    std::expected<std::optional<Record>, base::Error> read(Location location);
    /// Replaces `value` with that of the record just read. False: its checksum fails.
    std::expected<bool, base::Error> read_value(Location location, const RecordHead& head,
                                                base::Buffer& value);
    /// The same without keeping it: `buffer` is where the pieces go.
    std::expected<bool, base::Error> check_value(Location location, const RecordHead& head,
                                                 base::MutableBytes buffer);

private:
    /// Enough for a coin with its key, so that a look-up costs one read.
    static constexpr std::size_t chunk_bytes = 256;

    bool is_inside(Location location, std::size_t bytes) const;

    Medium* medium_;
    const Segments* segments_;
    std::array<std::byte, chunk_bytes> chunk_;
    std::size_t chunk_size_ = 0;
    Location chunk_location_ = 0;
    std::uint32_t chunk_epoch_ = 0;
};

}  // namespace meshchain::kv::flash
