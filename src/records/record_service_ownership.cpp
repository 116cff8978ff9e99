// Whose something is: what a node says of it (row G2).

#include "base/utf8.h"
#include "records/record_service.h"

namespace meshchain::records {
namespace {

using base::Errc;

/// Within what the kind allows; whoever holds it longer accepts it again.
constexpr std::chrono::seconds link_lifetime = std::chrono::hours(24 * 365);

std::expected<void, base::Error> check_texts(std::string_view hash, std::string_view note) {
    if (hash.empty() || hash.size() > wire::Record::key_bytes_max || !base::is_displayable(hash)) {
        return base::failure(Errc::invalid_argument, "a hash that cannot be", "hash",
                             "name it by 1 to " + std::to_string(wire::Record::key_bytes_max) +
                                 " bytes of UTF-8 without control characters");
    }
    if (note.size() <= OwnershipLink::note_bytes_max && base::is_displayable(note)) return {};
    return base::failure(Errc::invalid_argument, "a note that is too long or cannot be shown",
                         "note",
                         "write at most " + std::to_string(OwnershipLink::note_bytes_max) +
                             " bytes of UTF-8 without control characters");
}

base::Error not_ours(std::string_view hash, const OwnershipHistory& history) {
    const auto last = std::ranges::find(history.steps, true, &OwnershipStep::last);
    const bool is_anybodys = last != history.steps.end();
    return {Errc::not_found, "'" + std::string(hash) + "' is not this node's", "ownership",
            is_anybodys ? "it is held by " + crypto::to_hex(last->link.to)
                        : "nobody has claimed it as far as is known here: claim it first"};
}

std::uint64_t stamp_of(base::Now now) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(base::unix_ms(now.wall), 0));
}

}  // namespace

std::expected<OwnershipLink::Id, base::Error> RecordService::publish_link(
    base::Now now, const OwnershipLink& link) {
    const OwnershipLink::Id id = link_id(store_->chain(), link);
    MESH_CHECK(publish(now, {.kind = wire::RecordKind::ownership,
                             .key = base::to_buffer(id.bytes),
                             .body = encode(link),
                             .lifetime = link_lifetime}));
    return id;
}

std::expected<OwnershipLink::Id, base::Error> RecordService::claim(base::Now now,
                                                                   std::string_view hash,
                                                                   std::string_view note) {
    MESH_CHECK(check_texts(hash, note));
    MESH_TRY(const OwnershipHistory history, ownership_.history(hash));
    const auto held = std::ranges::find(history.steps, true, &OwnershipStep::last);
    if (held != history.steps.end()) {
        return base::failure(
            Errc::exists, "'" + std::string(hash) + "' is held by " + crypto::to_hex(held->link.to),
            "ownership", "ask for it to be given to this node");
    }
    return publish_link(now, signed_link(store_->chain(),
                                         {.to = self_.public_key(),
                                          .ms = stamp_of(now),
                                          .hash = std::string(hash),
                                          .note = std::string(note)},
                                         self_));
}

std::expected<OwnershipLink::Id, base::Error> RecordService::give(base::Now now,
                                                                  std::string_view hash,
                                                                  const crypto::PublicKey& to,
                                                                  std::string_view note) {
    MESH_CHECK(check_texts(hash, note));
    if (to == self_.public_key()) {
        return base::failure(Errc::invalid_argument, "this node itself", "to",
                             "name the identity of another node");
    }
    MESH_TRY(const OwnershipHistory history, ownership_.history(hash));
    const OwnershipStep* held = history.held_by(self_.public_key());
    if (held == nullptr) return std::unexpected(not_ours(hash, history));
    return publish_link(now, signed_link(store_->chain(),
                                         {.previous = held->id,
                                          .to = to,
                                          .ms = stamp_of(now),
                                          .hash = std::string(hash),
                                          .note = std::string(note)},
                                         self_));
}

std::expected<std::size_t, base::Error> RecordService::accept(base::Now now,
                                                              std::string_view hash) {
    MESH_TRY(const OwnershipHistory history, ownership_.history(hash));
    const OwnershipStep* held = history.held_by(self_.public_key());
    if (held == nullptr) return std::unexpected(not_ours(hash, history));
    const auto way = history.way_to(*held);
    for (const OwnershipStep* step : way) MESH_CHECK(publish_link(now, step->link));
    return way.size();
}

}  // namespace meshchain::records
