#include "radio/radio_frames.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::radio {
namespace {

/// A radio that is not ready says so by its door when it is; this is for one that forgets to.
constexpr base::Duration look_again = std::chrono::seconds(10);
/// A deferral ends sooner if the channel gets quieter, of which the radio tells every minute.
constexpr base::Duration ask_again_after = std::chrono::minutes(1);
constexpr int hold_up_packets = 16;
/// So long a question may wait to be asked.
constexpr int packets_of_question = 40;
/// For others to say what this node would.
constexpr int packets_yielded = 10;
/// For one gateway of several to say a text before the others.
constexpr int packets_of_text_spread = 10;
/// What programs take to hear and to answer counts where packets are short.
constexpr base::Duration text_spread_min = std::chrono::seconds(8);

OutboxLimits fitting(OutboxLimits limits, const PacketLink& link) {
    limits.packet_bytes_max = std::min(limits.packet_bytes_max, link.payload_bytes_max());
    return limits;
}

/// Behind a wish everything but what is more urgent has to wait: it is short, and its answer
/// saves what was sent already.
Priority priority_of_wish(wire::MessageType type) {
    switch (type) {
        case wire::MessageType::block_ack:
        case wire::MessageType::short_vote:
        case wire::MessageType::evidence: return Priority::urgent;
        case wire::MessageType::block:
        case wire::MessageType::short_block: return Priority::block;
        case wire::MessageType::transaction: return Priority::transaction;
        default: return Priority::sync;
    }
}

}  // namespace

Priority priority_of(const wire::MessageRule& rule) {
    return static_cast<Priority>(std::min<std::size_t>(rule.priority, priorities - 1));
}

RadioFrames::RadioFrames(base::Instant now, const RadioOptions& options, PacketLink& link,
                         base::Random random)
    : options_(options),
      link_(link),
      budget_(now, options.airtime),
      random_(random.stream("turns")),
      outbox_(fitting(options.outbox, link)),
      reassembly_(options.reassembly, random) {
    budget_.set_paused(options.listen_only);
    if (options.mirror) texts_.emplace(now, options.mirror->limits, random.stream("texts"));
}

std::expected<void, base::Error> RadioFrames::send(base::Instant now, const wire::MessageRule& rule,
                                                   const wire::FrameHeader& header,
                                                   base::Bytes payload, const wire::Spoken& how) {
    if (!rule.on_radio || options_.listen_only) {
        return base::failure(base::Errc::unavailable,
                             options_.listen_only
                                 ? "this radio only listens"
                                 : std::string(wire::name(rule.type)) + " does not go on the air",
                             "radio", "send it over another link");
    }
    if (how.bridged && !options_.bridge.carries_type(rule.type)) {
        ++stats_.not_carried;
        return base::failure(
            base::Errc::unavailable,
            std::string(name(cargo_of(rule.type))) + " of other links do not go on this radio",
            "radio", "name them in `bridge.carry` of the radio");
    }
    ask_link(now);
    const bool is_control = rule.message_class == wire::MessageClass::control;
    const Origin origin{header.sender, header.timestamp, header.sequence};
    const Message message{.type = header.type,
                          .to = how.to,
                          .origin = is_control ? std::optional(origin) : std::nullopt,
                          .payload = payload};
    const std::size_t packet_bytes = std::min(
        header_bytes + bytes_of(head_of(message)) + payload.size(), link_.payload_bytes_max());
    const Priority priority = how.hurried ? Priority::block : priority_of(rule);
    const AirtimeBudget& budget = how.bridged ? bridged_budget(now) : budget_;
    if (!budget.allows(priority, budget.airtime_of(packet_bytes))) {
        return base::failure(base::Errc::too_large,
                             "one packet of it takes more air than there ever is for it", "radio",
                             how.bridged
                                 ? "raise bridge.budget_percent, or give the node more airtime"
                                 : "give the node more airtime, or the network a quicker preset");
    }
    base::Instant from = now + how.after.value_or(base::Duration{});
    if (!how.after && how.crowd > 0) {
        from += how.others_first * packets_yielded * packet_time() +
                random_.between({}, window_of(how.crowd));
    }
    // What is for one, a question or said again, and could not leave for so long is out of date.
    const base::Instant until = rule.message_class == wire::MessageClass::object && !how.again
                                    ? base::never
                                    : now + packets_of_question * packet_time();
    MESH_CHECK(
        outbox_.submit(now, priority, header.hop_limit, message,
                       {.from = from, .until = until, .crowd = how.crowd, .bridged = how.bridged}));
    pump(now);
    return {};
}

