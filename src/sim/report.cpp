#include "sim/report.h"

#include <algorithm>
#include <cstdio>

namespace meshchain::sim {
namespace {

std::string seconds_text(base::Duration duration) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(duration).count());
    return text;
}

std::string line(std::string_view name, const std::string& value) {
    std::string text = "  " + std::string(name);
    text.append(text.size() < 24 ? 24 - text.size() : 1, ' ');
    return text + value + "\n";
}

std::string spread(const std::vector<base::Duration>& ascending) {
    if (ascending.empty()) return "none";
    return "half within " + seconds_text(percentile(ascending, 50)) + ", 99 % within " +
           seconds_text(percentile(ascending, 99)) + ", the last after " +
           seconds_text(ascending.back());
}

std::string type_name(std::size_t number) {
    const auto type = static_cast<wire::MessageType>(number);
    const std::string_view known = wire::name(type);
    return known == "UNKNOWN" ? "type " + std::to_string(number) : std::string(known);
}

std::string traffic_text(const Report& report) {
    std::string text;
    for (std::size_t type = 0; type < report.traffic.size(); ++type) {
        const TypeTraffic& traffic = report.traffic[type];
        if (traffic.datagrams == 0) continue;
        text += line("  " + type_name(type), std::to_string(traffic.bytes) + " bytes in " +
                                                 std::to_string(traffic.datagrams) + " datagrams");
    }
    return text;
}

}  // namespace

base::Duration percentile(const std::vector<base::Duration>& ascending, unsigned percent) {
    if (ascending.empty()) return {};
    const std::size_t rank = (ascending.size() * percent + 99) / 100;
    return ascending[std::max<std::size_t>(rank, 1) - 1];
}

std::string to_text(const Report& report) {
    std::string text = report.about + "\n";
    text += line("Seed", std::to_string(report.seed));
    text += line("Machines", std::to_string(report.machines));
    text += line("Simulated",
                 seconds_text(report.simulated) + ", " + std::to_string(report.events) + " events");
    text += line("Payments", std::to_string(report.payments) + " taken, " +
                                 std::to_string(report.to_final.size()) + " seen FINAL, " +
                                 std::to_string(report.refused) + " refused, " +
                                 std::to_string(report.excused) + " lost with a disk");
    text += line("Time to LIVE", spread(report.to_live));
    text += line("Time to FINAL", spread(report.to_final));
    text += line("FINAL height", std::to_string(report.final_height));
    text += line("Converged", report.to_converge
                                  ? seconds_text(*report.to_converge) + " after the hostile phase"
                                  : "no");
    text += line("Blocks taken back", std::to_string(report.blocks_reverted));
    text += line("Evidence found", std::to_string(report.evidence_found));
    text += line("Crashes", std::to_string(report.crashes) + ", " +
                                std::to_string(report.disks_replaced) + " disks replaced, " +
                                std::to_string(report.rows_healed) + " rows healed");
    text += line("Sent", std::to_string(report.bytes_sent) + " bytes");
    text += traffic_text(report);
    char trace[20];
    std::snprintf(trace, sizeof trace, "%016llx", static_cast<unsigned long long>(report.trace));
    text += line("Trace", trace);
    for (const Finding& finding : report.findings) {
        text += "! " + seconds_text(finding.at) + " " + finding.rule + ": " + finding.text + "\n";
    }
    if (report.all_right()) return text + "Every rule held.\n";
    return text + std::to_string(report.findings_count) + " times a rule was BROKEN.\n";
}

}  // namespace meshchain::sim
