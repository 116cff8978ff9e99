// What strangers send to the API: bytes become requests, targets, routes and JSON. The requests
// must not depend on how the bytes were cut on their way; the first byte says how.

#include "base/assert.h"
#include "host/api_request.h"
#include "host/http_reader.h"

namespace meshchain::host {
namespace {

constexpr HttpReader::Limits limits{.header_bytes_max = 512, .body_bytes_max = 256};

HttpRouter all_routes() {
    HttpRouter router;
    for (const auto routes :
         {node_routes(), chain_routes(), network_routes(), transaction_routes(), wallet_routes()}) {
        for (const ApiRoute& route : routes) {
            router.add({.method = std::string(route.method),
                        .pattern = std::string(route.path),
                        .handler = {}});
        }
    }
    return router;
}

void read_target(const HttpRouter& router, std::string_view method, std::string_view text) {
    const auto target = parse_target(text);
    if (!target) return;
    MESH_ASSERT(target->path.starts_with('/') && !target->path.contains('\0'));
    MESH_ASSERT(!target->path.contains("/../") && !target->path.contains("//"));
    if (const auto match = router.find(method, target->path)) {
        for (const std::string& parameter : match->parameters) MESH_ASSERT(!parameter.empty());
    }
    HttpRequest request;
    request.query = target->query;
    static_cast<void>(check_query(request, {"from", "count"}));
    static_cast<void>(query_number(request, "count", 10, 100));
}

/// Every request that was read, as one text.
std::string read_all(const HttpRouter& router, std::string_view bytes, std::size_t piece) {
    HttpReader reader(limits);
    std::string found;
    while (true) {
        switch (reader.step()) {
            case HttpReader::Step::more: {
                if (bytes.empty()) return found;
                const auto space = reader.space();
                const std::size_t count = std::min({piece, bytes.size(), space.size()});
                MESH_ASSERT(count > 0);
                std::copy_n(bytes.data(), count, space.data());
                reader.received(count);
                bytes.remove_prefix(count);
                break;
            }
            case HttpReader::Step::header:
                found += std::string(reader.method()) + " " + std::string(reader.target()) + "\n";
                read_target(router, reader.method(), reader.target());
                if (!reader.limit_body(limits.body_bytes_max)) return found;
                break;
            case HttpReader::Step::request: {
                const WipingString body = reader.take();
                MESH_ASSERT(body.size() <= limits.body_bytes_max);
                static_cast<void>(parse_json(body, "fuzz"));
                found += std::string(body) + "\n";
                break;
            }
            case HttpReader::Step::failed:
                MESH_ASSERT(reader.failure().status >= 400);
                return found;
        }
    }
}

}  // namespace
}  // namespace meshchain::host

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain::host;
    if (size == 0) return 0;
    const HttpRouter router = all_routes();
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    // What is wrong with a header may be noticed sooner or later, but never makes a request.
    const std::string whole = read_all(router, bytes, limits.header_bytes_max);
    MESH_ASSERT(read_all(router, bytes, 1 + data[0] % 64U) == whole);
    return 0;
}
