#pragma once
// What a node counts, for Prometheus: text format 0.0.4, names by its conventions (base units,
// _total for what only grows). Nothing of the wallet: whoever watches a node need not know what
// its owner has.
//
// Format: docs/formats/api.md

#include <string>

#include "host/event_stream.h"
#include "host/http_server.h"
#include "host/radio_links.h"
#include "mesh/stats.h"
#include "node/views.h"

namespace meshchain::host {

inline constexpr char metrics_content_type[] = "text/plain; version=0.0.4; charset=utf-8";

/// This process as the system sees it.
struct ProcessUse {
    std::uint64_t resident_bytes = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t open_descriptors = 0;
    double processor_seconds = 0;
};
ProcessUse process_use();

std::string metrics_text(const node::StatusView& status, const mesh::Stats& traffic,
                         const RadioLinks& radios, base::Instant now, const HttpStats& api,
                         const EventStream& events, const ProcessUse& process);

}  // namespace meshchain::host
