#include "sim/village.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/assert.h"
#include "sim/lying_tamper.h"
#include "sim/machine_log.h"
#include "sim/signing_tampers.h"
#include "sim/stranger.h"
#include "sim/tampers.h"

namespace meshchain::sim {
namespace {

constexpr base::WallTime chain_start = base::wall_from_unix_ms(1'800'000'000'000);
/// More people do not fit with all their coins.
constexpr std::size_t allocations_max = ledger::genesis_allocations_max;
/// More than a node has slots for peers.
constexpr std::size_t crowd_size = 24;
constexpr base::Duration selfish_hold = std::chrono::milliseconds(2500);

std::size_t columns_of(std::size_t count) {
    return static_cast<std::size_t>(
        std::max(1L, std::lround(std::sqrt(static_cast<double>(count)))));
}

bool is_twin(const Attacker& attacker) { return attacker.kind == Attacker::Kind::twins; }

/// Those that an attacker brings besides the nodes.
std::size_t machines_of(const Attacker& attacker) {
    if (attacker.kind == Attacker::Kind::crowd) return crowd_size;
    return is_twin(attacker) || is_stranger(attacker.kind) ? 1 : 0;
}

std::size_t machines_of(const Scenario& scenario) {
    std::size_t count = scenario.nodes();
    for (const Attacker& attacker : scenario.attackers) count += machines_of(attacker);
    return count;
}

std::unique_ptr<Tamper> mute(Attacker::Kind kind) {
    using enum wire::MessageType;
    const std::set consensus{block, block_ack, vote_request, evidence};
    if (kind == Attacker::Kind::withhold) {
        return std::make_unique<MuteTamper>(
            std::set{transaction, sync_response, sync_data, state_response}, std::nullopt);
    }
    if (kind == Attacker::Kind::selfish) {
        return std::make_unique<MuteTamper>(std::set{block, block_ack}, selfish_hold);
    }
    return std::make_unique<MuteTamper>(consensus, std::nullopt);
}

}  // namespace

Village::Village(const Scenario& scenario, std::uint64_t seed, base::LogSink* log,
                 const std::optional<ledger::Genesis>& genesis)
    : scenario_(scenario), random_(base::Random(seed).stream("village")) {
    MESH_ASSERT(check(scenario_).has_value());
    for (std::size_t i = 0; i < nodes(); ++i) {
        people_.push_back(
            std::make_unique<Credentials>(random_.stream("person " + std::to_string(i))));
    }
    if (genesis) {
        genesis_ = *genesis;
    } else {
        make_genesis(seed);
    }
    world_ = std::make_unique<World>(seed, machines_of(scenario_),
                                     genesis_.start - std::chrono::seconds(2));
    if (const auto quality = quality_of(scenario_.network)) world_->network().set_quality(*quality);
    if (scenario_.air) set_up_radios();
    honest_.assign(machines_of(scenario_), true);
    for (std::size_t i = 0; i < nodes(); ++i) add_node(i, i, log);
    add_attackers();
    set_links();
}

void Village::make_genesis(std::uint64_t seed) {
    genesis_.start = chain_start;
    genesis_.block_time_ms = scenario_.block_time_ms;
    genesis_.vote_lead_ms = scenario_.vote_lead_ms;
    genesis_.slots_per_round = scenario_.slots_per_round;
    genesis_.stakes = scenario_.staking;
    genesis_.rank_delay_ms = scenario_.rank_delay_ms();
    for (std::size_t i = 0; i < sizeof seed; ++i) {
        genesis_.seed.bytes[i] = static_cast<std::byte>(seed >> (8 * i));
    }
    for (std::size_t i = 0; i < nodes(); ++i) {
        const Credentials& person = *people_[i];
        if (is_validator(i)) {
            genesis_.validators.push_back({person.identity().public_key(),
                                           person.validating().public_key(),
                                           person.payee(),
                                           {scenario_.stakes[i]}});
        }
        for (std::size_t coin = 0; coin < coins_each; ++coin) {
            if (genesis_.allocations.size() == allocations_max) break;
            genesis_.allocations.push_back({person.payee(), {coin_units}});
        }
    }
    ledger::sort_canonically(genesis_);
    MESH_ASSERT(ledger::validate(genesis_).has_value());
}

void Village::add_node(std::size_t index, std::size_t person, base::LogSink* log) {
    if (log != nullptr) {
        log = logs_.emplace_back(std::make_unique<MachineLog>(*log, *world_, index)).get();
    }
    NodeMachine::Options options{.disk = scenario_.disk,
                                 .undo_blocks = scenario_.undo_blocks,
                                 .heartbeat = scenario_.heartbeat,
                                 .name = "node " + std::to_string(index),
                                 .log = log};
    if (!is_validator(person)) {
        options.role = keeps_chain(person) ? wire::Role::relay : wire::Role::light;
        // Who has no seat may take one.
        if (scenario_.staking) options.role = wire::Role::validator;
    }
    options.has_wallet = keeps_chain(person);
    if (scenario_.has_radio(index)) {
        options.radio = world_->air()->door_of(index);
        options.airtime = airtime_of(index);
    }
    options.has_network = scenario_.has_network(index);
    options.shares_records = scenario_.shares_records();
    if (scenario_.segments > 0) {
        options.segments = {"segment " + std::to_string(scenario_.segment_of(person))};
    }
    world_->add(std::make_unique<NodeMachine>(index, world_->new_clock(), *people_[person],
                                              genesis_, std::move(options),
                                              random_.stream("machine " + std::to_string(index))));
}

radio::AirtimeOptions Village::airtime_of(std::size_t index) const {
    radio::AirtimeOptions options;
    options.modulation = radio::modulation_of(scenario_.air->preset);
    options.share_permille =
        is_validator(index) ? scenario_.air->validator_permille : scenario_.air->other_permille;
    options.keeps_for_votes = is_validator(index) || scenario_.staking.has_value();
    return options;
}

/// In one room, on a line or in a grid in which neighbours hear each other well, in two rooms so
/// far apart that only the first relay, halfway between, hears both, or along a street of that
/// length.
Place Village::place_of(std::size_t index, std::size_t radio, std::size_t radios,
                        std::int32_t reach) const {
    constexpr std::int32_t next_to_each_other = 20;
    const auto n = static_cast<std::int32_t>(radio);
    const auto columns = static_cast<std::int32_t>(columns_of(radios));
    switch (scenario_.shape) {
        case Shape::line: return {n * reach, 0};
        case Shape::valley:
            if (index == scenario_.stakes.size()) return {0, 0};
            return {index % 2 == 0 ? -reach : reach, n * next_to_each_other};
        case Shape::street: {
            // Validators are the first, and live at both ends as others do.
            std::size_t apart = std::max<std::size_t>(radios * 3 / 8, 1);
            while (std::gcd(apart, radios) != 1) ++apart;
            const auto house = static_cast<std::int64_t>(radio * apart % radios);
            const auto last = std::max<std::int64_t>(static_cast<std::int64_t>(radios) - 1, 1);
            return {static_cast<std::int32_t>(house * 2 * reach / last), n};
        }
        case Shape::all:
            return {n % columns * next_to_each_other, n / columns * next_to_each_other};
        case Shape::ring:
        case Shape::star:  // refused, of radios
        case Shape::grid: break;
    }
    return {n % columns * reach, n / columns * reach};
}

void Village::set_up_radios() {
    RadioAir::Options options;
    options.setting.modulation = radio::modulation_of(scenario_.air->preset);
    options.setting.loss_permille = world_->network().quality().loss_permille;
    const std::int32_t reach = RadioAir::reach(options.setting);
    const std::size_t count = scenario_.gateways.empty() ? nodes() : scenario_.gateways.size();
    for (std::size_t i = 0; i < nodes(); ++i) {
        if (!scenario_.has_radio(i)) continue;
        options.radios.push_back({.machine = i,
                                  .place = place_of(i, options.radios.size(), count, reach),
                                  .budget = base::Duration(std::chrono::hours(1)) / 1000 *
                                            airtime_of(i).share_permille});
    }
    options.hears = [this](std::size_t to, std::size_t from) {
        return !world_->network().is_cut_off(to, from);
    };
    world_->use_air(options);
}

/// Several twins are of one mind: their first places tell one half of the others one story, their
/// second places the other half another.
void Village::choose_audiences() {
    std::set<std::size_t> twins;
    for (const Attacker& attacker : scenario_.attackers) {
        if (is_twin(attacker)) twins.insert(attacker.machine);
    }
    // Several have the even ones first, so that a scenario can lay its partition between them.
    std::size_t next = twins.size() > 1 ? 0 : random_.below(2);
    for (std::size_t i = 0; i < nodes(); ++i) {
        if (!twins.contains(i)) audiences_[next++ % 2].insert(i);
    }
    std::size_t second = nodes();
    for (const std::size_t first : twins) {
        audiences_[0].insert(first);
        audiences_[1].insert(second++);
    }
}

void Village::add_attackers() {
    choose_audiences();
    // Twins come first: their second places are nodes too.
    for (const Attacker& attacker : scenario_.attackers) {
        if (!is_stranger(attacker.kind)) turn(attacker);
    }
    for (const Attacker& attacker : scenario_.attackers) {
        if (!is_stranger(attacker.kind)) continue;
        for (std::size_t i = 0; i < machines_of(attacker); ++i) {
            const std::size_t index = world_->size();
            honest_[index] = false;
            world_->add(std::make_unique<Stranger>(
                index, world_->new_clock(), attacker.kind, ledger::chain_id(genesis_), nodes(),
                random_.stream("stranger " + std::to_string(index)), keys_by_seat()));
        }
    }
}

/// Of those who sign something else, or at another time, than their node.
std::unique_ptr<Tamper> Village::signing_tamper(const Attacker& attacker) {
    auto key = people_[attacker.machine]->validating();
    switch (attacker.kind) {
        case Attacker::Kind::two_tongued:
            return std::make_unique<DoubleTamper>(genesis_, std::move(key));
        case Attacker::Kind::fork: return std::make_unique<ForkTamper>(genesis_, std::move(key));
        case Attacker::Kind::bounce:
            return std::make_unique<BounceTamper>(
                [this] { return world_->now(); }, genesis_time(),
                std::chrono::milliseconds(scenario_.block_time_ms),
                (world_->network().quality().delay_min + world_->network().quality().delay_max) /
                    2);
        default: return nullptr;
    }
}

/// The seats of all who lie about whom they hear.
consensus::ValidatorBits Village::liars() const {
    consensus::ValidatorBits seats = 0;
    for (const Attacker& attacker : scenario_.attackers) {
        if (!is_false_witness(attacker.kind) || attacker.kind == Attacker::Kind::secretive)
            continue;
        const auto found = std::ranges::find(genesis_.validators,
                                             people_[attacker.machine]->validating().public_key(),
                                             &ledger::GenesisValidator::key);
        const auto seat = static_cast<std::uint16_t>(found - genesis_.validators.begin());
        if (found != genesis_.validators.end()) seats |= consensus::bit({seat});
    }
    return seats;
}

std::unique_ptr<Tamper> Village::witness_tamper(const Attacker& attacker) {
    using Claim = LyingTamper::Claim;
    switch (attacker.kind) {
        case Attacker::Kind::hears_all:
            return std::make_unique<LyingTamper>(Claim::everybody, liars());
        case Attacker::Kind::hears_none:
            return std::make_unique<LyingTamper>(Claim::nobody, liars());
        case Attacker::Kind::hears_friends:
            return std::make_unique<LyingTamper>(Claim::friends, liars());
        case Attacker::Kind::secretive: return std::make_unique<SecretiveTamper>();
        default: return nullptr;
    }
}

void Village::turn(const Attacker& attacker) {
    honest_[attacker.machine] = false;
    Port& port = world_->machine(attacker.machine).port();
    if (auto tamper = signing_tamper(attacker)) {
        port.tamper = std::move(tamper);
        return;
    }
    if (auto tamper = witness_tamper(attacker)) {
        port.tamper = std::move(tamper);
        return;
    }
    if (!is_twin(attacker)) {
        port.tamper = mute(attacker.kind);
        return;
    }
    const std::size_t second = world_->size();
    first_places_[second] = attacker.machine;
    add_node(second, attacker.machine, nullptr);
    honest_[second] = false;
    const auto key = people_[attacker.machine]->validating().public_key();
    port.tamper = std::make_unique<TwinTamper>(false, audiences_[0], genesis_, key);
    world_->machine(second).port().tamper =
        std::make_unique<TwinTamper>(true, audiences_[1], genesis_, key);
}

void Village::set_site_links() {
    std::vector<std::pair<std::size_t, std::size_t>> links;
    for (const auto& site : scenario_.sites) {
        for (const std::size_t a : site) {
            for (const std::size_t b : site) {
                if (a < b) links.emplace_back(a, b);
            }
        }
    }
    world_->network().set_links(links);
}

void Village::set_links() {
    std::vector<std::pair<std::size_t, std::size_t>> links;
    const std::size_t count = nodes();
    if (scenario_.air) return set_site_links();  // who hears whom is a matter of places
    const std::size_t columns = columns_of(count);
    for (std::size_t i = 0; i < count; ++i) {
        const bool is_last = i + 1 == count;
        switch (scenario_.shape) {
            case Shape::all: break;
            case Shape::line:
                if (!is_last) links.emplace_back(i, i + 1);
                break;
            case Shape::ring: links.emplace_back(i, is_last ? 0 : i + 1); break;
            case Shape::star:
                if (i > 0) links.emplace_back(0, i);
                break;
            case Shape::street: break;  // of radios alone
            case Shape::valley:
                for (std::size_t j = 0; j < i; ++j) {
                    const std::size_t relay = scenario_.stakes.size();
                    const bool has_relay = i == relay || j == relay;
                    if (has_relay || i % 2 == j % 2) links.emplace_back(i, j);
                }
                break;
            case Shape::grid:
                if ((i + 1) % columns != 0 && !is_last) links.emplace_back(i, i + 1);
                if (i + columns < count) links.emplace_back(i, i + columns);
                break;
        }
    }
    // Attackers are in reach of everybody, whatever keeps the others apart.
    for (std::size_t i = count; i < world_->size() && !links.empty(); ++i) {
        for (std::size_t j = 0; j < count; ++j) links.emplace_back(i, j);
    }
    world_->network().set_links(links);
}

std::vector<std::set<std::size_t>> Village::with_attackers(
    std::vector<std::set<std::size_t>> sides) const {
    const std::size_t count = sides.size();
    for (std::size_t i = nodes(); i < world_->size() && count > 0; ++i) {
        const auto first = first_places_.find(i);
        std::size_t side = i % count;
        if (first != first_places_.end()) {
            const auto found = std::ranges::find_if(
                sides, [&](const auto& one) { return one.contains(first->second); });
            side = static_cast<std::size_t>(found - sides.begin() + 1) % count;
        }
        sides[side].insert(i);
    }
    return sides;
}

NodeMachine& Village::node(std::size_t index) {
    return static_cast<NodeMachine&>(world_->machine(index));
}

std::set<crypto::PublicKey> Village::dishonest_keys() const {
    std::set<crypto::PublicKey> keys;
    for (std::size_t i = 0; i < scenario_.stakes.size(); ++i) {
        if (!honest_[i]) keys.insert(people_[i]->validating().public_key());
    }
    return keys;
}

std::vector<crypto::SigningKey> Village::keys_by_seat() const {
    std::vector<crypto::SigningKey> keys;
    for (const auto& validator : genesis_.validators) {
        for (const auto& person : people_) {
            if (person->validating().public_key() != validator.key) continue;
            keys.push_back(person->validating());
        }
    }
    return keys;
}

std::vector<crypto::PublicKey> Village::validating_keys() const {
    std::vector<crypto::PublicKey> keys;
    for (const auto& person : people_) keys.push_back(person->validating().public_key());
    return keys;
}

std::uint64_t Village::stake_of(const std::set<crypto::PublicKey>& keys) const {
    std::uint64_t sum = 0;
    for (const auto& validator : genesis_.validators) {
        if (keys.contains(validator.key)) sum += validator.stake.units;
    }
    return sum;
}

std::uint64_t Village::stake_of_all() const {
    std::uint64_t sum = 0;
    for (const auto& validator : genesis_.validators) sum += validator.stake.units;
    return sum;
}

bool Village::can_honest_finalise() const {
    return 3 * stake_of(dishonest_keys()) < stake_of_all();
}

}  // namespace meshchain::sim
