#pragma once
// Answers what others ask while they catch up (rows F4, F5): from the applied chain, from blocks
// that wait or are kept for proofs, from the certificates that are kept.
//
// Requests wait for their turn, and a step of the node answers for so much work only: who asks for
// much waits for himself, and nobody's catching up keeps this node from its own work. While nothing
// else is to be done, steps follow each other, and so do answers.
//
// Time:   knows none; while is_held_back(), call handle_timeout() in the next step.
// Limits: those of RequestTurns; the frames of one answer.
// Errors: a store that fails is answered as "not here"; the owner finds out by its own reads.
// Format: docs/formats/sync.md

#include <deque>

#include "chain/block_pool.h"
#include "chain/branch_store.h"
#include "chain/chain_store.h"
#include "chain/request_turns.h"
#include "consensus/certificate_store.h"
#include "consensus/engine.h"
#include "wire/service.h"
#include "wire/sync.h"

namespace meshchain::chain {

class SyncServer {
public:
    using Turns = RequestTurns<wire::SyncRequest>;

    /// All are borrowed.
    SyncServer(const ChainStore& store, const BlockPool& pool, const BranchStore& branches,
               const consensus::CertificateStore& certificates, const consensus::Engine& engine)
        : store_(&store),
          pool_(&pool),
          branches_(&branches),
          certificates_(&certificates),
          engine_(&engine) {}

    /// What finds no room is not answered, and asked of another.
    void handle(const crypto::PublicKey& from, const wire::SyncRequest& request);
    void forget_peer(const crypto::PublicKey& peer) { turns_.forget(peer); }
    std::optional<wire::Outgoing> poll_frame();
    void handle_timeout() { turns_.renew(); }
    /// Whether requests wait for handle_timeout().
    bool is_held_back() const { return turns_.is_held_back(); }
    std::uint64_t dropped() const { return dropped_; }

private:
    void answer(const crypto::PublicKey& to, const wire::HashesRequest& request);
    void answer(const crypto::PublicKey& to, const wire::BlockRequest& request);
    void answer(const crypto::PublicKey& to, const wire::CertificateRequest& request);
    void answer(const crypto::PublicKey& to, const wire::FinalRequest& request);
    void answer(const crypto::PublicKey& to, const wire::HeadersRequest& request);
    void answer(const crypto::PublicKey& to, const wire::BodiesRequest& request);
    std::optional<wire::Hash> read_hash(wire::Height height);
    std::optional<base::Buffer> read_block(const wire::Hash& hash);
    bool is_signed(const wire::Block& block);
    std::vector<base::Buffer> headers_from(wire::Hash top, std::size_t count);
    std::vector<base::Buffer> bodies(const wire::BodiesRequest& request);
    void send_items(const crypto::PublicKey& to, std::uint64_t nonce,
                    const std::vector<base::Buffer>& items);
    void send(wire::MessageType type, base::Buffer payload, const crypto::PublicKey& to);

    const ChainStore* store_;
    const BlockPool* pool_;
    const BranchStore* branches_;
    const consensus::CertificateStore* certificates_;
    const consensus::Engine* engine_;
    Turns turns_;
    std::deque<wire::Outgoing> frames_;  ///< of the last answer
    std::uint64_t dropped_ = 0;
};

}  // namespace meshchain::chain
