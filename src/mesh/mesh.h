#pragma once
// The mesh over IP-like links: finds peers, keeps sessions with them, floods objects, carries
// control messages, and routes messages beyond its own sessions (rows E1, E2, E7, E8, F1, F3, F4,
// F7-F9; PROTOCOL.md P1).
//
// A session is (identity key, address): it exists after a HELLO that carried our cookie for the
// address and verified. Anything else from an address without one is dropped. Each frame that
// passes size, rate, session and (for control) origin, sequence and signature goes up to the
// FrameHandler, whose verdict decides in the same call whether it is relayed and what it does to
// the score of the peer that handed it to us.
//
// Time:      `now.instant` never goes backwards; `now.wall` may jump, it only dates objects.
// Ownership: links, store, entropy and handler outlive the mesh; spans are borrowed for the call.
// Limits:    those of Options. Strangers, however many, occupy two bounded tables.
// Threads:   one owner.
// Errors:    what peers do wrong is counted in stats(); a full or broken link loses the frame and
//            is counted. Misuse asserts.
// Format:    docs/formats/frame.md, docs/formats/control.md

#include <optional>
#include <span>
#include <vector>

#include "base/entropy.h"
#include "base/log.h"
#include "base/random.h"
#include "base/ring_buffer.h"
#include "crypto/signature.h"
#include "kv/store.h"
#include "mesh/air.h"
#include "mesh/control_sequence.h"
#include "mesh/event.h"
#include "mesh/flood.h"
#include "mesh/frame_handler.h"
#include "mesh/handshake.h"
#include "mesh/known_peers.h"
#include "mesh/options.h"
#include "mesh/peer.h"
#include "mesh/peer_table.h"
#include "mesh/rules.h"
#include "mesh/slot_lottery.h"
#include "mesh/stats.h"
#include "mesh/surroundings.h"
#include "wire/frame_link.h"
#include "wire/neighbourhood.h"
#include "wire/peer_choice.h"

namespace meshchain::mesh {

/// Who we are to our peers.
struct Self {
    wire::ChainId chain;
    crypto::SigningKey identity;
    wire::Role role = wire::Role::relay;
};

/// What the mesh works with; all but the log outlive it.
struct Doors {
    kv::Store& store;
    kv::Table table;  ///< mesh's own: the sequence epoch
    base::Entropy& entropy;
    base::Log log;
};

class Mesh final : public wire::PeerChoice, public wire::Neighbourhood {
public:
    static constexpr std::uint8_t protocol_version = 1;
    static constexpr std::size_t links_max = 4;
    /// One for each frame of a step, and some.
    static constexpr std::size_t events_max = 320;

    /// `rules`: made by build_rule_table, with mesh_rules() among its parts; it outlives the mesh.
    /// Asserts that check(options) passed.
    Mesh(Options options, Self self, std::span<const wire::MessageRule> rules, Doors doors,
         base::Random random, FrameHandler& handler);

    /// Before start(). Static peers are dialled on the first link.
    void add_link(wire::FrameLink& link);
    /// Before start(). What everybody in reach hears; one copy of each message goes there.
    void add_air(wire::AirLink& link);
    /// Others validate now. Sessions stay; who may take a reserved slot changes.
    void set_validators(std::vector<ValidatorIdentity> validators);
    /// Takes a new sequence epoch and begins to announce and to dial.
    /// Errors: those of ControlSequence::open.
    std::expected<void, base::Error> start(base::Now now);
    /// Ends every session without a word; peers notice by silence. start() may follow.
    void stop(base::Now now);

    /// Takes what has arrived, at most Options::frames_per_step_max a link. True: more waits.
    bool handle_readable(base::Now now);
    /// Call at or after poll_timeout().
    void handle_timeout(base::Now now);
    base::Instant poll_timeout(base::Now now) const;

    /// What our HELLO and STATUS say. Call at the start of each step: HELLO states the slot.
    void set_status(const wire::ChainStatus& status, std::uint8_t state);
    /// HELLO to everybody: at start, and after a clock step (PROTOCOL.md P3).
    void request_hello(base::Now now);
    /// Sends our HELLO to an address: the start of a handshake, if somebody is there.
    void announce_peer(base::Now now, const base::LinkAddress& address);

