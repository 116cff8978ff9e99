#pragma once
// How a module takes part in the network without knowing it (ARCHITECTURE.md):
// the rule of each message type it owns, and the calls the node makes.

#include <algorithm>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "wire/frame.h"
#include "wire/routed.h"

namespace meshchain::wire {

/// What became of an accepted frame; relaying, scores and counters follow from it.
enum class Verdict : std::uint8_t {
    relay,   ///< valid and new: flood it on
    keep,    ///< valid, but not to be relayed (control, or for us alone)
    ignore,  ///< not usable now, nobody's fault (duplicate, unknown block, too early)
    punish,  ///< provably wrong: charged to who handed it to us
};
std::string_view name(Verdict verdict);

enum class MessageClass : std::uint8_t {
    object,   ///< deduplicated by content, relayed by verdict
    control,  ///< signed by its origin with a sequence, one hop
    /// Unsigned, and of use only to who waits for it: on a session one hop, for one peer; on the
    /// air for all who hear it. Neither remembered nor relayed.
    chunk,
    handshake,  ///< HELLO and COOKIE: mesh's own, before a session exists
    routed,     ///< never a frame of its own: travels inside ROUTED, over several hops
};

/// Everything that limits one message type, enforced before any signature is checked.
struct MessageRule {
    MessageType type;
    MessageClass message_class;
    std::uint16_t payload_bytes_min;
    std::uint16_t payload_bytes_max;
    std::uint32_t frames_per_minute_max;  ///< of one peer; for `routed`: of one origin
    std::uint8_t priority;                ///< 0 leaves first
    bool on_radio;                        ///< may it cross a radio link
    /// Of a request: the type whose arrival from the same peer tells how quick and useful it is.
    std::optional<MessageType> answered_by = std::nullopt;
    /// How many may come at once, at most frames_per_minute_max; 0: those of three seconds, and no
    /// fewer than a service may send in one share.
    std::uint32_t frames_at_once_max = 0;
    /// Who hears it on the air, meant for somebody else, may learn from it.
    bool is_overheard = false;

    static constexpr std::uint32_t frames_at_once_usual = 64;
    constexpr std::uint32_t frames_at_once() const {
        if (frames_at_once_max > 0) return frames_at_once_max;
        return std::min(std::max(frames_per_minute_max / 20, frames_at_once_usual),
                        frames_per_minute_max);
    }
};

/// Where a message of class `routed` began; its signature was verified.
struct RoutedFrom {
    crypto::PublicKey origin;
    std::uint8_t hops = 1;    ///< that it travelled; 1: from the origin itself
    Destination destination;  ///< as its origin wrote it: this node, all, or a segment of ours
};

/// Who handed a frame to us. On IP the session's identity, verified by its HELLO. An object that
/// was heard on the air came from nobody who could be blamed: then `peer` is zero.
struct Ingress {
    crypto::PublicKey peer;
    bool on_air = false;
    /// A control message on the air, for nobody in particular: all in reach heard it, too.
    bool heard_by_all = false;
    /// A control message on the air that was meant for somebody else.
    bool overheard = false;
    /// Of an object on the air: whose radio claims to have sent it, if that is known.
    std::optional<crypto::PublicKey> claimed = std::nullopt;
    /// For a type of class `routed`, and only then. Verdicts are then about the origin.
    std::optional<RoutedFrom> routed = std::nullopt;

    /// Who is charged with what is wrong.
    std::optional<crypto::PublicKey> giver() const {
        return on_air ? std::nullopt : std::optional(peer);
    }
    /// Whom to ask for more of it.
    std::optional<crypto::PublicKey> source() const {
        return on_air ? claimed : std::optional(peer);
    }
};

/// A frame to send. Control frames are signed and numbered by mesh on the way out.
///
/// A type of class `routed` has a destination, and neither `to` nor `except`. To one key it needs
/// no session: mesh finds the way, repeats it until a receipt comes, and hands it up at most once.
struct Outgoing {
    MessageType type{};
    std::optional<crypto::PublicKey> to = std::nullopt;      ///< empty: every session
    std::optional<crypto::PublicKey> except = std::nullopt;  ///< with `to` empty: not back to it
    base::Buffer payload = {};                               ///< for control: the body, unsigned
    std::optional<Destination> destination = std::nullopt;   ///< for `routed`
    /// Others hold this object as well, and may say it: on the air one of them is enough.
    bool repeated = false;
    /// To nobody who has a session: a question that is cheap where all hear it.
    bool only_on_air = false;
    /// To sessions alone: the airs have it in a shorter form.
    bool not_on_air = false;
    /// Of what is repeated: so many times others get time to say it before this node does.
    std::uint8_t others_first = 0;
    /// On the air it leaves beside blocks, whatever its type's turn: a question without whose
    /// answer the chain does not go on, or that answer.
    bool hurried = false;
    /// It was said a moment ago, and is meant to be said on the air again: soon, or not at all, and
    /// not where relays have done so.
    bool again = false;
    /// Of what is said again: the last time it did not get through, so also where relays spoke.
    bool missed = false;
};

/// A message of class `routed`.
Outgoing routed_to(Destination destination, MessageType type, base::Buffer payload);
/// The same, back to where `from`, which has `routed`, began.
Outgoing reply_to(const Ingress& from, MessageType type, base::Buffer payload);

/// A user of the network: the chain, records, objects, an application. It throws nothing, and does
/// not call the node from within these functions: what it wants to send, poll_frame gives.
class Service {
public:
    virtual ~Service() = default;
    /// A string literal, for logs and errors.
    virtual std::string_view name() const = 0;
    /// The same at every call. An application's types are those from application_types_from on.
    virtual std::span<const MessageRule> rules() const = 0;
    /// An Error keeps the node from starting: what was started before is stopped again.
    virtual std::expected<void, base::Error> start(base::Now now) = 0;
    virtual void stop(base::Now now) = 0;
    /// `payload` is an object's bytes or a control message's body; borrowed for the call. Its
    /// origin, size and rate have been checked, nothing else.
    virtual Verdict handle(base::Now now, const Ingress& from, MessageType type,
                           base::Bytes payload) = 0;
    /// An object that was here before was heard on the air again: whoever was going to repeat it
    /// need not. Nothing of it was checked.
    virtual void handle_repeat(base::Now, MessageType, base::Bytes) {}
    /// Called at or after poll_timeout().
    virtual void handle_timeout(base::Now now) = 0;
    virtual std::optional<Outgoing> poll_frame(base::Now now) = 0;
    virtual base::Instant poll_timeout(base::Now now) const = 0;
};

}  // namespace meshchain::wire
