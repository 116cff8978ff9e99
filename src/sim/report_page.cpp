#include "sim/report_page.h"

#include <algorithm>

#include "sim/svg_plot.h"

namespace meshchain::sim {
namespace {

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #667; --rule: #dde;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #a6528a; --c4: #8a6d00; --c5: #666;
  --c6: #b3365b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #14171a; --soft: #9aa;
  --rule: #334; --c0: #56b4e9; --c1: #f28e4b; --c2: #3fc79a; --c3: #dd9cc6; --c4: #e6c229;
  --c5: #aaa; --c6: #ff8fa3; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; } small { color: var(--soft);
  font-weight: 400; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 12px; }
.grid { stroke: var(--rule); } .mark { stroke: var(--c1); stroke-width: 2; stroke-opacity: .5; }
.line { fill: none; stroke-width: 2; }
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); }
.s3 { stroke: var(--c3); } .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); }
.s6 { stroke: var(--c6); }
.key { display: inline-block; width: 1em; height: .25em; margin: 0 .4em .25em .8em; }
.k0 { background: var(--c0); } .k1 { background: var(--c1); } .k2 { background: var(--c2); }
.k3 { background: var(--c3); } .k4 { background: var(--c4); } .k5 { background: var(--c5); }
.k6 { background: var(--c6); }
.legend { margin: 0; color: var(--soft); }
table { border-collapse: collapse; } td, th { padding: .15rem .8rem .15rem 0; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr { border-bottom: 1px solid var(--rule); }
.right { border-left: .4rem solid var(--c2); padding-left: 1rem; }
.wrong { border-left: .4rem solid var(--c1); padding-left: 1rem; }
pre, code { font: 14px/1.45 ui-monospace, monospace; } pre { overflow-x: auto; }
)css";

