#pragma once
// The people and machines of a scenario in a world, with their genesis: nodes first, then the
// second places of twins, then strangers.
//
// Ownership: the scenario is copied; the world is the village's.

#include <map>

#include "base/log.h"
#include "sim/node_machine.h"
#include "sim/scenario.h"
#include "sim/world.h"

namespace meshchain::sim {

class Village {
public:
    /// Without `genesis` everybody has what the scenario says.
    Village(const Scenario& scenario, std::uint64_t seed, base::LogSink* log = nullptr,
            const std::optional<ledger::Genesis>& genesis = {});

    World& world() { return *world_; }
    const Scenario& scenario() const { return scenario_; }
    const ledger::Genesis& genesis() const { return genesis_; }
    /// Those of the scenario, without the attackers' own.
    std::size_t nodes() const { return scenario_.nodes(); }
    NodeMachine& node(std::size_t index);
    bool is_on(std::size_t index) const { return world_->machine(index).is_on(); }
    /// Nobody tampers with it.
    bool is_honest(std::size_t index) const { return honest_[index]; }
    bool is_validator(std::size_t index) const { return index < scenario_.stakes.size(); }
    bool keeps_chain(std::size_t index) const {
        return index < scenario_.stakes.size() + scenario_.relays;
    }
    std::set<crypto::PublicKey> dishonest_keys() const;
    /// Of all people, whether they have a seat or not.
    std::vector<crypto::PublicKey> validating_keys() const;
    /// These sides, and each attacker's own machine on one of them: the second place of twins not
    /// where the first is, strangers in turn.
    std::vector<std::set<std::size_t>> with_attackers(
        std::vector<std::set<std::size_t>> sides) const;
    /// Whether those who keep to the rules hold more than two thirds of the stake.
    bool can_honest_finalise() const;
    /// Of these validating keys, as genesis has it, and of all.
    std::uint64_t stake_of(const std::set<crypto::PublicKey>& keys) const;
    std::uint64_t stake_of_all() const;

    base::Instant genesis_time() const { return World::start + std::chrono::seconds(2); }

private:
    void make_genesis(std::uint64_t seed);
    void add_node(std::size_t index, std::size_t person, base::LogSink* log);
    void choose_audiences();
    void add_attackers();
    void turn(const Attacker& attacker);
    std::unique_ptr<Tamper> signing_tamper(const Attacker& attacker);
    std::unique_ptr<Tamper> witness_tamper(const Attacker& attacker);
    consensus::ValidatorBits liars() const;
    std::vector<crypto::SigningKey> keys_by_seat() const;
    void set_links();
    void set_site_links();
    Place place_of(std::size_t index, std::size_t radio, std::size_t radios,
                   std::int32_t reach) const;
    void set_up_radios();
    radio::AirtimeOptions airtime_of(std::size_t index) const;

    Scenario scenario_;
    std::vector<std::unique_ptr<Credentials>> people_;
    ledger::Genesis genesis_;
    base::Random random_;
    std::vector<bool> honest_;
    std::array<std::set<std::size_t>, 2> audiences_;   ///< of the first places of twins, and second
    std::map<std::size_t, std::size_t> first_places_;  ///< of twins, by their second
    std::vector<std::unique_ptr<base::LogSink>> logs_;
    std::unique_ptr<World> world_;
};

}  // namespace meshchain::sim