    /// Signs and numbers a control body; sends it, or an object, to one peer or floods it. With a
    /// destination: as send_routed(). Returns how many peers it left for.
    /// Errors: not_found (`to` has no session and is not heard on the air), unavailable (it is, and
    /// this type does not go there), invalid_argument (type without a rule, size outside it), full
    /// or io (the link took it for nobody).
    std::expected<std::size_t, base::Error> send(base::Now now, const wire::Outgoing& frame);

    /// Sends a message of a type of class `routed`: to one key over as many hops as it takes, to
    /// all, or to a segment. Returns its sequence; to one key, a RoutedSettled follows.
    /// Errors: invalid_argument (the type, its size, ourselves), full (too many are under way).
    std::expected<std::uint64_t, base::Error> send_routed(base::Now now,
                                                          const wire::Destination& destination,
                                                          wire::MessageType type,
                                                          base::Bytes payload);

    /// Asks a validator over several hops what its clock shows. What it answers comes as a
    /// ClockStated, if it comes at all; who is too busy with other messages asks nothing.
    void ask_clock(base::Now now, const crypto::PublicKey& validator);

    /// For requests the node made of a peer: answered after `latency`, or not in time. Those whose
    /// rule says what answers them are noticed without.
    void report_success(const crypto::PublicKey& peer, base::Duration latency);
    void report_failure(const crypto::PublicKey& peer);

    /// Connected peers, weighted as mesh/peer_selection.h says; those on the air alone where there
    /// is nobody else.
    std::vector<crypto::PublicKey> choose_peers(const Wish& wish) override;
    base::Duration patience(const crypto::PublicKey& peer, base::Duration usual) const override;
    bool reaches(const crypto::PublicKey& peer, wire::MessageType type) const override;
    bool is_free(base::Instant now, wire::MessageType type) const override;
    base::Duration flood_time() const override;

    /// As of the last change of sessions; those on the air alone are not among them.
    std::vector<crypto::PublicKey> neighbours() const override;
    std::vector<crypto::PublicKey> reachable() const override;
    bool has_air() const override { return !airs_.empty(); }
    base::Duration air_packet_time() const override;
    std::vector<crypto::PublicKey> onward(
        const crypto::PublicKey& origin, const std::optional<crypto::PublicKey>& from,
        const std::optional<wire::SegmentId>& segment) const override;

    std::optional<Event> poll_event() { return events_.pop(); }
    /// A copy, ordered by key: connected peers and those not yet forgotten.
    std::vector<Peer> peers() const;
    /// Nothing for a key that is not known.
    std::optional<Peer> peer(const crypto::PublicKey& key) const;
    bool is_connected(const crypto::PublicKey& key) const;
    std::size_t connected_count() const;
    /// Who is where, as far as announcements tell; empty while stopped. At most a second old.
    const Topology* topology() const { return surroundings_ ? &surroundings_->topology : nullptr; }
    const AnnouncementTable* announced() const {
        return surroundings_ ? &surroundings_->known : nullptr;
    }
    const Stats& stats() const { return stats_; }
    const crypto::PublicKey& identity() const { return self_.identity.public_key(); }

    /// Asserts what must hold between any two calls.
    void check_invariants() const;

private:
    /// Who began an exchange of HELLOs: only what we began may be answered by a COOKIE.
    enum class Initiative : bool { ours, theirs };

    /// A HELLO taken apart; borrows from the link.
    struct SignedHello {
        const wire::FrameHeader& header;
        wire::ControlPayload control;
        wire::Hello hello;
        bool multicast;
    };
    struct SignedFrame {
        wire::FrameHeader header;
        base::Buffer payload;
    };

    // mesh_receive.cpp
    void handle_frame(base::Now now, std::uint8_t link, const wire::ReceivedFrame& received);
    base::TokenBucket& bucket_of(PeerEntry& entry, const wire::MessageRule& rule) const;
    /// Whether to spend a check on a frame of this session that claims to be `origin`'s; what it
    /// finds decides whether the work is excused.
    bool start_work(base::Now now, Session& session, const crypto::NodeId& origin);
    void excuse_work(Session& session, const crypto::NodeId& origin);
    void handle_control(base::Now now, PeerEntry& entry, const wire::MessageRule& rule,
                        const wire::ReceivedFrame& received);
    wire::Verdict handle_heartbeat(PeerEntry& entry, base::Bytes body);
    void handle_chunk(base::Now now, PeerEntry& entry, const wire::MessageRule& rule,
                      const wire::Frame& frame);
    void handle_object(base::Now now, PeerEntry& entry, const wire::MessageRule& rule,
                       const wire::Frame& frame);
    void judge_object(base::Now now, PeerEntry& entry, const wire::MessageRule& rule,
                      const wire::Frame& frame, const ContentId& id);
    void note_use(base::Now now, PeerEntry& entry, wire::MessageType type, wire::Verdict verdict);
    wire::Verdict judge(base::Now now, const crypto::PublicKey& from, const wire::Frame& frame);
    void settle(base::Now now, const crypto::PublicKey& key, wire::MessageType type,
                wire::Verdict verdict);

