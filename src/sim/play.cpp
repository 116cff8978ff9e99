#include "sim/play.h"

#include <algorithm>

#include "radio/packet.h"
#include "wire/frame.h"

namespace meshchain::sim {
namespace {

constexpr base::Duration second = std::chrono::seconds(1);
/// How long a payment of the healed network may take: three rounds and a few lost votes.
constexpr int final_slots_max = 60;

unsigned permille_of(base::Duration part, base::Duration whole) {
    return whole > base::Duration{} ? static_cast<unsigned>(1000 * part / whole) : 0;
}

}  // namespace

Play::Play(const Scenario& scenario, Options options)
    : scenario_(scenario),
      options_(std::move(options)),
      village_(scenario, options_.seed, options_.log, options_.genesis),
      random_(base::Random(options_.seed).stream("play")),
      history_(village_.genesis(), village_.world().size(), findings_, village_.dishonest_keys()),
      certificates_(village_.genesis(), findings_),
      watch_(village_.genesis(), village_.dishonest_keys(), findings_, village_.validating_keys()),
      book_of_records_(ledger::chain_id(village_.genesis())),
      can_finalise_(village_.can_honest_finalise()),
      look_every_(std::clamp<base::Duration>(std::chrono::milliseconds(scenario.block_time_ms) / 10,
                                             second, 10 * second)) {
    if (!can_finalise_) history_.expect_forks();
    report_.about = scenario_.about;
    report_.seed = options_.seed;
    report_.machines = village_.world().size();
}

void check_memory(std::size_t machine, std::span<const node::MemoryLimit> limits,
                  Findings& findings) {
    for (const node::MemoryLimit& limit : limits) {
        if (!limit.count || *limit.count <= limit.count_max) continue;
        findings.add("memory", "machine " + std::to_string(machine) + " has " +
                                   std::to_string(*limit.count) + " " + std::string(limit.what) +
                                   " in " + std::string(limit.module));
    }
}

bool Play::is_judged_light(std::size_t index) const {
    return index < village_.nodes() && village_.is_honest(index) && !village_.keeps_chain(index) &&
           village_.is_on(index);
}

bool Play::is_judged(std::size_t index) const {
    return index < village_.nodes() && village_.is_honest(index) && village_.keeps_chain(index) &&
           village_.is_on(index);
}

void Play::count_traffic(std::size_t from, base::Bytes datagram) {
    report_.bytes_sent += datagram.size();
    const auto frame = wire::parse_frame(datagram);
    if (!frame) return;
    TypeTraffic& traffic = report_.traffic[static_cast<std::size_t>(frame->header.type)];
    ++traffic.datagrams;
    traffic.bytes += datagram.size();
    sent_[static_cast<std::size_t>(kind_of(frame->header.type))] += datagram.size();
    if (from < village_.nodes() && village_.is_honest(from)) return;
    TypeTraffic& attack = report_.of_attackers[static_cast<std::size_t>(frame->header.type)];
    ++attack.datagrams;
    attack.bytes += datagram.size();
}

void Play::count_packet(base::Bytes packet) {
    const auto parsed = radio::parse_packet(packet);
    if (!parsed) return;
    const auto type = std::visit([](const auto& kind) { return kind.type; }, *parsed);
    const std::size_t bytes = radio::packet_bytes_of(packet.size());
    report_.bytes_sent += bytes;
    TypeTraffic& traffic = report_.traffic[static_cast<std::size_t>(type)];
    ++traffic.datagrams;
    traffic.bytes += bytes;
    sent_[static_cast<std::size_t>(kind_of(type))] += bytes;
}

void Play::check_airtime() {
    const RadioAir* air = village_.world().air();
    if (air == nullptr) return;
    for (std::size_t i = 0; i < air->size(); ++i) {
        if (air->door(i).is_within_budget()) continue;
        findings_.add("airtime", "machine " + std::to_string(air->machine_of(i)) + " sent for " +
                                     seconds_text(air->watch().worst(i)) + " in an hour");
    }
}

void Play::collect(std::size_t index) {
    const auto status = village_.node(index).node().status(village_.world().time_of(index));
    report_.blocks_reverted += status.blocks_reverted;
    report_.evidence_found += status.evidence_found;
    report_.rows_healed += status.storage_healed;
}

/// As one of the machines has applied it: whoever says it has executed its parent at least.
std::optional<wire::BlockHeader> Play::expand_block(const wire::ShortBlock& said) const {
    constexpr std::size_t depth = 8;
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (!village_.is_on(i) || !village_.keeps_chain(i)) continue;
        const node::Node& node = village_.node(i).node();
        const auto height = node.status(village_.world().time_of(i)).height;
        const auto blocks = node.blocks(height, depth);
        if (!blocks) continue;
        const auto same = [&](const node::BlockView& block) {
            return block.header.signature == said.signature;
        };
        const auto found = std::ranges::find_if(*blocks, same);
        if (found != blocks->end()) return found->header;
    }
    return std::nullopt;
}

