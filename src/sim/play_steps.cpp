// What the steps of a scenario do to its machines, and who pays whom.

#include <algorithm>

#include "sim/play.h"

namespace meshchain::sim {
namespace {

constexpr base::Duration first_payment = std::chrono::seconds(8);
constexpr base::Duration follow_every = std::chrono::milliseconds(250);
constexpr std::uint64_t units_max = 40;

}  // namespace

void Play::perform(const Step& step) {
    Network& network = village_.world().network();
    findings_.set_time(since_start());
    switch (step.verb) {
        case Step::Verb::partition: return network.partition(village_.with_attackers(step.sides));
        case Step::Verb::cut: return network.cut(step.machines[0], step.machines[1]);
        case Step::Verb::heal: return network.heal();
        case Step::Verb::network: return village_.world().set_quality(*quality_of(step.word));
        case Step::Verb::payments: return schedule_payments(step.time);
        case Step::Verb::expect_final:
        case Step::Verb::expect_still: return check_promise(step);
        case Step::Verb::expect_paid: return check_paid(step);
        case Step::Verb::expect_channel: return check_channel(step);
        case Step::Verb::expect_alerted: return check_alerted(step);
        case Step::Verb::delegate: return move_stake(step, step.machines[0]);
        case Step::Verb::pay:
            if (village_.is_on(step.machines[0])) pay(step.machines[0], step.machines[1]);
            return;
        default:
            for (const std::size_t machine : step.machines) perform_on(step, machine);
    }
}

void Play::check_promise(const Step& step) {
    look();  // what became FINAL since the last second
    const base::Duration still = village_.world().now() - grown_at_;
    const bool has_grown = history_.height() > 0 && still < step.time;
    if (has_grown == (step.verb == Step::Verb::expect_final)) return;
    findings_.add("promise", has_grown ? "a block became FINAL " + duration_text(still) +
                                             " ago, and none should in " + duration_text(step.time)
                                       : "no block became FINAL in " + duration_text(step.time));
}

/// Of those that had the time; what was never seen FINAL was not in time.
void Play::check_paid(const Step& step) {
    const base::Instant now = village_.world().now();
    std::int64_t judged = 0;
    std::int64_t in_time = 0;
    for (const PaymentBook::Entry& entry : book_.entries()) {
        if (entry.is_excused || now - entry.sent < step.time) continue;
        ++judged;
        in_time += entry.to_final && *entry.to_final <= step.time;
    }
    if (judged > 0 && 100 * in_time >= step.number * judged) return;
    findings_.add("promise", std::to_string(in_time) + " of " + std::to_string(judged) +
                                 " payments were FINAL within " + duration_text(step.time));
}

void Play::check_channel(const Step& step) {
    const unsigned permille = channel_permille();
    if (permille <= static_cast<std::uint64_t>(step.number)) return;
    findings_.add("promise", "the channel was in use for " + std::to_string(permille) +
                                 " thousandths of the time");
}

void Play::perform_on(const Step& step, std::size_t index) {
    World& world = village_.world();
    NodeMachine& machine = village_.node(index);
    switch (step.verb) {
        case Step::Verb::crash: return world.crash(index);
        case Step::Verb::start: return switch_on(index);
        case Step::Verb::wipe: world.crash(index); return replace_disk(index);
        case Step::Verb::power_cut:
            if (scenario_.disk == DiskKind::memory) return world.crash(index);
            return machine.disk().cut_power_after(static_cast<std::uint64_t>(step.number));
        case Step::Verb::rot:
            world.crash(index);
            book_of_records_.excuse(record_views(index));
            book_of_records_.forget_receipts(index);
            book_.excuse_unheard(index, [this](const wire::Txid& txid) { return is_known(txid); });
            if (scenario_.disk == DiskKind::flash) history_.expect_damage(index);
            return machine.disk().rot(random_, static_cast<std::size_t>(step.number));
        case Step::Verb::full: return machine.disk().set_full(true);
        case Step::Verb::room: return machine.disk().set_full(false);
        case Step::Verb::slow: return machine.disk().set_slow(step.time);
        case Step::Verb::clock:
            machine.clock().set_forward(std::chrono::milliseconds(step.number));
            break;
        case Step::Verb::drift:
            machine.clock().set_drift(world.now(), static_cast<int>(step.number));
            break;
        case Step::Verb::stake:
        case Step::Verb::unbond:
        case Step::Verb::withdraw:
        case Step::Verb::claim: return move_stake(step, index);
        case Step::Verb::expect_kept: return check_kept(step, index);
        case Step::Verb::expect_refused: return check_refused(step, index);
        case Step::Verb::expect_stake:
        case Step::Verb::expect_slashed: return check_stake_promise(step, index);
        case Step::Verb::expect_heard:
        case Step::Verb::expect_unheard:
        case Step::Verb::expect_withheld: return check_election_promise(step, index);
        case Step::Verb::ntp: machine.time_source().error = std::chrono::milliseconds(5); break;
        default: break;
    }
    if (machine.is_on()) world.wake(index);
}

void Play::check_kept(const Step& step, std::size_t index) {
    if (!village_.is_on(index)) return;
    const auto status = village_.node(index).node().status(village_.world().time_of(index));
    if (status.blocks_reverted <= static_cast<std::uint64_t>(step.number)) return;
    findings_.add("promise", "machine " + std::to_string(index) + " took " +
                                 std::to_string(status.blocks_reverted) + " blocks back");
}

void Play::check_stake_promise(const Step& step, std::size_t index) {
    look();
    const crypto::PublicKey key = village_.node(index).credentials().validating().public_key();
    const bool is_slashed = history_.stakes().is_slashed(key);
    if (step.verb == Step::Verb::expect_slashed) {
        if (!is_slashed) {
            findings_.add("promise", "machine " + std::to_string(index) + " still has its stake");
        }
        return;
    }
    const std::uint64_t bonded = history_.stakes().bonded(key);
    if (bonded >= static_cast<std::uint64_t>(step.number)) return;
    findings_.add("promise",
                  "machine " + std::to_string(index) + " has a stake of " + std::to_string(bonded));
}

void Play::check_election_promise(const Step& step, std::size_t index) {
    look();
    const crypto::PublicKey key = village_.node(index).credentials().validating().public_key();
    const TestimonyTally& testimonies = history_.testimonies();
    const auto number = static_cast<std::uint64_t>(step.number);
    const std::string who = "machine " + std::to_string(index);
    if (step.verb == Step::Verb::expect_withheld) {
        const std::size_t withheld = testimonies.withheld(key);
        if (withheld >= number) return;
        return findings_.add("promise", who + " withheld its secret in " +
                                            std::to_string(withheld) + " of " +
                                            std::to_string(testimonies.elections()) + " elections");
    }
    const auto proximity = testimonies.proximity(key);
    if (!proximity) return findings_.add("promise", who + " was not elected");
    const bool wants_more = step.verb == Step::Verb::expect_heard;
    if (wants_more ? *proximity >= number : *proximity <= number) return;
    findings_.add("promise", who + " is heard with " + std::to_string(*proximity) + " of 255");
}

/// Nothing: there is nothing to be moved.
std::optional<node::StakeOrder> Play::order_of(const Step& step, std::size_t index) {
    using Action = node::StakeOrder::Action;
    NodeMachine& machine = village_.node(index);
    node::StakeOrder order;
    order.amount.units = static_cast<std::uint64_t>(step.number);
    if (step.verb == Step::Verb::delegate) {
        order.validator = village_.node(step.machines[1]).credentials().validating().public_key();
        return order;
    }
    if (step.verb == Step::Verb::stake) {
        const auto own = machine.credentials().validating().public_key();
        const auto validators = machine.node().validators();
        if (std::ranges::find(validators, own, &node::ValidatorView::key) == validators.end()) {
            order.action = Action::enroll;
        }
        return order;
    }
    if (step.verb == Step::Verb::claim) {
        order.action = Action::claim;
        return order;
    }
    const auto stakes = machine.node().stakes();
    if (!stakes) return std::nullopt;
    const bool takes_back = step.verb == Step::Verb::unbond;
    order.action = takes_back ? Action::unbond : Action::withdraw;
    for (const node::BondView& bond : stakes->bonds) {
        if (bond.from_epoch.has_value() == takes_back) continue;
        if (!takes_back && *bond.from_epoch > stakes->epoch) continue;
        order.validator = bond.validator;
        if (takes_back && (step.number == 0 || order.amount > bond.amount)) {
            order.amount = bond.amount;
        }
        return order;
    }
    return std::nullopt;
}

void Play::move_stake(const Step& step, std::size_t index) {
    World& world = village_.world();
    if (!village_.is_on(index)) return;
    NodeMachine& machine = village_.node(index);
    const auto order = order_of(step, index);
    if (!order) return book_.note_refusal();
    const auto moved = machine.node().stake(world.time_of(index), *order, std::nullopt);
    world.wake(index);
    if (!moved) return book_.note_refusal();
    if (!village_.is_honest(index)) return;
    const auto view = machine.node().transaction(moved->txid);
    std::vector<wire::Input> inputs;
    if (view && view->transaction) inputs = view->transaction->body.inputs;
    book_.note(index, moved->txid, std::move(inputs), world.now(), true);
}

void Play::switch_on(std::size_t index) {
    World& world = village_.world();
    if (world.machine(index).is_on()) return;
    const auto started = world.switch_on(index);
    ++starts_;
    if (started || index >= village_.nodes()) return;
    // It says that there is no room, and waits until there is.
    if (started.error().code == base::Errc::full && village_.node(index).disk().is_full()) return;
    // A disk that is damaged is replaced; one that is not must do.
    if (started.error().code != base::Errc::corrupt) {
        findings_.add("no-start",
                      "machine " + std::to_string(index) + ": " + base::sentence(started.error()));
    }
    replace_disk(index);
    const auto again = world.switch_on(index);
    if (!again) {
        findings_.add("no-start", "machine " + std::to_string(index) +
                                      ", with an empty disk: " + base::sentence(again.error()));
    }
}

void Play::replace_disk(std::size_t index) {
    village_.node(index).wipe();
    history_.forget(index);
    book_.excuse(index);
    book_of_records_.forget_receipts(index);
    book_of_records_.excuse(record_views(index));
    ++report_.disks_replaced;
}

std::optional<wire::Txid> Play::pay(std::size_t from, std::size_t to) {
    World& world = village_.world();
    const auto paid =
        village_.node(from).node().pay(world.time_of(from), village_.node(to).credentials().payee(),
                                       {1 + random_.below(units_max)}, std::nullopt);
    world.wake(from);
    if (!paid) {
        book_.note_refusal();
        return std::nullopt;
    }
    if (village_.is_honest(from)) {
        const auto view = village_.node(from).node().transaction(paid->txid);
        std::vector<wire::Input> inputs;
        if (view && view->transaction) inputs = view->transaction->body.inputs;
        book_.note(from, paid->txid, std::move(inputs), world.now());
    }
    return paid->txid;
}

void Play::pay_somebody() {
    const std::size_t payers = scenario_.stakes.size() + scenario_.relays;
    const std::size_t from = random_.below(payers);
    const std::size_t to = random_.below(payers);
    if (village_.is_on(from)) pay(from, to);
}

void Play::schedule_payments(base::Duration every) {
    const std::uint64_t plan = ++payment_plan_;
    pay_every_ = every;
    if (every <= base::Duration{}) return;
    World& world = village_.world();
    const base::Instant begin = std::max(world.now() + every, World::start + first_payment);
    const auto go_on = [this, plan](const auto& self, base::Instant when) -> void {
        village_.world().at(when, [this, plan, self] {
            if (plan != payment_plan_) return;
            pay_somebody();
            self(self,
                 village_.world().now() + random_.between(pay_every_ / 2, pay_every_ * 3 / 2));
        });
    };
    go_on(go_on, begin);
}

void Play::follow_payments() {
    for (std::size_t i = 0; i < village_.nodes(); ++i) {
        if (is_judged(i)) book_.look(i, village_.node(i).node(), village_.world().now());
    }
    follow_records();
    village_.world().at(village_.world().now() + follow_every, [this] { follow_payments(); });
}

}  // namespace meshchain::sim
