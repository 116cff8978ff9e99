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
        const bool fits = step.link.is_claim()
                              ? step.link.from == step.link.to
                              : before != steps.end() && before->second.link.to == step.link.from;
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

const OwnershipStep* OwnershipHistory::held_by(const crypto::PublicKey& owner) const {
    const OwnershipStep* found = nullptr;
    for (const OwnershipStep& step : steps) {
        if (!step.last || step.link.to != owner) continue;
        if (found == nullptr || (found->disputed && !step.disputed)) found = &step;
    }
    return found;
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
    const Address address = address_of(record);
    const auto link = parse_ownership_link(record.body);
    const bool fits = !record.tombstone && link &&
                      std::ranges::equal(record.key, link_id(store_.chain(), *link).bytes);
    const auto known = hashes_.find(address);
    if (known != hashes_.end()) {
        if (fits) return;
        drop(address);
    }
    if (!fits) return;
    std::set<Address>& of_hash = by_hash_[link->hash];
    if (of_hash.size() >= links_max && record.origin != store_.self()) return;
    of_hash.insert(address);
    hashes_.emplace(address, link->hash);
}

void OwnershipBook::forget(const Address& address) {
    if (hashes_.contains(address) && store_.index().find(address) == nullptr) drop(address);
}

void OwnershipBook::drop(const Address& address) {
    const auto known = hashes_.find(address);
    const auto of_hash = by_hash_.find(known->second);
    of_hash->second.erase(address);
    if (of_hash->second.empty()) by_hash_.erase(of_hash);
    hashes_.erase(known);
}

std::expected<OwnershipHistory, base::Error> OwnershipBook::history(std::string_view hash) const {
    Steps steps;
    std::set<Id> forged;
    const auto found = by_hash_.find(hash);
    if (found == by_hash_.end()) return OwnershipHistory{};
    for (const Address& address : found->second) {
        MESH_TRY(const auto record, store_.get(address));
        if (!record) continue;
        auto link = parse_ownership_link(record->body);
        if (!link) continue;
        const Id id = link_id(store_.chain(), *link);
        const auto known = steps.find(id);
        if (known != steps.end()) {
            known->second.keepers.push_back(address.origin);
        } else if (is_genuine(store_.chain(), *link)) {
            steps.emplace(
                id, OwnershipStep{.id = id, .link = *std::move(link), .keepers = {address.origin}});
            forged.erase(id);
        } else {
            forged.insert(id);
        }
    }
    const std::size_t genuine = steps.size();
    OwnershipHistory history{.steps = in_order(std::move(steps))};
    history.broken = genuine - history.steps.size() + forged.size();
    return history;
}

}  // namespace meshchain::records
