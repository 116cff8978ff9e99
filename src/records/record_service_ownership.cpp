// Whose something is: what a node says of it (row G2).

#include "base/utf8.h"
#include "records/record_service.h"

namespace meshchain::records {
namespace {

using base::Errc;

/// Within what the kind allows; whoever holds it longer accepts it again.
constexpr std::chrono::seconds link_lifetime = std::chrono::hours(24 * 365);
/// Of several histories that end with this node so many go on with it.
constexpr std::size_t ways_max = 16;

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
            is_anybodys ? "as far as is known " + crypto::to_hex(last->link.to) + " holds it"
                        : "nobody has claimed it as far as is known here: claim it first"};
}

std::uint64_t stamp_of(base::Now now) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(base::unix_ms(now.wall), 0));
}

}  // namespace

/// Nothing of a history may give way to another in silence.
std::expected<void, base::Error> RecordService::keep_link(base::Now now,
                                                          const OwnershipLink& link) {
    const OwnershipLink::Id id = link_id(store_->chain(), link);
    const Address address{wire::RecordKind::ownership, store_->self(), base::to_buffer(id.bytes)};
    const std::uint32_t links_max = store_->kinds().find(address.kind)->per_origin_max;
    const Held* held = store_->index().find(address);
    if (held == nullptr && store_->index().count_of({address.kind, address.origin}) >= links_max) {
        return base::failure(Errc::full, "this node keeps " + std::to_string(links_max) + " links",
                             "ownership", "wait until some of them end, or withdraw claims");
    }
    const auto until = base::WallTime(now.wall + link_lifetime / 2);
    if (held != nullptr && !held->tombstone && held->expires > base::unix_ms(until) / 1'000) {
        return {};
    }
    MESH_CHECK(publish(now, {.kind = address.kind,
                             .key = address.key,
                             .body = encode(link),
                             .lifetime = link_lifetime}));
    return {};
}

/// The newest first, so that whoever is stopped on the way goes on where it was.
std::expected<void, base::Error> RecordService::keep_way(base::Now now,
                                                         const OwnershipHistory& history,
                                                         const OwnershipStep& step) {
    const auto way = history.way_to(step);
    for (auto next = way.rbegin(); next != way.rend(); ++next) {
        MESH_CHECK(keep_link(now, (*next)->link));
    }
    return {};
}

std::expected<void, base::Error> RecordService::claim(base::Now now, std::string_view hash,
                                                      std::string_view note) {
    MESH_CHECK(check_texts(hash, note));
    if (!ownership_.history(hash).held_by(store_->self()).empty()) {
        return base::failure(Errc::exists, "'" + std::string(hash) + "' is this node's already",
                             "ownership", "see its history");
    }
    return keep_link(now, signed_link(store_->chain(),
                                      {.to = self_.public_key(),
                                       .ms = stamp_of(now),
                                       .hash = std::string(hash),
                                       .note = std::string(note)},
                                      self_));
}

std::expected<void, base::Error> RecordService::give(base::Now now, std::string_view hash,
                                                     const crypto::PublicKey& to,
                                                     std::string_view note) {
    MESH_CHECK(check_texts(hash, note));
    if (to == self_.public_key()) {
        return base::failure(Errc::invalid_argument, "this node itself", "to",
                             "name the identity of another node");
    }
    const OwnershipHistory history = ownership_.history(hash);
    auto held = history.held_by(store_->self());
    if (held.empty()) return std::unexpected(not_ours(hash, history));
    held.resize(std::min(held.size(), ways_max));
    for (const OwnershipStep* step : held) {
        // What it was given by must not end with those who gave it.
        MESH_CHECK(keep_way(now, history, *step));
        MESH_CHECK(keep_link(now, signed_link(store_->chain(),
                                              {.previous = step->id,
                                               .to = to,
                                               .ms = stamp_of(now),
                                               .hash = std::string(hash),
                                               .note = std::string(note)},
                                              self_)));
    }
    return {};
}

std::expected<void, base::Error> RecordService::accept(base::Now now, std::string_view hash) {
    const OwnershipHistory history = ownership_.history(hash);
    auto held = history.held_by(store_->self());
    if (held.empty()) return std::unexpected(not_ours(hash, history));
    held.resize(std::min(held.size(), ways_max));
    for (const OwnershipStep* step : held) MESH_CHECK(keep_way(now, history, *step));
    return {};
}

std::expected<void, base::Error> RecordService::withdraw(base::Now now, std::string_view hash) {
    const OwnershipHistory history = ownership_.history(hash);
    std::size_t withdrawn = 0;
    for (const OwnershipStep* step : history.held_by(store_->self())) {
        if (!step->link.is_claim() || !step->accepted()) continue;
        MESH_CHECK(remove(now, wire::RecordKind::ownership, step->id.bytes));
        ++withdrawn;
    }
    if (withdrawn > 0) return {};
    return base::failure(
        Errc::not_found,
        "no claim of this node for '" + std::string(hash) + "' that it still holds", "ownership",
        "what was given away stays in the history");
}

}  // namespace meshchain::records
