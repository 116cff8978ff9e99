#pragma once
// Answers nodes that hold no chain, from one that does (rows A10, J4, F5): the proof of FINAL,
// headers, the state that a final block commits to, the place of a transaction.
//
// Time:      every call takes `now`.
// Ownership: store and chain outlive it.
// Limits:    `views_max` states open at once, each for `view_life` at most and `view_idle` after
//            the last page, one opened in `open_interval`; those of RequestTurns, and the
//            `outgoing_max` frames of one answer. A peer opens one in `peer_open_interval` and
//            holds the one it asked for last, so that two peers can always have one each. A state
//            is worked back from the tip in pieces, each time it is the turn of who wants it.
// Threads:   one owner.
// Errors:    a request that does not parse is a Verdict; what is not here is answered so.
// Format:    docs/formats/state.md

#include <deque>
#include <map>

#include "chain/chain.h"
#include "chain/request_turns.h"
#include "chain/state_view.h"

namespace meshchain::chain {

/// The proof of a FINAL, in as many answers as it needs.
std::vector<wire::NewestFinalResponse> final_responses(const wire::BlockHeader& header,
                                                       const wire::Certificate& certificate);

class StateServer final : public wire::Service {
public:
    static constexpr std::size_t views_max = 2;  ///< of kv::snapshots_max
    static constexpr base::Duration view_idle = std::chrono::seconds(60);
    static constexpr base::Duration view_life = std::chrono::minutes(30);
    static constexpr base::Duration open_interval = std::chrono::seconds(5);
    static constexpr base::Duration peer_open_interval = std::chrono::seconds(30);
    static constexpr std::size_t outgoing_max =
        (wire::validators_max + wire::final_votes_max - 1) / wire::final_votes_max;

    StateServer(kv::Store& store, const Chain& chain) : store_(&store), chain_(&chain) {}

    // wire::Service
    std::string_view name() const override { return "state server"; }
    /// None: Chain::message_rules has them.
    std::span<const wire::MessageRule> rules() const override { return {}; }
    std::expected<void, base::Error> start(base::Now) override { return {}; }
    /// Lets go of every snapshot of the store.
    void stop(base::Now) override;
    wire::Verdict handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                         base::Bytes payload) override;
    void handle_timeout(base::Now now) override;
    std::optional<wire::Outgoing> poll_frame(base::Now now) override;
    base::Instant poll_timeout(base::Now now) const override;

    void forget_peer(const crypto::PublicKey& peer);

private:
    struct Open {
        wire::Hash block;
        std::unique_ptr<StateView> view;
        base::Instant opened{};
        base::Instant used{};
        std::map<crypto::PublicKey, base::Instant> holders{};  ///< who asked for no other since
        std::array<std::optional<wire::Hash>, wire::fee_range + 1> hashes{};
        base::Instant ends() const { return std::min(opened + view_life, used + view_idle); }
    };

    void answer(const wire::NewestFinalRequest& request);
    void answer(const wire::HeaderPageRequest& request);
    void answer(const wire::StatePageRequest& request);
    void answer(const wire::RangeHashRequest& request);
    void answer(const wire::InclusionRequest& request);
    void send(const wire::StateResponse& response);
    void send_unavailable(const wire::Hash& subject);
    /// The open state that `block` commits to, whole or not; opens it if that may be.
    Open* view_of(const wire::Hash& block);
    /// Of whole ones only. Puts `request` back while its state is worked at.
    template <class Request>
    Open* whole_view_for(const Request& request);
    Open* open_view(const wire::Hash& block);
    std::optional<wire::Height> height_to_open(const wire::Hash& block) const;
    bool may_open();
    bool make_room();
    void hold(Open& open);

    kv::Store* store_;
    const Chain* chain_;
    std::deque<Open> views_;
    base::Instant now_{};
    std::deque<std::pair<crypto::PublicKey, base::Instant>> opened_;  ///< within the longer pause
    crypto::PublicKey asking_;
    RequestTurns<wire::StateRequest> turns_;
    std::deque<wire::Outgoing> outgoing_;
};

}  // namespace meshchain::chain
