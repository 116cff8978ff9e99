#include "chain/state_download.h"

#include <algorithm>

namespace meshchain::chain {

template <class T>
std::optional<T> StateDownload::check(std::expected<T, base::Error> result) {
    if (result) return *std::move(result);
    fault_ = std::move(result).error();
    return std::nullopt;
}

void StateDownload::drop(std::uint8_t range) {
    if (const auto dropped = staging_->drop(range); !dropped) fault_ = dropped.error();
}

bool StateDownload::may_ask(base::Instant now, const crypto::PublicKey& peer) const {
    const auto found = peers_.find(peer);
    return found != peers_.end() && !liars_.contains(peer) && !given_up_.contains(peer) &&
           found->second.in_flight < in_flight_per_peer && found->second.again <= now;
}

bool StateDownload::is_hopeless() const {
    if (peers_.empty()) return false;
    return std::ranges::all_of(peers_, [&](const auto& item) {
        return liars_.contains(item.first) || given_up_.contains(item.first);
    });
}

/// Something is still to be asked about it.
bool StateDownload::is_wanted(std::uint8_t range) const {
    if (requests_.contains(range)) return false;
    return !staging_->range(range).done || (voucher_ && !vouched_.contains(range));
}

/// The rest of a range comes from who gave its beginning, if he is still there.
std::optional<crypto::PublicKey> StateDownload::choose_giver(base::Instant now,
                                                             std::uint8_t range) {
    if (voucher_) return may_ask(now, *voucher_) ? voucher_ : std::nullopt;
    const StateStaging::Range& here = staging_->range(range);
    if (here.entries > 0 && here.giver && peers_.contains(*here.giver) &&
        !given_up_.contains(*here.giver) && !liars_.contains(*here.giver)) {
        return may_ask(now, *here.giver) ? here.giver : std::nullopt;
    }
    std::vector<crypto::PublicKey> choice;
    for (const auto& [key, peer] : peers_) {
        if (may_ask(now, key)) choice.push_back(key);
    }
    if (choice.empty()) return std::nullopt;
    return choice[random_.below(choice.size())];
}

std::optional<FinalFollower::Query> StateDownload::next_request(base::Instant now) {
    const wire::Hash& block = staging_->target()->hash();
    for (std::uint8_t range = 0; range < StateStaging::ranges; ++range) {
        if (!is_wanted(range)) continue;
        const auto to = choose_giver(now, range);
        if (!to) continue;
        const StateStaging::Range& here = staging_->range(range);
        requests_[range] = {*to, now + request_timeout, here.done};
        ++peers_.at(*to).in_flight;
        if (here.done) return FinalFollower::Query{*to, wire::RangeHashRequest{block, range}};
        return FinalFollower::Query{*to, wire::StatePageRequest{block, range, here.last}};
    }
    return std::nullopt;
}

std::optional<FinalFollower::Query> StateDownload::poll_request(base::Instant now) {
    if (fault_ || is_done()) return std::nullopt;
    expire(now);
    // Where a peer has gone that was to vouch, another one does.
    if (voucher_ && (!peers_.contains(*voucher_) || given_up_.contains(*voucher_))) {
        if (!choose_voucher()) return std::nullopt;
    }
    return next_request(now);
}

base::Instant StateDownload::poll_timeout() const {
    if (fault_ || is_done()) return base::never;
    base::Instant next = base::never;
    for (const auto& [range, request] : requests_) next = std::min(next, request.deadline);
    for (const auto& [key, peer] : peers_) {
        if (!liars_.contains(key) && peer.again != base::Instant{})
            next = std::min(next, peer.again);
    }
    return next;
}

void StateDownload::expire(base::Instant now) {
    std::vector<std::uint8_t> late;
    for (const auto& [range, request] : requests_) {
        if (request.deadline <= now) late.push_back(range);
    }
    for (const std::uint8_t range : late) {
        const crypto::PublicKey to = requests_.at(range).to;
        take_off(range);
        note_failure(now, to);
    }
    for (auto& [key, peer] : peers_) {
        if (peer.again <= now) peer.again = {};
    }
}

void StateDownload::take_off(std::uint8_t range) {
    const auto found = requests_.find(range);
    if (found == requests_.end()) return;
    const auto peer = peers_.find(found->second.to);
    if (peer != peers_.end()) --peer->second.in_flight;
    requests_.erase(found);
}

void StateDownload::note_failure(base::Instant now, const crypto::PublicKey& key) {
    const auto peer = peers_.find(key);
    if (peer == peers_.end()) return;
    peer->second.again = now + request_timeout;
    if (++peer->second.failures < failures_max) return;
    given_up_.insert(key);
    faults_.push_back(key);
}

void StateDownload::forget_peer(base::Instant, const crypto::PublicKey& peer) {
    std::erase_if(requests_, [&](const auto& item) { return item.second.to == peer; });
    peers_.erase(peer);
    given_up_.erase(peer);  // he may come back and be better; a liar stays one
}

std::optional<crypto::PublicKey> StateDownload::poll_fault() {
    if (faults_.empty()) return std::nullopt;
    const crypto::PublicKey peer = faults_.front();
    faults_.pop_front();
    return peer;
}

void StateDownload::handle_unavailable(base::Instant now, const crypto::PublicKey& from,
                                       const wire::Hash& block) {
    const auto peer = peers_.find(from);
    if (peer == peers_.end() || !staging_->target() || block != staging_->target()->hash()) return;
    const bool was_asked =
        std::erase_if(requests_, [&](const auto& item) { return item.second.to == from; }) > 0;
    if (!was_asked) return;
    peer->second.in_flight = 0;
    peer->second.again = now + unavailable_pause;
    if (++peer->second.failures >= failures_max) given_up_.insert(from);
}

void StateDownload::handle_page(base::Instant, const crypto::PublicKey& from,
                                const wire::StatePage& page) {
    const auto request = requests_.find(page.range);
    if (fault_ || request == requests_.end() || request->second.to != from ||
        request->second.for_hash) {
        return;  // asked twice, or not asked
    }
    const auto taken = check(staging_->add(page, from));
    if (!taken || !*taken) return;
    peers_.at(from).failures = 0;
    take_off(page.range);
    if (voucher_ && staging_->range(page.range).done) vouched_.insert(page.range);
    if (staging_->exceeds_supply() || staging_->is_complete()) judge();
}

void StateDownload::handle_range_hash(base::Instant, const crypto::PublicKey& from,
                                      const wire::RangeHashResponse& response) {
    const auto request = requests_.find(response.range);
    if (fault_ || request == requests_.end() || request->second.to != from ||
        !request->second.for_hash || response.block != staging_->target()->hash()) {
        return;
    }
    peers_.at(from).failures = 0;
    take_off(response.range);
    const auto here = check(staging_->range_hash(response.range));
    if (!here) return;
    if (*here == response.hash) {
        vouched_.insert(response.range);
    } else {
        replaced_.erase(response.range);
        if (const auto& giver = staging_->range(response.range).giver) {
            replaced_[response.range] = *giver;
        }
        drop(response.range);
    }
    if (staging_->is_complete()) judge();
}

void StateDownload::judge() {
    if (staging_->is_proven()) return judge_success();
    const bool too_much = staging_->exceeds_supply();
    if (voucher_ && !too_much && vouched_.size() < StateStaging::ranges) return;
    if (voucher_ && too_much) {
        // Wait for what the voucher disowns, unless all of it is his.
        std::uint8_t range = 0;
        while (range < StateStaging::ranges &&
               (staging_->range(range).entries == 0 || staging_->range(range).giver == voucher_ ||
                vouched_.contains(range))) {
            ++range;
        }
        if (range < StateStaging::ranges) return;
    }
    if (voucher_) condemn(*voucher_);
    choose_voucher();
}

/// What one peer gave and another's replaced to make the whole fit was a lie.
void StateDownload::judge_success() {
    requests_.clear();
    for (const auto& [range, giver] : replaced_) {
        if (staging_->range(range).giver != giver) condemn(giver);
    }
    replaced_.clear();
}

void StateDownload::condemn(const crypto::PublicKey& peer) {
    if (liars_.insert(peer).second) faults_.push_back(peer);
}

/// Who gave most is asked first: least is to be fetched again.
bool StateDownload::choose_voucher() {
    voucher_.reset();
    vouched_.clear();
    for (auto& [key, peer] : peers_) peer.in_flight = 0;
    requests_.clear();
    std::map<crypto::PublicKey, std::size_t> given;
    for (const auto& [key, peer] : peers_) {
        if (!liars_.contains(key) && !given_up_.contains(key)) given[key] = 0;
    }
    for (std::uint8_t range = 0; range < StateStaging::ranges; ++range) {
        const auto& giver = staging_->range(range).giver;
        if (giver && given.contains(*giver)) ++given.at(*giver);
    }
    if (given.empty()) return false;
    voucher_ =
        std::ranges::max_element(given, {}, [](const auto& item) { return item.second; })->first;
    for (std::uint8_t range = 0; range < StateStaging::ranges; ++range) {
        const StateStaging::Range& here = staging_->range(range);
        if (here.done && here.giver == voucher_) vouched_.insert(range);
        // What is begun by others would be continued by him, and then nobody's.
        if (here.done || here.giver == voucher_) continue;
        replaced_.erase(range);
        if (here.entries > 0) drop(range);
    }
    if (vouched_.size() == StateStaging::ranges) {
        condemn(*voucher_);
        return choose_voucher();
    }
    return true;
}

}  // namespace meshchain::chain
