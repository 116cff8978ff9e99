#include "chain/block_download.h"

#include <algorithm>

#include "base/assert.h"

namespace meshchain::chain {

BlockDownload::BlockDownload(Patience patience, std::size_t transactions_max,
                             HeaderHash header_hash, base::Random random, bool may_lag)
    : patience_(std::move(patience)),
      random_(random),
      transactions_max_(transactions_max),
      header_hash_(std::move(header_hash)),
      may_lag_(may_lag) {}

bool BlockDownload::want(const wire::Hash& hash, const crypto::PublicKey& source, bool on_votes) {
    const auto found = downloads_.find(hash);
    if (found == downloads_.end()) {
        const auto voted = std::ranges::count_if(
            downloads_, [](const auto& entry) { return entry.second.on_votes; });
        if (downloads_.size() >= blocks_max) return false;
        if (on_votes && static_cast<std::size_t>(voted) >= voted_max) return false;
        order_.push_back(hash);
    }
    Download& download = downloads_[hash];
    download.on_votes = on_votes && (found == downloads_.end() || download.on_votes);
    auto& sources = download.sources;
    if (std::ranges::find(sources, source) == sources.end() && sources.size() < sources_max) {
        sources.push_back(source);
    }
    return true;
}

bool BlockDownload::want(const wire::Hash& hash, const crypto::PublicKey& source,
                         const wire::BlockHeader& header, Transactions known) {
    if (!want(hash, source)) return false;
    Download& download = downloads_[hash];
    const bool is_first = !download.header;
    download.header = header;  // whose signature was checked; a peer's answer may have another
    if (is_first) {
        download.transactions = std::move(known);
        download.announced = true;
    }
    return true;
}

void BlockDownload::forget_peer(const crypto::PublicKey& peer) {
    for (auto& [hash, download] : downloads_) {
        const auto at = std::ranges::find(download.sources, peer);
        if (at == download.sources.end()) continue;
        const auto index = static_cast<std::size_t>(at - download.sources.begin());
        if (index == download.source) download.asked = false;
        if (index < download.source) --download.source;
        download.sources.erase(at);
        if (download.source == download.sources.size()) download.source = 0;
    }
    std::erase_if(downloads_, [](const auto& entry) { return entry.second.sources.empty(); });
}

std::optional<std::uint16_t> BlockDownload::first_missing(const Download& download) {
    const auto missing = std::ranges::find_if(download.transactions,
                                              [](const auto& slot) { return !slot.has_value(); });
    if (missing == download.transactions.end()) return std::nullopt;
    return static_cast<std::uint16_t>(missing - download.transactions.begin());
}

std::uint16_t BlockDownload::first_wanted(const Download& download) {
    return download.header ? first_missing(download).value_or(0) : 0;
}

/// None while it lacks the announcement itself.
std::uint8_t BlockDownload::missing(const Download& download) {
    auto count = std::ranges::count_if(download.transactions,
                                       [](const auto& slot) { return !slot.has_value(); });
    // What is here of rows solves as many, once there are enough.
    if (count > 0) count = std::max(count - std::ptrdiff_t(download.rows), std::ptrdiff_t{1});
    return static_cast<std::uint8_t>(std::min<std::ptrdiff_t>(count, UINT8_MAX));
}

/// All who hear it can answer, and use the answer. An announcement that was false leads nowhere.
bool BlockDownload::is_shared(const Download& download) {
    return download.tries < shared_tries && missing(download) <= shared_missing_max &&
           (download.announced || !download.header);
}

bool BlockDownload::take_part(Download& download, const wire::Hash& hash,
                              const wire::BlockResponse& response) const {
    if (!download.header) {
        if (header_hash_(response.header) != hash || response.total > transactions_max_) {
            return false;
        }
        download.header = response.header;
        download.transactions.resize(response.total);
    }
    if (download.announced && response.total != download.transactions.size() &&
        response.total <= transactions_max_) {
        // Whoever relayed the announcement may have changed its ids: all of them are fetched.
        download.transactions.assign(response.total, std::nullopt);
        download.announced = false;
    }
    const std::size_t end = std::size_t{response.first} + response.transactions.size();
    if (response.total != download.transactions.size() || end > download.transactions.size()) {
        return false;
    }
    std::ranges::copy(response.transactions, download.transactions.begin() + response.first);
    return end > response.first || download.transactions.empty();
}

std::optional<CompleteBlock> BlockDownload::handle_response(const crypto::PublicKey& from,
                                                            const wire::BlockResponse& response) {
    const auto found = downloads_.find(response.block);
    if (found == downloads_.end()) return std::nullopt;
    Download& download = found->second;
    // On the air anybody may be heard answering: whoever is not said to have it is not believed.
    if (patience_(from) > usual_patience &&
        std::ranges::find(download.sources, from) == download.sources.end()) {
        return std::nullopt;
    }
    if (!take_part(download, response.block, response)) {
        if (!may_lag_ || header_hash_(response.header)) failures_.push_back(from);
        if (is_asked(download, from) && !pass_over(download)) downloads_.erase(found);
        return std::nullopt;
    }
    download.asked = false;
    download.tries = 0;
    if (first_missing(download)) return std::nullopt;

    return finish(found, std::move(download.transactions), from);
}

CompleteBlock BlockDownload::finish(Downloads::iterator at, Transactions transactions,
                                    const crypto::PublicKey& from) {
    CompleteBlock complete{at->first, {.header = *at->second.header, .transactions = {}}, from};
    for (auto& transaction : transactions) {
        complete.block.transactions.push_back(*std::move(transaction));
    }
    downloads_.erase(at);
    return complete;
}

void BlockDownload::handle_not_found(const crypto::PublicKey& from, const wire::Hash& hash) {
    const auto found = downloads_.find(hash);
    if (found == downloads_.end()) return;
    if (!is_asked(found->second, from)) return;
    // Having lost the block to a reorganisation is no fault, so nobody is reported.
    if (!pass_over(found->second)) downloads_.erase(found);
}

/// Only who was asked can answer no: nobody else's word ends a download.
bool BlockDownload::is_asked(const Download& download, const crypto::PublicKey& peer) {
    return download.asked && download.sources[download.source] == peer;
}

bool BlockDownload::pass_over(Download& download) {
    download.asked = false;
    download.ask_at = {};
    download.source = (download.source + 1) % download.sources.size();
    return ++download.tries < tries_max;
}

void BlockDownload::handle_timeout(base::Instant now) {
    for (auto entry = downloads_.begin(); entry != downloads_.end();) {
        Download& download = entry->second;
        const bool late = download.asked && download.deadline <= now;
        if (late && download.tries > 0) failures_.push_back(download.sources[download.source]);
        entry = late && !pass_over(download) ? downloads_.erase(entry) : std::next(entry);
    }
}

std::size_t BlockDownload::in_flight() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(downloads_, [](const auto& entry) { return entry.second.asked; }));
}

