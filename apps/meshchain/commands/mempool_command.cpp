// mempool: what waits for a block, and what it offers.

#include <algorithm>
#include <bit>
#include <map>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"

namespace meshchain::app {
namespace {

using host::Json;

/// Units per 1,000 bytes: whole numbers that can be compared.
std::uint64_t fee_rate(const Json& entry) {
    const auto bytes = entry.at("bytes").get<std::uint64_t>();
    return bytes == 0 ? 0 : entry.at("fee").get<std::uint64_t>() * 1000 / bytes;
}

struct RateBand {
    std::uint64_t transactions = 0;
    std::uint64_t bytes = 0;
    std::uint64_t fees = 0;
};

/// Bands that double: 0, 1, 2-3, 4-7, …
std::map<std::uint64_t, RateBand> bands_of(const Json& entries) {
    std::map<std::uint64_t, RateBand> bands;
    for (const Json& entry : entries) {
        const std::uint64_t rate = fee_rate(entry);
        RateBand& band = bands[rate == 0 ? 0 : std::bit_floor(rate)];
        ++band.transactions;
        band.bytes += entry.at("bytes").get<std::uint64_t>();
        band.fees += entry.at("fee").get<std::uint64_t>();
    }
    return bands;
}

std::string text_of(const Json& mempool, const Json& bands) {
    const Json& entries = mempool.at("entries");
    std::string text = host::to_line(mempool.at("transactions")) + " transactions, " +
                       host::to_line(mempool.at("bytes")) + " bytes\n";
    if (entries.empty()) return text;
    std::vector<std::vector<std::string>> rows{{"UNITS PER kB", "TRANSACTIONS", "BYTES", "FEES"}};
    for (const Json& band : bands) {
        rows.push_back({"from " + host::to_line(band.at("fee_rate_from")),
                        host::to_line(band.at("transactions")), host::to_line(band.at("bytes")),
                        host::to_line(band.at("fees"))});
    }
    text += "\n" + table(rows) + "\n";
    rows = {{"UNITS PER kB", "FEE", "BYTES", "TXID"}};
    for (const Json& entry : entries) {
        rows.push_back({std::to_string(fee_rate(entry)), host::to_line(entry.at("fee")),
                        host::to_line(entry.at("bytes")), entry.at("txid").get<std::string>()});
    }
    text += table(rows);
    if (entries.size() < mempool.at("transactions").get<std::size_t>()) {
        text +=
            "Only the " + std::to_string(entries.size()) + " best are listed and counted above.";
    }
    return text;
}

std::expected<Output, base::Error> mempool(const Context& context) {
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Json json, client.get("/v1/mempool"));
    Json bands = Json::array();
    const auto found = bands_of(json.at("entries"));
    for (auto band = found.rbegin(); band != found.rend(); ++band) {
        bands.push_back({{"fee_rate_from", band->first},
                         {"transactions", band->second.transactions},
                         {"bytes", band->second.bytes},
                         {"fees", band->second.fees}});
    }
    json["bands"] = bands;
    std::string text = text_of(json, bands);
    return output(std::move(json), std::move(text));
}

}  // namespace

Command mempool_command(const Context& context) {
    return {.name = "mempool",
            .summary = "What waits for a block, by what it offers for its bytes",
            .examples = "Example:\n  meshchain mempool --data alice",
            .run = [&context] { return mempool(context); }};
}

}  // namespace meshchain::app
