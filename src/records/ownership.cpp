#include "records/ownership.h"

#include <algorithm>
#include <tuple>

#include "base/assert.h"
#include "base/utf8.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

using Id = OwnershipLink::Id;

constexpr std::uint8_t link_version = 1;

void write_text(base::Writer& out, std::string_view text) {
    out.u8(static_cast<std::uint8_t>(text.size())).text(text);
}

std::string read_text(base::Reader& in, std::size_t bytes_max) {
    const std::size_t bytes = in.u8();
    if (bytes > bytes_max) in.fail();
    std::string text(base::as_text(in.take(bytes)));
    if (!base::is_displayable(text)) in.fail();
    return text;
}

void write_signed(base::Writer& out, const OwnershipLink& link) {
    out.bytes(link.previous.bytes).bytes(link.from.bytes).bytes(link.to.bytes).u64(link.ms);
    write_text(out, link.hash);
    write_text(out, link.note);
}

base::Buffer preimage(const wire::ChainId& chain, const OwnershipLink& link) {
    base::Buffer out =
        crypto::preimage("mc/own/1", chain, static_cast<std::uint8_t>(wire::MessageType::record));
    base::Writer writer(out);
    write_signed(writer, link);
    return out;
}

using Steps = std::map<Id, OwnershipStep>;

bool is_earlier(const OwnershipStep* a, const OwnershipStep* b) {
    return std::tie(a->link.ms, a->id) < std::tie(b->link.ms, b->id);
}

/// The steps behind each, and behind nothing the claims; only what its predecessor's owner signed.
std::map<Id, std::vector<OwnershipStep*>> followers_of(Steps& steps) {
    std::map<Id, std::vector<OwnershipStep*>> followers;
    for (auto& [id, step] : steps) {
        const auto before = steps.find(step.link.previous);
        const bool fits = step.link.is_claim() ||
                          (before != steps.end() && before->second.link.to == step.link.from);
        if (fits) followers[step.link.previous].push_back(&step);
    }
    for (auto& [id, behind] : followers) std::ranges::sort(behind, is_earlier);
    return followers;
}

/// Each claim with all that follows from it, depth first.
std::vector<OwnershipStep> in_order(Steps steps) {
    auto followers = followers_of(steps);
    std::vector<OwnershipStep> ordered;
    std::vector<OwnershipStep*> next = followers[Id{}];
    std::ranges::reverse(next);
    while (!next.empty()) {
        OwnershipStep& step = *next.back();
        next.pop_back();
        const std::vector<OwnershipStep*>& behind = followers[step.id];
        step.last = behind.empty();
        for (OwnershipStep* one : behind) {
            one->disputed = step.disputed || behind.size() > 1;
        }
        next.insert(next.end(), behind.rbegin(), behind.rend());
        ordered.push_back(std::move(step));
    }
    return ordered;
}

}  // namespace

OwnershipLink signed_link(const wire::ChainId& chain, OwnershipLink link,
                          const crypto::SigningKey& from) {
    link.from = from.public_key();
    link.signature = from.sign(preimage(chain, link));
    return link;
}

Id link_id(const wire::ChainId& chain, const OwnershipLink& link) {
    return crypto::hash(preimage(chain, link));
}

bool is_genuine(const wire::ChainId& chain, const OwnershipLink& link) {
    return crypto::verify(link.from, preimage(chain, link), link.signature);
}

