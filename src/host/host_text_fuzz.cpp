// Every text that people and programs hand to the host: the first byte picks the reader. What one
// of them accepts must also survive being written and read again.

#include "base/assert.h"
#include "host/config_json.h"
#include "host/genesis_json.h"
#include "host/http.h"
#include "host/json_document.h"
#include "host/time_text.h"
#include "host/wire_json.h"

namespace meshchain::host {
namespace {

void read_config(std::string_view text) {
    const auto config = parse_config(text, "fuzz");
    if (!config) return;
    const auto again = parse_config(to_line(to_json(*config)), "fuzz");
    MESH_ASSERT(again && *again == *config);
}

void read_genesis(std::string_view text) {
    const auto genesis = parse_genesis_json(text, "fuzz");
    if (!genesis) return;
    const auto again = parse_genesis_json(to_line(to_json(*genesis)), "fuzz");
    MESH_ASSERT(again && *again == *genesis);
}

void read_target(std::string_view text) {
    const auto target = parse_target(text);
    if (!target) return;
    std::vector<std::string> parameters;
    if (matches("/v1/blocks/{}", target->path, parameters)) {
        MESH_ASSERT(parameters.size() == 1 && !parameters.front().empty());
    }
}

void read_small(std::string_view text) {
    if (const auto time = parse_iso(text)) MESH_ASSERT(*parse_iso(to_iso(*time)) == *time);
    if (const auto outpoint = parse_outpoint(text)) {
        MESH_ASSERT(*parse_outpoint(to_text(*outpoint)) == *outpoint);
    }
    static_cast<void>(is_loopback_host(text));
    static_cast<void>(parse_owner(text));
    static_cast<void>(parse_validator_json(text, "fuzz"));
    static_cast<void>(parse_error_response({500, std::string(text)}));
}

}  // namespace
}  // namespace meshchain::host

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain::host;
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
        case 0: read_config(text); break;
        case 1: read_genesis(text); break;
        case 2: read_target(text); break;
        default: read_small(text); break;
    }
    return 0;
}
