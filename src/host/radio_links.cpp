#include "host/radio_links.h"

#include <algorithm>

#include "base/utf8.h"
#include "crypto/hash.h"
#include "crypto/identity.h"
#include "host/mqtt_link.h"
#include "host/multicast_link.h"
#include "host/passphrase.h"
#include "host/radio_files.h"
#include "host/stream_door.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using OpenedDoor = std::expected<std::unique_ptr<RadioDoor>, base::Error>;

/// Of a name that radios show; longer ones are cut.
constexpr std::size_t long_name_bytes_max = 24;
constexpr std::size_t short_name_digits = 4;

struct Place {
    std::string operator()(const node::MqttRadio& door) const {
        return "mqtt " + door.host + ":" + std::to_string(node::port_of(door)) + " " + door.root;
    }
    std::string operator()(const node::MulticastRadio& door) const {
        return "multicast " + door.group + ":" + std::to_string(door.port) +
               (door.interface.empty() ? "" : " at " + door.interface);
    }
    std::string operator()(const node::TcpRadio& door) const {
        return "tcp " + door.host + ":" + std::to_string(door.port);
    }
    std::string operator()(const node::SerialRadio& door) const { return "serial " + door.path; }
};

std::string cut(std::string_view text, std::size_t bytes_max) {
    while (text.size() > bytes_max || !base::is_displayable(text)) text.remove_suffix(1);
    return std::string(text);
}

/// Opens the door of one radio.
class Opener {
public:
    Opener(const node::RadioConfig& config, const RadioLinks::Doors& doors, base::Random random)
        : config_(config), doors_(doors), random_(random) {}

    OpenedDoor operator()(const node::MqttRadio& door) {
        MqttOptions options{.host = door.host,
                            .port = node::port_of(door),
                            .user = door.user,
                            .root = door.root,
                            .tls = door.tls};
        if (!door.password_path.empty()) {
            MESH_TRY(const Secret password, read_passphrase_from_file(path(door.password_path)));
            options.password = base::as_text(password.bytes());
        }
        if (!door.authority_path.empty()) options.authority = path(door.authority_path);
        MESH_TRY(options.radio, virtual_radio(door.channels));
        return MqttLink::open(doors_.io, std::move(options), doors_.entropy, random_, doors_.log);
    }
    OpenedDoor operator()(const node::MulticastRadio& door) {
        MulticastOptions options{
            .group = door.group, .port = door.port, .interface = door.interface, .radio = {}};
        MESH_TRY(options.radio, virtual_radio(door.channels));
        return MulticastLink::open(doors_.io, std::move(options), doors_.entropy, doors_.log);
    }
    OpenedDoor operator()(const node::TcpRadio& door) {
        return StreamDoor::open_tcp(doors_.io, {.host = door.host, .port = door.port},
                                    stream(door.channel), doors_.entropy, random_, doors_.log);
    }
    OpenedDoor operator()(const node::SerialRadio& door) {
        return StreamDoor::open_serial(doors_.io, {.path = door.path, .baud = door.baud},
                                       stream(door.channel), doors_.entropy, random_, doors_.log);
    }

private:
    std::filesystem::path path(const std::string& text) const { return doors_.folder / text; }

    StreamDoorOptions stream(const std::string& channel) const {
        StreamDoorOptions options;
        options.stream.channel = channel;
        options.stream.port = radio::Port{config_.application_port};
        options.stream.payload_bytes_max = config_.payload_bytes_max;
        if (config_.mirror) options.stream.text_channel = config_.mirror->channel;
        return options;
    }
    std::expected<radio::VirtualRadioOptions, base::Error> virtual_radio(
        const std::vector<node::RadioChannel>& channels) const {
        const auto key = crypto::x25519_key(doors_.identity);
        if (!key) {
            return base::failure(base::Errc::corrupt, "the node's identity is no key", "radio",
                                 "restore the node's keys");
        }
        radio::VirtualRadioOptions options;
        for (const node::RadioChannel& channel : channels) {
            options.channels.push_back({channel.name, channel.psk});
        }
        if (config_.mirror) options.text_channel = config_.mirror->channel;
        options.port = radio::Port{config_.application_port};
        options.public_key = base::to_buffer(*key);
        options.long_name = cut(doors_.node_name, long_name_bytes_max);
        const std::string number = radio::to_text(radio::node_number_of(*key));
        options.short_name = number.substr(number.size() - short_name_digits);
        return options;
    }

