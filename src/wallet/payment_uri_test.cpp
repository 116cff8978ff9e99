#include "wallet/payment_uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wallet/address.h"

namespace meshchain::wallet {
namespace {

using base::Errc;

constexpr std::string_view address =
    "mesh1q6adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydq4cppd6";

std::string uri(std::string_view rest) {
    return "meshchain:" + std::string(address) + std::string(rest);
}

TEST(PaymentUri, WhatIsBroken_IsRefusedAndNeverHalfUnderstood) {
    for (const std::string& bad : {std::string("bitcoin:abc"),
                                   std::string("meshchain:"),
                                   std::string("meshchain:mesh1q"),
                                   uri("?amount=0"),
                                   uri("?amount=-5"),
                                   uri("?amount=1.5"),
                                   uri("?amount="),
                                   uri("?amount=1099511627776"),
                                   uri("?amount=18446744073709551617"),
                                   uri("?amount=5&amount=5"),
                                   uri("?note=%0a"),
                                   uri("?note=%ff"),
                                   uri("?note=%c2%9b2J"),
                                   uri("?note=%e2%80%aepaid"),
                                   uri("?note=%4"),
                                   uri("?note=%zz"),
                                   uri("?note=" + std::string(81, 'x')),
                                   uri("?chain=00"),
                                   uri("?chain=00112233445566778"),
                                   uri("?amount=5&req-escrow=1"),
                                   uri("?" + std::string(1100, 'x'))}) {
        const auto parsed = parse_uri(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_FALSE(parsed.error().advice.empty()) << bad;
    }
    EXPECT_EQ(parse_uri(uri("?req-x")).error().code, Errc::unsupported);
}

TEST(PaymentUri, EveryWrongLetterOfTheAddress_IsFound) {
    const std::string good = uri("?amount=250");
    for (std::size_t i = 10; i < 10 + address.size(); ++i) {
        std::string bad = good;
        bad[i] = bad[i] == 'q' ? 'p' : 'q';
        EXPECT_FALSE(parse_uri(bad)) << i;
    }
}

TEST(PaymentUri, WhatItSays_IsReadBack) {
    PaymentRequest request{parse_address(address).value(), wire::Amount{250}};
    request.note = "2 loaves & \"milk\" + 100% äöü";
    request.chain = PaymentRequest::ChainTag{std::byte{0xab}};
    const auto text = encode_uri(request);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, uri("?amount=250&note=2%20loaves%20%26%20%22milk%22%20%2b%20100%25%20"
                         "%c3%a4%c3%b6%c3%bc&chain=ab00000000000000"));
    EXPECT_EQ(parse_uri(*text).value(), request);
    EXPECT_EQ(parse_uri("MeshChain:" + std::string(address)).value().payee, request.payee);
    EXPECT_EQ(parse_uri(uri("?later=5&amount=7")).value().amount, wire::Amount{7})
        << "what may be ignored is";
}

TEST(PaymentUri, WhatCannotBeAsked_IsRefused) {
    PaymentRequest request{parse_address(address).value(), wire::Amount{0}};
    EXPECT_EQ(encode_uri(request).error().code, Errc::invalid_argument);
    request.amount.reset();
    request.note = "two\nlines";
    EXPECT_EQ(encode_uri(request).error().code, Errc::invalid_argument);
    request.note = std::string(81, 'x');
    EXPECT_EQ(encode_uri(request).error().code, Errc::too_large);
}

}  // namespace
}  // namespace meshchain::wallet