    // mesh_handshake.cpp
    void handle_hello(base::Now now, const Endpoint& from, const wire::ReceivedFrame& received);
    void handle_hint(base::Now now, const Endpoint& from, const SignedHello& hello);
    void handle_cookie(base::Now now, const Endpoint& from, const wire::ReceivedFrame& received);
    void handle_proven_hello(base::Now now, const Endpoint& from, const SignedHello& hello);
    void answer_with_cookie(base::Now now, const Endpoint& to);
    static bool is_replay(const PeerEntry& known, const SignedHello& hello);
    static void note_cookie(PeerEntry& entry, const wire::Cookie& cookie);
    static bool blocks_replacement(const PeerEntry& known, const Endpoint& from,
                                   const wire::FrameHeader& header);
    bool is_genuine(const SignedHello& hello) const;
    /// The entry of `key` with a session at `from`, or nothing if no slot is free.
    PeerEntry* admit(base::Now now, const Endpoint& from, const crypto::PublicKey& key);
    PeerTable::Applicant applicant(const Endpoint& from, const crypto::PublicKey& key) const;
    std::uint64_t flow_of(const Endpoint& endpoint) const;
    Session new_session(base::Now now, const Endpoint& from) const;
    void refresh_session(base::Now now, PeerEntry& entry, const SignedHello& hello);
    void note_hello(base::Now now, PeerEntry& entry, const SignedHello& hello);

    // mesh_send.cpp
    std::expected<const wire::MessageRule*, base::Error> check_outgoing(
        const wire::Outgoing& frame) const;
    std::expected<std::size_t, base::Error> send_everywhere(base::Now now,
                                                            const wire::Outgoing& frame,
                                                            const wire::MessageRule& rule,
                                                            const wire::FrameHeader& header,
                                                            base::Bytes payload);
    std::expected<std::size_t, base::Error> send_to_sessions(const wire::Outgoing& frame,
                                                             const wire::FrameHeader& header,
                                                             base::Bytes payload);
    wire::FrameHeader own_header(base::Now now, wire::MessageType type, std::uint8_t hop_limit);
    void relay(base::Now now, const crypto::PublicKey& from, const wire::Frame& frame,
               const Air* heard_on = nullptr);
    void note_question(base::Now now, const wire::Outgoing& frame, const wire::MessageRule& rule);
    bool send_to_session(PeerEntry& entry, const wire::FrameHeader& header, base::Bytes payload);
    bool send_frame(const Endpoint& to, const wire::FrameHeader& header, base::Bytes payload);
    bool count_sent(bool sent, wire::MessageType type, base::Bytes payload);
    /// Nothing when this run's control sequences are used up.
    std::optional<SignedFrame> sign_control(wire::MessageType type, base::Bytes body);
    std::expected<SignedFrame, base::Error> sign_outgoing(const wire::Outgoing& frame);
    wire::Hello hello() const;
    wire::Heartbeat heartbeat() const;
    void send_hello(base::Now now, const Endpoint& to, Initiative initiative);
    void send_multicast(wire::MessageType type, base::Bytes body);
    void announce(base::Now now);
    void send_heartbeats(base::Now now);
    bool needs_unicast_heartbeat(base::Now now, const PeerEntry& entry) const;

    // mesh_announce.cpp
    void handle_surroundings_timeout(base::Now now);
    base::Instant surroundings_timeout(base::Instant now) const;
    /// Compares the sessions with those we last knew, and acts on what changed.
    void follow_sessions(base::Now now);
    wire::Announcement own_announcement(base::Now now);
    void publish(base::Now now);
    void send_announcement(base::Now now);
    wire::Verdict judge_announcement(base::Now now, const crypto::PublicKey& from,
                                     const wire::Frame& frame);
    void relay_announcement(const crypto::PublicKey& from, const wire::Frame& frame);
    void begin_hand_over(base::Instant now, const crypto::PublicKey& peer);
    void hand_over(base::Now now);
    void refresh_topology(base::Instant now);
    std::uint8_t hops_to(const PeerEntry& entry) const;