void Play::prepare() {
    World& world = village_.world();
    watch_.expand_block = [this](const wire::ShortBlock& said) { return expand_block(said); };
    world.on_sent = [this](std::size_t from, base::Bytes datagram) {
        count_traffic(from, datagram);
        watch_.handle_datagram(datagram);
    };
    world.on_radio = [this](std::size_t, base::Bytes packet) {
        count_packet(packet);
        watch_.handle_packet(packet);
    };
    if (RadioAir* air = world.air()) {
        air->mesh().on_air = [this](base::Bytes payload, std::size_t packet_bytes, bool relayed) {
            count_air(payload, packet_bytes, relayed);
        };
    }
    world.on_crash = [this](std::size_t index) {
        ++report_.crashes;
        if (!is_judged(index) || !village_.node(index).has_power()) return;
        history_.look(index, village_.node(index).node(), village_.world().time_of(index));
        collect(index);
    };
    for (std::size_t i = 0; i < world.size(); ++i) {
        if (options_.gone.contains(i)) continue;
        if (std::ranges::find(scenario_.late, i) == scenario_.late.end()) switch_on(i);
    }
    for (const Step& step : scenario_.steps) {
        world.at(World::start + step.at, [this, &step] {
            report_.timeline.mark(step.at, to_text(step));
            perform(step);
        });
    }
    schedule_payments(scenario_.payments);
    schedule_records();
    follow_payments();
}

void Play::look() {
    findings_.set_time(since_start());
    const bool looks_at_memory = since_start() % (10 * second) < look_every_;
    const std::size_t height = history_.height();
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (!is_judged(i) && !is_judged_light(i)) continue;
        const node::Node& node = village_.node(i).node();
        history_.look(i, node, village_.world().time_of(i));
        if (is_judged(i)) certificates_.look(i, village_.node(i).store());
        if (looks_at_memory) check_memory(i, node.memory(), findings_);
    }
    if (looks_at_memory) watch_.retry();
    if (history_.height() > height) grown_at_ = village_.world().now();
}

void Play::keep_moment() {
    if (!report_.timeline.wants_next()) return;
    Moment moment{.at = since_start(),
                  .payments = book_.entries().size(),
                  .payments_final = book_.final_count(),
                  .blocks_reverted = report_.blocks_reverted,
                  .bytes = sent_};
    bool is_first = true;
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        moment.machines_on += village_.is_on(i);
        if (!is_judged(i)) continue;
        const auto status = village_.node(i).node().status(village_.world().time_of(i));
        const std::uint32_t final_height = status.final_height.value;
        moment.final_min = is_first ? final_height : std::min(moment.final_min, final_height);
        moment.final_max = std::max(moment.final_max, final_height);
        moment.tip_max = std::max(moment.tip_max, status.height.value);
        moment.blocks_reverted += status.blocks_reverted;
        is_first = false;
    }
    report_.timeline.add(moment);
}

bool Play::pass_second(base::Instant end, bool is_healing) {
    World& world = village_.world();
    world.run_until(std::min(end, world.now() + look_every_));
    look();
    keep_moment();
    return options_.on_progress({.at = since_start(),
                                 .until = end - World::start,
                                 .is_healing = is_healing,
                                 .payments = book_.entries().size(),
                                 .payments_final = book_.final_count()});
}

bool Play::run_hostile() {
    const base::Instant end = World::start + scenario_.hostile;
    while (village_.world().now() < end) {
        if (!pass_second(end, false)) return false;
    }
    return true;
}

