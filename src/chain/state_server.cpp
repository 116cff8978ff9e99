#include "chain/state_server.h"

#include <algorithm>

#include "base/assert.h"
#include "chain/transaction_proof.h"

namespace meshchain::chain {
namespace {

constexpr int page_work = wire::state_coins_max;
/// The ids of a whole block are hashed.
constexpr int block_work = 32;
/// A coin costs about a read.
constexpr std::size_t coins_undone_at_once = RequestTurns<wire::StateRequest>::work_max;

}  // namespace

std::vector<wire::NewestFinalResponse> final_responses(const wire::BlockHeader& header,
                                                       const wire::Certificate& certificate) {
    std::vector<wire::NewestFinalResponse> parts;
    for (const wire::Vote& vote : certificate.votes) {
        if (parts.empty() || parts.back().votes.size() == wire::final_votes_max) {
            parts.push_back({header, {}});
        }
        parts.back().votes.push_back(vote);
    }
    return parts;
}

wire::Verdict StateServer::handle(base::Now, const wire::Ingress& from, wire::MessageType type,
                                  base::Bytes payload) {
    if (type != wire::MessageType::state_request) return wire::Verdict::ignore;
    const auto request = wire::parse_state_request(payload);
    if (!request) return wire::Verdict::punish;
    turns_.add(from.peer, *request);
    return wire::Verdict::keep;
}

void StateServer::stop(base::Now) {
    views_.clear();
    turns_.clear();
    outgoing_.clear();
}

void StateServer::forget_peer(const crypto::PublicKey& peer) {
    turns_.forget(peer);
    for (Open& open : views_) open.holders.erase(peer);
}

void StateServer::handle_timeout(base::Now now) {
    turns_.renew();
    std::erase_if(views_, [&](const Open& open) { return open.ends() <= now.instant; });
}

base::Instant StateServer::poll_timeout(base::Now now) const {
    if (turns_.is_held_back()) return now.instant;
    base::Instant next = base::never;
    for (const Open& open : views_) next = std::min(next, open.ends());
    return std::max(next, now.instant);
}

std::optional<wire::Outgoing> StateServer::poll_frame(base::Now now) {
    now_ = now.instant;
    while (outgoing_.empty()) {
        const auto turn = turns_.next();
        if (!turn) return std::nullopt;
        asking_ = turn->first;
        std::visit([this](const auto& kind) { answer(kind); }, turn->second);
    }
    wire::Outgoing frame = std::move(outgoing_.front());
    outgoing_.pop_front();
    return frame;
}

void StateServer::send(const wire::StateResponse& response) {
    MESH_ASSERT(outgoing_.size() < outgoing_max);
    outgoing_.push_back(
        {wire::MessageType::state_response, asking_, std::nullopt, wire::encode(response)});
}

void StateServer::send_unavailable(const wire::Hash& subject) {
    send(wire::UnavailableResponse{subject});
}

void StateServer::answer(const wire::NewestFinalRequest& request) {
    const auto& certificate = chain_->engine().certificate();
    if (!certificate || chain_->final_height() <= request.above) return;
    const auto stored = chain_->store().block(certificate->final.block);
    if (!stored || !*stored) return;
    for (const auto& part : final_responses((*stored)->block.header, *certificate)) send(part);
}

void StateServer::answer(const wire::HeaderPageRequest& request) {
    wire::HeaderPageResponse response{request.from, {}};
    turns_.spend(2 * request.count);
    for (std::uint32_t i = 0; i < request.count; ++i) {
        const auto hash = chain_->store().hash_at({request.from.value + i});
        if (!hash || !*hash) break;
        const auto stored = chain_->store().block(**hash);
        if (!stored || !*stored) break;
        response.headers.push_back((*stored)->block.header);
    }
    send(std::move(response));
}

void StateServer::answer(const wire::StatePageRequest& request) {
    Open* open = whole_view_for(request);
    if (open == nullptr) return;
    turns_.spend(page_work);
    const auto page = open->view->page(request);
    if (!page) return send_unavailable(request.block);
    send(*page);
}

void StateServer::answer(const wire::RangeHashRequest& request) {
    Open* open = whole_view_for(request);
    if (open == nullptr) return;
    auto& known = open->hashes.at(request.range);
    if (!known) {
        turns_.spend(RequestTurns<wire::StateRequest>::work_max);  // a whole range is read
        const auto hash = open->view->range_hash(request.range);
        if (!hash) return send_unavailable(request.block);
        known = *hash;
    }
    send(wire::RangeHashResponse{request.block, request.range, *known});
}

void StateServer::answer(const wire::InclusionRequest& request) {
    turns_.spend(block_work);
    const auto found = find_inclusion(chain_->store(), request.txid);
    if (!found || !*found || (*found)->height > chain_->final_height()) {
        return send_unavailable(request.txid.hash);
    }
    send(**found);
}

/// A final block commits to the state after its parent, which must be held here.
std::optional<wire::Height> StateServer::height_to_open(const wire::Hash& block) const {
    const ChainStore& store = chain_->store();
    const auto stored = store.block(block);
    if (!stored || !*stored) return std::nullopt;
    const wire::Height height = (*stored)->block.header.height;
    if (height > chain_->final_height()) return std::nullopt;
    return wire::Height{height.value - 1};
}

/// Each peer has its share of openings, and all together theirs.
bool StateServer::may_open() {
    while (!opened_.empty() && opened_.front().second + peer_open_interval <= now_) {
        opened_.pop_front();
    }
    if (!opened_.empty() && now_ < opened_.back().second + open_interval) return false;
    return std::ranges::none_of(opened_, [&](const auto& one) { return one.first == asking_; });
}

/// The state whose last holder asked longest ago, unless somebody else still reads it.
bool StateServer::make_room() {
    if (views_.size() < views_max) return true;
    const auto held_at = [&](const Open& open) {
        base::Instant last{};
        for (const auto& [peer, asked] : open.holders) {
            if (peer != asking_) last = std::max(last, asked);
        }
        return last;
    };
    const auto idle = std::ranges::min_element(views_, {}, held_at);
    if (now_ - held_at(*idle) < open_interval) return false;
    views_.erase(idle);
    return true;
}

void StateServer::hold(Open& open) {
    for (Open& each : views_) each.holders.erase(asking_);
    open.holders[asking_] = open.used = now_;
}

StateServer::Open* StateServer::open_view(const wire::Hash& block) {
    const auto height = height_to_open(block);
    if (!height || !may_open() || !make_room()) return nullptr;
    opened_.emplace_back(asking_, now_);
    auto view = StateView::begin(*store_, chain_->store(), *height);
    if (!view) return nullptr;
    views_.push_back({block, *std::move(view), now_, now_});
    return &views_.back();
}

StateServer::Open* StateServer::view_of(const wire::Hash& block) {
    std::erase_if(views_, [&](const Open& open) { return open.ends() <= now_; });
    const auto found = std::ranges::find(views_, block, &Open::block);
    Open* open = found != views_.end() ? &*found : open_view(block);
    if (open != nullptr) hold(*open);
    return open;
}

template <class Request>
StateServer::Open* StateServer::whole_view_for(const Request& request) {
    Open* open = view_of(request.block);
    if (open != nullptr && !open->view->is_whole()) {
        const auto undone = open->view->undo(chain_->store(), coins_undone_at_once);
        if (undone) {
            turns_.spend(static_cast<int>(*undone));
            turns_.put_back(asking_, request);
            return nullptr;
        }
        std::erase_if(views_, [&](const Open& each) { return &each == open; });
        open = nullptr;
    }
    if (open == nullptr) send_unavailable(request.block);
    return open;
}

}  // namespace meshchain::chain