    // mesh_route.cpp
    /// Signs an attempt of our own and sends it on the best way, or to everybody.
    void transmit(base::Now now, wire::RoutedMessage message);
    /// To `next`, or else to all neighbours but `from` and the origin.
    /// `heard_on`: the air that brought it; then `from` is nobody.
    void pass(base::Now now, const std::optional<crypto::PublicKey>& next,
              const crypto::PublicKey& from, const wire::RoutedMessage& message,
              const wire::FrameHeader& header, base::Bytes payload, const Air* heard_on = nullptr);
    wire::Verdict judge_routed(base::Now now, const crypto::PublicKey& from,
                               const wire::Frame& frame);
    bool crosses_air(const wire::RoutedMessage& message) const;
    bool is_due_on_air(base::Now now, const wire::RoutedMessage& message);
    bool is_for_us(const wire::Destination& destination) const;
    void take_routed(base::Now now, const crypto::PublicKey& from,
                     const wire::RoutedMessage& message, std::uint8_t hops);
    /// Whether it was of use.
    bool hand_up(base::Now now, const crypto::PublicKey& from, const wire::RoutedMessage& message,
                 std::uint8_t hops);
    bool handle_receipt(base::Now now, const wire::RoutedMessage& message, std::uint8_t hops);
    bool answer_clock(base::Now now, const wire::RoutedMessage& message);
    bool handle_clock_answer(base::Now now, const wire::RoutedMessage& message);
    void relay_routed(base::Now now, const crypto::PublicKey& from, const wire::Frame& frame,
                      const Air* heard_on = nullptr);
    void retry_routed(base::Now now);
    /// A test for peers with a mutual session, but for those of `except`.
    auto is_neighbour(std::array<crypto::PublicKey, 2> except = {}) const {
        return [this, except](const crypto::PublicKey& key) {
            const PeerEntry* entry = peers_.find(key);
            return entry != nullptr && entry->session && entry->session->mutual &&
                   key != except[0] && key != except[1];
        };
    }

    // mesh_air.cpp and mesh_air_status.cpp
    void start_airs(base::Now now);
    /// STATUS on the air soon, after a random pause.
    void request_air_status(base::Now now);
    void plan_status(Air& air, base::Instant from);
    void answer_start(base::Now now, const crypto::PublicKey& key);
    bool is_well_known(std::size_t air) const;
    void ask_status(base::Now now, const crypto::PublicKey& key);
    base::Duration pause_of(const Air& air) const;
    bool handle_airs_readable(base::Now now);
    void handle_heard(base::Now now, std::size_t air, const wire::HeardFrame& heard);
    void handle_heard_chunk(base::Now now, std::size_t air, const wire::MessageRule& rule,
                            const wire::HeardFrame& heard);
    void handle_heard_object(base::Now now, std::size_t air, const wire::MessageRule& rule,
                             const wire::HeardFrame& heard);
    void handle_heard_control(base::Now now, std::size_t air, const wire::MessageRule& rule,
                              const wire::HeardFrame& heard);
    wire::Verdict handle_heard_status(const crypto::PublicKey& key, const AirPath& path,
                                      base::Bytes body);
    void lose_speaker(const crypto::PublicKey& key);
    void lose_silent(base::Now now);
    /// Who is heard on the air and counts as a peer.
    const AirSpeaker* air_peer(const crypto::PublicKey& key) const;
    Peer describe(const crypto::PublicKey& key, const AirSpeaker& speaker) const;
    std::expected<std::size_t, base::Error> send_on_air(base::Now now, const wire::Outgoing& frame,
                                                        const wire::MessageRule& rule,
                                                        const AirSpeaker& to);
    std::size_t peers_on(std::size_t air) const;
    bool has_relays(std::size_t air) const;
    base::Duration status_interval(std::size_t air) const;
    std::optional<wire::Addressee> any_validator();
    base::Duration pause_alone(std::size_t air);
    base::Duration air_silence(const crypto::PublicKey& key) const;
    /// How long it is believed how far somebody is.
    base::Duration hops_memory() const {
        return 2 * options_.air_status_interval + options_.air_pause;
    }
    const wire::MessageRule& status_rule() const {
        return *find_rule(rules_, wire::MessageType::status);
    }
    /// Whether to spend a check on a frame that claims to come through that radio.
    bool start_air_work(base::Now now, Air& air, const wire::MessageRule& rule, std::uint64_t flow);
    void note_air_use(base::Now now, Air& air, const wire::MessageRule& rule, std::uint64_t flow,
                      wire::Verdict verdict);
    base::TokenBucket& air_bucket(Air& air, const wire::MessageRule& rule) const {
        return air.buckets[static_cast<std::size_t>(&rule - rules_.data())];
    }
    std::uint64_t air_flow(std::uint32_t radio) const;
    /// Of a validator, or of somebody whose announcement is held.
    std::optional<crypto::PublicKey> air_key(const crypto::NodeId& id) const;
    /// Returns on how many it left.
    std::size_t send_to_airs(base::Now now, const wire::MessageRule& rule, wire::FrameHeader header,
                             base::Bytes payload, const wire::Spoken& how);
    /// `id`: of what is not said again within a while. False: it was not taken.
    bool say(base::Now now, Air& air, const wire::MessageRule& rule,
             const wire::FrameHeader& header, base::Bytes payload, std::optional<std::uint64_t> id,
             const wire::Spoken& how);
    /// Than one air, in this life of the node.
    bool has_other_links() const { return had_session_ || airs_.size() > 1; }
    /// How to say there what came by another link.
    wire::Spoken bridge_turn(std::size_t air, const wire::FrameHeader& header,
                             base::Bytes payload) const;
    void route_to_airs(base::Now now, const wire::RoutedMessage& message, wire::FrameHeader header,
                       base::Bytes payload, const Air* except);
    enum class Bridging : std::uint8_t { usual, if_unsaid };
    /// `if_unsaid`: only where it was neither said nor heard yet.
    void relay_to_airs(base::Now now, const wire::MessageRule& rule, const wire::Frame& frame,
                       const Air* except = nullptr, Bridging bridging = Bridging::usual);
    std::uint8_t hop_limit_of(std::size_t air, wire::MessageType type) const;
    /// How many may say what this node would repeat.
    std::size_t air_crowd() const;
    void handle_airs_timeout(base::Now now);
    /// Says where our chain stands, and who we are if nobody can know.
    void speak_up(base::Now now, Air& air);
    base::Instant airs_timeout() const;