double seconds(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string element(std::string_view tag, std::string_view text) {
    const std::string name(tag.substr(0, tag.find(' ')));
    return "<" + std::string(tag) + ">" + escape_html(text) + "</" + name + ">\n";
}

std::string row(std::string_view name, std::string_view value) {
    return "<tr><td>" + escape_html(name) + "</td><td>" + escape_html(value) + "</td></tr>\n";
}

std::string verdict(const Report& report, std::string_view replay) {
    std::string text = report.all_right() ? "<div class=\"right\">\n<p>Every rule held.</p>\n"
                                          : "<div class=\"wrong\">\n";
    if (!report.all_right()) {
        text += element(
            "p", "Rules were broken, " + std::to_string(report.findings_count) + " findings:");
        text += "<ul>\n";
        for (const Finding& finding : report.findings) {
            text += element("li", "after " + seconds_text(finding.at) + ", " + finding.rule + ": " +
                                      finding.text);
        }
        text += "</ul>\n";
    }
    return text + "<p>Play it again: <code>" + escape_html(replay) + "</code></p>\n</div>\n";
}

std::string figures(const Report& report) {
    std::string text = "<table>\n";
    for (const auto& [name, value] : summary_of(report)) text += row(name, value);
    return text + "</table>\n";
}

std::string traffic(const Report& report) {
    std::string text =
        "<table>\n<tr><th>Message</th><th class=\"n\">Datagrams</th><th class=\"n\">Bytes</th>"
        "<th class=\"n\">Share</th></tr>\n";
    for (std::size_t type = 0; type < report.traffic.size(); ++type) {
        const TypeTraffic& of = report.traffic[type];
        if (of.datagrams == 0) continue;
        text += "<tr><td>" + escape_html(type_name(type)) + "</td><td class=\"n\">" +
                std::to_string(of.datagrams) + "</td><td class=\"n\">" + std::to_string(of.bytes) +
                "</td><td class=\"n\">" + std::to_string(of.bytes * 100 / report.bytes_sent) +
                " %</td></tr>\n";
    }
    return text + "</table>\n";
}

Line line_of(const Report& report, std::string name, auto value_of) {
    Line line{std::move(name), {}, true};
    for (const Moment& moment : report.timeline.moments()) {
        line.points.emplace_back(seconds(moment.at), static_cast<double>(value_of(moment)));
    }
    return line;
}

Plot over_time(const Report& report, std::string title, std::string unit) {
    Plot plot{std::move(title), "seconds since the start", std::move(unit), {}};
    plot.x_max = seconds(report.simulated);
    for (const Mark& mark : report.timeline.marks()) {
        plot.marks.push_back({seconds(mark.at), seconds_text(mark.at) + ": " + mark.text});
    }
    return plot;
}

std::string heights(const Report& report) {
    Plot plot = over_time(report, "Blocks", "height, of honest nodes that are on");
    plot.lines = {
        line_of(report, "highest tip", [](const Moment& m) { return m.tip_max; }),
        line_of(report, "FINAL, furthest ahead", [](const Moment& m) { return m.final_max; }),
        line_of(report, "FINAL, furthest behind", [](const Moment& m) { return m.final_min; })};
    return to_svg(plot);
}

std::string payments(const Report& report) {
    Plot plot = over_time(report, "Payments", "until then");
    plot.lines = {line_of(report, "taken", [](const Moment& m) { return m.payments; }),
                  line_of(report, "seen FINAL", [](const Moment& m) { return m.payments_final; })};
    return to_svg(plot);
}

std::string repairs(const Report& report) {
    Plot plot = over_time(report, "Forks and crashes", "blocks taken back until then; machines");
    plot.lines = {
        line_of(report, "blocks taken back", [](const Moment& m) { return m.blocks_reverted; }),
        line_of(report, "machines on", [](const Moment& m) { return m.machines_on; })};
    return to_svg(plot);
}

std::string rates(const Report& report) {
    Plot plot = over_time(report, "Sent by all together", "bytes a second");
    const std::vector<Moment>& moments = report.timeline.moments();
    for (std::size_t kind = 0; kind < traffic_kinds; ++kind) {
        Line line{std::string(name(static_cast<TrafficKind>(kind))), {}, false};
        for (std::size_t i = 1; i < moments.size(); ++i) {
            const double took = seconds(moments[i].at - moments[i - 1].at);
            const auto bytes = moments[i].bytes[kind] - moments[i - 1].bytes[kind];
            if (took <= 0) continue;
            line.points.emplace_back(seconds(moments[i].at), static_cast<double>(bytes) / took);
        }
        plot.lines.push_back(std::move(line));
    }
    return to_svg(plot);
}

/// How many percent of them took no longer.
Line share_within(std::string name, const std::vector<base::Duration>& ascending) {
    constexpr std::size_t steps_max = 400;
    Line line{std::move(name), {}, true};
    if (ascending.empty()) return line;
    line.points.emplace_back(0, 0);
    const std::size_t stride = std::max<std::size_t>(1, ascending.size() / steps_max);
    const auto count = static_cast<double>(ascending.size());
    for (std::size_t i = 0; i < ascending.size(); i += stride) {
        line.points.emplace_back(seconds(ascending[i]), 100 * static_cast<double>(i + 1) / count);
    }
    line.points.emplace_back(seconds(ascending.back()), 100);
    return line;
}

std::string waits(const Report& report) {
    Plot plot{"How long payments took", "seconds", "percent that took no longer", {}};
    plot.lines = {share_within("LIVE", report.to_live), share_within("FINAL", report.to_final)};
    return to_svg(plot);
}

}  // namespace

std::string to_page(const Report& report, const Scenario& scenario, std::string_view replay) {
    std::string page =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    page += element("title", "Seed " + std::to_string(report.seed) + ": " + report.about);
    page += "<style>" + std::string(style) + "</style>\n</head>\n<body>\n";
    page += element("h1", report.about);
    page += verdict(report, replay);
    page += figures(report);
    page += "<p><small>Vertical lines are the scenario's steps.</small></p>\n";
    page += heights(report) + payments(report) + waits(report) + rates(report) + repairs(report);
    page += "<h2>Bytes by message</h2>\n" + traffic(report);
    page += "<h2>The scenario</h2>\n" + element("pre", to_text(scenario));
    return page + "</body>\n</html>\n";
}

}  // namespace meshchain::sim
