#include "wire/state.h"

#include <gtest/gtest.h>

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using test::filled;
using test::times;

TEST(StateFormatTest, Requests_HaveOneForm) {
    test::expect_one_form(StateRequest(NewestFinalRequest{{7}}), "010000000007",
                          parse_state_request);
    test::expect_one_form(StateRequest(HeaderPageRequest{{7}, 5}), "01010000000705",
                          parse_state_request);
    test::expect_one_form(StateRequest(RangeHashRequest{filled<Hash>(0x11), 64}),
                          "0103" + times("11", 32) + "40", parse_state_request);
    test::expect_one_form(StateRequest(InclusionRequest{{filled<Hash>(0x22)}}),
                          "0104" + times("22", 32), parse_state_request);
    const Outpoint after{{filled<Hash>(0x44)}, 3};
    test::expect_one_form(StateRequest(StatePageRequest{filled<Hash>(0x11), 0x11, after}),
                          "0102" + times("11", 32) + "1101" + times("44", 32) + "0003",
                          parse_state_request);
}

StatePage a_page() {
    StatePage page{filled<Hash>(0x11), 0x11, std::nullopt, false, {}, {}};
    page.coins.push_back({{{filled<Hash>(0x44)}, 3}, {filled<crypto::PublicKey>(0xaa), Amount{9}}});
    return page;
}
const std::string page_hex = "0102" + times("11", 32) + "11000001" + times("44", 32) + "0003" +
                             times("aa", 32) + "0000000009";

TEST(StateFormatTest, Responses_HaveOneForm) {
    test::expect_one_form(StateResponse(a_page()), page_hex, parse_state_response);
    test::expect_one_form(StateResponse(UnavailableResponse{filled<Hash>(0x22)}),
                          "0105" + times("22", 32), parse_state_response);
    test::expect_one_form(StateResponse(HeaderPageResponse{{4}, {test::a_header()}}),
                          "01010000000401" + test::header_hex, parse_state_response);
    StatePage fees{filled<Hash>(0x11), fee_range, std::nullopt, true, {}, {{{3}, Amount{42}}}};
    test::expect_one_form(StateResponse(fees),
                          "0102" + times("11", 32) + "4000010100030000" + "00002a",
                          parse_state_response);
    InclusionResponse inclusion{{4}, 1, 3, test::a_long(), {filled<Hash>(0x77)}};
    test::expect_one_form(StateResponse(inclusion),
                          "0104000000040001000301" + times("77", 32) + test::long_hex,
                          parse_state_response);
}

TEST(StateFormatTest, PagesThatContradictThemselves_AreMalformed) {
    StatePage twice = a_page();
    twice.coins.push_back(twice.coins.front());
    EXPECT_FALSE(parse_state_response(encode(StateResponse(twice)))) << "one coin twice";
    StatePage elsewhere = a_page();
    elsewhere.range = 0x12;
    EXPECT_FALSE(parse_state_response(encode(StateResponse(elsewhere)))) << "of another range";
    StatePage empty = a_page();
    empty.coins.clear();
    EXPECT_FALSE(parse_state_response(encode(StateResponse(empty)))) << "no end, no progress";
    StatePage behind = a_page();
    behind.after = behind.coins.front().outpoint;
    EXPECT_FALSE(parse_state_response(encode(StateResponse(behind)))) << "not after what was asked";
    StatePage fees{filled<Hash>(1), fee_range, std::nullopt, true, {}, {{{3}, {4}}, {{3}, {4}}}};
    EXPECT_FALSE(parse_state_response(encode(StateResponse(fees)))) << "one validator twice";
}

TEST(StateFormatTest, TheLargestAnswers_FitOneDatagram) {
    StatePage page{filled<Hash>(1), 0, Outpoint{}, false, {}, {}};
    for (std::uint16_t i = 1; i <= state_coins_max; ++i) {
        page.coins.push_back({{{}, i}, {filled<crypto::PublicKey>(1), Amount{1}}});
    }
    EXPECT_LE(encode(StateResponse(page)).size(), control_body_bytes_max);
    NewestFinalResponse final{test::a_header(), {}};
    for (std::uint16_t i = 0; i < final_votes_max; ++i) {
        Vote vote;
        vote.validator = {i};
        vote.source.slot = final.header.slot;
        vote.round = {1};
        final.votes.push_back(vote);
    }
    EXPECT_LE(encode(StateResponse(final)).size(), control_body_bytes_max);
    EXPECT_EQ(parse_state_response(encode(StateResponse(final))).value(), StateResponse(final));
    InclusionResponse inclusion{{1}, 0, 200, {}, std::vector<Hash>(branch_max)};
    for (std::uint16_t i = 0; i < inputs_max; ++i) {
        inclusion.transaction.body.inputs.push_back({{{}, i}, Amount{1}});
        inclusion.transaction.signatures.emplace_back();
        inclusion.transaction.body.outputs.push_back({{}, Amount{1}});
    }
    EXPECT_LE(encode(StateResponse(inclusion)).size(), control_body_bytes_max);
}

}  // namespace
}  // namespace meshchain::wire
