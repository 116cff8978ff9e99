#pragma once
// The inside of a Node, shared by its source files only.

#include "chain/chain.h"
#include "chain/light_chain.h"
#include "chain/snapshot_start.h"
#include "chain/state_server.h"
#include "mesh/mesh.h"
#include "node/lifecycle.h"
#include "node/node.h"
#include "node/node_clock.h"
#include "node/recent_count.h"
#include "node/refusal_watch.h"
#include "node/service_group.h"
#include "node/tables.h"
#include "runtime/state_manager.h"

namespace meshchain::node {

/// Units of 64 slots that what this node signs stays valid: a day at ten seconds a slot.
inline constexpr std::uint32_t payment_life_units = 135;

/// The greatest there is for what no code reaches.
inline wire::FeeCode code_for(wire::Amount fee) {
    return wire::fee_code_for(fee).value_or(wire::FeeCode{0xff});
}

struct Node::Parts final : mesh::FrameHandler, wire::PeerChoice {
    Parts(const NodeConfig& config_in, const ledger::Genesis& genesis_in, Doors doors_in,
          base::Now now);

    // node.cpp
    std::expected<void, base::Error> build(Keys keys, base::Now now);
    wire::Verdict handle_frame(base::Now now, const wire::Ingress& from, wire::MessageType type,
                               base::Bytes payload) override;
    void handle_repeat(base::Now now, wire::MessageType type, base::Bytes payload) override;
    /// The chain is made before the mesh that draws its peers.
    std::vector<crypto::PublicKey> choose_peers(const Wish& wish) override;
    base::Duration patience(const crypto::PublicKey& peer, base::Duration usual) const override;
    bool reaches(const crypto::PublicKey& peer, wire::MessageType type) const override;
    bool is_free(base::Instant now, wire::MessageType type) const override;
    base::Duration flood_time() const override;
    void step(base::Now system);
    base::Now advance_clock(base::Now system);
    void note_time_stated(base::Now now, const crypto::PublicKey& peer, wire::Slot slot,
                          std::uint16_t slot_phase, bool on_air);
    void ask_clocks(base::Now now, const std::vector<crypto::PublicKey>& validators);
    void note_clock_answer(base::Now now, const mesh::ClockStated& answer);
    void drain_mesh(base::Now now);
    void drain_chain(base::Now now);
    void send_all(base::Now now);
    void update_state(base::Now now);
    void tell(runtime::EventType type, const runtime::EventData& data = {},
              runtime::EventPriority priority = runtime::EventPriority::normal);

    // node_routes.cpp
    void note_settled(const mesh::RoutedSettled& settled);

    // node_service.cpp
    std::optional<wire::ValidatorIndex> validator_of(const crypto::PublicKey& node) const;
    /// The only validator needs nobody.
    bool is_alone() const;
    void follow_epoch();

    // node_views.cpp
    std::vector<ValidatorView> validators_by_seat() const;
    std::expected<crypto::PublicKey, base::Error> proposer_of(
        const wire::BlockHeader& header) const;

    // node_stakes.cpp
    std::expected<ledger::StakeBook, base::Error> stake_book() const;
    std::expected<wire::Operation, base::Error> operation_of(const StakeOrder& order);
    std::expected<wire::Operation, base::Error> withdrawal(
        const crypto::PublicKey& validator) const;
    std::expected<std::vector<BondView>, base::Error> own_bonds() const;
    std::optional<crypto::Signature> cosign(const crypto::PublicKey& key,
                                            base::Bytes preimage) const;

    // node_service.cpp
    /// What takes part in the network here: a chain, a start from a state, or a light chain.
    wire::Service& service();
    const wire::Service& service() const;
    std::expected<void, base::Error> open_service(std::optional<crypto::SigningKey> key,
                                                  base::Now now);
    std::expected<void, base::Error> forget_gathered_state();
    std::expected<void, base::Error> open_chain(base::Now now);
    wire::ChainStatus chain_status(base::Now now) const;
    void handle_peer(base::Now now, const crypto::PublicKey& peer, wire::Slot slot,
                     chain::PeerHeights heights, bool directly = true);
    void handle_peer_lost(base::Now now, const crypto::PublicKey& peer);
    std::optional<chain::Event> poll_chain_event();
    /// Once a start from a state is done, the chain goes on from there.
    void change_service(base::Now now);
    /// Where the blocks before it are not here, a new wallet finds its coins in the FINAL state.
    std::expected<void, base::Error> start_wallet_from_state();

