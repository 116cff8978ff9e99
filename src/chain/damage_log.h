#pragma once
// The rows of a chain's tables in which a read met damage, until they are rebuilt (row B9;
// chain/repair.h).
//
// Limits: `rows_max` rows by name; what is damaged beyond that is found again when it is read.

#include <compare>
#include <set>

#include "base/bytes.h"
#include "kv/schema.h"

namespace meshchain::chain {

struct DamagedRow {
    kv::Table table;
    base::Buffer key;  ///< of `positions`: as far as the read knew it
    friend auto operator<=>(const DamagedRow&, const DamagedRow&) = default;
};

class DamageLog {
public:
    static constexpr std::size_t rows_max = 64;

    void note(kv::Table table, base::Bytes key) {
        if (rows_.size() < rows_max) rows_.insert({table, base::to_buffer(key)});
    }
    void note_healed(const DamagedRow& row) { healed_ += rows_.erase(row); }

    const std::set<DamagedRow>& rows() const { return rows_; }
    bool empty() const { return rows_.empty(); }
    /// Rows that were rebuilt since the store was opened.
    std::uint64_t healed() const { return healed_; }

private:
    std::set<DamagedRow> rows_;
    std::uint64_t healed_ = 0;
};

}  // namespace meshchain::chain
