#include "host/store_mark.h"

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"
#include "kv/checksum.h"
#include "wire/fields.h"

namespace meshchain::host {
namespace {

constexpr std::string_view magic = "MCsm";
constexpr std::uint8_t version = 1;
constexpr std::string_view sentence_of_old = "This folder has a store.";

}  // namespace

StoreMark::Signed signed_by(const consensus::SigningRecord& record) {
    return {record.key, record.last_round, record.last_block_slot};
}

std::optional<StoreMark::Signed> newest(const std::optional<StoreMark::Signed>& before,
                                        const std::optional<StoreMark::Signed>& now) {
    if (!before || !now) return before ? before : now;
    if (before->key != now->key) return now;
    // Of one history both rise together.
    const auto place = [](const StoreMark::Signed& last) {
        return std::pair(last.round, last.block_slot);
    };
    return place(*before) > place(*now) ? before : now;
}

StoreMarkBytes encode(const StoreMark& mark, std::uint64_t turn) {
    const StoreMark::Signed last = mark.last_signed.value_or(StoreMark::Signed{});
    base::Buffer bytes;
    base::Writer out(bytes);
    out.text(magic).u8(version).u64(turn).bytes(mark.store.span()).u64(mark.sequence);
    out.u8(mark.last_signed ? 1 : 0).bytes(last.key.span());
    out.u32(last.round.value).u32(last.block_slot.value);
    out.u32(kv::crc32c(bytes));
    StoreMarkBytes slot{};
    MESH_ASSERT(bytes.size() == slot.size());
    std::ranges::copy(bytes, slot.begin());
    return slot;
}

std::optional<NumberedMark> parse_store_mark(base::Bytes slot) {
    if (slot.size() < store_mark_bytes) return std::nullopt;
    slot = slot.first(store_mark_bytes);
    base::Reader in(slot.subspan(magic.size() + 1));
    NumberedMark found;
    found.turn = in.u64();
    found.mark.store = wire::read_hash(in);
    found.mark.sequence = in.u64();
    const bool has_signed = in.u8() != 0;
    StoreMark::Signed last;
    last.key = wire::read_key(in);
    last.round.value = in.u32();
    last.block_slot.value = in.u32();
    if (has_signed) found.mark.last_signed = last;
    // Magic, version and checksum are what they would be.
    if (!std::ranges::equal(encode(found.mark, found.turn), slot)) return std::nullopt;
    return found;
}

std::expected<NumberedMark, base::Error> parse_store_marker(base::Bytes content) {
    if (base::as_text(content).starts_with(sentence_of_old)) return NumberedMark{};
    auto first = parse_store_mark(content);
    auto second = content.size() > store_mark_distance
                      ? parse_store_mark(content.subspan(store_mark_distance))
                      : std::nullopt;
    if (!first || (second && second->turn > first->turn)) first = second;
    if (first) return *first;
    return base::failure(base::Errc::corrupt, "what is known of the store's age is damaged",
                         "store marker",
                         "check the disk; if the store is the newest, remove this file");
}

}  // namespace meshchain::host
