#include "meshchain/demo/screen.h"

#include <cstdio>

#include "host/json_document.h"
#include "meshchain/command.h"

namespace meshchain::app {
namespace {

std::string number(const host::Json& value) { return std::to_string(value.get<std::uint64_t>()); }

std::vector<std::string> row_of(const DemoNode& node) {
    const auto status = node.get("/v1/status");
    const auto wallet = node.get("/v1/wallet");
    if (!status || !wallet) return {node.name(), "down", "", "", "", "", ""};
    const host::Json& balance = wallet->at("balance");
    return {node.name(),
            status->at("state"),
            number(status->at("height")),
            number(status->at("final_height")),
            number(status->at("peers")),
            number(balance.at("final")) + " (+" + number(balance.at("live")) + ")",
            node.api_text()};
}

}  // namespace

Screen::Screen(bool silent) : silent_(silent), table_(silent) {}

void Screen::say(std::string_view line) {
    if (silent_) return;
    table_.erase();
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
}

void Screen::show(std::span<const DemoNode> nodes, std::string_view payments) {
    if (silent_ || !is_terminal()) return;
    std::vector<std::vector<std::string>> rows{
        {"NODE", "STATE", "HEIGHT", "FINAL", "PEERS", "BALANCE", "API"}};
    for (const DemoNode& node : nodes) rows.push_back(row_of(node));
    table_.show("\n" + table(rows) + std::string(payments) + "\n");
}

}  // namespace meshchain::app
