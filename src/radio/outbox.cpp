#include "radio/outbox.h"

#include <algorithm>
#include <tuple>

#include "base/assert.h"

namespace meshchain::radio {
namespace {

/// Those who say how many they miss lose some of the answer, too.
std::size_t with_spare(std::size_t missing) { return missing + missing / 4; }

}  // namespace

coding::Cut cut_of(std::size_t joined_bytes, std::size_t bytes_a_packet) {
    if (header_bytes + joined_bytes <= bytes_a_packet) return {};
    return coding::cut_evenly(joined_bytes, bytes_a_packet - piece_overhead_bytes);
}

std::size_t Outbox::Entry::packet_bytes() const {
    return is_cut() ? piece_overhead_bytes + cut.piece_bytes : header_bytes + joined.size();
}

Outbox::Outbox(const OutboxLimits& limits) : limits_(limits) {
    MESH_ASSERT(limits.packet_bytes_max <= payload_bytes_max);
    MESH_ASSERT(limits.packet_bytes_max > piece_overhead_bytes);
    MESH_ASSERT(limits.message_bytes_max <= 0xFFFF && limits.message_bytes_max <= limits.bytes_max);
    MESH_ASSERT(limits.message_bytes_max <
                (limits.packet_bytes_max - piece_overhead_bytes) * (coding::pieces_max - 1));
    MESH_ASSERT(limits.messages_max > 0);
}

std::expected<void, base::Error> Outbox::submit(base::Instant now, Priority priority,
                                                std::uint8_t hop_limit, const Message& message,
                                                const Turn& turn) {
    base::Buffer joined = join(message);
    if (joined.size() > limits_.message_bytes_max) {
        return base::failure(base::Errc::too_large,
                             "a message of " + std::to_string(joined.size()) + " bytes, where " +
                                 std::to_string(limits_.message_bytes_max) + " may leave",
                             "radio", "send it over a faster link");
    }
    const Head head = head_of(message);
    const TransferId transfer = transfer_id(message.type, head, joined);
    if (Entry* known = find(transfer)) {
        const bool bridged = known->turn.bridged && turn.bridged;
        if (!known->is_waiting()) {
            known->rest = known->cut.pieces();
            known->turn = turn;
        } else if (turn.from < known->turn.from) {
            known->turn = turn;
        }
        known->turn.bridged = bridged;
        known->priority = std::min(known->priority, priority);
        return {};
    }
    if (!make_room(priority, turn.bridged, joined.size())) {
        return base::failure(base::Errc::full, "what waits for the air is as urgent", "radio",
                             "send it later, or give this node more airtime");
    }
    const std::size_t joined_bytes = joined.size();
    Entry entry{.priority = priority,
                .order = orders_++,
                .hop_limit = hop_limit,
                .type = message.type,
                .head = head,
                .joined = std::move(joined),
                .transfer = transfer,
                .cut = cut_of(joined_bytes, limits_.packet_bytes_max),
                .rest = 1,
                .answer_at = now,
                .turn = turn,
                .forget_at = base::never};
    if (entry.is_cut()) entry.rest = entry.cut.pieces();
    entries_.push_back(std::move(entry));
    return {};
}

Outbox::Entry* Outbox::find(TransferId transfer) {
    const auto found = std::ranges::find(entries_, transfer, &Entry::transfer);
    return found == entries_.end() ? nullptr : &*found;
}

bool Outbox::fits(std::size_t bytes_needed, bool bridged) const {
    const std::size_t part = bridged ? 2 : 1;
    std::size_t count = 0;
    std::size_t sum = bytes_needed;
    for (const Entry& entry : entries_) {
        if (bridged && !entry.turn.bridged) continue;
        ++count;
        sum += entry.joined.size();
    }
    return count < limits_.messages_max / part && sum <= limits_.bytes_max / part;
}

bool Outbox::make_room(Priority priority, bool bridged, std::size_t bytes_needed) {
    // First what has left, the oldest of it; then what is less urgent, the newest of it.
    const auto worth = [](const Entry& entry) {
        const auto [urgency, is_bridged, order] = entry.rank();
        return entry.is_waiting() ? std::tuple(1, -static_cast<int>(urgency), !is_bridged, ~order)
                                  : std::tuple(0, 0, false, order);
    };
    while (true) {
        const bool among_bridged = bridged && !fits(bytes_needed, true);
        if (!among_bridged && fits(bytes_needed, false)) return true;
        const Entry* least = nullptr;
        for (const Entry& entry : entries_) {
            if (among_bridged && !entry.turn.bridged) continue;
            if (least == nullptr || worth(entry) < worth(*least)) least = &entry;
        }
        if (least == nullptr) return false;  // longer than half of the room
        const auto rank_of_new = std::tuple(priority, bridged);
        const auto rank_of_least = std::tuple(least->priority, least->turn.bridged);
        if (least->is_waiting() && rank_of_least <= rank_of_new) return false;
        entries_.erase(entries_.begin() + (least - entries_.data()));
    }
}

void Outbox::handle_overheard(TransferId transfer) {
    const Entry* entry = find(transfer);
    if (entry == nullptr || entry->sent > 0 || entry->turn.crowd == 0) return;
    entries_.erase(entries_.begin() + (entry - entries_.data()));
}

void Outbox::draw_turns(base::Instant from,
                        const std::function<base::Duration(std::size_t crowd)>& draw) {
    for (Entry& entry : entries_) {
        if (entry.rest == 0 || entry.sent > 0 || entry.turn.crowd == 0) continue;
        entry.turn.from = std::max(entry.turn.from, from + draw(entry.turn.crowd));
    }
}

bool Outbox::handle_wish(base::Instant now, TransferId transfer, std::uint8_t missing) {
    Entry* entry = find(transfer);
    if (entry == nullptr || !entry->is_cut()) return false;
    if (entry->sent >= limits_.repeats_max * entry->cut.pieces()) return false;
    // What still leaves is of use to him, too.
    const std::size_t most = std::min<std::size_t>(missing, entry->cut.pieces());
    if (most <= entry->rest) return true;
    if (entry->wished == 0) entry->answer_at = now + limits_.gather;
    entry->wished = std::max(entry->wished, most - entry->rest);
    return true;
}

const Outbox::Entry* Outbox::first(base::Instant now, Whose whose) const {
    const Entry* first = nullptr;
    for (const Entry& entry : entries_) {
        if (!entry.is_ready(now) || (whose == Whose::own && entry.turn.bridged)) continue;
        if (first == nullptr || entry.rank() < first->rank()) first = &entry;
    }
    return first;
}

std::optional<Outbox::Next> Outbox::next(base::Instant now, Whose whose) const {
    const Entry* entry = first(now, whose);
    if (entry == nullptr) return std::nullopt;
    return Next{entry->priority, entry->packet_bytes(), entry->turn.bridged};
}

std::vector<Outbox::Next> Outbox::ready(base::Instant now) const {
    std::vector<const Entry*> entries;
    for (const Entry& entry : entries_) {
        if (entry.is_ready(now)) entries.push_back(&entry);
    }
    std::ranges::sort(entries, {}, [](const Entry* entry) { return entry->rank(); });
    std::vector<Next> packets;
    for (const Entry* entry : entries) {
        const std::size_t count = entry->rest > 0 ? entry->rest : with_spare(entry->wished);
        packets.insert(packets.end(), count,
                       {entry->priority, entry->packet_bytes(), entry->turn.bridged});
    }
    return packets;
}

Outbox::Departure Outbox::take(base::Instant now, Whose whose) {
    const Entry* const chosen = first(now, whose);
    MESH_ASSERT(chosen != nullptr);
    const auto place = entries_.begin() + (chosen - entries_.data());
    Entry& entry = *place;
    if (!entry.is_cut()) {
        Departure whole{whole_packet(entry), entry.hop_limit, entry.type};
        entries_.erase(place);
        return whole;
    }
    if (entry.rest == 0) entry.rest = with_spare(std::exchange(entry.wished, 0));
    entry.forget_at = now + limits_.keep;
    return {piece_packet(entry), entry.hop_limit, entry.type};
}

base::Buffer Outbox::whole_packet(const Entry& entry) {
    const auto message = split(entry.type, entry.head, entry.joined);
    MESH_ASSERT(message.has_value());
    return encode(*message);
}

base::Buffer Outbox::piece_packet(Entry& entry) {
    base::Buffer bytes(entry.cut.piece_bytes);
    coding::make_piece(entry.cut, entry.joined, entry.index, bytes);
    --entry.rest;
    ++entry.sent;
    return encode(Piece{.type = entry.type,
                        .head = entry.head,
                        .transfer = entry.transfer,
                        .cut = entry.cut,
                        .index = entry.index++,
                        .rest = static_cast<std::uint8_t>(std::min<std::size_t>(entry.rest, 255)),
                        .bytes = bytes});
}

base::Instant Outbox::poll_timeout(base::Instant now) const {
    base::Instant next = base::never;
    for (const Entry& entry : entries_) {
        if (!entry.is_waiting()) next = std::min(next, entry.forget_at);
        if (entry.is_unsaid()) next = std::min(next, entry.turn.until);
        if (!entry.is_waiting() || entry.is_ready(now)) continue;
        if (entry.rest > 0) next = std::min(next, entry.turn.from);
        if (entry.wished > 0) next = std::min(next, entry.answer_at);
    }
    return next;
}

void Outbox::handle_timeout(base::Instant now) {
    std::erase_if(entries_, [&](const Entry& entry) {
        return entry.is_unsaid() ? now >= entry.turn.until
                                 : !entry.is_waiting() && now >= entry.forget_at;
    });
}

std::size_t Outbox::waiting() const {
    return static_cast<std::size_t>(std::ranges::count_if(entries_, &Entry::is_waiting));
}

std::size_t Outbox::bytes() const {
    std::size_t sum = 0;
    for (const Entry& entry : entries_) sum += entry.joined.size();
    return sum;
}

void Outbox::check_invariants() const {
    MESH_ASSERT(entries_.size() <= limits_.messages_max && bytes() <= limits_.bytes_max);
    for (const Entry& entry : entries_) {
        MESH_ASSERT(entry.is_waiting() || entry.is_cut());
        MESH_ASSERT(entry.packet_bytes() <= limits_.packet_bytes_max);
    }
}

}  // namespace meshchain::radio