base::Buffer encode(const OwnershipLink& link) {
    MESH_ASSERT(!link.hash.empty() && link.hash.size() <= wire::Record::key_bytes_max);
    MESH_ASSERT(link.note.size() <= OwnershipLink::note_bytes_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(link_version);
    write_signed(writer, link);
    writer.bytes(link.signature.bytes);
    return out;
}

std::expected<OwnershipLink, base::Error> parse_ownership_link(base::Bytes body) {
    MESH_CHECK(wire::check_version(body, link_version, "ownership link"));
    base::Reader in(body);
    in.u8();
    OwnershipLink link;
    link.previous = wire::read_hash(in);
    link.from = wire::read_key(in);
    link.to = wire::read_key(in);
    if (link.is_claim() != (link.from == link.to)) in.fail();
    link.ms = in.u64();
    if (link.ms > wire::HybridTime::ms_max) in.fail();
    link.hash = read_text(in, wire::Record::key_bytes_max);
    if (link.hash.empty()) in.fail();
    link.note = read_text(in, OwnershipLink::note_bytes_max);
    link.signature = wire::read_signature(in);
    MESH_CHECK(in.finish("ownership link"));
    return link;
}

bool OwnershipStep::accepted() const { return std::ranges::binary_search(keepers, link.to); }

std::vector<const OwnershipStep*> OwnershipHistory::held_by(const crypto::PublicKey& owner) const {
    std::vector<const OwnershipStep*> held;
    for (const OwnershipStep& step : steps) {
        if (step.last && step.link.to == owner) held.push_back(&step);
    }
    std::ranges::stable_sort(held, {}, [](const OwnershipStep* step) {
        return std::pair(!step->accepted(), step->disputed);
    });
    return held;
}

std::vector<const OwnershipStep*> OwnershipHistory::way_to(const OwnershipStep& step) const {
    std::vector<const OwnershipStep*> way{&step};
    while (!way.back()->link.is_claim()) {
        const auto before = std::ranges::find(steps, way.back()->link.previous, &OwnershipStep::id);
        MESH_ASSERT(before != steps.end());
        way.push_back(&*before);
    }
    std::ranges::reverse(way);
    return way;
}

std::expected<void, base::Error> OwnershipBook::load() {
    std::vector<wire::RecordId> ids;
    for (const auto& [address, held] : store_.index().all()) {
        if (address.kind == wire::RecordKind::ownership) ids.push_back(held.id);
    }
    for (const wire::RecordId& id : ids) {
        MESH_TRY(const auto record, store_.get(id));
        if (record) handle_record(*record);
    }
    return {};
}

void OwnershipBook::handle_record(const wire::Record& record) {
    drop(address_of(record));
    if (record.tombstone) return;
    OwnershipLink::Id id;
    if (record.key.size() == id.bytes.size()) std::ranges::copy(record.key, id.bytes.begin());
    if (!admit(id, record)) {
        ++left_out_;
        return;
    }
    links_.at(id).keepers.insert(record.origin);
}

/// Whether the record carries the link of this name, which is known from now on.
bool OwnershipBook::admit(const OwnershipLink::Id& id, const wire::Record& record) {
    auto link = parse_ownership_link(record.body);
    const auto grace =
        std::chrono::duration_cast<std::chrono::milliseconds>(RecordStore::clock_grace);
    if (!link || link_id(store_.chain(), *link) != id ||
        link->ms > record.stamp.ms + static_cast<std::uint64_t>(grace.count())) {
        return false;
    }
    const auto known = links_.find(id);
    const bool is_same = known != links_.end() && known->second.link.signature == link->signature;
    if (!is_same && !is_genuine(store_.chain(), *link)) return false;
    if (known == links_.end()) {
        by_hash_[link->hash].insert(id);
        links_.emplace(id, Known{*std::move(link), {}});
    }
    return true;
}

void OwnershipBook::forget(const Address& address) {
    if (store_.index().find(address) == nullptr) drop(address);
}

/// Its origin keeps that link no longer.
void OwnershipBook::drop(const Address& address) {
    OwnershipLink::Id id;
    if (address.key.size() != id.bytes.size()) return;
    std::ranges::copy(address.key, id.bytes.begin());
    const auto known = links_.find(id);
    if (known == links_.end() || known->second.keepers.erase(address.origin) == 0) return;
    if (!known->second.keepers.empty()) return;
    const auto of_hash = by_hash_.find(known->second.link.hash);
    of_hash->second.erase(id);
    if (of_hash->second.empty()) by_hash_.erase(of_hash);
    links_.erase(known);
}

OwnershipHistory OwnershipBook::history(std::string_view hash) const {
    const auto found = by_hash_.find(hash);
    if (found == by_hash_.end()) return {};
    Steps steps;
    for (const Id& id : found->second) {
        const Known& known = links_.at(id);
        steps.emplace(id, OwnershipStep{.id = id,
                                        .link = known.link,
                                        .keepers = {known.keepers.begin(), known.keepers.end()}});
    }
    const std::size_t all = steps.size();
    OwnershipHistory history{.steps = in_order(std::move(steps))};
    history.broken = all - history.steps.size();
    return history;
}

}  // namespace meshchain::records
