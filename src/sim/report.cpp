#include "sim/report.h"

#include <algorithm>
#include <cstdio>

namespace meshchain::sim {
namespace {

std::string line(std::string_view name, const std::string& value) {
    std::string text = "  " + std::string(name);
    text.append(text.size() < 24 ? 24 - text.size() : 1, ' ');
    return text + value + "\n";
}

std::string spread(const std::vector<base::Duration>& ascending) {
    if (ascending.empty()) return "none";
    return "half within " + seconds_text(percentile(ascending, 50)) + ", 95 % within " +
           seconds_text(percentile(ascending, 95)) + ", 99 % within " +
           seconds_text(percentile(ascending, 99)) + ", the last after " +
           seconds_text(ascending.back());
}

std::string permille_text(unsigned permille) {
    return std::to_string(permille / 10) + "." + std::to_string(permille % 10) + " %";
}

std::string traffic_text(const Report& report) {
    std::string text;
    for (std::size_t type = 0; type < report.traffic.size(); ++type) {
        const TypeTraffic& traffic = report.traffic[type];
        if (traffic.datagrams == 0) continue;
        std::string value = std::to_string(traffic.bytes) + " bytes in " +
                            std::to_string(traffic.datagrams) + " datagrams";
        const std::uint64_t attacks = report.of_attackers[type].datagrams;
        if (attacks > 0) value += ", " + std::to_string(attacks) + " of them attackers'";
        text += line("  " + type_name(type), value);
    }
    return text;
}

/// What it all comes to for a payment, with what radios passed on.
std::string air_text(const Report& report) {
    const auto payments = std::max<std::size_t>(1, report.to_final.size());
    std::string text;
    for (std::size_t type = 0; type < report.on_air.size(); ++type) {
        const TypeTraffic& own = report.on_air[type];
        const TypeTraffic& relayed = report.relayed[type];
        if (own.datagrams == 0) continue;
        text += line("  " + type_name(type),
                     std::to_string(own.datagrams) + " packets, relayed " +
                         std::to_string(relayed.datagrams) + " times; " +
                         std::to_string((own.bytes + relayed.bytes) / payments) +
                         " bytes for each FINAL payment");
    }
    return text;
}

}  // namespace

std::string seconds_text(base::Duration duration) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(duration).count());
    return text;
}

std::string type_name(std::size_t number) {
    const auto type = static_cast<wire::MessageType>(number);
    const std::string_view known = wire::name(type);
    return known == "UNKNOWN" ? "type " + std::to_string(number) : std::string(known);
}

base::Duration percentile(const std::vector<base::Duration>& ascending, unsigned percent) {
    if (ascending.empty()) return {};
    const std::size_t rank = (ascending.size() * percent + 99) / 100;
    return ascending[std::max<std::size_t>(rank, 1) - 1];
}

std::vector<std::pair<std::string, std::string>> summary_of(const Report& report) {
    const auto count = [](auto number) { return std::to_string(number); };
    char trace[20];
    std::snprintf(trace, sizeof trace, "%016llx", static_cast<unsigned long long>(report.trace));
    return {{"Seed", count(report.seed)},
            {"Machines", count(report.machines)},
            {"Simulated", seconds_text(report.simulated) + ", " + count(report.events) + " events"},
            {"Payments", count(report.payments) + " taken, " + count(report.to_final.size()) +
                             " seen FINAL, " + count(report.refused) + " refused, " +
                             count(report.excused) + " lost with a disk"},
            {"Time to LIVE", spread(report.to_live)},
            {"Time to FINAL", spread(report.to_final)},
            {"FINAL height", count(report.final_height)},
            {"Converged", report.to_converge
                              ? seconds_text(*report.to_converge) + " after the hostile phase"
                              : "no"},
            {"Records", count(report.records) + " signed, " + count(report.records_refused) +
                            " refused, " + count(report.alerts) + " of them alerts"},
            {"Alerts to all", spread(report.alerts_to_all)},
            {"Alerts proven", count(report.alerts_proven) + " by receipts of all"},
            {"Searches", count(report.searches) + " answered"},
            {"Blocks taken back", count(report.blocks_reverted)},
            {"Evidence found",
             count(report.evidence_found) + ", " + count(report.slashed) + " slashed"},
            {"Attacks", count(report.attacks)},
            {"Two histories", report.forks == 0
                                  ? "no"
                                  : "on " + count(report.forks) + " nodes, with proof against " +
                                        count(report.guilty) + " validators"},
            {"Stakes moved", count(report.stake_operations) + " times"},
            {"Crashes", count(report.crashes) + ", " + count(report.disks_replaced) +
                            " disks replaced, " + count(report.rows_healed) + " rows healed"},
            {"Sent", count(report.bytes_sent) + " bytes"},
            {"On the air", seconds_text(report.airtime) + ", of one radio in an hour " +
                               seconds_text(report.airtime_worst) + " at most; in use for " +
                               permille_text(report.channel_permille) + " of the time"},
            {"Trace", trace}};
}

std::string to_text(const Report& report) {
    std::string text = report.about + "\n";
    for (const auto& [name, value] : summary_of(report)) {
        text += line(name, value);
        if (name == "Sent") text += traffic_text(report);
        if (name == "On the air") text += air_text(report);
    }
    for (const Finding& finding : report.findings) {
        text += "! " + seconds_text(finding.at) + " " + finding.rule + ": " + finding.text + "\n";
    }
    if (report.all_right()) return text + "Every rule held.\n";
    return text + std::to_string(report.findings_count) + " times a rule was BROKEN.\n";
}

}  // namespace meshchain::sim
