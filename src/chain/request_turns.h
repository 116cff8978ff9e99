#pragma once
// Requests of peers that wait for their answer. An answer costs many times what it cost to ask, so
// the peers take turns, one request each, and only so much is done at once: nobody's questions hold
// up those of others, nor the node.
//
// Limits: `peers_max` peers with `requests_max` requests each; `work_max` units of work, and what
//         the last answer takes above it, between two calls of renew(). A unit is one read of the
//         store, or one frame handed on; signatures are worth several.

#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "crypto/signature.h"

namespace meshchain::chain {

template <class Request>
class RequestTurns {
public:
    /// Above what a node has sessions with, so that nobody is refused because of others.
    static constexpr std::size_t peers_max = 128;
    /// What an honest peer has under way at once, with room to spare.
    static constexpr std::size_t requests_max = 32;
    static constexpr int work_max = 128;
    /// Every answer is signed.
    static constexpr int signing_work = 4;
    static constexpr int verification_work = 8;

    /// False: there is no room for it.
    bool add(const crypto::PublicKey& from, Request request) {
        const auto asking = waiting_.find(from);
        const bool has_room = asking == waiting_.end() ? waiting_.size() < peers_max
                                                       : asking->second.size() < requests_max;
        if (has_room) waiting_[from].push_back(std::move(request));
        return has_room;
    }

    /// The request whose turn it is; nothing when none waits, or all work is done for now.
    std::optional<std::pair<crypto::PublicKey, Request>> next() {
        if (waiting_.empty() || work_left_ <= 0) return std::nullopt;
        auto turn = waiting_.upper_bound(last_);
        if (turn == waiting_.end()) turn = waiting_.begin();
        last_ = turn->first;
        std::pair taken(turn->first, std::move(turn->second.front()));
        turn->second.pop_front();
        if (turn->second.empty()) waiting_.erase(turn);
        spend(signing_work);
        return taken;
    }

    /// What was taken last is not done: it is `from`'s next.
    void put_back(const crypto::PublicKey& from, Request request) {
        waiting_[from].push_front(std::move(request));
    }

    void spend(int work) { work_left_ -= work; }
    /// Once in a step of the node.
    void renew() { work_left_ = work_max; }
    /// Whether some wait for renew().
    bool is_held_back() const { return !waiting_.empty() && work_left_ <= 0; }

    void forget(const crypto::PublicKey& peer) { waiting_.erase(peer); }
    void clear() { waiting_.clear(); }

private:
    std::map<crypto::PublicKey, std::deque<Request>> waiting_;  ///< no queue is empty
    crypto::PublicKey last_;
    int work_left_ = work_max;
};

}  // namespace meshchain::chain