bool BlockDownload::has_slow_room() const {
    const auto slow = std::ranges::count_if(downloads_, [&](const auto& entry) {
        return entry.second.asked && patience_of(entry.second) > usual_patience;
    });
    return static_cast<std::size_t>(slow) < slow_in_flight_max &&
           in_flight() < requests_in_flight_max;
}

/// Rows are said before anybody asks, so what is lacking may come without a question.
base::Instant BlockDownload::first_turn(base::Instant now, const Download& download) {
    const base::Duration patience = patience_of(download);
    if (!is_shared(download)) return now + patience / 4 + random_.between({}, patience / 2);
    if (turn_ == base::Duration{}) return now + patience / 64 + random_.between({}, patience / 8);
    return now + turn_ / 2 + random_.between({}, turn_);
}

base::Duration BlockDownload::answer_time(const Download& download) const {
    return turn_ == base::Duration{} ? patience_of(download) / 4 : 2 * turn_;
}

std::optional<DownloadRequest> BlockDownload::poll_request(base::Instant now) {
    std::erase_if(order_, [&](const wire::Hash& hash) { return !downloads_.contains(hash); });
    if (in_flight() >= requests_in_flight_max) return std::nullopt;
    for (const wire::Hash& hash : order_) {
        Download& download = downloads_.at(hash);
        if (download.asked) continue;
        const crypto::PublicKey& source = download.sources[download.source];
        const base::Duration patience = patience_of(download);
        const bool slow_one = patience > usual_patience;
        if (slow_one && download.ask_at == base::Instant{}) {
            download.ask_at = first_turn(now, download);
        }
        if (slow_one && (now < download.ask_at || !has_slow_room())) continue;
        download.asked = true;
        download.has_yielded = false;
        download.put_off = 0;
        const bool shared = slow_one && is_shared(download);
        if (!shared) {
            download.deadline = now + patience;
            return DownloadRequest{source, {hash, first_wanted(download)}};
        }
        download.deadline = now + answer_time(download);
        // The short form of a block whose parent is not here either was of no use.
        const bool is_again = !download.header && download.tries > 0;
        const std::uint8_t lacking = is_again ? wire::BlockWish::whole : missing(download);
        return DownloadRequest{std::nullopt, {hash, 0}, lacking};
    }
    return std::nullopt;
}

