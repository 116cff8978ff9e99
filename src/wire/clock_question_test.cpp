#include "wire/clock_question.h"

#include <gtest/gtest.h>

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

constexpr ClockNonce nonce{std::byte{0xAB}, std::byte{0xCD}};
const std::string nonce_hex = "abcd" + std::string(28, '0');

TEST(ClockQuestionFormatTest, WhatIsCutOrTooLongOrOfAnotherVersion_IsRefused) {
    const base::Buffer ask = encode(ClockAsk{nonce});
    const base::Buffer answer = encode(ClockAnswer{nonce, Slot{7}, 9});
    for (std::size_t length = 0; length < ask.size(); ++length) {
        EXPECT_FALSE(parse_clock_ask(base::Bytes(ask).first(length)));
    }
    for (std::size_t length = 0; length < answer.size(); ++length) {
        EXPECT_FALSE(parse_clock_answer(base::Bytes(answer).first(length)));
    }
    EXPECT_FALSE(parse_clock_ask(answer));
    EXPECT_FALSE(parse_clock_answer(ask));
    for (base::Buffer bytes : {ask, answer}) {
        bytes[0] = std::byte{2};
        const auto error = bytes.size() == ask.size() ? parse_clock_ask(bytes).error()
                                                      : parse_clock_answer(bytes).error();
        EXPECT_EQ(error.code, base::Errc::wrong_version);
    }
}

TEST(ClockQuestionFormatTest, QuestionAndAnswer_HaveOneForm) {
    EXPECT_EQ(base::to_hex(encode(ClockAsk{nonce})), "01" + nonce_hex);
    EXPECT_EQ(encode(ClockAsk{nonce}).size(), ClockAsk::size);
    EXPECT_EQ(parse_clock_ask(encode(ClockAsk{nonce})).value(), ClockAsk{nonce});
    const ClockAnswer answer{nonce, Slot{0x01020304}, 0x8000};
    EXPECT_EQ(base::to_hex(encode(answer)), "01" + nonce_hex + "01020304" + "8000");
    EXPECT_EQ(encode(answer).size(), ClockAnswer::size);
    EXPECT_EQ(parse_clock_answer(encode(answer)).value(), answer);
}

}  // namespace
}  // namespace meshchain::wire
