// Those who are left of a chain that lost its quorum go on with a successor (row A13): its genesis
// hands out the last FINAL state, and everybody begins it on an empty disk.

#include <algorithm>

#include "chain/final_state.h"
#include "ledger/successor.h"
#include "node/tables.h"
#include "sim/play.h"

namespace meshchain::sim {

std::optional<ledger::Genesis> Play::make_successor() {
    const ledger::Genesis& old = village_.genesis();
    ledger::SuccessorPlan plan{village_.world().wall() + std::chrono::hours(1), {}, {}};
    std::vector<ledger::FinalState> states;
    for (const std::size_t index : scenario_.successor) {
        if (!village_.is_on(index)) continue;
        NodeMachine& machine = village_.node(index);
        auto state = chain::read_final_state(machine.store(), node::tables::consensus, old);
        if (!state) {
            findings_.add("successor", base::sentence(state.error()));
            return std::nullopt;
        }
        states.push_back(*std::move(state));
        const auto identity = machine.credentials().identity().public_key();
        plan.validators.push_back(
            *std::ranges::find(old.validators, identity, &ledger::GenesisValidator::identity));
    }
    if (states.empty()) return std::nullopt;
    auto next = ledger::make_successor(old, states.front(), plan);
    if (!next) {
        findings_.add("successor", base::sentence(next.error()));
        return std::nullopt;
    }
    for (const ledger::FinalState& state : states) {
        const auto checked = ledger::check_successor(*next, old, state);
        if (!checked) findings_.add("successor", base::sentence(checked.error()));
    }
    if (ledger::supply(*next) != ledger::supply(old)) {
        findings_.add("supply", "the successor has another supply");
    }
    return *std::move(next);
}

void Play::run_successor() {
    auto genesis = make_successor();
    if (!genesis) return findings_.add("successor", "nobody is left to make one");
    Scenario scenario = scenario_;
    scenario.successor.clear();
    scenario.steps.clear();
    scenario.late.clear();
    scenario.hostile = std::chrono::seconds(30);
    Options options = options_;
    options.genesis = std::move(genesis);
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        const bool goes_on = !village_.is_validator(i) ||
                             std::ranges::find(scenario_.successor, i) != scenario_.successor.end();
        if (!goes_on) options.gone.insert(i);
    }
    Play next(scenario, std::move(options));
    const Report after = next.run();
    for (const Finding& finding : after.findings) {
        findings_.add(finding.rule, "on the successor: " + finding.text);
    }
    if (after.to_final.empty()) findings_.add("successor", "it finalises nothing");
    report_.to_converge = after.to_converge;
    report_.successor_payments = after.to_final.size();
}

}  // namespace meshchain::sim
