#pragma once
// What is said again on the air about the last blocks: their announcements, and rows that repair
// any of their transactions (rows F4, J5; docs/decisions/0177-frugal-on-the-air.md).
//
// Time:   whoever is asked waits for his turn; poll_timeout() says when to call take_due().
// Limits: blocks_max blocks, and old_max older ones; rows_max rows of a block are said at once, and
// kept of each block that
//         lacks transactions. What is said in all is the airtime budget's.
// Trust:  rows are signed by nobody: one that is false makes what is solved with it useless, and
//         is forgotten then.

#include <algorithm>
#include <bitset>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/time.h"
#include "wire/air_question.h"
#include "wire/transaction.h"

namespace meshchain::chain {

/// Row `row` of a block of these transactions; nothing where they make none that fits a packet.
std::optional<base::Buffer> make_row(const std::vector<wire::WireTransaction>& transactions,
                                     std::uint8_t row);

/// The rows that were heard of one block.
class RowCollector {
public:
    static constexpr std::size_t rows_max = 24;

    void add(const wire::BlockRow& row);
    std::size_t size() const { return rows_.size(); }
    /// The transactions that `known` lacks, once there are as many rows; what it was solved with is
    /// forgotten.
    std::vector<wire::WireTransaction> solve(
        const std::vector<std::optional<wire::WireTransaction>>& known);

private:
    struct Row {
        std::uint8_t row = 0;
        base::Buffer bytes;
    };
    std::vector<Row> rows_;  ///< the oldest first
};

/// How many rows of a block are said before anybody asks: all hear who asks, so all come to about
/// the same.
class RowsAhead {
public:
    std::size_t rows(std::size_t transactions) const {
        return (transactions * permille_ + 500) / 1000;
    }
    /// A block is here: nobody asked for rows of the one before it, if nobody did by now.
    void note_block(wire::BlockName name);
    /// Somebody lacks some of its transactions all the same.
    void note_asked(wire::BlockName name);

private:
    static constexpr std::size_t asked_max = 16;

    bool was_asked(wire::BlockName name) const {
        return std::ranges::find(asked_, name) != asked_.end();
    }

    std::size_t permille_ = 50;  ///< of the transactions of a block
    std::optional<wire::BlockName> last_;
    std::deque<wire::BlockName> asked_;  ///< the last of them: each block counts once
};

/// Of whole blocks that were announced here.
class AirRepair {
public:
    static constexpr std::size_t blocks_max = 16;
    static constexpr std::size_t old_max = 4;
    static constexpr std::size_t rows_max = RowCollector::rows_max;

    /// `is_old`: read from the store for somebody who is behind; those push out each other alone.
    void note_announcement(const wire::Hash& block, base::Buffer announcement, bool is_old = false);
    /// Borrowed until the next call that is not const.
    const base::Buffer* announcement(const wire::Hash& block) const;
    std::optional<wire::Hash> find(wire::BlockName name) const;

    /// Somebody lacks so many of its transactions: from `at` on it is this node's turn to help, and
    /// not within `pause` of the last time.
    void want_rows(const wire::Hash& block, std::size_t rows, base::Instant at,
                   base::Duration pause = {});
    /// Somebody else said one. Unless it is one of those that are said before anybody asks, he says
    /// all that was asked for, and who still lacks some asks again.
    void note_row(const wire::BlockRow& row);
    /// So many are said before anybody asks, by whoever comes first: from `at` on this node says
    /// one, unless all of them were heard by then. Once for each block.
    void plan_ahead(const wire::Hash& block, std::size_t rows, base::Instant at);
    struct Due {
        wire::Hash block;
        std::size_t rows = 0;
    };
    std::vector<Due> take_due(base::Instant now);
    base::Instant poll_timeout() const;

private:
    struct Block {
        base::Buffer announcement;
        std::size_t wanted = 0;
        std::optional<base::Instant> said;  ///< rows, by this node
        base::Instant due = base::never;
        std::bitset<256> heard;     ///< by the numbers of the rows
        std::size_t rows_said = 0;  ///< by this node
        std::optional<std::size_t> ahead;
        base::Instant ahead_due = base::never;
        std::uint64_t age = 0;
        bool is_old = false;

        std::size_t rows() const { return heard.count() + rows_said; }
    };
    void make_room(bool is_old);

    std::map<wire::Hash, Block> blocks_;
    std::uint64_t count_ = 0;
};

}  // namespace meshchain::chain
