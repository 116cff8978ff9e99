#include "radio/stream_link.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/utf8.h"
#include "radio/airtime_budget.h"

namespace meshchain::radio {
namespace {

/// Asks for all but the other nodes, of which a radio may know hundreds.
constexpr std::uint32_t without_nodes = 69'420;
constexpr std::size_t wake_bytes = 32;
constexpr std::byte wake_byte{0xc3};
constexpr std::size_t channels_max = 8;
/// What is written at the times that poll_timeout() gives, a few packets: a radio that talks and
/// does not read would pile them up.
constexpr std::size_t unsent_bytes_max = 4'096;
constexpr std::uint32_t role_primary = 1;
/// Errors of port routing after which the radio sends nothing for a while.
constexpr std::uint32_t duty_cycle_limit = 9;
constexpr std::uint32_t rate_limit = 38;
constexpr base::Duration limit_pause = std::chrono::minutes(1);

std::unexpected<base::Error> refuse(std::string what, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "radio", std::move(advice));
}

struct NumberedPreset {
    std::string_view channel;  ///< how a radio calls one without a name
    Modulation modulation;
};

/// As radios number their presets. VeryLongSlow is gone from new ones.
const std::array<NumberedPreset, 10> numbered_presets{
    {{"LongFast", modulation_of(Preset::long_fast)},
     {"LongSlow", modulation_of(Preset::long_slow)},
     {"VeryLongSlow", {12, 62'500, 8}},
     {"MediumSlow", modulation_of(Preset::medium_slow)},
     {"MediumFast", modulation_of(Preset::medium_fast)},
     {"ShortSlow", modulation_of(Preset::short_slow)},
     {"ShortFast", modulation_of(Preset::short_fast)},
     {"LongMod", modulation_of(Preset::long_moderate)},
     {"ShortTurbo", modulation_of(Preset::short_turbo)},
     {"LongTurbo", modulation_of(Preset::long_turbo)}}};

std::string_view preset_name(std::uint32_t preset) {
    return preset < numbered_presets.size() ? numbered_presets[preset].channel : std::string_view{};
}

/// Radios set some bandwidths in whole kHz that are not.
std::uint32_t bandwidth_hz_of(std::uint32_t khz) {
    switch (khz) {
        case 31: return 31'250;
        case 62: return 62'500;
        case 200: return 203'125;
        case 400: return 406'250;
        case 800: return 812'500;
        case 1'600: return 1'625'000;
        default: return khz * 1'000;
    }
}

/// Nothing for what no radio can be set to.
std::optional<Modulation> modulation_of(const LoraConfig& lora) {
    if (lora.uses_preset) {
        if (lora.preset >= numbered_presets.size()) return std::nullopt;
        return numbered_presets[lora.preset].modulation;
    }
    if (lora.spreading_factor < 7 || lora.spreading_factor > 12 || lora.coding_rate < 5 ||
        lora.coding_rate > 8 || lora.bandwidth < 31 || lora.bandwidth > 1'600) {
        return std::nullopt;
    }
    return Modulation{.spreading_factor = static_cast<std::uint8_t>(lora.spreading_factor),
                      .bandwidth_hz = bandwidth_hz_of(lora.bandwidth),
                      .coding_rate = static_cast<std::uint8_t>(lora.coding_rate)};
}

StreamLink::Drop drop_of(MeshFault fault) {
    switch (fault) {
        case MeshFault::malformed: return StreamLink::Drop::malformed;
        case MeshFault::empty: return StreamLink::Drop::empty;
        case MeshFault::id: return StreamLink::Drop::id;
        case MeshFault::hops: return StreamLink::Drop::hops;
    }
    return StreamLink::Drop::malformed;
}

/// Radios between, unless a gateway is: nobody counts it.
std::optional<std::uint8_t> hops_of(const MeshPacket& packet) {
    if (packet.came_by_mqtt || packet.hop_start < packet.hop_limit) return std::nullopt;
    return static_cast<std::uint8_t>(packet.hop_start - packet.hop_limit);
}

}  // namespace

std::optional<std::uint32_t> preset_number(const Modulation& modulation) {
    const auto found = std::ranges::find(numbered_presets, modulation, &NumberedPreset::modulation);
    if (found == numbered_presets.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - numbered_presets.begin());
}

std::expected<void, base::Error> check_stream(const StreamOptions& options) {
    const auto port = static_cast<std::uint32_t>(options.port);
    if (port < private_port_min || port > private_port_max) {
        return refuse("port number " + std::to_string(port), "choose one of 258 to 511");
    }
    if (options.payload_bytes_max < 64 || options.payload_bytes_max > radio::payload_bytes_max) {
        return refuse(std::to_string(options.payload_bytes_max) + " bytes a packet",
                      "choose 64 to 231");
    }
    if (options.channel.size() > 12 || !base::is_displayable(options.channel)) {
        return refuse("a channel name that no radio has",
                      "use the radio's name, or none for its primary channel");
    }
    if (options.text_channel.size() > 12 || !base::is_displayable(options.text_channel)) {
        return refuse("a channel for texts that no radio has",
                      "use the radio's name, such as LongFast");
    }
    if (options.received_max == 0 || options.texts_max == 0) {
        return refuse("no room for received packets, so that each would be dropped",
                      "keep at least 1 until it is fetched; 64 by default");
    }
    return {};
}

StreamLink::StreamLink(StreamOptions options, base::Entropy& entropy)
    : options_(std::move(options)),
      entropy_(entropy),
      received_(options_.received_max),
      texts_(options_.texts_max) {
    MESH_ASSERT(check_stream(options_));
}

void StreamLink::handle_open(base::Instant now) {
    MESH_ASSERT(state_ == State::closed);
    reader_ = StreamReader();
    opened_ = heard_ = now;
    tries_ = 0;
    if (!options_.is_serial) return ask(now);
    state_ = State::waking;
    answer_by_ = now + options_.wake_pause;
    out_.assign(wake_bytes, wake_byte);
}

void StreamLink::ask(base::Instant now) {
    // Whole messages that nobody has fetched, of no use now: a radio that starts anew again and
    // again would pile them up.
    out_.clear();
    state_ = State::asking;
    number_ = {};
    channels_.clear();
    lora_.reset();
    has_channel_ = false;
    text_channel_.reset();
    has_room_ = true;
    answer_by_ = now + options_.answer_within;
    written_ = now;
    ++tries_;
    write(encode(ToRadio(WantConfig{without_nodes})).value());
}

void StreamLink::write(base::Bytes message) {
    const base::Buffer frame = frame_for_stream(message);
    out_.insert(out_.end(), frame.begin(), frame.end());
}

void StreamLink::handle_close(base::Instant now) {
    if (state_ == State::closed) return;
    const bool is_by_radio = state_ != State::lost;
    state_ = State::closed;
    out_.clear();
    if (!is_by_radio) return;
    short_lives_ = now - opened_ < options_.short_life ? short_lives_ + 1 : 0;
    if (short_lives_ >= 2) {
        fault_ = {base::Errc::locked,
                  "the radio ends each connection soon after it began: it serves one client only, "
                  "and another one seems to use it",
                  "radio", "end the other program or app that is connected to this radio"};
    } else {
        fault_ = {base::Errc::closed, "the radio ended the connection", "radio",
                  "it is tried again"};
    }
}

void StreamLink::lose(base::Errc code, std::string what) {
    state_ = State::lost;
    out_.clear();
    fault_ = {code, std::move(what), "radio",
              "check that it is a Meshtastic radio and that nothing else uses this port"};
}

void StreamLink::handle_bytes(base::Instant now, base::Bytes bytes) {
    while (!bytes.empty() && state_ != State::closed && state_ != State::lost) {
        bytes = bytes.subspan(reader_.handle_bytes(bytes));
        if (const auto message = reader_.poll_message()) handle_message(now, *message);
    }
}

void StreamLink::handle_message(base::Instant now, base::Bytes bytes) {
    const auto message = parse_from_radio(bytes);
    if (!message) return drop(drop_of(message.error()));
    heard_ = now;
    if (state_ == State::waking) return;
    if (state_ == State::asking) answer_by_ = now + options_.answer_within;
    std::visit([&](const auto& news) { handle(now, news); }, message->news);
}

// Settings are believed while they are asked for: a radio that changes them starts anew.
void StreamLink::handle(base::Instant, const MyInfo& info) {
    if (state_ == State::asking && info.number != everybody) number_ = info.number;
}

void StreamLink::handle(base::Instant, const NodeInfo& info) {
    if (info.number == number_ && info.metrics) note_metrics(*info.metrics);
}

void StreamLink::handle(base::Instant, const LoraConfig& config) {
    if (state_ == State::asking) lora_ = config;
}

void StreamLink::handle(base::Instant, const Channel& channel) {
    if (state_ != State::asking || channel.role == 0 || channel.index < 0) return;
    std::erase_if(channels_, [&](const Channel& known) { return known.index == channel.index; });
    if (channels_.size() < channels_max) channels_.push_back(channel);
}

void StreamLink::handle(base::Instant now, const Rebooted&) {
    // What it had taken is forgotten with everything else.
    tries_ = 0;
    ask(now);
}

std::optional<RadioSetting> StreamLink::setting() const {
    if (!lora_) return std::nullopt;
    const auto modulation = modulation_of(*lora_);
    if (!modulation) return std::nullopt;
    return RadioSetting{.modulation = *modulation,
                        .duty_permille = duty_permille_of(lora_->region)};
}

std::string StreamLink::name_of(const Channel& channel) const {
    if (!channel.name.empty()) return channel.name;
    if (!lora_) return {};
    return lora_->uses_preset ? std::string(preset_name(lora_->preset)) : "Custom";
}

const Channel* StreamLink::find_channel(const std::string& wanted) const {
    const auto is_meant = [&](const Channel& channel) {
        return wanted.empty() ? channel.role == role_primary : name_of(channel) == wanted;
    };
    const auto found = std::ranges::find_if(channels_, is_meant);
    return found == channels_.end() ? nullptr : &*found;
}

std::string StreamLink::channels_text() const {
    std::string known;
    for (const Channel& channel : channels_) {
        const std::string name = name_of(channel);
        known += (known.empty() ? "" : ", ") +
                 (base::is_displayable(name) && !name.empty() ? name : "one without a name");
    }
    return known.empty() ? "none" : known;
}

std::optional<base::Error> StreamLink::find_channel() {
    const Channel* channel = find_channel(options_.channel);
    if (channel == nullptr) {
        return base::Error{base::Errc::not_found,
                           "the radio has no channel " +
                               (options_.channel.empty() ? "" : "\"" + options_.channel + "\" ") +
                               "but " + channels_text(),
                           "radio", "set the channel up in the radio, or name one that it has"};
    }
    channel_ = static_cast<std::uint32_t>(channel->index);
    has_channel_ = true;
    if (options_.text_channel.empty()) return std::nullopt;
    if (const Channel* for_texts = find_channel(options_.text_channel)) {
        text_channel_ = static_cast<std::uint32_t>(for_texts->index);
    }
    return std::nullopt;
}

std::optional<base::Error> StreamLink::text_fault() const {
    if (options_.text_channel.empty()) return PacketLink::text_fault();
    if (!is_up()) {
        return base::Error{base::Errc::unavailable, "the radio is not there", "radio",
                           "texts wait for it for a while"};
    }
    if (text_channel_) return std::nullopt;
    return base::Error{
        base::Errc::not_found,
        "the radio has no channel \"" + options_.text_channel + "\" for texts but " +
            channels_text(),
        "radio", "set the channel up in the radio, or name one that it has in `mirror.channel`"};
}

void StreamLink::handle(base::Instant now, const ConfigComplete& complete) {
    if (state_ != State::asking || complete.nonce != without_nodes) return;
    // A part that was lost, as on a serial line, is asked for again when nothing more comes.
    if (number_ == NodeNumber{} || channels_.empty()) return;
    ++stats_.handshakes;
    tries_ = 0;
    state_ = State::unfit;
    fault_ = find_channel();
    if (!fault_ && lora_ && (!lora_->may_transmit || lora_->region == 0)) {
        fault_ = {base::Errc::unavailable,
                  lora_->region == 0 ? "the radio has no region set, and so never transmits"
                                     : "the radio's transmitter is switched off",
                  "radio", "set it up with a Meshtastic app, by the law of where it stands"};
    }
    if (!fault_ && lora_ && !setting()) {
        fault_ = {base::Errc::unsupported,
                  "the radio is set to a preset that is not known here, so what it costs is not",
                  "radio", "choose another preset in the radio, or set it up in numbers"};
    }
    if (fault_) return;
    state_ = State::up;
    if (!submission_) return;
    submission_->tries = 0;
    const bool has_no_channel = submission_->is_text && !text_channel_;
    if (has_no_channel || now - submission_->since > options_.keep) return give_up_submission(now);
    hand_over(now);
}

void StreamLink::handle(base::Instant now, const QueueStatus& status) {
    const bool had_room = has_room_;
    has_room_ = status.free >= std::min(options_.room_min, status.size);
    if (had_room && !has_room_) close_room(now);
    if (!submission_ || status.packet_id != submission_->packet.id || state_ != State::up) return;
    if (status.result == 0) {
        ++stats_.sent;
        last_id_ = submission_->packet.id;
        submission_.reset();
        return;
    }
    ++stats_.refused;
    // Later, when there may be room.
    answer_by_ = now + options_.answer_within;
    if (submission_->tries >= options_.tries_max) return give_up_submission(now);
    // It remembers the id of what it refused, and would ignore a repeat.
    submission_->packet.id = draw_id();
}

void StreamLink::close_room(base::Instant now) {
    has_room_ = false;
    room_by_ = now + options_.room_within;
    ask_room_at_ = now + options_.answer_within;
}

void StreamLink::give_up_submission(base::Instant now) {
    submission_.reset();
    ++stats_.given_up;
    close_room(now);
}

std::expected<void, base::Error> StreamLink::send(base::Instant now, base::Bytes payload,
                                                  std::uint8_t hop_limit) {
    return submit(now, options_.port, payload, hop_limit);
}

std::expected<void, base::Error> StreamLink::send_text(base::Instant now, std::string_view text,
                                                       std::uint8_t hop_limit) {
    if (auto fault = text_fault()) return std::unexpected(*std::move(fault));
    return submit(now, Port::text, base::as_bytes(text), hop_limit);
}

std::expected<void, base::Error> StreamLink::submit(base::Instant now, Port port,
                                                    base::Bytes payload, std::uint8_t hop_limit) {
    if (!is_ready()) {
        return base::failure(base::Errc::unavailable, "the radio takes no packet now", "radio",
                             "wait until the link is ready");
    }
    if (payload.size() > options_.payload_bytes_max) {
        return base::failure(base::Errc::too_large, std::to_string(payload.size()) + " bytes",
                             "radio", "send them in pieces");
    }
    submission_ =
        Submission{.packet = {.to = everybody,
                              .content = Content{.port = port, .payload = base::to_buffer(payload)},
                              .id = draw_id(),
                              .hop_limit = std::min(hop_limit, hops_max)},
                   .since = now,
                   .is_text = port == Port::text};
    hand_over(now);
    return {};
}

std::uint32_t StreamLink::draw_id() {
    std::array<std::byte, 4> drawn{};
    std::uint32_t id = 0;
    while (id == 0) {
        entropy_.fill(drawn);
        id = base::Reader(drawn).u32();
    }
    return id;
}

void StreamLink::hand_over(base::Instant now) {
    if (submission_->tries++ == 0) submission_->first_try = now;
    answer_by_ = now + options_.answer_within;
    ask_room_at_ = answer_by_;  // the answer says it, too
    written_ = now;
    // They may have moved since.
    submission_->packet.channel = submission_->is_text ? text_channel_.value() : channel_;
    write(encode(ToRadio(submission_->packet)).value());
    if (now == submission_->since) return;
    ++stats_.resent;
    // It answers this one in any case.
    write(encode(ToRadio(Heartbeat{})).value());
}

void StreamLink::handle(base::Instant now, const MeshPacket& packet) {
    const auto* content = std::get_if<Content>(&packet.content);
    if (content == nullptr) return drop(Drop::sealed);
    // What the radio says itself: how busy the channel is, and what it did not send.
    if (packet.from == number_ && number_ != NodeNumber{}) {
        if (content->port == Port::routing) return handle_routing(now, *content);
        if (content->port != Port::telemetry) return drop(Drop::own);
        const auto metrics = parse_telemetry(content->payload);
        if (!metrics) return drop(Drop::malformed);
        if (*metrics) note_metrics(**metrics);
        return;
    }
    if (const auto reason = take(packet, *content)) drop(*reason);
}

void StreamLink::handle_routing(base::Instant now, const Content& content) {
    if (content.request_id == 0 || content.request_id != last_id_) return;
    const auto error = parse_routing(content.payload);
    if (!error || error->value_or(0) == 0) return;
    ++stats_.failed;
    last_id_ = 0;
    if (**error == duty_cycle_limit || **error == rate_limit) paused_until_ = now + limit_pause;
}

std::optional<StreamLink::Drop> StreamLink::take(const MeshPacket& packet, const Content& content) {
    if (!has_channel_) return Drop::early;
    if (content.port == Port::text && text_channel_ == packet.channel) {
        return take_text(packet, content);
    }
    if (packet.channel != channel_) return Drop::channel;
    if (packet.to != everybody && packet.to != number_) return Drop::elsewhere;
    if (content.port != options_.port) return Drop::port;
    if (received_.full()) return Drop::full;
    ++stats_.received;
    MESH_ASSERT(received_.push({packet.from, packet.hop_limit, hops_of(packet), content.payload}));
    return std::nullopt;
}

std::optional<StreamLink::Drop> StreamLink::take_text(const MeshPacket& packet,
                                                      const Content& content) {
    if (packet.to != everybody) return Drop::port;
    if (texts_.full()) return Drop::full;
    MESH_ASSERT(texts_.push(std::string(base::as_text(content.payload))));
    return std::nullopt;
}

void StreamLink::note_metrics(const DeviceMetrics& metrics) {
    const float percent = metrics.channel_utilization.value_or(-1);
    // A radio that has just started says 0, and none says more than everything.
    if (std::isfinite(percent) && percent >= 0 && percent <= 100) {
        use_percent_ = static_cast<unsigned>(std::lround(percent));
    }
}

std::optional<ReceivedPacket> StreamLink::receive() {
    auto waiting = received_.pop();
    if (!waiting) return std::nullopt;
    borrowed_ = std::move(waiting->payload);
    return ReceivedPacket{.from = waiting->from,
                          .hop_limit = waiting->hop_limit,
                          .hops = waiting->hops,
                          .payload = borrowed_};
}

std::optional<unsigned> StreamLink::take_channel_use_percent(base::Instant) {
    return std::exchange(use_percent_, std::nullopt);
}

base::Instant StreamLink::poll_timeout() const {
    if (state_ == State::closed || state_ == State::lost) return base::never;
    if (state_ == State::waking || state_ == State::asking) return answer_by_;
    base::Instant at = std::min(written_ + options_.heartbeat_every, heard_ + options_.silence_max);
    if (short_lives_ > 0) at = std::min(at, opened_ + options_.short_life);
    if (!has_room_) at = std::min({at, room_by_, ask_room_at_});
    if (paused_until_) at = std::min(at, *paused_until_);
    return submission_ && is_up() ? std::min(at, answer_by_) : at;
}

void StreamLink::handle_timeout(base::Instant now) {
    if (now < poll_timeout()) return;
    if (state_ == State::waking) return ask(now);
    if (state_ == State::asking) {
        if (tries_ < options_.tries_max) return ask(now);
        return lose(base::Errc::timeout, "the radio does not say who it is");
    }
    if (short_lives_ > 0 && now >= opened_ + options_.short_life) short_lives_ = 0;
    if (now >= heard_ + options_.silence_max) {
        return lose(base::Errc::timeout, "the radio has been silent for too long");
    }
    if (out_.size() > unsent_bytes_max) {
        return lose(base::Errc::timeout, "the radio reads nothing of what it is sent");
    }
    if (!has_room_ && now >= room_by_) has_room_ = true;
    if (paused_until_ && now >= *paused_until_) paused_until_.reset();
    if (submission_ && is_up() && now >= answer_by_) {
        if (submission_->tries < options_.tries_max) {
            hand_over(now);
        } else if (heard_ > submission_->first_try) {
            // It lives, but its word on this one is lost, and repeats it ignores in silence.
            give_up_submission(now);
        } else {
            return lose(base::Errc::timeout, "the radio does not say whether it takes packets");
        }
    }
    // It reports room when a packet of ours leaves its queue, not when what it relays does.
    const bool asks_for_room = !has_room_ && now >= ask_room_at_;
    if (asks_for_room || now >= written_ + options_.heartbeat_every) {
        ask_room_at_ = now + options_.answer_within;
        written_ = now;
        write(encode(ToRadio(Heartbeat{})).value());
    }
}

void StreamLink::check_invariants() const {
    MESH_ASSERT(channels_.size() <= channels_max);
    // What nobody carries away is bounded by how often anything is tried.
    MESH_ASSERT(!submission_ || submission_->tries <= options_.tries_max);
    MESH_ASSERT(!is_ready() || number_ != NodeNumber{});
    MESH_ASSERT((state_ != State::closed && state_ != State::lost) || out_.empty());
}

std::string_view name(StreamLink::Drop drop) {
    constexpr std::array<std::string_view, StreamLink::drops> names{
        "malformed", "empty",   "id",        "hops", "early", "own",
        "sealed",    "channel", "elsewhere", "port", "full"};
    return names[static_cast<std::size_t>(drop)];
}

}  // namespace meshchain::radio
