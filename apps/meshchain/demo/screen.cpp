#include "meshchain/demo/screen.h"

#include <unistd.h>

#include <algorithm>
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

Screen::Screen(bool silent) : silent_(silent), terminal_(::isatty(STDOUT_FILENO) == 1) {}

void Screen::say(std::string_view line) {
    if (silent_) return;
    erase_table();
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
}

void Screen::show(std::span<const DemoNode> nodes, std::string_view payments) {
    if (silent_ || !terminal_) return;
    std::vector<std::vector<std::string>> rows{
        {"NODE", "STATE", "HEIGHT", "FINAL", "PEERS", "BALANCE", "API"}};
    for (const DemoNode& node : nodes) rows.push_back(row_of(node));
    const std::string text = "\n" + table(rows) + std::string(payments) + "\n";
    erase_table();
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
    table_lines_ = static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

void Screen::erase_table() {
    if (table_lines_ != 0) std::printf("\x1b[%zuA\x1b[J", table_lines_);
    table_lines_ = 0;
}

}  // namespace meshchain::app
