#pragma once
// Records as the API answers them.
//
// Format: docs/formats/api.md

#include "host/json.h"
#include "records/record_service.h"

namespace meshchain::host {

Json to_json(const records::AlertView& alert);
Json to_json(const records::StateView& state);
Json to_json(const records::RegistryHit& hit);
Json to_json(const records::OwnershipHistory& history);
Json to_json(const records::SearchView& search);
Json to_json(const records::RecordsView& view);

}  // namespace meshchain::host
