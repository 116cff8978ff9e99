#include "sim/world.h"

namespace meshchain::sim {

World::World(std::uint64_t seed, std::size_t machines, base::WallTime wall)
    : random_(seed), network_(machines, random_.stream("network")), wall_(wall) {
    machines_.reserve(machines);
    seats_.resize(machines);
}

base::WallTime World::wall() const {
    return wall_ + std::chrono::duration_cast<base::Milliseconds>(now_ - start);
}

void World::add(std::unique_ptr<Machine> machine) {
    MESH_ASSERT(machine->index() == machines_.size() && machines_.size() < seats_.size());
    const std::size_t index = machine->index();
    machine->port().post = [this, index](const Posting& posting) { post(index, posting); };
    machines_.push_back(std::move(machine));
}

void World::set_quality(const LinkQuality& quality) {
    network_.set_quality(quality);
    if (air_) air_->set_loss(quality.loss_permille);
}

void World::use_air(const RadioAir::Options& options) {
    MESH_ASSERT(machines_.empty() && options.radios.size() <= seats_.size());
    air_ = std::make_unique<RadioAir>(options, random_.stream("air"), [this] { return now_; });
    for (std::size_t i = 0; i < air_->size(); ++i) {
        air_->door(i).on_sent = [this, machine = air_->machine_of(i)](base::Bytes payload) {
            on_radio(machine, payload);
        };
    }
}

std::expected<void, base::Error> World::switch_on(std::size_t index) {
    trace_.note(now_, "on", index);
    MESH_CHECK(machine(index).start(time_of(index)));
    schedule(index, now_);
    schedule_air();
    return {};
}

void World::crash(std::size_t index) {
    if (!machine(index).is_on()) return;
    trace_.note(now_, "off", index);
    on_crash(index);
    machine(index).crash();
    seats_[index].wake_at = base::never;
}

void World::post(std::size_t from, const Posting& posting) {
    on_sent(from, posting.datagram);
    std::shared_ptr<const base::Buffer> bytes;
    if (posting.to) {
        if (const auto to = index_of(*posting.to); to && *to < machines_.size()) {
            launch(from, *to, posting, bytes);
        }
        return;
    }
    if (const auto* near = network_.in_reach(from)) {
        for (const std::size_t to : *near) launch(from, to, posting, bytes);
        return;
    }
    for (std::size_t to = 0; to < machines_.size(); ++to) {
        if (to != from) launch(from, to, posting, bytes);
    }
}

void World::launch(std::size_t from, std::size_t to, const Posting& posting,
                   std::shared_ptr<const base::Buffer>& bytes) {
    if (!machine(from).port().talks_to(to) || !machine(to).port().talks_to(from)) return;
    for (const Copy& copy : network_.carry(from, to)) {
        if (!bytes) bytes = std::make_shared<base::Buffer>(base::to_buffer(posting.datagram));
        std::shared_ptr<const base::Buffer> carried = bytes;
        if (copy.damaged) {
            base::Buffer damaged = *bytes;
            network_.damage(damaged);
            carried = std::make_shared<base::Buffer>(std::move(damaged));
        }
        queue_.push(now_ + posting.held + copy.delay,
                    Delivery{to, {posting.source, !posting.to, std::move(carried)}});
    }
}

void World::schedule(std::size_t index, base::Instant when) {
    Seat& seat = seats_[index];
    when = std::max({when, now_, seat.busy_until});
    if (when >= seat.wake_at) return;
    seat.wake_at = when;
    queue_.push(when, Wake{index});
}

void World::deliver(Delivery& delivery) {
    Machine& to = *machines_[delivery.to];
    if (!to.is_on()) return;
    trace_.note(now_, "in", delivery.to, *delivery.arrival.bytes);
    to.port().arrive(std::move(delivery.arrival));
    schedule(delivery.to, now_);
}

void World::step(std::size_t index) {
    Machine& machine = *machines_[index];
    Seat& seat = seats_[index];
    if (now_ != seat.wake_at || !machine.is_on()) return;  // an earlier wake-up has done it
    seat.wake_at = base::never;
    ++steps_;
    const base::Now time = time_of(index);
    machine.step(time);
    schedule_air();
    seat.busy_until = now_ + step_time + machine.take_busy();
    if (!machine.has_power()) {
        crash(index);
        return;
    }
    const base::Instant next = machine.poll_timeout(time);
    if (next != base::never) schedule(index, machine.clock().true_time(next));
}

void World::schedule_air() {
    if (!air_ || air_->poll_timeout() >= air_at_) return;
    air_at_ = std::max(now_, air_->poll_timeout());
    queue_.push(air_at_, AirTime{});
}

void World::pass_air_time() {
    if (now_ != air_at_) return;  // an earlier one has done it
    air_at_ = base::never;
    air_->handle_timeout(now_, [this](std::size_t index) {
        trace_.note(now_, "air", index);
        if (machines_[index]->is_on()) schedule(index, now_);
    });
    schedule_air();
}

void World::happen(What& what) {
    ++events_;
    if (auto* delivery = std::get_if<Delivery>(&what)) {
        deliver(*delivery);
    } else if (const auto* wake = std::get_if<Wake>(&what)) {
        step(wake->index);
    } else if (std::holds_alternative<AirTime>(what)) {
        pass_air_time();
    } else {
        std::get<std::function<void()>>(what)();
    }
}

void World::run_until(base::Instant end) {
    while (queue_.next_time() <= end) {
        auto event = queue_.pop();
        now_ = event.at;
        happen(event.what);
    }
    now_ = end;
}

}  // namespace meshchain::sim
