#pragma once
// Catching up by proof, over any distance, in bounded memory (rows F5, F6, J4;
// docs/decisions/0054-certificates-first.md): first the certificate of a FINAL above ours, then the
// headers between by parent hash, then their transactions from several peers at once. The owner
// applies the blocks and adopts the certificate when the last one is applied; then the next one.
//
// Nothing a peer claims is believed: claims choose whom to ask. What is proven, is used; who signed
// what is provably wrong is reported and asked no more; who keeps silent rests, and another is
// asked.
// Time:   every call takes `now`; poll_timeout() says when to call handle_timeout().
// Limits: one certificate and one page of headers in flight; HeaderWalk::headers_max headers;
//         those of BodyFetch.

#include <memory>

#include "chain/body_fetch.h"

namespace meshchain::chain {

/// A final block above ours, with its proof.
struct Anchor {
    wire::Hash hash;
    wire::BlockHeader header;
    wire::Certificate certificate;
};

class CatchUp {
public:
    struct Options {
        /// For the first sign of an answer, and half of it for each further one.
        base::Duration request_timeout = std::chrono::seconds(2);
        /// How long a peer may be ahead before it is asked: gossip is usually quicker.
        base::Duration grace = std::chrono::seconds(2);
        /// Heights to look for the next certificate in.
        std::uint32_t window = 4096;
    };
    /// What the owner knows and this asks. All are called during calls only.
    struct Owner {
        HeaderWalk::HeaderHash header_hash;
        HeaderWalk::AppliedAt applied_at;
        /// Whether the certificate proves its block.
        std::function<bool(const wire::ProvenFinal&)> is_proof;
        /// Whether the validators of its epoch are known: FINAL has to come near it first. Without
        /// it every epoch is.
        std::function<bool(const wire::BlockHeader&)> can_judge = {};
        wire::PeerChoice* choice = nullptr;  ///< as SyncPeers has it
    };

    CatchUp(Options options, Owner owner, base::Random random);

    void handle_peer(base::Instant now, const crypto::PublicKey& peer, wire::Height final,
                     bool is_validator);
    void forget_peer(const crypto::PublicKey& peer);
    /// Our own FINAL, after every change.
    void set_final(base::Instant now, wire::Height final);

    /// Whether the answer belongs to a request in flight.
    bool handle_items(base::Instant now, const crypto::PublicKey& from,
                      const wire::ItemsResponse& list);
    bool handle_chunk(base::Instant now, const crypto::PublicKey& from,
                      const wire::SyncChunk& chunk);
    void handle_timeout(base::Instant now);

    std::optional<SyncQuery> poll_request(base::Instant now);
    base::Instant poll_timeout(base::Instant now) const;
    /// A peer that did not deliver, or lied.
    std::optional<crypto::PublicKey> poll_failure();

    /// The proven FINAL that is worked towards.
    const Anchor* anchor() const { return anchor_ ? &*anchor_ : nullptr; }
    /// The anchor's block is applied: the owner adopts its certificate, then calls set_final.
    bool is_reached() const;
    /// Where blocks are to be applied; nothing while there are none to apply.
    const BodyFetch* bodies() const { return bodies_.get(); }
    /// The first `count` of bodies() are applied.
    void note_applied(base::Instant now, std::size_t count);
    /// The next of bodies() was not the proven block's transactions.
    void reject(base::Instant now);
    /// Whether somebody whom we have no reason to doubt claims a FINAL above ours.
    bool is_behind(base::Instant now) const;
    /// What is proven to be final contradicts our FINAL: more than a third of the stake cheats, or
    /// this node is at fault. Nothing more is asked for.
    const std::optional<std::string>& contradiction() const { return contradiction_; }
    /// Several peers gave transactions for a proven block that are not valid here.
    bool is_doubtful() const { return bodies_ && bodies_->is_doubtful(); }

private:
    static constexpr std::uint16_t page_headers_min = 4;  ///< about a datagram

    /// A request for one item, the only one of its kind in flight.
    struct Single {
        crypto::PublicKey peer;
        ItemTransfer transfer;
        base::Instant deadline;
        base::Instant latest;  ///< however many signs of an answer come
        wire::Height final{};  ///< ours when it was asked
    };

    std::optional<SyncQuery> ask_single(base::Instant now, wire::Height claimed,
                                        const std::function<wire::SyncRequest(std::uint64_t)>& ask);
    void give_up_single(base::Instant now);
    void finish_single(base::Instant now);
    void take_final(base::Instant now, const Single& request, base::Bytes item);
    void come_nearer(base::Instant now, const crypto::PublicKey& from,
                     const wire::BlockHeader& header);
    void take_headers(base::Instant now, const crypto::PublicKey& from, base::Bytes item);
    void start_bodies();
    void end_bodies();
    void condemn(base::Instant now, const crypto::PublicKey& peer);
    void abandon();
    void abandon_if_unheld();

    Options options_;
    Owner owner_;
    NonceSource nonces_;
    SyncPeers peers_;
    wire::Height final_{};
    std::uint32_t window_;      ///< smaller while proofs come from too far ahead
    bool came_nearer_ = false;  ///< since the last proof that was of use
    base::Instant behind_since_ = base::never;
    std::optional<Single> single_;
    std::optional<Anchor> anchor_;
    std::unique_ptr<HeaderWalk> walk_;
    /// A page counts only when it is whole: the more is lost on the way, the smaller the pages.
    std::uint16_t page_headers_ = wire::headers_max;
    std::unique_ptr<BodyFetch> bodies_;
    std::optional<std::string> contradiction_;
    std::deque<crypto::PublicKey> failures_;
};

}  // namespace meshchain::chain
