#include "meshchain/air_wait_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "host/json_document.h"
#include "host/time_text.h"

namespace meshchain::app {
namespace {

struct Reason {
    std::string_view name;
    std::string_view text;
};
constexpr Reason reasons[] = {
    {"pace", "its airtime is paced over the hour"},
    {"hour", "the hour's airtime is used up"},
    {"channel", "others use the channel too much"},
    {"paused", "it is paused; `meshchain radio resume` lets it speak"},
    {"too_long", "this is too long for it, however long it waits"},
    {"listen_only", "it only listens"},
    {"not_up", "it is not up; see `meshchain radio status`"},
};

std::string reason_text(const std::string& name) {
    const auto* const found = std::ranges::find(reasons, name, &Reason::name);
    return found == std::end(reasons) ? name : std::string(found->text);
}

}  // namespace

std::string air_wait_text(const host::Json& answer) {
    if (!answer.contains("waits_for_air")) return "";
    const host::Json& wait = answer.at("waits_for_air");
    std::string text = "Waits ";
    if (wait.contains("for_s")) {
        const auto seconds = static_cast<std::int64_t>(std::ceil(wait.at("for_s").get<double>()));
        text += host::span_text(std::chrono::seconds(seconds)) + " ";
    }
    return text + "for air (radio " + host::to_line(wait.at("radio")) + ": " +
           reason_text(wait.at("reason")) + ").";
}

void tell_air_wait(const Context& context, const host::Json& answer) {
    const std::string text = air_wait_text(answer);
    if (!text.empty() && !context.json) std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace meshchain::app
