#pragma once
// The transactions of a run of proven blocks, from several peers at once (rows F5, F6).
//
// The run is cut into groups, each asked of one peer. A group that does not come goes to another
// peer, less whatever had come of it. Whoever signed bytes that are no block's transactions, or,
// as the owner finds out, not those of that block, has lied.
// Time:   every call takes `now`; poll_timeout() says when to call handle_timeout().
// Limits: `groups_max` requests in flight, each of about `group_bytes`; `ahead_max` blocks and
//         `buffer_bytes_max` bytes wait for the owner to take them.
// Errors: a peer's silence or lie shows in SyncPeers, and in poll_failure.

#include <deque>
#include <map>
#include <set>

#include "base/random.h"
#include "chain/block_import.h"
#include "chain/header_walk.h"
#include "chain/item_transfer.h"
#include "chain/sync_peers.h"

namespace meshchain::chain {

/// Nobody outside can guess it, and nobody can tell the next from those it was given.
class NonceSource {
public:
    explicit NonceSource(base::Random random);
    std::uint64_t next();

private:
    crypto::ShortHashKey key_{};
    std::uint64_t count_ = 0;
};

class BodyFetch {
public:
    static constexpr std::size_t groups_max = 12;
    static constexpr std::size_t group_bytes = 24 * 1024;
    static constexpr std::uint32_t ahead_max = 1024;
    static constexpr std::size_t buffer_bytes_max = 4 * 1024 * 1024;
    /// Givers of different transactions for one proven block before we doubt ourselves.
    static constexpr std::size_t rejections_max = 3;

    /// Fetches the blocks of `walk`, which is done; all of them outlive this.
    BodyFetch(const HeaderWalk& walk, SyncPeers& peers, NonceSource& nonces,
              base::Duration request_timeout);

    /// Whether the answer belongs to a request in flight.
    bool handle_items(base::Instant now, const crypto::PublicKey& from,
                      const wire::ItemsResponse& list);
    bool handle_chunk(base::Instant now, const crypto::PublicKey& from,
                      const wire::SyncChunk& chunk);
    void handle_timeout(base::Instant now);
    void forget_peer(const crypto::PublicKey& peer);
    /// Nothing more will be asked for.
    void abandon();

    std::optional<SyncQuery> poll_request(base::Instant now);
    base::Instant poll_timeout(base::Instant now) const;
    std::optional<crypto::PublicKey> poll_failure();

    /// The next block to apply.
    wire::Height next() const { return next_; }
    bool is_finished() const { return next_ > walk_->anchor().header.height; }
    /// How many blocks from next() on are here.
    std::size_t ready() const { return ready_end_ - next_.value; }
    /// Copies of at most `count` blocks that are here, from the `skipped`th after next() on.
    std::vector<ImportBlock> blocks(std::size_t skipped, std::size_t count) const;
    /// Of that block; nothing when it is not here.
    std::optional<wire::Hash> hash_of(std::size_t skipped) const;
    /// The first `count` of them are applied.
    void note_applied(std::size_t count);
    /// The transactions of next() are not those of its block: their giver lied.
    void reject(base::Instant now);
    /// So many peers gave such for one block that the fault may be here.
    bool is_doubtful() const { return rejected_.size() >= rejections_max; }

    std::size_t buffered_bytes() const { return buffered_bytes_; }
    std::size_t in_flight() const { return groups_.size(); }

private:
    struct Group {
        crypto::PublicKey peer;
        std::uint32_t from;
        std::uint32_t count;
        ItemTransfer transfer;
        std::vector<bool> taken;
        base::Instant deadline;
        base::Instant latest;  ///< however many signs of an answer come
    };
    struct Body {
        std::vector<wire::WireTransaction> transactions;
        std::size_t bytes = 0;
        crypto::PublicKey giver;
    };
    using Groups = std::map<std::uint64_t, Group>;  ///< by nonce

    /// The run to ask for now, or a count of zero.
    std::pair<std::uint32_t, std::uint32_t> choose_run() const;
    std::uint32_t group_blocks() const;
    Groups::iterator find(const crypto::PublicKey& from, std::uint64_t nonce);
    bool take_items(base::Instant now, Group& group);
    void shorten(Group& group, std::uint32_t count);
    /// What did not come is asked of another.
    Groups::iterator give_up(Groups::iterator group);
    void condemn(base::Instant now, const crypto::PublicKey& peer);

    const HeaderWalk* walk_;
    SyncPeers* peers_;
    NonceSource* nonces_;
    base::Duration request_timeout_;
    wire::Height next_;
    std::uint32_t unasked_;          ///< the lowest height never asked for
    std::set<std::uint32_t> again_;  ///< below that, neither here nor in flight
    Groups groups_;
    std::map<std::uint32_t, Body> bodies_;
    std::uint32_t ready_end_;  ///< the lowest height from next_ on that is not here
    std::size_t buffered_bytes_ = 0;
    std::size_t body_bytes_ = 1024;         ///< on average, lately
    std::set<crypto::PublicKey> rejected_;  ///< givers of next()
    std::deque<crypto::PublicKey> failures_;
};

}  // namespace meshchain::chain