    const node::RadioConfig& config_;
    const RadioLinks::Doors& doors_;
    base::Random random_;
};

radio::RadioOptions frame_options(const node::RadioConfig& config, wire::Role role) {
    radio::RadioOptions options;
    options.airtime = {.modulation = radio::modulation_of(config.preset),
                       .share_permille = config.share_permille,
                       .duty_permille = radio::duty_permille_of(config.region).value_or(1000),
                       .keeps_for_votes = role == wire::Role::validator};
    options.outbox.packet_bytes_max = config.payload_bytes_max;
    options.listen_only = config.listen_only;
    options.bridge = config.bridge;
    if (config.mirror) options.mirror = {.budget_percent = config.mirror->budget_percent};
    return options;
}

std::string text_of(const radio::Modulation& modulation) {
    for (std::size_t i = 0; i < radio::presets; ++i) {
        const auto preset = static_cast<radio::Preset>(i);
        if (radio::modulation_of(preset) == modulation) return std::string(radio::name(preset));
    }
    return "SF" + std::to_string(modulation.spreading_factor) + ", " +
           std::to_string(modulation.bandwidth_hz / 1000) + " kHz, 4/" +
           std::to_string(modulation.coding_rate);
}

}  // namespace

struct RadioLinks::Radio {
    Radio(std::string place_in, const node::RadioConfig& config, std::unique_ptr<RadioDoor> door_in,
          const radio::RadioOptions& options, kv::Store& store, base::Random random,
          base::Instant now)
        : place(std::move(place_in)),
          listens_only(config.listen_only),
          mirror(config.mirror),
          door(std::move(door_in)),
          frames(now, options, *door, random),
          spent(store, node::tables::radio,
                base::to_buffer(crypto::hash(base::as_bytes(place)).bytes)) {}

    std::string place;
    bool listens_only;
    std::optional<node::MirrorConfig> mirror;
    std::unique_ptr<RadioDoor> door;
    radio::RadioFrames frames;
    radio::AirtimeLog spent;
    bool told_spent_fault = false;
};

RadioLinks::RadioLinks(base::Log log) : log_(log) {}
RadioLinks::~RadioLinks() = default;

std::expected<std::unique_ptr<RadioLinks>, base::Error> RadioLinks::open(
    const std::vector<node::RadioConfig>& configs, Doors doors, base::Random random,
    base::Now now) {
    doors.log = doors.log.for_module("radio");
    std::unique_ptr<RadioLinks> links(new RadioLinks(doors.log));
    const auto problems = radio_file_problems(configs, doors.folder);
    if (!problems.empty()) return std::unexpected(problems.front());
    for (const node::RadioConfig& config : configs) {
        std::string place = std::visit(Place{}, config.door);
        const auto is_same = [&](const node::RadioConfig& other) {
            return node::is_same_radio(config, other);
        };
        if (std::ranges::count_if(configs, is_same) > 1) {
            return base::failure(base::Errc::invalid_argument, place + " is listed twice", "radios",
                                 "name each radio once");
        }
        const base::Random own = random.stream(place);
        auto door = std::visit(Opener(config, doors, own.stream("door")), config.door);
        if (!door) {
            door.error().where = "radio " + place + ", " + door.error().where;
            return std::unexpected(std::move(door).error());
        }
        auto radio = std::make_unique<Radio>(std::move(place), config, *std::move(door),
                                             frame_options(config, doors.role), doors.store,
                                             own.stream("frames"), now.instant);
        auto restored = radio->spent.restore(now, radio->frames.budget());
        if (!restored) restored.error().where += " of radio " + radio->place;
        if (!restored && restored.error().code == base::Errc::corrupt) {
            links->log_.warning(base::sentence(restored.error()) +
                                "; a whole hour counts as spent");
        } else {
            MESH_CHECK(restored);
        }
        links->radios_.push_back(std::move(radio));
    }
    return links;
}