void Play::end_hostilities() {
    World& world = village_.world();
    world.network().heal();
    LinkQuality quality = *quality_of(scenario_.network);
    const LinkQuality good = *quality_of("wifi");
    if (quality.loss_permille > good.loss_permille) quality = good;
    world.set_quality(quality);
    schedule_payments({});
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        NodeMachine& machine = village_.node(i);
        machine.disk().keep_power();
        machine.disk().set_full(false);
        machine.disk().set_slow({});
        machine.clock().set_drift(world.now(), 0);
        machine.clock().set_forward(world.wall() - machine.clock().read(world.now()).wall);
        if (machine.is_on()) world.wake(i);
        if (!options_.gone.contains(i)) switch_on(i);
    }
    healing_since_ = world.now();
    report_.timeline.mark(since_start(), "the hostile phase ends");
}

bool Play::agree() {
    const wire::Hash* tip = nullptr;
    wire::Hash first;
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        const bool is_light = is_judged_light(i);
        if (!is_judged(i) && !is_light) continue;
        const auto status = village_.node(i).node().status(village_.world().time_of(i));
        // Machines that keep the chain come before those that do not.
        if (is_light && status.final_block != first) return false;
        if (is_light) continue;
        if (status.tip != status.final_block) return false;
        if (tip == nullptr) first = status.tip;
        if (status.tip != first) return false;
        tip = &first;
    }
    return true;
}

std::string Play::where_all_stand() {
    const auto short_name = [](const wire::Hash& hash) {
        return crypto::to_hex(hash).substr(0, 8);
    };
    std::string text;
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (!is_judged(i)) continue;
        const auto at = village_.node(i).node().status(village_.world().time_of(i));
        text += "; machine " + std::to_string(i) + ": tip " + std::to_string(at.height.value) +
                " " + short_name(at.tip) + ", justified " + short_name(at.justified.block) +
                " of round " + std::to_string(at.justified.round.value) + ", FINAL " +
                std::to_string(at.final_height.value) + " " + short_name(at.final_block) +
                ", hears " + std::to_string(at.online_percent) + " % of stake";
    }
    return text;
}

std::string Play::where_it_is(const wire::Txid& txid) {
    std::string text;
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (!is_judged(i)) continue;
        const auto view = village_.node(i).node().transaction(txid);
        text += "; machine " + std::to_string(i) + ": ";
        text += view ? node::name(view->certainty) : base::name(view.error().code);
    }
    return text;
}

bool Play::is_known(const wire::Txid& txid) {
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (!is_judged(i)) continue;
        const auto view = village_.node(i).node().transaction(txid);
        if (view && view->certainty != node::Certainty::unknown) return true;
    }
    return false;
}

bool Play::is_final_everywhere(const wire::Txid& txid) {
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (!is_judged(i)) continue;
        const auto view = village_.node(i).node().transaction(txid);
        if (!view || view->certainty != node::Certainty::final) return false;
    }
    return true;
}

/// Where a crowd holds the slots, who agrees may still have to wait for one (0066).
base::Duration Play::payment_patience() const {
    const bool is_crowded = std::ranges::any_of(scenario_.attackers, [](const auto& attacker) {
        return attacker.kind == Attacker::Kind::crowd;
    });
    const base::Duration usual =
        final_slots_max * std::chrono::milliseconds(scenario_.block_time_ms);
    return is_crowded ? std::max(usual, scenario_.converge) : usual;
}

void Play::run_healing() {
    end_hostilities();
    if (!can_finalise_) return;
    const base::Instant end = healing_since_ + scenario_.converge;
    std::optional<wire::Txid> proof;
    base::Instant proof_end = end;
    while (village_.world().now() < proof_end) {
        if (!pass_second(proof_end, true)) return;
        if (!proof && agree() && book_.is_settled(history_) && records_are_settled()) {
            report_.to_converge = village_.world().now() - healing_since_;
            // That they stand still together is not enough: they must go on together.
            for (std::size_t i = 0; i < village_.nodes() && !proof; ++i) {
                if (is_judged(i)) proof = pay(i, (i + 1) % village_.nodes());
            }
            if (!proof) break;
            proof_end = village_.world().now() + payment_patience();
        }
        if (proof && is_final_everywhere(*proof)) return judge_searches();
    }
    if (!proof) {
        findings_.add("converge", "after " + duration_text(scenario_.converge) +
                                      " honest nodes do not agree on one FINAL tip" +
                                      where_all_stand());
    } else {
        findings_.add("converge", "a payment after the agreement did not become FINAL everywhere" +
                                      where_all_stand());
    }
}

