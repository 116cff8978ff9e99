#include "consensus/reception_log.h"

namespace meshchain::consensus {

ValidatorBits ReceptionLog::heard(base::WallTime now, base::Milliseconds window) const {
    ValidatorBits all = 0;
    for (std::uint16_t i = 0; i < last_.size(); ++i) {
        if (last_[i] != base::WallTime{} && now - last_[i] <= window) all |= bit({i});
    }
    return all;
}

void ReceptionLog::note_vote(wire::Round round, ValidatorBits heard) {
    if (votes_.size() == votes_max) votes_.pop_front();
    votes_.push_back({round, heard});
}

wire::Reception ReceptionLog::counts(wire::Round final) const {
    std::array<std::uint8_t, wire::validators_max> rounds{};
    std::size_t taken = 0;
    for (auto vote = votes_.rbegin(); vote != votes_.rend(); ++vote) {
        if (vote->round > final) continue;
        if (taken++ == wire::Reception::rounds_max) break;
        for (std::uint16_t i = 0; i < rounds.size(); ++i) {
            if ((vote->heard & bit({i})) != 0) ++rounds[i];
        }
    }
    wire::Reception all;
    for (std::uint16_t i = 0; i < rounds.size(); ++i) all.set_rounds({i}, rounds[i]);
    return all;
}

void ReceptionLog::forget(ValidatorBits seats) {
    for (std::uint16_t i = 0; i < last_.size(); ++i) {
        if ((seats & bit({i})) != 0) last_[i] = {};
    }
    for (Stated& vote : votes_) vote.heard &= ~seats;
}

}  // namespace meshchain::consensus