std::optional<wire::HeardFrame> RadioFrames::receive(base::Instant now) {
    ask_link(now);
    while (const auto text = link_.receive_text()) {
        if (texts_) texts_->handle_heard(now, *text);
    }
    while (const auto received = link_.receive()) {
        ++stats_.received;
        auto frame = handle_packet(now, *received);
        if (frame) return frame;
    }
    schedule(now);
    return std::nullopt;
}

std::optional<wire::HeardFrame> RadioFrames::handle_packet(base::Instant now,
                                                           const ReceivedPacket& received) {
    const auto packet = parse_packet(received.payload);
    if (!packet) {
        ++stats_.faults[static_cast<std::size_t>(packet.error())];
        return std::nullopt;
    }
    if (const auto* message = std::get_if<Message>(&*packet)) {
        const Head head = head_of(*message);
        outbox_.handle_overheard(transfer_id(message->type, head, join(*message)));
        return heard(received, *message);
    }
    if (const auto* piece = std::get_if<Piece>(&*packet))
        return handle_piece(now, received, *piece);
    handle_wish(now, std::get<Wish>(*packet));
    return std::nullopt;
}

std::optional<wire::HeardFrame> RadioFrames::handle_piece(base::Instant now,
                                                          const ReceivedPacket& received,
                                                          const Piece& piece) {
    auto joined = reassembly_.handle_piece(now, received.from, piece);
    if (!joined) return std::nullopt;
    // Not before: a piece with this name is nothing yet.
    outbox_.handle_overheard(piece.transfer);
    joined_ = std::move(joined->bytes);
    const auto message = split(joined->type, joined->head, joined_);
    if (!message) {
        ++stats_.faults[static_cast<std::size_t>(message.error())];
        return std::nullopt;
    }
    return heard(received, *message);
}

void RadioFrames::handle_wish(base::Instant now, const Wish& wish) {
    if (wish.sender != link_.number()) return reassembly_.handle_wish(now, wish);
    if (!outbox_.handle_wish(now, wish.transfer, wish.missing)) ++stats_.wishes_refused;
}

wire::HeardFrame RadioFrames::heard(const ReceivedPacket& received, const Message& message) {
    const Origin origin = message.origin.value_or(Origin{});
    return {
        .radio = static_cast<std::uint32_t>(received.from),
        .to = message.to,
        .hops = received.hops,
        .frame = {.header = {.type = message.type,
                             .sender = origin.node,
                             .timestamp = origin.timestamp,
                             .sequence = origin.sequence,
                             .hop_limit = received.hop_limit,
                             .payload_bytes = static_cast<std::uint16_t>(message.payload.size())},
                  .payload = message.payload}};
}

base::Instant RadioFrames::free_at(base::Instant now, const wire::MessageRule& rule,
                                   std::size_t payload_bytes) const {
    if (now < retry_at_) return retry_at_;
    const auto next = next_with_share(now);
    if ((next && next->priority <= priority_of(rule)) || !link_.is_ready()) return now + look_again;
    const std::size_t bytes =
        std::min(header_bytes + Origin::size + payload_bytes, link_.payload_bytes_max());
    const auto deferral = budget_.deferral(now, priority_of(rule), budget_.airtime_of(bytes));
    if (!deferral) return now;
    return std::clamp(deferral->until, now + look_again, now + ask_again_after);
}

AirOutlook RadioFrames::outlook(base::Instant now) const {
    std::vector<Outbox::Next> waiting = outbox_.ready(now);
    // Nothing of ours waits behind what has used up the share of other links.
    std::erase_if(
        waiting, [&](const Outbox::Next& next) { return bridged_deferral(now, next).has_value(); });
    return {now, budget_, std::move(waiting), outbox_.packet_bytes_max()};
}

/// A full packet each way at the pace of the budget.
base::Duration RadioFrames::patience() const {
    const base::Duration packet = packet_time();
    const base::Duration hour = std::chrono::hours(1);
    const base::Duration pace = hour / std::max<std::int64_t>(1, budget_.per_hour() / packet);
    return 2 * std::max(pace, packet) + 2 * look_again;
}

void RadioFrames::handle_timeout(base::Instant now) {
    reassembly_.handle_timeout(now);
    outbox_.handle_timeout(now);
    if (texts_) texts_->handle_timeout(now);
    pump(now);
}

