#pragma once
// What a node says about itself (node/views.h), as the API answers it.
//
// Format: docs/formats/api.md

#include "host/json.h"
#include "node/health.h"
#include "node/views.h"

namespace meshchain::host {

Json to_json(const node::StatusView& status);
Json to_json(const node::HealthView& health);
Json to_json(const node::PeerView& peer);
Json to_json(const node::TopologyView& topology);
Json to_json(const node::ProbeView& probe);
Json to_json(const node::ValidatorView& validator);
Json to_json(const node::StakesView& stakes);
Json to_json(const node::BlockView& block);
Json to_json(const node::TransactionView& transaction);
Json to_json(const node::MempoolView& mempool);
Json to_json(const node::PaymentView& payment);

}  // namespace meshchain::host
