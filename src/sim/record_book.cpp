#include "sim/record_book.h"

#include <algorithm>

#include "base/utf8.h"
#include "records/alert.h"

namespace meshchain::sim {
namespace {

using records::Address;
using records::Held;
using records::RecordStore;

/// What ends within this may be gone here and there still be held.
constexpr std::int64_t expiry_slack_ms = 5'000;

std::string text_of(const Address& address) {
    const bool is_text = base::is_displayable(base::as_text(address.key));
    const std::string key =
        is_text ? std::string(base::as_text(address.key)) : base::to_hex(address.key);
    return wire::name(address.kind) + " '" + key.substr(0, 16) + "' of " +
           crypto::to_hex(address.origin).substr(0, 8);
}

/// Without the key where the node chooses it.
Address noted(Address address) {
    if (address.kind == wire::RecordKind::alert ||
        address.kind == wire::RecordKind::acknowledgement) {
        address.key.clear();
    }
    return address;
}

bool is_important(const wire::Record& record) {
    if (record.kind != wire::RecordKind::alert || record.segment) return false;
    const auto alert = records::parse_alert(record.body);
    return alert && alert->priority >= records::AlertPriority::high;
}

bool is_beyond_grace(std::chrono::milliseconds off) {
    return off > RecordStore::clock_grace || -off > RecordStore::clock_grace;
}

std::string of_machine(std::size_t machine) { return "machine " + std::to_string(machine); }

/// Holds it, or what its origin said there since.
bool holds(const RecordStore& store, const RecordBook::Entry& entry) {
    const Held* held = store.index().find(entry.address);
    return held != nullptr && held->sequence >= entry.sequence;
}

}  // namespace

void RecordBook::note_draft(const crypto::PublicKey& origin, const records::Draft& draft) {
    drafts_.emplace(noted({draft.kind, origin, draft.key}), crypto::hash(draft.body));
}

bool RecordBook::was_drafted(const Address& address, base::Bytes body) const {
    return drafts_.contains({noted(address), crypto::hash(body)});
}

void RecordBook::note(std::size_t machine, const wire::Record& record, base::Instant now,
                      base::WallTime wall, base::WallTime own) {
    Entry entry{.address = records::address_of(record),
                .id = wire::record_id(chain_, record),
                .sequence = record.sequence,
                .expires = record.expires,
                .segment = record.segment,
                .machine = machine,
                .sent = now,
                .wants_receipts = is_important(record)};
    const bool is_misdated = is_beyond_grace(record.stamp.wall() - wall);
    if (is_misdated && !is_beyond_grace(own - wall)) {
        late_dates_.push_back(of_machine(machine) + " dates " + text_of(entry.address) +
                              " minutes off, though its clock is right");
    }
    if (is_misdated) {
        ++misdated_;
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

void RecordBook::forget_receipts(std::size_t machine) {
    for (Entry& entry : entries_) {
        if (entry.machine == machine) entry.wants_receipts = false;
    }
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
        if (was_drafted(address, (*record)->body)) continue;
        complaint("record-forged", of_machine(view.machine) + " holds " + text_of(address) +
                                       ", which nobody signed");
    }
}

/// What it was told agrees with who truly holds it.
void RecordBook::check_receipts_of(const Entry& entry, const Told& told, const Views& all,
                                   const Complaint& complaint) const {
    const std::string origin = of_machine(entry.machine);
    const std::string what = text_of(entry.address);
    for (const crypto::PublicKey& holder : told.holders) {
        if (nodes_.contains(holder)) continue;
        complaint("record-receipts", origin + " was told that " +
                                         crypto::to_hex(holder).substr(0, 8) + " holds " + what +
                                         ", and nobody has that key");
    }
    for (const View& view : all) {
        if (view.machine == entry.machine) continue;
        const crypto::PublicKey& key = view.store->self();
        const bool is_told = std::ranges::binary_search(told.holders, key);
        if (is_told == holds(*view.store, entry)) continue;
        // Whom it does not know to be there it cannot ask.
        if (!is_told && !std::ranges::binary_search(told.reachable, key)) continue;
        complaint("record-receipts",
                  origin + (is_told ? " was falsely told that " : " never learnt that ") +
                      of_machine(view.machine) + " holds " + what);
    }
}

void RecordBook::check_receipts(const Views& all, base::WallTime wall, const ToldOf& told_of,
                                const Complaint& complaint) const {
    for (const Entry& entry : entries_) {
        if (!entry.wants_receipts || !is_due(entry, wall)) continue;
        if (std::ranges::find(all, entry.machine, &View::machine) == all.end()) continue;
        if (const auto told = told_of(entry)) check_receipts_of(entry, *told, all, complaint);
    }
}

std::vector<const RecordBook::Entry*> RecordBook::due(base::WallTime wall) const {
    std::vector<const Entry*> found;
    for (const auto& [address, number] : newest_) {
        if (is_due(entries_[number], wall)) found.push_back(&entries_[number]);
    }
    return found;
}

std::size_t RecordBook::with_receipts(base::WallTime wall) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        entries_, [&](const Entry& entry) { return entry.wants_receipts && is_due(entry, wall); }));
}

bool RecordBook::is_settled(const Views& all, base::WallTime wall, const ToldOf& told_of) const {
    bool is_right = true;
    const Complaint note_it = [&](const std::string&, const std::string&) { is_right = false; };
    check_held(all, wall, note_it);
    if (is_right) check_equal(all, note_it);
    if (is_right) check_receipts(all, wall, told_of, note_it);
    return is_right;
}

void RecordBook::complain(const Views& all, base::WallTime wall, const ToldOf& told_of,
                          Findings& findings) const {
    const Complaint add = [&](std::string rule, std::string text) {
        findings.add(std::move(rule), std::move(text));
    };
    check_held(all, wall, add);
    check_equal(all, add);
    for (const View& view : all) check_genuine(view, add);
    check_receipts(all, wall, told_of, add);
    for (const std::string& text : late_dates_) add("record-date", text);
}

}  // namespace meshchain::sim
