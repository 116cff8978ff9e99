#include "chain/light_proofs.h"

#include <algorithm>

#include "consensus/certificate.h"

namespace meshchain::chain {

void LightProofs::forget_peer(const crypto::PublicKey& peer) {
    peers_.erase(peer);
    for (auto& [txid, job] : jobs_) {
        if (job.asked == peer) job.asked.reset();
    }
}

std::expected<LightProofs::Progress, base::Error> LightProofs::prove(base::Instant now,
                                                                     const wire::Txid& txid) {
    auto found = jobs_.find(txid);
    if (found != jobs_.end() && found->second.state == State::unknown &&
        now >= found->second.started + ask_again) {
        jobs_.erase(found);
        found = jobs_.end();
    }
    if (found == jobs_.end()) {
        while (jobs_.size() >= jobs_max) {
            const auto finished = std::ranges::find_if(
                jobs_, [](const auto& item) { return item.second.state != State::working; });
            if (finished == jobs_.end()) {
                return base::failure(base::Errc::full,
                                     std::to_string(jobs_max) + " proofs are being fetched",
                                     "transaction proof", "ask again when one of them is done");
            }
            jobs_.erase(finished);
        }
        found = jobs_.try_emplace(txid).first;
        found->second.started = now;
    }
    const Job& job = found->second;
    Progress progress{job.state, job.headers.size(), 0, job.proof ? &*job.proof : nullptr};
    if (job.inclusion && !job.headers.empty()) {
        progress.headers_total = job.headers.back().height.value - job.inclusion->height.value + 1;
    }
    return progress;
}

const TransactionProof* LightProofs::find(const wire::Txid& txid) const {
    const auto found = jobs_.find(txid);
    return found != jobs_.end() && found->second.proof ? &*found->second.proof : nullptr;
}

std::optional<FinalFollower::Query> LightProofs::poll_request(
    base::Instant now, const std::optional<ProvenFinal>& final) {
    for (auto& [txid, job] : jobs_) {
        if (job.state != State::working || peers_.empty()) continue;
        if (job.asked && now >= job.deadline) fail_once(job);
        if (job.state != State::working || job.asked || now < job.deadline) continue;
        auto query = request_of(txid, job, final);
        if (!query) {
            job.deadline = now + request_timeout;  // until FINAL is as high here as there
            continue;
        }
        job.asked = query->to;
        job.deadline = now + request_timeout;
        return query;
    }
    return std::nullopt;
}

base::Instant LightProofs::poll_timeout() const {
    base::Instant next = base::never;
    if (peers_.empty()) return next;
    for (const auto& [txid, job] : jobs_) {
        if (job.state == State::working) next = std::min(next, job.deadline);
    }
    return next;
}

std::optional<FinalFollower::Query> LightProofs::request_of(
    const wire::Txid& txid, Job& job, const std::optional<ProvenFinal>& final) {
    const auto peer = *std::next(peers_.begin(), std::ptrdiff_t(random_.below(peers_.size())));
    if (!job.inclusion) return FinalFollower::Query{peer, wire::InclusionRequest{txid}};
    if (!job.final) {
        if (!final || final->height() < job.inclusion->height) return std::nullopt;
        if (final->height().value - job.inclusion->height.value >= TransactionProof::headers_max) {
            job.state = State::unknown;
            return std::nullopt;
        }
        job.final = final->certificate;
        job.headers.assign(1, final->header);
        if (final->height() == job.inclusion->height) {
            conclude(job);
            return std::nullopt;
        }
    }
    const std::uint32_t below = job.headers.front().height.value - job.inclusion->height.value;
    const std::uint32_t count =
        std::min<std::uint32_t>(below, static_cast<std::uint32_t>(wire::header_page_max));
    return FinalFollower::Query{peer,
                                wire::HeaderPageRequest{{job.headers.front().height.value - count},
                                                        static_cast<std::uint8_t>(count)}};
}

void LightProofs::fail_once(Job& job) {
    job.asked.reset();
    job.deadline = {};
    if (++job.tries >= tries_max) job.state = State::unknown;
}

void LightProofs::blame(Job& job, const crypto::PublicKey& peer) {
    faults_.push_back(peer);
    fail_once(job);
}

void LightProofs::handle_inclusion(const crypto::PublicKey& from,
                                   const wire::InclusionResponse& response) {
    const wire::Txid txid = wire::txid(chain_, response.transaction.body);
    const auto found = jobs_.find(txid);
    if (found == jobs_.end()) return;
    Job& job = found->second;
    if (job.asked != from || job.inclusion || job.state != State::working) return;
    if (response.height == wire::Height{}) return blame(job, from);
    job.inclusion = response;
    job.giver = from;
    job.asked.reset();
    job.deadline = {};
    job.tries = 0;
}

void LightProofs::handle_headers(const crypto::PublicKey& from,
                                 const wire::HeaderPageResponse& response) {
    for (auto& [txid, job] : jobs_) {
        if (job.asked != from || !job.final || job.state != State::working) continue;
        const std::uint32_t top = job.headers.front().height.value;
        if (response.from.value + response.headers.size() != top) continue;
        if (!take_headers(job, response)) return blame(job, from);
        job.asked.reset();
        job.deadline = {};
        job.tries = 0;
        if (job.headers.front().height == job.inclusion->height) conclude(job);
        return;
    }
}

/// Nothing of a page is taken unless all of it hangs together.
bool LightProofs::take_headers(Job& job, const wire::HeaderPageResponse& response) {
    if (response.headers.empty() || response.from < job.inclusion->height) return false;
    wire::Hash expected = job.headers.front().parent;
    for (auto header = response.headers.rbegin(); header != response.headers.rend(); ++header) {
        if (name_of(chain_, *validators_, *header) != expected) return false;
        expected = header->parent;
    }
    job.headers.insert(job.headers.begin(), response.headers.begin(), response.headers.end());
    return true;
}

void LightProofs::conclude(Job& job) {
    if (!is_included(chain_, *job.inclusion, job.headers.front())) {
        job.inclusion.reset();
        job.final.reset();
        job.headers.clear();
        return blame(job, job.giver);
    }
    // It was verified when it came.
    auto votes = consensus::aggregate(chain_, *validators_, *job.final);
    MESH_ASSERT(votes.has_value());
    job.proof = TransactionProof{
        chain_, *job.inclusion, {job.headers.begin(), job.headers.end()}, *std::move(votes)};
    job.state = State::proven;
}

void LightProofs::handle_unavailable(const crypto::PublicKey& from, const wire::Hash& subject) {
    const auto found = jobs_.find({subject});
    if (found != jobs_.end() && found->second.asked == from) fail_once(found->second);
}

std::optional<crypto::PublicKey> LightProofs::poll_fault() {
    if (faults_.empty()) return std::nullopt;
    const crypto::PublicKey peer = faults_.front();
    faults_.pop_front();
    return peer;
}

}  // namespace meshchain::chain
