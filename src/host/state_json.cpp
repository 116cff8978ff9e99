#include "host/state_json.h"

#include "crypto/identity.h"
#include "host/json_document.h"
#include "host/wire_json.h"
#include "wallet/address.h"

namespace meshchain::host {
namespace {

template <class T>
std::string hex(const T& value) {
    return crypto::to_hex(value);
}

Json place(const wire::Hash& block, std::uint8_t range) {
    return {{"block", hex(block)}, {"range", range}};
}

struct RequestVisitor {
    Json operator()(const wire::NewestFinalRequest& r) const {
        return {{"kind", "newest_final"}, {"above", r.above.value}};
    }
    Json operator()(const wire::HeaderPageRequest& r) const {
        return {{"kind", "headers"}, {"from", r.from.value}, {"count", r.count}};
    }
    Json operator()(const wire::StatePageRequest& r) const {
        Json json = place(r.block, r.range);
        json["kind"] = "page";
        if (r.after) json["after"] = to_text(*r.after);
        return json;
    }
    Json operator()(const wire::RangeHashRequest& r) const {
        Json json = place(r.block, r.range);
        json["kind"] = "range_hash";
        return json;
    }
    Json operator()(const wire::InclusionRequest& r) const {
        return {{"kind", "inclusion"}, {"txid", hex(r.txid.hash)}};
    }
};

struct ResponseVisitor {
    Json operator()(const wire::NewestFinalResponse& r) const {
        Json votes = Json::array();
        for (const wire::Vote& vote : r.votes) votes.push_back(to_json(vote));
        return {{"kind", "newest_final"},
                {"height", r.header.height.value},
                {"votes", std::move(votes)}};
    }
    Json operator()(const wire::HeaderPageResponse& r) const {
        return {{"kind", "headers"}, {"from", r.from.value}, {"count", r.headers.size()}};
    }
    Json operator()(const wire::StatePage& r) const {
        Json json = place(r.block, r.range);
        json["kind"] = "page";
        json["last"] = r.last;
        json["coins"] = Json::array();
        for (const wire::StateCoin& coin : r.coins) {
            json["coins"].push_back({{"outpoint", to_text(coin.outpoint)},
                                     {"owner", wallet::encode_address(coin.output.owner)},
                                     {"amount", coin.output.amount.units}});
        }
        json["fees"] = Json::array();
        for (const wire::StateFees& fees : r.fees) {
            json["fees"].push_back(
                {{"validator", fees.validator.value}, {"amount", fees.amount.units}});
        }
        return json;
    }
    Json operator()(const wire::RangeHashResponse& r) const {
        Json json = place(r.block, r.range);
        json["kind"] = "range_hash";
        json["hash"] = hex(r.hash);
        return json;
    }
    Json operator()(const wire::InclusionResponse& r) const {
        Json branch = Json::array();
        for (const wire::Hash& sibling : r.branch) branch.push_back(hex(sibling));
        return {{"kind", "inclusion"},
                {"height", r.height.value},
                {"index", r.index},
                {"count", r.count},
                {"bytes", base::to_hex(wire::encode(wire::WireTransaction(r.transaction)))},
                {"branch", std::move(branch)}};
    }
    Json operator()(const wire::UnavailableResponse& r) const {
        return {{"kind", "unavailable"}, {"subject", hex(r.subject)}};
    }
};

}  // namespace

Json to_json(const wire::StateRequest& request) { return std::visit(RequestVisitor{}, request); }
Json to_json(const wire::StateResponse& response) {
    return std::visit(ResponseVisitor{}, response);
}

}  // namespace meshchain::host
