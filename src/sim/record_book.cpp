#include "sim/record_book.h"

#include <algorithm>

namespace meshchain::sim {
namespace {

using records::Address;
using records::Held;
using records::RecordStore;

/// What ends within this may be gone here and there still be held.
constexpr std::int64_t expiry_slack_ms = 5'000;

std::string text_of(const Address& address) {
    return wire::name(address.kind) + " '" + std::string(base::as_text(address.key).substr(0, 12)) +
           "' of " + crypto::to_hex(address.origin).substr(0, 8);
}

std::string of_machine(std::size_t machine) { return "machine " + std::to_string(machine); }

/// Holds it, or what its origin said there since.
bool holds(const RecordStore& store, const RecordBook::Entry& entry) {
    const Held* held = store.index().find(entry.address);
    return held != nullptr && held->sequence >= entry.sequence;
}

}  // namespace

void RecordBook::note_draft(const crypto::PublicKey& origin, const records::Draft& draft) {
    drafts_.emplace(Address{draft.kind, origin, draft.key}, crypto::hash(draft.body));
}

void RecordBook::note(std::size_t machine, const wire::Record& record, base::Instant now,
                      base::WallTime wall) {
    Entry entry{.address = records::address_of(record),
                .id = wire::record_id(chain_, record),
                .sequence = record.sequence,
                .expires = record.expires,
                .segment = record.segment,
                .machine = machine,
                .sent = now};
    const auto off = record.stamp.wall() - wall;
    if (off > RecordStore::clock_grace || -off > RecordStore::clock_grace) {
        entry.is_excused = true;
        wrongly_dated_.insert(entry.address);
    } else if (record.kind == wire::RecordKind::alert) {
        alerts_under_way_.push_back(entries_.size());
    }
    const auto [place, is_new] = newest_.emplace(entry.address, entries_.size());
    if (!is_new && entries_[place->second].sequence < entry.sequence) {
        place->second = entries_.size();
    }
    entries_.push_back(std::move(entry));
}

void RecordBook::excuse(const Views& others) {
    for (const auto& [address, number] : newest_) {
        Entry& entry = entries_[number];
        const auto has = [&](const View& view) { return holds(*view.store, entry); };
        if (!entry.is_excused && std::ranges::none_of(others, has)) entry.is_excused = true;
    }
}

void RecordBook::follow(const Views& all, base::Instant now) {
    std::erase_if(alerts_under_way_, [&](std::size_t number) {
        Entry& entry = entries_[number];
        for (const View& view : all) {
            if (view.store->is_member(entry.segment) && !holds(*view.store, entry)) return false;
        }
        entry.to_all = now - entry.sent;
        return true;
    });
}

bool RecordBook::is_due(const Entry& entry, base::WallTime wall) const {
    return !entry.is_excused &&
           std::int64_t{entry.expires} * 1'000 > base::unix_ms(wall) + expiry_slack_ms;
}

void RecordBook::check_held(const Views& all, base::WallTime wall,
                            const Complaint& complaint) const {
    for (const auto& [address, number] : newest_) {
        const Entry& entry = entries_[number];
        if (!is_due(entry, wall)) continue;
        for (const View& view : all) {
            if (!view.store->is_member(entry.segment) || holds(*view.store, entry)) continue;
            complaint("record-lost", of_machine(view.machine) + " has no " + text_of(address) +
                                         ", which " + of_machine(entry.machine) + " signed");
        }
    }
}

/// Each holds what the first of its segment holds, but for what some may take and others not.
void RecordBook::check_equal(const Views& all, const Complaint& complaint) const {
    struct First {
        std::size_t machine;
        std::set<wire::RecordId> ids;
    };
    std::map<records::Segment, First> firsts;
    for (const View& view : all) {
        std::map<records::Segment, std::set<wire::RecordId>> held{{std::nullopt, {}}};
        for (const wire::SegmentId& segment : view.store->segments()) held[segment];
        for (const auto& [address, one] : view.store->index().all()) {
            if (!wrongly_dated_.contains(address)) held[one.segment].insert(one.id);
        }
        for (auto& [segment, ids] : held) {
            const auto [first, is_first] = firsts.try_emplace(segment, First{view.machine, ids});
            if (is_first || first->second.ids == ids) continue;
            complaint("record-agree", of_machine(view.machine) + " holds " +
                                          std::to_string(ids.size()) +
                                          " records of a segment, and not the same as " +
                                          of_machine(first->second.machine) + " with " +
                                          std::to_string(first->second.ids.size()));
        }
    }
}

void RecordBook::check_genuine(const View& view, const Complaint& complaint) const {
    std::vector<wire::RecordId> ids;
    for (const auto& [address, held] : view.store->index().all()) ids.push_back(held.id);
    for (const wire::RecordId& id : ids) {
        const auto record = view.store->get(id);
        if (!record || !*record) {
            complaint("record-row",
                      of_machine(view.machine) + " cannot read " + crypto::to_hex(id));
            continue;
        }
        const Address address = records::address_of(**record);
        if (drafts_.contains({address, crypto::hash((*record)->body)})) continue;
        complaint("record-forged", of_machine(view.machine) + " holds " + text_of(address) +
                                       ", which nobody signed");
    }
}

bool RecordBook::is_settled(const Views& all, base::WallTime wall) const {
    bool is_right = true;
    const Complaint note_it = [&](const std::string&, const std::string&) { is_right = false; };
    check_held(all, wall, note_it);
    if (is_right) check_equal(all, note_it);
    return is_right;
}

void RecordBook::complain(const Views& all, base::WallTime wall, Findings& findings) const {
    const Complaint add = [&](std::string rule, std::string text) {
        findings.add(std::move(rule), std::move(text));
    };
    check_held(all, wall, add);
    check_equal(all, add);
    for (const View& view : all) check_genuine(view, add);
}

}  // namespace meshchain::sim
