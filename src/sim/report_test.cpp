#include "sim/report.h"

#include <gtest/gtest.h>

namespace meshchain::sim {
namespace {

using std::chrono::seconds;

std::string line_of(const Report& report, std::string_view name) {
    const std::string text = to_text(report);
    const auto at = text.find(name);
    return at == text.npos ? "" : text.substr(at, text.find('\n', at) - at);
}

TEST(Report, OfTheAir_NamesWhatWasSaidAndRelayed_AndWhatAPaymentCost) {
    constexpr auto votes = static_cast<std::size_t>(wire::MessageType::block_ack);
    Report report;
    report.to_final = {seconds(10), seconds(20), seconds(30)};
    report.on_air[votes] = {.datagrams = 10, .bytes = 1'000};
    report.relayed[votes] = {.datagrams = 25, .bytes = 2'500};
    report.airtime = seconds(70);
    report.airtime_worst = seconds(30);
    report.channel_permille = 47;
    EXPECT_NE(line_of(report, "BLOCK_ACK")
                  .find("10 packets, relayed 25 times; 1166 bytes for each FINAL payment"),
              std::string::npos)
        << to_text(report);
    EXPECT_NE(line_of(report, "On the air")
                  .find("70.0 s, of one radio in an hour 30.0 s at most; in use for 4.7 % of the "
                        "time"),
              std::string::npos)
        << to_text(report);
}

TEST(Report, WithoutAnyFinalPayment_DividesByNothing) {
    constexpr auto blocks = static_cast<std::size_t>(wire::MessageType::block);
    Report report;
    report.on_air[blocks] = {.datagrams = 2, .bytes = 500};
    EXPECT_NE(to_text(report).find("2 packets, relayed 0 times; 500 bytes for each FINAL payment"),
              std::string::npos)
        << to_text(report);
}

TEST(Report, Spread_HasTheTailThatNineteenInTwentyKeepWithin) {
    Report report;
    for (int second = 1; second <= 100; ++second) report.to_final.push_back(seconds(second));
    const std::string text = to_text(report);
    EXPECT_NE(text.find("half within " + seconds_text(percentile(report.to_final, 50)) +
                        ", 95 % within " + seconds_text(percentile(report.to_final, 95)) +
                        ", 99 % within "),
              std::string::npos)
        << text;
}

}  // namespace
}  // namespace meshchain::sim
