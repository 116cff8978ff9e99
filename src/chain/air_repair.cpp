#include "chain/air_repair.h"

#include <algorithm>

#include "base/cursor.h"
#include "coding/erasure_code.h"

namespace meshchain::chain {
namespace {

/// All of them, each as long as a row.
base::Buffer pieces_of(const std::vector<wire::WireTransaction>& transactions, std::size_t bytes) {
    base::Buffer pieces;
    for (const wire::WireTransaction& transaction : transactions) {
        wire::encode(transaction, pieces);
        pieces.resize((pieces.size() + bytes - 1) / bytes * bytes);
    }
    return pieces;
}

std::optional<wire::WireTransaction> read_piece(base::Bytes piece) {
    base::Reader in(piece);
    auto transaction = wire::read_transaction(in);
    if (!transaction) return std::nullopt;
    const bool is_filled =
        std::ranges::all_of(in.rest(), [](std::byte b) { return b == std::byte{0}; });
    return is_filled ? transaction : std::nullopt;
}

}  // namespace

std::optional<base::Buffer> make_row(const std::vector<wire::WireTransaction>& transactions,
                                     std::uint8_t row) {
    std::size_t longest = 0;
    for (const auto& transaction : transactions) {
        longest = std::max(longest, wire::encoded_bytes(transaction));
    }
    const coding::Cut cut{transactions.size() * longest, longest};
    if (longest > wire::BlockRow::bytes_max || !cut.is_sound()) return std::nullopt;
    base::Buffer bytes(longest);
    coding::make_piece(cut, pieces_of(transactions, longest), row, bytes);
    return bytes;
}

void RowCollector::add(const wire::BlockRow& row) {
    const bool is_known =
        std::ranges::any_of(rows_, [&](const Row& known) { return known.row == row.row; });
    if (is_known) return;
    if (rows_.size() == rows_max) rows_.erase(rows_.begin());
    rows_.push_back({row.row, {row.bytes.begin(), row.bytes.end()}});
}

std::vector<wire::WireTransaction> RowCollector::solve(
    const std::vector<std::optional<wire::WireTransaction>>& known) {
    const auto missing = static_cast<std::size_t>(
        std::ranges::count_if(known, [](const auto& one) { return !one.has_value(); }));
    if (missing == 0 || rows_.size() < missing) return {};
    const std::size_t bytes = rows_.back().bytes.size();
    const coding::Cut cut{known.size() * bytes, bytes};
    if (!cut.is_sound()) return {};
    coding::PieceCollector pieces(cut);
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (!known[i]) continue;
        base::Buffer piece = wire::encode(*known[i]);
        if (piece.size() > bytes) return {};  // of another block, or a lie
        piece.resize(bytes);
        pieces.add(static_cast<std::uint8_t>(i), piece);
    }
    for (const Row& row : rows_) {
        if (row.bytes.size() == bytes && row.row >= known.size()) pieces.add(row.row, row.bytes);
    }
    if (pieces.missing() > 0) return {};
    rows_.clear();
    const base::Buffer message = pieces.take_message();
    std::vector<wire::WireTransaction> solved;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i]) continue;
        auto transaction = read_piece(base::Bytes(message).subspan(i * bytes, bytes));
        if (transaction) solved.push_back(*std::move(transaction));
    }
    return solved;
}

void RowsAhead::note_block(wire::BlockName name) {
    if (last_ == name) return;
    if (last_ && !was_asked(*last_)) permille_ -= permille_ / 4;
    last_ = name;
}

void RowsAhead::note_asked(wire::BlockName name) {
    if (was_asked(name)) return;
    if (asked_.size() == asked_max) asked_.pop_front();
    asked_.push_back(name);
    permille_ += (1000 - permille_) / 16;
}

/// Of its own kind the one that was heard of first gives way.
void AirRepair::make_room(bool is_old) {
    std::size_t count = 0;
    auto oldest = blocks_.end();
    for (auto it = blocks_.begin(); it != blocks_.end(); ++it) {
        if (it->second.is_old != is_old) continue;
        ++count;
        if (oldest == blocks_.end() || it->second.age < oldest->second.age) oldest = it;
    }
    if (count == (is_old ? old_max : blocks_max)) blocks_.erase(oldest);
}

void AirRepair::note_announcement(const wire::Hash& block, base::Buffer announcement, bool is_old) {
    if (!blocks_.contains(block)) {
        make_room(is_old);
        blocks_[block].is_old = is_old;
    }
    Block& known = blocks_[block];
    known.announcement = std::move(announcement);
    known.age = ++count_;
}

const base::Buffer* AirRepair::announcement(const wire::Hash& block) const {
    const auto found = blocks_.find(block);
    return found == blocks_.end() ? nullptr : &found->second.announcement;
}

std::optional<wire::Hash> AirRepair::find(wire::BlockName name) const {
    for (const auto& [hash, block] : blocks_) {
        if (wire::name_of(hash) == name) return hash;
    }
    return std::nullopt;
}

void AirRepair::want_rows(const wire::Hash& hash, std::size_t rows, base::Instant at,
                          base::Duration pause) {
    const auto found = blocks_.find(hash);
    if (found == blocks_.end()) return;
    Block& block = found->second;
    block.wanted = std::min(std::max(block.wanted, rows), rows_max);
    if (block.said) at = std::max(at, *block.said + pause);
    if (block.wanted > 0) block.due = std::min(block.due, at);
}

void AirRepair::note_row(const wire::BlockRow& row) {
    const auto hash = find(row.block);
    if (!hash) return;
    Block& block = blocks_.at(*hash);
    if (block.heard.test(row.row)) return;
    const bool is_ahead = block.rows() < block.ahead.value_or(0);
    block.heard.set(row.row);
    if (block.rows() >= block.ahead.value_or(0)) block.ahead_due = base::never;
    block.wanted = is_ahead && block.wanted > 0 ? block.wanted - 1 : 0;
    if (block.wanted == 0) block.due = base::never;
}

void AirRepair::plan_ahead(const wire::Hash& hash, std::size_t rows, base::Instant at) {
    const auto found = blocks_.find(hash);
    if (found == blocks_.end() || found->second.ahead) return;
    Block& block = found->second;
    block.ahead = rows;
    if (block.rows() < rows) block.ahead_due = at;
}

std::vector<AirRepair::Due> AirRepair::take_due(base::Instant now) {
    std::vector<Due> due;
    for (auto& [hash, block] : blocks_) {
        const bool is_ahead = block.ahead_due <= now;
        if (block.due > now && !is_ahead) continue;
        const std::size_t rows = block.due > now ? 1 : block.wanted;
        due.push_back({hash, rows});
        block.said = now;
        block.rows_said += rows;
        block.ahead_due = base::never;
        if (block.due > now) continue;
        block.wanted = 0;
        block.due = base::never;
    }
    return due;
}

base::Instant AirRepair::poll_timeout() const {
    base::Instant next = base::never;
    for (const auto& [hash, block] : blocks_) {
        next = std::min({next, block.due, block.ahead_due});
    }
    return next;
}

}  // namespace meshchain::chain