    // node_without_chain.cpp
    runtime::NodeState state_without_chain() const;
    void fill_without_chain(StatusView& view, base::Now now) const;
    std::expected<TransactionView, base::Error> transaction_without_chain(
        const wire::Txid& txid) const;
    std::expected<wire::Txid, base::Error> submit_without_chain(
        base::Now now, const wire::WireTransaction& transaction);
    /// Why something that needs blocks or coins cannot be had here.
    base::Error no_chain(std::string what) const;
    std::expected<ProofView, base::Error> prove_from_chain(const wire::Txid& txid) const;

    // node_wallet.cpp
    void read_chain_for_wallet();
    std::expected<void, base::Error> read_some_blocks();
    void lock_wallet();
    std::expected<wallet::BlockChange, base::Error> stored_change(wire::Height height) const;
    wallet::BlockChange genesis_change() const;
    void tell_wallet(const chain::Event& event);
    void send_waiting_payments(base::Now now);
    bool is_dead_payment(const wire::Txid& txid) const;

    // node_payments.cpp
    std::expected<wallet::Wallet*, base::Error> paying_wallet() const;
    wallet::PaymentOrder order(base::Now now, const crypto::PublicKey& payee, wire::Amount amount,
                               std::optional<wire::FeeCode> fee) const;
    std::expected<PaymentView, base::Error> send_payment(base::Now now,
                                                         const wallet::PaymentOrder& order,
                                                         const wallet::Payment& payment);
    base::WallTime end_of(wire::Expiry expiry) const;

    // node_views.cpp
    Certainty certainty_of(wire::Height height) const;
    std::expected<BlockView, base::Error> view(const wire::Hash& hash,
                                               const chain::StoredBlock& stored) const;

    // health.cpp
    HealthView health_without_chain() const;
    void observe(base::Instant now);
    /// Says what has changed about the store since the last call (row B12).
    void tell_storage(base::Instant now);
    void tell_refusals(base::Instant now);

    NodeConfig config;
    ledger::Genesis genesis;
    Doors doors;
    base::Log log;
    runtime::EventLoop events;
    runtime::StateManager state;
    LifecycleManager lifecycle;
    crypto::PublicKey identity;
    wire::ChainId chain_id;
    std::unique_ptr<chain::Chain> chain;  ///< none in role light and until a state has come
    std::unique_ptr<chain::StateServer> state_server;  ///< beside `chain`
    std::unique_ptr<chain::SnapshotStart> snapshot;
    std::unique_ptr<chain::LightChain> light;
    std::optional<crypto::SigningKey> validating_key;  ///< until the chain has it
    std::optional<base::Error> service_fault;
    ServiceGroup services;
    std::vector<wire::MessageRule> rules;
    std::unique_ptr<mesh::Mesh> mesh;
    std::unique_ptr<wallet::Wallet> wallet;

    std::map<std::uint64_t, ProbeView> probes;  ///< by sequence; bounded

    base::Instant started_at{};
    std::optional<NodeClock> clock;
    /// What signs operations on stakes; only where there are any.
    std::optional<crypto::SigningKey> staking_identity;
    std::optional<crypto::SigningKey> staking_key;
    std::optional<std::uint32_t> clock_epoch;  ///< whose validators it follows
    base::Now last_system{};                   ///< to notice that somebody set the system's clock
    std::optional<base::Duration> time_error_max;
    base::Instant time_error_due{};
    base::Now last{};  ///< of the last step, by the node's clock
    base::Instant payments_due{};
    bool wallet_is_behind = false;
    base::Instant wallet_read_due{};  ///< later after a failure, so that it is not tried all along
    base::Instant wallet_lock_due = base::never;
    kv::QuotaLevel quota_level{};  ///< as told last
    base::Instant storage_told_due{};
    RefusalWatch refusals;
    bool told_refusal = false;
    bool told_stalled = false;
    std::size_t told_damaged = 0;
    bool link_has_more = false;
    std::uint64_t blocks_applied = 0;
    std::uint64_t blocks_reverted = 0;
    std::uint64_t evidence_found = 0;
    std::uint64_t peers_lost = 0;
    RecentCount losses_lately;
    RecentCount evidence_lately;
    RecentCount unsent_lately;
};

}  // namespace meshchain::node
