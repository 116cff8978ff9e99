#pragma once
// Fetching the transactions of blocks, in as many datagrams as each needs, from whoever has them.
// Serves both an announcement that names transactions we lack and a node that catches up.
//
// Time:    every call takes `now`; poll_timeout() says when to call handle_timeout().
// Limits:  `blocks_max` blocks at once and `sources_max` peers each; further wishes are refused.
// Errors:  a peer that answers wrongly or not at all is passed over and reported by poll_failure().
// Trust:   the first part's header must hash to the wanted name; whether the transactions are the
//          right ones is judged by the Merkle root when the block is complete.

#include <deque>
#include <functional>
#include <map>
#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "chain/air_repair.h"
#include "wire/air_question.h"
#include "wire/short_block.h"
#include "wire/sync.h"

namespace meshchain::chain {

struct CompleteBlock {
    wire::Hash hash;
    wire::Block block;
    crypto::PublicKey from;  ///< who gave the last part
};

struct DownloadRequest {
    /// Nothing: everybody who hears it, where asking one takes as much of the air.
    std::optional<crypto::PublicKey> to;
    wire::BlockRequest request;
    std::uint8_t missing = 0;  ///< asked of everybody: as wire::BlockWish has it
};

class BlockDownload {
public:
    static constexpr std::size_t blocks_max = 64;
    /// Of them, blocks that nothing but votes name: a name costs a validator who cheats nothing.
    static constexpr std::size_t voted_max = 16;
    static constexpr std::size_t sources_max = 4;
    static constexpr int tries_max = 12;
    static constexpr std::size_t requests_in_flight_max = 16;
    static constexpr base::Duration usual_patience = std::chrono::milliseconds(700);
    /// Of those to peers that take longer than that.
    static constexpr std::size_t slow_in_flight_max = 2;
    /// Asked of everybody so often, then of one.
    static constexpr int shared_tries = 4;
    /// More than that is not repaired by rows.
    static constexpr std::uint8_t shared_missing_max = RowCollector::rows_max;
    static_assert(shared_missing_max >= wire::ShortBlock::ids_max,
                  "whoever knows nothing of a block has it repaired");

    /// The name of a header, or nothing if its proposer is no validator.
    using HeaderHash = std::function<std::optional<wire::Hash>(const wire::BlockHeader&)>;
    /// Of a block; nothing where one is missing.
    using Transactions = std::vector<std::optional<wire::WireTransaction>>;
    /// How long to wait for an answer of this peer.
    using Patience = std::function<base::Duration(const crypto::PublicKey&)>;

    /// `may_lag`: validators change here, so a header without a name may be of an epoch that this
    /// node does not know yet, and is nobody's failure.
    BlockDownload(Patience patience, std::size_t transactions_max, HeaderHash header_hash,
                  base::Random random, bool may_lag = false);

    /// What is asked of everybody is answered and heard in about this time, so it decides when such
    /// questions are asked, and asked again. Zero: the patience with its sources does.
    void set_turn(base::Duration turn) { turn_ = turn; }

    /// Wants a block that `source` is said to have; again with another source adds that one.
    /// False when the table is full.
    bool want(const wire::Hash& hash, const crypto::PublicKey& source, bool on_votes = false);
    /// The same, starting from an announcement whose header was verified, with what is known.
    bool want(const wire::Hash& hash, const crypto::PublicKey& source,
              const wire::BlockHeader& header, Transactions known);
    bool is_wanted(const wire::Hash& hash) const { return downloads_.contains(hash); }
    std::size_t size() const { return downloads_.size(); }
    void forget(const wire::Hash& hash) { downloads_.erase(hash); }
    void forget_peer(const crypto::PublicKey& peer);

    /// The finished block, once its last part is here; it is then forgotten.
    std::optional<CompleteBlock> handle_response(const crypto::PublicKey& from,
                                                 const wire::BlockResponse& response);
    /// The transactions of an announced block come one by one; whole if `root` is its own.
    std::optional<CompleteBlock> fill(const wire::Hash& hash, Transactions transactions,
                                      const std::optional<wire::Hash>& root);
    /// Somebody else was heard asking for what this node lacks, or more: it waits for that answer
    /// before it asks itself, once between two questions of its own.
    void note_asked(base::Instant now, const wire::BlockRequest& request);
    void note_asked(base::Instant now, const wire::BlockWish& wish);
    /// Something that repairs it was heard, `rows` of them by now: more may be on its way.
    void note_row(base::Instant now, const wire::Hash& hash, std::size_t rows);
    void handle_not_found(const crypto::PublicKey& from, const wire::Hash& hash);
    void handle_timeout(base::Instant now);

    std::optional<DownloadRequest> poll_request(base::Instant now);
    base::Instant poll_timeout() const;
    /// A peer that did not deliver what it had offered.
    std::optional<crypto::PublicKey> poll_failure();

private:
    static constexpr unsigned put_off_max = 6;

    struct Download {
        std::vector<crypto::PublicKey> sources;
        std::optional<wire::BlockHeader> header;
        Transactions transactions;
        std::size_t source = 0;  ///< index of the one to ask next
        int tries = 0;
        bool asked = false;
        bool on_votes = false;
        /// How many there are, and some of them, is the word of an announcement's unsigned ids.
        bool announced = false;
        base::Instant deadline = base::never;
        base::Instant ask_at{};  ///< not before: what it lacks may be on its way
        bool has_yielded = false;
        std::size_t rows = 0;  ///< that are here and not solved
        unsigned put_off = 0;  ///< so often rows did this to the question, at most put_off_max
    };

    using Downloads = std::map<wire::Hash, Download>;

    static std::optional<std::uint16_t> first_missing(const Download& download);
    static bool is_shared(const Download& download);
    /// Of a request for the rest of it.
    static std::uint16_t first_wanted(const Download& download);
    static std::uint8_t missing(const Download& download);
    static void add_known(Download& download, Transactions transactions);
    void yield(base::Instant now, Download& download);
    base::Instant first_turn(base::Instant now, const Download& download);
    base::Duration answer_time(const Download& download) const;
    CompleteBlock finish(Downloads::iterator at, Transactions transactions,
                         const crypto::PublicKey& from);
    bool take_part(Download& download, const wire::Hash& hash,
                   const wire::BlockResponse& response) const;
    static bool is_asked(const Download& download, const crypto::PublicKey& peer);
    /// Moves on to the next source; false when the block should be given up.
    static bool pass_over(Download& download);
    std::size_t in_flight() const;
    bool has_slow_room() const;
    base::Duration patience_of(const Download& download) const {
        return patience_(download.sources[download.source]);
    }

    Patience patience_;
    base::Random random_;
    std::size_t transactions_max_;
    HeaderHash header_hash_;
    bool may_lag_;
    base::Duration turn_{};
    Downloads downloads_;
    std::deque<wire::Hash> order_;  ///< names as they were first wanted; gone ones are skipped
    std::deque<crypto::PublicKey> failures_;
};

}  // namespace meshchain::chain