std::vector<wire::AirLink*> RadioLinks::airs() const {
    std::vector<wire::AirLink*> airs;
    for (const auto& radio : radios_) airs.push_back(&radio->frames);
    return airs;
}

void RadioLinks::on_activity(const std::function<void()>& callback) {
    for (const auto& radio : radios_) radio->door->on_activity(callback);
}

void RadioLinks::note_step(base::Now now) {
    for (const auto& radio : radios_) {
        const auto kept = radio->spent.note(now, radio->frames.budget());
        if (!kept && !radio->told_spent_fault) {
            log_.warning("what " + radio->place +
                         " sends is not kept over a restart: " + base::sentence(kept.error()));
        }
        radio->told_spent_fault = !kept;
    }
}

const std::string& RadioLinks::place(std::size_t radio) const { return radios_.at(radio)->place; }

RadioView RadioLinks::view(std::size_t index, base::Instant now) const {
    const Radio& radio = *radios_.at(index);
    const radio::AirtimeBudget& budget = radio.frames.budget();
    RadioView view{.place = radio.place,
                   .number = radio.door->number(),
                   .is_up = radio.door->is_up(),
                   .fault = radio.door->fault(),
                   .is_paused = budget.is_paused() && !radio.listens_only,
                   .listens_only = radio.listens_only,
                   .modulation = text_of(budget.modulation()),
                   .is_modulation_its_own = budget.follows_radio(),
                   .budget = budget.per_hour(),
                   .spent = budget.spent(now),
                   .left = budget.left(now),
                   .channel_use_percent = budget.channel_use_percent(now),
                   .waiting = radio.frames.waiting(),
                   .deferred_by = {},
                   .deferred_for = {},
                   .stats = radio.frames.stats(),
                   .dropped = radio.door->dropped()};
    if (const auto& texts = radio.frames.texts()) {
        view.mirror = {radio.mirror->channel, texts->waiting(), texts->stats(),
                       radio.door->text_fault()};
    }
    if (const auto& deferral = radio.frames.deferral()) {
        view.deferred_by = deferral->reason;
        if (deferral->until != base::never) {
            view.deferred_for = std::max(base::Duration{}, deferral->until - now);
        }
    }
    return view;
}

std::vector<WayOut> RadioLinks::ways_out(base::Instant now) const {
    std::vector<WayOut> ways;
    for (const auto& radio : radios_) {
        ways.push_back({.is_up = radio->door->is_up(),
                        .listens_only = radio->listens_only,
                        .air = radio->frames.outlook(now)});
    }
    return ways;
}

void RadioLinks::set_paused(base::Instant now, std::size_t index, bool paused) {
    Radio& radio = *radios_.at(index);
    if (radio.listens_only || radio.frames.budget().is_paused() == paused) return;
    log_.info(radio.place + (paused ? " is paused" : " may speak again"));
    radio.frames.budget().set_paused(paused);
    radio.frames.handle_timeout(now);
}

const std::optional<node::MirrorConfig>& RadioLinks::mirror(std::size_t radio) const {
    return radios_.at(radio)->mirror;
}

void RadioLinks::say_text(base::Instant now, std::size_t radio, radio::Priority priority,
                          radio::MirrorText text, radio::TextMirror::Knows knows) {
    radios_.at(radio)->frames.mirror(now, priority, std::move(text), knows);
}

void RadioLinks::close(base::Now now) {
    if (std::exchange(is_closed_, true)) return;
    for (const auto& radio : radios_) {
        if (const auto kept = radio->spent.close(now, radio->frames.budget()); !kept) {
            log_.warning("what " + radio->place +
                         " sent is not kept over a restart: " + base::sentence(kept.error()));
        }
        radio->door->close();
    }
}

}  // namespace meshchain::host
