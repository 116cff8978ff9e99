#include "meshchain/payment_follow.h"

#include <charconv>
#include <thread>

#include "host/time_text.h"
#include "meshchain/air_wait_text.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;

std::string describe(const Json& transaction) {
    std::string certainty = transaction.at("certainty");
    if (certainty != "LIVE") return certainty;
    return certainty + " (" + host::to_line(transaction.at("live_percent")) + " % of the stake)";
}

}  // namespace

std::expected<Json, base::Error> fee_json(const std::string& text) {
    if (text.empty()) return Json();
    if (text == "low" || text == "normal" || text == "high") return Json(text);
    std::uint64_t units = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, units);
    if (parsed.ec == std::errc{} && parsed.ptr == end) return Json(units);
    return base::failure(base::Errc::invalid_argument, "'" + text.substr(0, 40) + "' is no fee",
                         "--fee", "allowed: low, normal, high, or a number of units");
}

std::expected<void, base::Error> follow_payment(const Context& context,
                                                const host::ApiClient& client, Json& json,
                                                std::chrono::seconds timeout) {
    const std::string txid = json.at("txid");
    const auto start = std::chrono::steady_clock::now();
    tell_air_wait(context, json);
    Progress progress(context.json);
    while (true) {
        auto asked = client.get("/v1/transactions/" + txid);
        if (!asked) {
            asked.error().advice = "the payment " + txid + " was sent; " + asked.error().advice;
            return std::unexpected(asked.error());
        }
        const std::string certainty = asked->at("certainty");
        const auto elapsed = std::chrono::steady_clock::now() - start;
        const std::string line = describe(*asked);
        progress.show(line + ", " + host::span_text(elapsed));
        json["certainty"] = certainty;
        if (certainty == "FINAL") return {};
        if (certainty == "EXPIRED") {
            return base::failure(base::Errc::stale, "the payment expired", txid,
                                 "send it again: `meshchain wallet reissue " + txid + "`");
        }
        if (elapsed > timeout) {
            return base::failure(base::Errc::timeout, "the payment is only " + line + " so far",
                                 txid, "ask again with `meshchain tx " + txid + "`");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

}  // namespace meshchain::app