void RadioFrames::ask_link(base::Instant now) {
    if (const auto setting = link_.setting()) {
        budget_.follow(now, *setting);
        if (bridged_) bridged_->follow(now, *setting);
        if (text_budget_) text_budget_->follow(now, *setting);
    }
    if (const auto percent = link_.take_channel_use_percent(now)) {
        budget_.note_channel_use(now, *percent);
        if (bridged_) bridged_->note_channel_use(now, *percent);
        if (text_budget_) text_budget_->note_channel_use(now, *percent);
    }
}

void RadioFrames::pump(base::Instant now) {
    ask_link(now);
    deferral_.reset();
    end_hold_up(now);
    while (now >= retry_at_ && link_.is_ready()) {
        const auto wish = reassembly_.next_wish(now);
        const auto next = next_with_share(now);
        const auto text = next_text(now);
        if (wish && (!next || priority_of_wish(wish->type) <= next->priority)) {
            const base::Buffer packet = encode(*wish);
            if (!may_leave(now, priority_of_wish(wish->type), packet.size())) break;
            reassembly_.poll_wish(now);
            if (!transmit(now, packet, wire::hop_limit_default, priority_of_wish(wish->type),
                          stats_.wishes)) {
                break;
            }
        } else if (text && (!next || *text < next->priority)) {
            if (!may_leave(now, *text, link_.payload_bytes_max())) break;
            if (!send_text(now, *text)) break;
        } else if (next) {
            if (!may_leave(now, next->priority, next->packet_bytes)) break;
            if (!send_next(now, *next)) break;
        } else {
            // What waits all the same waits for the share of those whose it is.
            if (const auto kept = outbox_.next(now)) deferral_ = bridged_deferral(now, *kept);
            break;
        }
    }
    schedule(now);
}

bool RadioFrames::send_next(base::Instant now, const Outbox::Next& next) {
    const auto whose = next.bridged ? Outbox::Whose::all : Outbox::Whose::own;
    const Outbox::Departure departure = outbox_.take(now, whose);
    if (next.bridged) {
        const base::Duration airtime = budget_.airtime_of(departure.packet.size());
        bridged_budget(now).spend(now, airtime, next.priority);
        ++stats_.bridged.packets;
        stats_.bridged.bytes += packet_bytes_of(departure.packet.size());
        stats_.bridged.airtime += airtime;
    }
    return transmit(now, departure.packet, departure.hop_limit, next.priority,
                    stats_.sent[departure.type]);
}

AirtimeBudget& RadioFrames::bridged_budget(base::Instant now) {
    if (bridged_) return *bridged_;
    return bridged_.emplace(part_of_budget(now, options_.bridge.budget_percent));
}

AirtimeBudget RadioFrames::part_of_budget(base::Instant now, unsigned percent) const {
    AirtimeOptions options = options_.airtime;
    options.percent = percent;
    AirtimeBudget made(now, options);
    if (const auto setting = link_.setting()) made.follow(now, *setting);
    const unsigned use = budget_.channel_use_percent(now);
    if (use > 0) made.note_channel_use(now, use);
    // Of what an earlier life spent nobody knows whose it was.
    AirtimeBudget::Minutes spent = budget_.spent_by_minute(now);
    for (base::Duration& in_minute : spent) {
        in_minute = in_minute / 100 * static_cast<std::int64_t>(percent);
    }
    made.restore(now, spent);
    return made;
}

std::optional<AirtimeBudget::Deferral> RadioFrames::bridged_deferral(
    base::Instant now, const Outbox::Next& next) const {
    if (!next.bridged || !bridged_) return std::nullopt;
    return bridged_->deferral(now, next.priority, bridged_->airtime_of(next.packet_bytes));
}

std::optional<Outbox::Next> RadioFrames::next_with_share(base::Instant now) const {
    const auto next = outbox_.next(now);
    if (!next || !bridged_deferral(now, *next)) return next;
    return outbox_.next(now, Outbox::Whose::own);
}

/// Of as many that begin somewhere in it two rarely speak at once.
base::Duration RadioFrames::window_of(std::size_t crowd) const {
    return 2 * static_cast<std::int64_t>(crowd) * packet_time();
}

