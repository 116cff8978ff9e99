#include "records/receipt_book.h"

#include <algorithm>

#include "base/cursor.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

using base::Errc;

constexpr std::size_t row_bytes = wire::RecordId::size + crypto::PublicKey::size;
constexpr base::Duration try_again_after = std::chrono::seconds(1);

base::Buffer row_of(const wire::RecordId& id, const crypto::PublicKey& node) {
    base::Buffer row;
    base::Writer(row).bytes(id.bytes).bytes(node.bytes);
    return row;
}

}  // namespace

void ReceiptBook::begin(const wire::RecordId& id, const wire::Record& record,
                        AlertPriority priority, bool is_carried) {
    pages_.try_emplace(id, Page{.key = record.key,
                                .rank = {priority, record.stamp},
                                .is_carried = is_carried,
                                .is_stored = table_ && priority >= AlertPriority::high});
}

/// False for a row that is to be erased.
bool ReceiptBook::read(base::Bytes row, base::Bytes value) {
    const bool has_receipt = value.size() == crypto::Signature::size;
    if (row.size() != row_bytes || (!has_receipt && !value.empty())) {
        ++stats_.unsound;
        return false;
    }
    base::Reader in(row);
    const auto page = pages_.find(wire::read_hash(in));
    if (page == pages_.end() || !page->second.is_stored) return false;
    auto& nodes = page->second.nodes;
    const crypto::PublicKey node = wire::read_key(in);
    if (!nodes.contains(node) && (nodes.size() >= nodes_max || stats_.held >= receipts_max)) {
        return false;
    }
    if (nodes.insert_or_assign(node, has_receipt).second) ++stats_.held;
    return true;
}

std::expected<void, base::Error> ReceiptBook::load(base::Now now) {
    if (!table_) return {};
    std::vector<base::Buffer> useless;
    const auto visit = [&](base::Bytes row, base::Bytes value) {
        if (!read(row, value)) useless.push_back(base::to_buffer(row));
        return true;
    };
    auto scanned = store_.scan({.table = *table_}, visit);
    if (!scanned && scanned.error().code == Errc::corrupt) {
        // What lies behind a damaged row is read from the other end.
        ++stats_.unsound;
        scanned = store_.scan({.table = *table_, .reverse = true}, visit);
    }
    if (!scanned && scanned.error().code != Errc::corrupt) {
        return std::unexpected(std::move(scanned).error());
    }
    for (const base::Buffer& row : useless) erase(now, row);
    return {};
}

/// Room for one more node of `page`, which nothing of a higher rank gives.
bool ReceiptBook::make_room(base::Now now, const Page& page) {
    if (page.nodes.size() >= nodes_max) return false;
    if (stats_.held < receipts_max) return true;
    Pages::value_type* lowest = nullptr;
    for (auto& entry : pages_) {
        if (entry.second.nodes.empty()) continue;
        if (lowest == nullptr || entry.second.rank < lowest->second.rank) lowest = &entry;
    }
    if (lowest == nullptr || lowest->second.rank >= page.rank) return false;
    stats_.dropped += lowest->second.nodes.size();
    clear(now, lowest->first, lowest->second);
    return true;
}

void ReceiptBook::clear(base::Now now, const wire::RecordId& id, Page& page) {
    for (const auto& [node, has_receipt] : page.nodes) {
        if (page.is_stored) erase(now, row_of(id, node));
    }
    stats_.held -= page.nodes.size();
    page.nodes.clear();
}

bool ReceiptBook::has_room_to_write(const Page& page) {
    return !page.is_stored || batch_.size() < unflushed_max || flush();
}

void ReceiptBook::write(base::Now now, const base::Buffer& row, base::Bytes value) {
    batch_.put(*table_, row, value);
    flush_at_ = std::min(flush_at_, now.instant + flush_after);
}

/// What stays for want of a store that takes it, the next start erases.
void ReceiptBook::erase(base::Now now, const base::Buffer& row) {
    if (batch_.size() >= unflushed_max && !flush()) return;
    batch_.erase(*table_, row);
    flush_at_ = std::min(flush_at_, now.instant + flush_after);
}

void ReceiptBook::expect(base::Now now, const wire::RecordId& id,
                         const std::vector<crypto::PublicKey>& reachable) {
    const auto found = pages_.find(id);
    if (found == pages_.end() || !found->second.is_carried) return;
    Page& page = found->second;
    for (const crypto::PublicKey& node : reachable) {
        if (page.nodes.contains(node)) continue;
        if (!has_room_to_write(page) || !make_room(now, page)) return;
        page.nodes.emplace(node, false);
        ++stats_.held;
        if (page.is_stored) write(now, row_of(id, node), {});
    }
}

void ReceiptBook::note(base::Now now, const Receipt& receipt) {
    const auto found = pages_.find(receipt.record);
    if (found == pages_.end()) return;
    Page& page = found->second;
    const bool is_new = !page.nodes.contains(receipt.holder);
    // What cannot be kept was not heard: it is asked for again.
    if (!has_room_to_write(page) || (is_new && !make_room(now, page))) {
        ++stats_.dropped;
        return;
    }
    if (is_new) ++stats_.held;
    page.nodes[receipt.holder] = true;
    if (page.is_stored) {
        write(now, row_of(receipt.record, receipt.holder), receipt.signature.bytes);
    }
}

std::optional<wire::RecordId> ReceiptBook::forget(base::Now now, const base::Buffer& key) {
    const auto found = std::ranges::find_if(
        pages_, [&](const Pages::value_type& entry) { return entry.second.key == key; });
    if (found == pages_.end()) return std::nullopt;
    const wire::RecordId id = found->first;
    clear(now, id, found->second);
    pages_.erase(found);
    return id;
}

bool ReceiptBook::is_holder(const wire::RecordId& id, const crypto::PublicKey& node) const {
    const auto page = pages_.find(id);
    if (page == pages_.end()) return false;
    const auto found = page->second.nodes.find(node);
    return found != page->second.nodes.end() && found->second;
}

bool ReceiptBook::is_expected(const wire::RecordId& id, const crypto::PublicKey& node) const {
    const auto page = pages_.find(id);
    return page != pages_.end() && page->second.nodes.contains(node);
}

template <class Wanted>
std::vector<crypto::PublicKey> ReceiptBook::nodes(const wire::RecordId& id, Wanted wanted) const {
    std::vector<crypto::PublicKey> found;
    const auto page = pages_.find(id);
    if (page == pages_.end()) return found;
    for (const auto& [node, has_receipt] : page->second.nodes) {
        if (wanted(page->second, has_receipt)) found.push_back(node);
    }
    return found;
}

std::vector<crypto::PublicKey> ReceiptBook::targets(const wire::RecordId& id) const {
    return nodes(id, [](const Page& page, bool) { return page.is_carried; });
}

std::vector<crypto::PublicKey> ReceiptBook::holders(const wire::RecordId& id) const {
    return nodes(id, [](const Page&, bool has_receipt) { return has_receipt; });
}

std::vector<crypto::PublicKey> ReceiptBook::missing(const wire::RecordId& id) const {
    return nodes(id, [](const Page&, bool has_receipt) { return !has_receipt; });
}

std::expected<void, base::Error> ReceiptBook::flush() {
    if (!batch_.empty()) MESH_CHECK(store_.commit(batch_));
    batch_.clear();
    flush_at_ = base::never;
    return {};
}

void ReceiptBook::handle_timeout(base::Now now) {
    if (flush_at_ > now.instant) return;
    if (!flush()) flush_at_ = now.instant + try_again_after;
}

}  // namespace meshchain::records
