#pragma once
// Answers what others ask while they catch up (rows F4, F5): from the applied chain, from blocks
// that wait, from the certificates that are kept.
//
// Requests wait, and are answered for each peer in turn, so that who asks for much waits for
// himself. All together get a round of RequestTurns in an `interval`, a KiB being a unit of work,
// so that nobody's catching up keeps this node from its own work.
//
// Time:   poll_frame takes `now`; poll_timeout() says when more may leave.
// Limits: those of RequestTurns; the frames of one answer.
// Errors: a store that fails is answered as "not here"; the owner finds out by its own reads.
// Format: docs/formats/sync.md

#include <deque>

#include "base/time.h"
#include "chain/block_pool.h"
#include "chain/chain_store.h"
#include "chain/request_turns.h"
#include "consensus/certificate_store.h"
#include "consensus/engine.h"
#include "wire/service.h"
#include "wire/sync.h"

namespace meshchain::chain {

class SyncServer {
public:
    static constexpr base::Duration interval = std::chrono::milliseconds(20);

    /// All are borrowed.
    SyncServer(const ChainStore& store, const BlockPool& pool,
               const consensus::CertificateStore& certificates, const consensus::Engine& engine)
        : store_(&store), pool_(&pool), certificates_(&certificates), engine_(&engine) {}

    /// What finds no room is not answered, and asked of another.
    void handle(const crypto::PublicKey& from, const wire::SyncRequest& request);
    void forget_peer(const crypto::PublicKey& peer) { turns_.forget(peer); }
    std::optional<wire::Outgoing> poll_frame(base::Instant now);
    base::Instant poll_timeout() const;
    std::uint64_t dropped() const { return dropped_; }

private:
    void answer(const crypto::PublicKey& to, const wire::HashesRequest& request);
    void answer(const crypto::PublicKey& to, const wire::BlockRequest& request);
    void answer(const crypto::PublicKey& to, const wire::CertificateRequest& request);
    void answer(const crypto::PublicKey& to, const wire::FinalRequest& request);
    void answer(const crypto::PublicKey& to, const wire::HeadersRequest& request);
    void answer(const crypto::PublicKey& to, const wire::BodiesRequest& request);
    bool is_signed(const wire::Block& block) const;
    std::vector<base::Buffer> headers_from(wire::Hash top, std::size_t count) const;
    std::vector<base::Buffer> bodies(const wire::BodiesRequest& request) const;
    void send_items(const crypto::PublicKey& to, std::uint64_t nonce,
                    const std::vector<base::Buffer>& items);
    void send(wire::MessageType type, base::Buffer payload, const crypto::PublicKey& to);

    const ChainStore* store_;
    const BlockPool* pool_;
    const consensus::CertificateStore* certificates_;
    const consensus::Engine* engine_;
    RequestTurns<wire::SyncRequest> turns_;
    base::Instant renewed_until_{};
    std::deque<wire::Outgoing> frames_;  ///< of the last answer
    std::uint64_t dropped_ = 0;
};

}  // namespace meshchain::chain