/// When the channel gets quiet, it does so for everybody: not all speak in the same moment.
void RadioFrames::end_hold_up(base::Instant now) {
    const bool is_held_up =
        budget_.channel_use_percent(now) >= AirtimeBudget::bulk_stops_at_percent;
    if (std::exchange(was_held_up_, is_held_up) && !is_held_up) {
        retry_at_ = std::max(retry_at_, now + random_.between({}, hold_up_packets * packet_time()));
        outbox_.draw_turns(
            retry_at_, [this](std::size_t crowd) { return random_.between({}, window_of(crowd)); });
    }
}

bool RadioFrames::may_leave(base::Instant now, Priority priority, std::size_t packet_bytes) {
    deferral_ = budget_.deferral(now, priority, budget_.airtime_of(packet_bytes));
    return !deferral_;
}

bool RadioFrames::transmit(base::Instant now, base::Bytes packet, std::uint8_t hop_limit,
                           Priority priority, RadioStats::OfType& stats) {
    const bool is_taken = link_.send(now, packet, hop_limit).has_value();
    return handle_taken(now, budget_.airtime_of(packet.size()), packet.size(), priority, is_taken,
                        stats);
}

bool RadioFrames::handle_taken(base::Instant now, base::Duration airtime, std::size_t packet_bytes,
                               Priority priority, bool is_taken, RadioStats::OfType& stats) {
    // What a door refuses may have left all the same: it is paid for.
    budget_.spend(now, airtime, priority);
    if (!is_taken) {
        ++stats_.link_failures;
        retry_at_ = now + look_again;
        return false;
    }
    ++stats.packets;
    stats.bytes += packet_bytes_of(packet_bytes);
    stats.airtime += airtime;
    return true;
}

void RadioFrames::mirror(base::Instant now, Priority priority, MirrorText text,
                         TextMirror::Knows knows) {
    if (!texts_) return;
    ask_link(now);
    if (!text_budget_) text_budget_ = part_of_budget(now, options_.mirror->budget_percent);
    const base::Duration spread = std::max(packets_of_text_spread * packet_time(), text_spread_min);
    texts_->say(now, priority, std::move(text), knows, spread);
    pump(now);
}

std::optional<AirtimeBudget::Deferral> RadioFrames::text_deferral(base::Instant now,
                                                                  Priority priority) const {
    // How long it will be is not known before it is cut.
    return text_budget_->deferral(now, priority, packet_time());
}

std::optional<Priority> RadioFrames::next_text(base::Instant now) const {
    const auto next = texts_ ? texts_->next(now) : std::nullopt;
    if (!next || link_.text_fault() || text_deferral(now, *next)) return std::nullopt;
    return next;
}

bool RadioFrames::send_text(base::Instant now, Priority priority) {
    const std::string text =
        texts_->take(now, std::min(options_.outbox.packet_bytes_max, link_.payload_bytes_max()));
    const base::Duration airtime = budget_.airtime_of(text.size());
    text_budget_->spend(now, airtime, priority);
    const bool is_taken = link_.send_text(now, text, wire::hop_limit_default).has_value();
    return handle_taken(now, airtime, text.size(), priority, is_taken, stats_.texts);
}

/// When a text will be ready that is not, or may leave by the share of texts.
base::Instant RadioFrames::text_timeout(base::Instant now) const {
    if (!texts_) return base::never;
    base::Instant at = texts_->poll_timeout(now);
    const auto next = texts_->next(now);
    if (!next) return at;
    if (link_.text_fault()) return std::min(at, now + look_again);
    if (const auto deferral = text_deferral(now, *next)) {
        at = std::min(
            {at, std::max(deferral->until, now + base::Duration(1)), now + ask_again_after});
    }
    return at;
}

void RadioFrames::schedule(base::Instant now) {
    wakes_ =
        std::min({outbox_.poll_timeout(now), reassembly_.poll_timeout(now), text_timeout(now)});
    if (!reassembly_.next_wish(now) && !outbox_.next(now) && !next_text(now)) return;
    // What could leave by itself waits for the air or for the radio.
    const base::Instant ready = link_.is_ready() ? now : now + look_again;
    const base::Instant allowed =
        deferral_ ? std::min(deferral_->until, now + ask_again_after) : now;
    wakes_ = std::min(wakes_, std::max({ready, allowed, retry_at_}));
}

void RadioFrames::check_invariants() const {
    outbox_.check_invariants();
    if (texts_) texts_->check_invariants();
    reassembly_.check_invariants();
}

}  // namespace meshchain::radio