    // mesh.cpp
    bool has_session(const crypto::PublicKey& key) const;
    /// Others are heard now, and the air is the only way to them.
    bool has_air_alone() const;
    /// PeerDiscovered was said of its session.
    bool is_announced(const crypto::PublicKey& key) const;
    void connect(PeerEntry& entry);
    void disconnect(base::Now now, PeerEntry& entry, LossReason reason);

    // mesh_known.cpp
    void recall_known_peers(base::Now now);
    void dial_known_peers(base::Now now);
    void note_known(base::Now now, const PeerEntry& entry);
    void save_known_peers(base::Now now);
    void punish(base::Now now, PeerEntry& entry);
    void drop(Drop reason) { ++stats_.of(reason); }
    void emit(const Event& event);

    Options options_;
    Self self_;
    crypto::NodeId id_;
    std::span<const wire::MessageRule> rules_;
    Doors doors_;
    base::Random random_;
    base::Random choice_random_;
    FrameHandler& handler_;

    std::vector<wire::FrameLink*> links_;
    std::vector<Air> airs_;
    AirSpeakers speakers_;
    /// Questions about clocks and answers, by origin, destination and type, and when one was taken
    /// from the air last.
    using ClockWay = std::tuple<crypto::PublicKey, crypto::PublicKey, wire::MessageType>;
    base::LruCache<ClockWay, base::Instant> clocks_heard_{256};
    bool had_session_ = false;
    std::optional<ControlSequence> sequence_;
    std::optional<Handshake> handshake_;
    PeerTable peers_;
    crypto::ShortHashKey flow_key_;
    SlotLottery lottery_;
    std::optional<FairBudget> work_;  ///< of all sessions together
    Flood flood_;
    std::optional<Surroundings> surroundings_;  ///< while started
    bool sessions_changed_ = false;
    wire::ChainStatus status_;
    std::uint8_t state_ = 0;
    std::uint32_t object_counter_ = 0;
    base::Instant announce_at_ = base::never;
    base::Instant heartbeat_at_ = base::never;
    KnownPeers known_peers_;
    base::Instant recall_at_ = base::never;  ///< when those not met yet are dialled again
    base::Duration recall_interval_{};
    base::Instant save_known_at_ = base::never;
    base::RingBuffer<Event> events_{events_max};
    Stats stats_;
};

}  // namespace meshchain::mesh