/// What a peer has given is not always in the mempool.
void BlockDownload::add_known(Download& download, Transactions transactions) {
    const std::size_t count = std::min(transactions.size(), download.transactions.size());
    for (std::size_t i = 0; i < count; ++i) {
        if (!download.transactions[i]) download.transactions[i] = std::move(transactions[i]);
    }
}

std::optional<CompleteBlock> BlockDownload::fill(const wire::Hash& hash, Transactions transactions,
                                                 const std::optional<wire::Hash>& root) {
    const auto found = downloads_.find(hash);
    if (found == downloads_.end() || !found->second.header) return std::nullopt;
    Download& download = found->second;
    if (download.header->transaction_root != root) {
        if (!root && download.announced) add_known(download, std::move(transactions));
        return std::nullopt;
    }
    const crypto::PublicKey from = download.sources[download.source];
    return finish(found, std::move(transactions), from);
}

void BlockDownload::note_asked(base::Instant now, const wire::BlockRequest& request) {
    const auto found = downloads_.find(request.block);
    if (found == downloads_.end() || request.first > first_wanted(found->second)) return;
    yield(now, found->second);
}

void BlockDownload::note_asked(base::Instant now, const wire::BlockWish& wish) {
    for (auto& [hash, download] : downloads_) {
        if (wire::name_of(hash) != wish.block) continue;
        const bool is_same = wish.is_for_announcement() == !download.header;
        if (is_same && wish.missing >= missing(download)) yield(now, download);
    }
}

void BlockDownload::yield(base::Instant now, Download& download) {
    const bool is_slow = patience_of(download) > usual_patience;
    if (download.asked || download.has_yielded || !is_slow) return;
    download.has_yielded = true;
    const base::Duration answered = answer_time(download);
    download.ask_at = std::max(download.ask_at, now + answered + random_.between({}, answered));
}

void BlockDownload::note_row(base::Instant now, const wire::Hash& hash, std::size_t rows) {
    const auto found = downloads_.find(hash);
    if (found == downloads_.end()) return;
    Download& download = found->second;
    // Rows are unsigned: what brings nothing, and what comes without end, puts nothing off.
    const bool is_more = rows > download.rows;
    download.rows = rows;
    if (!is_more || download.put_off == put_off_max) return;
    if (turn_ == base::Duration{} || download.ask_at == base::Instant{}) return;
    ++download.put_off;
    const base::Instant later = now + turn_ / 2 + random_.between({}, turn_ / 2);
    download.ask_at = std::max(download.ask_at, later);
    if (download.asked && is_shared(download)) {
        download.deadline = std::max(download.deadline, later);
    }
}

base::Instant BlockDownload::poll_timeout() const {
    base::Instant earliest = base::never;
    base::Instant ask_at = base::never;
    for (const auto& [hash, download] : downloads_) {
        if (download.asked) {
            earliest = std::min(earliest, download.deadline);
        } else if (download.ask_at != base::Instant{}) {
            ask_at = std::min(ask_at, download.ask_at);
        }
    }
    return ask_at != base::never && has_slow_room() ? std::min(earliest, ask_at) : earliest;
}

std::optional<crypto::PublicKey> BlockDownload::poll_failure() {
    if (failures_.empty()) return std::nullopt;
    const crypto::PublicKey peer = failures_.front();
    failures_.pop_front();
    return peer;
}

}  // namespace meshchain::chain
