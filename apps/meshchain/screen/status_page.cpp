#include "meshchain/screen/status_page.h"

#include <algorithm>

#include "host/json_document.h"
#include "host/time_text.h"
#include "meshchain/command.h"

namespace meshchain::app {
namespace {

using host::Json;

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : host::to_line(value);
}

std::uint64_t number_of(const Json& value) { return value.get<std::uint64_t>(); }

std::string span_of(const Json& ms) {
    return host::span_text(base::Milliseconds(ms.get<std::int64_t>()));
}

/// "[####----]  40 %" in what room a narrow terminal leaves.
std::string gauge(std::uint64_t part, std::uint64_t whole, std::size_t columns) {
    const std::size_t width = std::clamp<std::size_t>(columns / 3, 8, 42);
    const std::uint64_t percent = whole == 0 ? 0 : 100 * std::min(part, whole) / whole;
    return bar(part, whole, width) + " " + std::to_string(percent) + " %";
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        lines.push_back(text.substr(begin, end - begin));
        begin = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
}

std::string sync_line(const Json& status, std::optional<base::Duration> remaining,
                      std::size_t columns) {
    const Json& sync = status.at("sync");
    std::string line = "Sync     " + gauge(number_of(sync.at("percent")), 100, columns) + "  " +
                       text_of(sync.at("state"));
    if (sync.at("state") != "SYNCING") return line;
    line += ", block " + text_of(status.at("height")) + " of " + text_of(sync.at("target"));
    if (remaining) line += ", about " + host::span_text(*remaining) + " left";
    return line;
}

std::vector<std::vector<std::string>> peer_rows(const Json& peers, std::size_t columns) {
    std::vector<std::vector<std::string>> rows;
    const bool wide = columns >= 72;
    rows.push_back(wide ? std::vector<std::string>{"PEER", "ADDRESS", "ROLE", "SCORE", "HEIGHT",
                                                   "FINAL", "HEARD"}
                        : std::vector<std::string>{"PEER", "HEIGHT", "FINAL", "HEARD"});
    for (const Json& peer : peers) {
        // A node of another network, through a bridge, follows no chain.
        const bool foreign = peer.contains("link");
        std::vector<std::string> row{text_of(peer.at(foreign ? "name" : "node_id"))};
        const auto add = [&](const char* name) {
            row.push_back(peer.contains(name) ? text_of(peer.at(name)) : "-");
        };
        if (wide) {
            for (const char* name : {"address", foreign ? "link" : "role", "score"}) add(name);
        } else if (!foreign) {
            row.front().resize(std::min<std::size_t>(row.front().size(), 8));
        }
        add("height");
        add("final_height");
        row.push_back(span_of(peer.at("last_heard_ms")) + " ago");
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace

void SyncSpeed::note(base::Instant now, std::uint64_t height, bool syncing) {
    if (!syncing || height < last_) began_.reset();
    if (syncing && !began_) {
        began_ = now;
        first_ = height;
    }
    last_at_ = now;
    last_ = height;
}

std::optional<base::Duration> SyncSpeed::remaining(std::uint64_t target) const {
    if (!began_ || last_ <= first_ || target < last_ || last_at_ <= *began_) return std::nullopt;
    const double seconds = std::chrono::duration<double>(last_at_ - *began_).count();
    const double left = seconds * double(target - last_) / double(last_ - first_);
    return std::chrono::duration_cast<base::Duration>(
        std::chrono::duration<double>(std::min(left, 1e7)));
}

std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t width) {
    const std::size_t room = width < 3 ? 1 : width - 2;
    const std::size_t full = whole == 0 ? 0
                                        : static_cast<std::size_t>(double(std::min(part, whole)) /
                                                                   double(whole) * double(room));
    return "[" + std::string(full, '#') + std::string(room - full, '-') + "]";
}

std::vector<std::string> StatusPage::lines() const {
    const Json& justified = status.at("justified");
    std::vector<std::string> lines{
        text_of(status.at("node_name")) + " (" + text_of(status.at("node_id")) + "), " +
            text_of(status.at("role")) + ", up " + span_of(status.at("uptime_ms")),
        "State    " + text_of(status.at("state")),
        "Slot     " + text_of(status.at("slot")) +
            (status.at("clock_checked").get<bool>() ? ", confirmed" : ", not confirmed"),
        "Blocks   height " + text_of(status.at("height")) + ", FINAL " +
            text_of(status.at("final_height")) + ", own " + text_of(status.at("blocks_proposed")),
        "Votes    " + gauge(number_of(status.at("online_percent")), 100, columns) +
            "  of the stake heard, round " + text_of(justified.at("round")) + " justified",
        sync_line(status, remaining, columns),
        "Mempool  " + text_of(status.at("mempool_transactions")) + " transactions, " +
            text_of(status.at("mempool_bytes")) + " bytes",
        "Storage  " + text_of(status.at("storage_bytes")) + " bytes",
        "",
    };
    if (peers.empty()) {
        lines.emplace_back("No peers.");
    } else {
        std::ranges::move(lines_of(table(peer_rows(peers, columns))), std::back_inserter(lines));
    }
    lines.emplace_back();
    for (const Json& problem : status.at("problems")) lines.push_back("! " + text_of(problem));
    if (status.at("problems").empty()) lines.emplace_back("Nothing is wrong.");
    return lines;
}

std::string StatusPage::line() const {
    std::string text =
        text_of(status.at("state")) + " slot " + text_of(status.at("slot")) + " height " +
        text_of(status.at("height")) + " final " + text_of(status.at("final_height")) + " peers " +
        text_of(status.at("peers")) + " mempool " + text_of(status.at("mempool_transactions")) +
        " sync " + text_of(status.at("sync").at("percent")) + " %";
    if (remaining) text += " (" + host::span_text(*remaining) + " left)";
    if (!status.at("problems").empty()) {
        text += " problems " + std::to_string(status.at("problems").size());
    }
    return text;
}

}  // namespace meshchain::app
