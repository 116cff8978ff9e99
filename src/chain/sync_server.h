#pragma once
// Answers what others ask while they catch up (rows F4, F5): from the applied chain, from blocks
// that wait, from the certificates that are kept.
//
// Limits: `frames_max` frames wait; what finds no room is not answered, and asked of another.
// Errors: a store that fails is answered as "not here"; the owner finds out by its own reads.
// Format: docs/formats/sync.md

#include <deque>

#include "chain/block_pool.h"
#include "chain/chain_store.h"
#include "consensus/certificate_store.h"
#include "consensus/validator_set.h"
#include "wire/service.h"
#include "wire/sync.h"

namespace meshchain::chain {

class SyncServer {
public:
    static constexpr std::size_t frames_max = 4096;

    /// All are borrowed.
    SyncServer(const ChainStore& store, const BlockPool& pool,
               const consensus::CertificateStore& certificates,
               const consensus::ValidatorSet& validators)
        : store_(&store), pool_(&pool), certificates_(&certificates), validators_(&validators) {}

    /// `newest` is the certificate of FINAL.
    void handle(const crypto::PublicKey& from, const wire::SyncRequest& request,
                const std::optional<wire::Certificate>& newest);
    std::optional<wire::Outgoing> poll_frame();
    std::uint64_t dropped() const { return dropped_; }

private:
    void answer(const crypto::PublicKey& to, const wire::HashesRequest& request);
    void answer(const crypto::PublicKey& to, const wire::BlockRequest& request);
    void answer(const crypto::PublicKey& to, const wire::FinalRequest& request);
    void answer(const crypto::PublicKey& to, const wire::HeadersRequest& request);
    void answer(const crypto::PublicKey& to, const wire::BodiesRequest& request);
    bool is_signed(const wire::Block& block) const;
    std::vector<base::Buffer> headers_from(wire::Hash top, std::size_t count) const;
    std::vector<base::Buffer> bodies(const wire::BodiesRequest& request) const;
    void send_items(const crypto::PublicKey& to, std::uint64_t nonce,
                    const std::vector<base::Buffer>& items);
    bool send(wire::MessageType type, base::Buffer payload, const crypto::PublicKey& to);

    const ChainStore* store_;
    const BlockPool* pool_;
    const consensus::CertificateStore* certificates_;
    const consensus::ValidatorSet* validators_;
    std::deque<wire::Outgoing> frames_;
    std::uint64_t dropped_ = 0;
};

}  // namespace meshchain::chain
