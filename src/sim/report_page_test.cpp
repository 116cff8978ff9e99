#include "sim/report_page.h"

#include <gtest/gtest.h>

#include "sim/play.h"
#include "sim/svg_plot.h"

namespace meshchain::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::size_t count_of(std::string_view text, std::string_view what) {
    std::size_t count = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
    return count;
}

/// Every element that needs an end has it, in the right order. Nothing: which does not.
std::optional<std::string> first_unbalanced(std::string_view page) {
    std::vector<std::string> open;
    for (auto at = page.find('<'); at != page.npos; at = page.find('<', at + 1)) {
        const auto end = page.find('>', at);
        if (end == page.npos) return "a tag without an end";
        const std::string_view tag = page.substr(at + 1, end - at - 1);
        if (tag.starts_with('!') || tag.ends_with('/') || tag.starts_with("meta")) continue;
        const std::string name(tag.substr(0, tag.find(' ')));
        if (!name.starts_with('/')) {
            open.push_back(name);
        } else if (open.empty() || "/" + open.back() != name) {
            return name;
        } else {
            open.pop_back();
        }
    }
    if (!open.empty()) return open.back();
    return std::nullopt;
}

Moment moment_at(int second) {
    Moment moment{.at = seconds(second), .final_max = static_cast<std::uint32_t>(second)};
    moment.bytes[static_cast<std::size_t>(TrafficKind::votes)] =
        100 * static_cast<std::uint64_t>(second);
    return moment;
}

TEST(Timeline, HoweverLongTheRun_KeepsEvenMomentsWithinItsLimit) {
    Timeline timeline;
    constexpr int asked = 100'000;
    for (int i = 0; i < asked; ++i) {
        if (timeline.wants_next()) timeline.add(moment_at(i));
    }
    const std::vector<Moment>& kept = timeline.moments();
    ASSERT_GT(kept.size(), Timeline::moments_max / 2 - 1);
    ASSERT_LT(kept.size(), Timeline::moments_max);
    const base::Duration apart = kept[1].at - kept[0].at;
    EXPECT_EQ(kept.front().at, base::Duration{});
    for (std::size_t i = 1; i < kept.size(); ++i) EXPECT_EQ(kept[i].at - kept[i - 1].at, apart);
    EXPECT_GT(kept.back().at + 2 * apart, seconds(asked));
}

TEST(Timeline, EveryListedMessageType_IsForSomething) {
    for (unsigned number = 0; number < 256; ++number) {
        const auto type = static_cast<wire::MessageType>(number);
        EXPECT_EQ(kind_of(type) == TrafficKind::other, wire::name(type) == "UNKNOWN") << number;
    }
}

TEST(SvgPlot, LinesAndMarks_StandWhereTheirValuesAre) {
    Plot plot{"Heights", "seconds", "blocks", {{"tip", {{0, 0}, {50, 10}, {100, 10}}, true}}};
    plot.marks = {{50, "a partition"}};
    const std::string svg = to_svg(plot);
    // From 64 to 848 wide; the top is 5 % above the greatest value.
    EXPECT_NE(svg.find("d=\"M64.0 204.0H456.0L456.0 19.2H848.0L848.0 19.2\""), svg.npos) << svg;
    EXPECT_NE(svg.find("x1=\"456.0\""), svg.npos) << svg;
    EXPECT_NE(svg.find("<title>a partition</title>"), svg.npos);
    EXPECT_EQ(count_of(svg, "class=\"line"), 1);
}

TEST(SvgPlot, WithoutAnyPoint_SaysSo) {
    const std::string svg = to_svg({"Waits", "seconds", "percent", {{"LIVE", {}}, {"FINAL", {}}}});
    EXPECT_NE(svg.find("Nothing to show."), svg.npos);
    EXPECT_EQ(svg.find("<svg"), svg.npos);
}

TEST(ReportPage, OfARun_IsWholeAndShowsItsFigures) {
    auto scenario = parse_scenario(
        "about Two & a <script>alert(1)</script>\nvalidators 4\ndisk memory\npayments 2s\n"
        "at 20s crash 3\nat 25s start 3\nhostile 40s\n");
    ASSERT_TRUE(scenario) << sentence(scenario.error());
    const Report report = Play(*scenario, {.seed = 5}).run();
    ASSERT_TRUE(report.all_right()) << to_text(report);
    const std::string page = to_page(report, *scenario, "meshchain sim --seed 5");

    EXPECT_EQ(first_unbalanced(page), std::nullopt);
    EXPECT_EQ(page.find("<script"), page.npos);
    EXPECT_EQ(page.find("http"), page.npos) << "it must need nothing else";
    EXPECT_EQ(count_of(page, "<svg"), 5);
    EXPECT_NE(page.find("meshchain sim --seed 5"), page.npos);
    EXPECT_NE(page.find("at 20s crash 3"), page.npos);
    EXPECT_NE(page.find("BLOCK_ACK"), page.npos);
    EXPECT_NE(page.find("Every rule held."), page.npos);

    const std::vector<Moment>& moments = report.timeline.moments();
    ASSERT_GT(moments.size(), 40);
    EXPECT_EQ(moments[10].machines_on, 4);
    EXPECT_EQ(moments[22].machines_on, 3);
    EXPECT_EQ(moments.back().final_max, report.final_height);
    EXPECT_EQ(moments.back().payments, report.payments);
    std::uint64_t bytes = 0;
    for (const std::uint64_t of_kind : moments.back().bytes) bytes += of_kind;
    EXPECT_LE(bytes, report.bytes_sent);
    EXPECT_GT(bytes, report.bytes_sent / 2);
}

TEST(ReportPage, BrokenRule_StandsAtTheTop) {
    Report report;
    report.about = "A bad day.";
    report.findings = {{seconds(7), "supply", "one <b> too many"}};
    report.findings_count = 1;
    const std::string page = to_page(report, {}, "meshchain sim --seed 1");
    EXPECT_EQ(first_unbalanced(page), std::nullopt);
    EXPECT_LT(page.find("after 7.0 s, supply: one &lt;b&gt; too many"), page.find("<figure"));
    EXPECT_EQ(page.find("Every rule held."), page.npos);
}

}  // namespace
}  // namespace meshchain::sim