void Play::judge_end() {
    watch_.retry();
    findings_.set_time(since_start());
    check_airtime();
    if (healing_since_ != base::Instant{}) judge_records();
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (!is_judged(i)) continue;
        NodeMachine& machine = village_.node(i);
        history_.look_again(i, machine.node(), village_.world().time_of(i));
        history_.check_supply(i, machine.store());
        if (machine.node().status(village_.world().time_of(i)).tip == history_.tip()) {
            history_.check_stakes(i, machine.store());
        }
        collect(i);
    }
    if (!scenario_.successor.empty()) return;  // what was not FINAL may be paid again
    if (can_finalise_) {
        const auto where = [this](const wire::Txid& txid) { return where_it_is(txid); };
        return book_.complain(history_, findings_, where);
    }
    // Two FINAL histories are possible now, but not without proof against who made them.
    const std::uint64_t proven = village_.stake_of(watch_.guilty());
    if (history_.forks() > 0 && 3 * proven < village_.stake_of_all()) {
        findings_.add("accountable", "two histories are FINAL, with proof against " +
                                         std::to_string(proven) + " units of stake alone");
    }
}

void Play::count_air(base::Bytes payload, std::size_t packet_bytes, bool is_relayed) {
    const auto parsed = radio::parse_packet(payload);
    if (!parsed) return;
    const auto type = std::visit([](const auto& kind) { return kind.type; }, *parsed);
    auto& traffic = is_relayed ? report_.relayed : report_.on_air;
    ++traffic[static_cast<std::size_t>(type)].datagrams;
    traffic[static_cast<std::size_t>(type)].bytes += packet_bytes;
}

/// As the radio has it that heard most.
unsigned Play::channel_permille() const {
    const RadioAir* air = village_.world().air();
    unsigned most = 0;
    for (std::size_t i = 0; air != nullptr && i < air->size(); ++i) {
        most = std::max(most, permille_of(air->mesh().medium().used(i), since_start()));
    }
    return most;
}

Report Play::report() {
    Report report = report_;
    report.simulated = since_start();
    report.events = village_.world().events();
    report.steps = village_.world().steps();
    report.trace = village_.world().trace().hash();
    report.payments = book_.entries().size();
    report.refused = book_.refused();
    for (const PaymentBook::Entry& entry : book_.entries()) {
        report.excused += entry.is_excused;
        if (entry.to_live) report.to_live.push_back(*entry.to_live);
        if (entry.to_final) report.to_final.push_back(*entry.to_final);
    }
    std::ranges::sort(report.to_live);
    std::ranges::sort(report.to_final);
    for (const RecordBook::Entry& entry : book_of_records_.entries()) {
        report.alerts += entry.address.kind == wire::RecordKind::alert;
        if (entry.to_all) report.alerts_to_all.push_back(*entry.to_all);
    }
    report.records = book_of_records_.entries().size();
    report.records_refused = book_of_records_.refused();
    report.records_misdated = book_of_records_.misdated();
    std::ranges::sort(report.alerts_to_all);
    report.final_height = static_cast<std::uint32_t>(history_.height());
    for (std::size_t i = 0; i < village_.world().size(); ++i) {
        report.attacks += village_.world().machine(i).acts();
    }
    if (const RadioAir* air = village_.world().air()) {
        for (std::size_t i = 0; i < air->size(); ++i) {
            report.airtime += air->watch().total(i);
            report.airtime_worst = std::max(report.airtime_worst, air->watch().worst(i));
        }
        report.channel_permille = channel_permille();
    }
    report.forks = history_.forks();
    report.guilty = watch_.guilty().size();
    report.stake_operations = history_.stakes().operations();
    report.slashed = history_.stakes().slashed();
    report.votes_signed = watch_.votes();
    report.blocks_signed = watch_.blocks();
    report.unchecked = watch_.unchecked();
    report.findings = findings_.kept();
    report.findings_count = findings_.count();
    return report;
}

Report Play::run() {
    prepare();
    const bool has_ended = run_hostile();
    if (has_ended && scenario_.successor.empty()) run_healing();
    judge_end();
    if (has_ended && !scenario_.successor.empty()) run_successor();
    return report();
}

}  // namespace meshchain::sim
