#include "wire/aggregated_certificate.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;
using test::times;

crypto::NoncePoint nonce(int byte) {
    crypto::NoncePoint point;
    point.fill(static_cast<std::byte>(byte));
    return point;
}

AggregatedCertificate of_one_target() {
    AggregatedCertificate certificate;
    certificate.final = {Round{7}, Slot{6}, filled<Hash>(0x11)};
    certificate.voters = {{ValidatorIndex{0}, filled<Hash>(0x22), 0x0102, nonce(0x61)},
                          {ValidatorIndex{2}, filled<Hash>(0x22), 0x03, nonce(0x62)}};
    certificate.sum = nonce(0x77);
    return certificate;
}
const std::string final_hex =
    "00000007"
    "00000006" +
    times("11", 32);
const std::string one_target_hex = final_hex + "0000000000000005" + "01" + times("22", 32) + "02" +
                                   "0102" + times("61", 32) + "0003" + times("62", 32) +
                                   times("77", 32);

AggregatedCertificate of_two_targets() {
    AggregatedCertificate certificate = of_one_target();
    certificate.voters[0].target = filled<Hash>(0x33);
    certificate.voters[0].heard = 0;
    certificate.voters[1].heard = 0;
    certificate.voters[1].validator.value = 63;
    return certificate;
}
const std::string two_targets_hex = final_hex + "8000000000000001" + "02" + times("22", 32) +
                                    times("33", 32) + "00" + "01" + times("61", 32) + "00" +
                                    times("62", 32) + times("77", 32);
constexpr std::size_t at_count = Checkpoint::size + 8;

TEST(AggregatedCertificateFormatTest, HasOneForm_TargetsAndUnheardBytesWrittenOnce) {
    test::expect_one_form(of_one_target(), one_target_hex, parse_aggregated_certificate);
    test::expect_one_form(of_two_targets(), two_targets_hex, parse_aggregated_certificate);
}

TEST(AggregatedCertificateFormatTest, OfThreeOfFourThatHeardEachOther_Takes213Bytes) {
    AggregatedCertificate certificate = of_one_target();
    certificate.voters[0].heard = 0x0f;
    certificate.voters.push_back(certificate.voters[1]);
    certificate.voters[2].validator.value = 3;
    EXPECT_EQ(encode(certificate).size(), 213U);
    Certificate plain{certificate.final, votes_of(certificate)};
    EXPECT_EQ(encode(plain).size(), 359U);
}

TEST(AggregatedCertificateFormatTest, NoVoters_OrARoundWithoutSuccessor_AreMalformed) {
    EXPECT_EQ(error_with(one_target_hex, 47, 0, parse_aggregated_certificate), Errc::malformed);
    std::string last = one_target_hex;
    last.replace(0, 8, "ffffffff");
    EXPECT_EQ(parse_aggregated_certificate(test::bytes_of(last)).error().code, Errc::malformed);
}

TEST(AggregatedCertificateFormatTest, ASecondWayToWriteTheSame_IsMalformed) {
    const auto refused = [](const std::string& hex) {
        return parse_aggregated_certificate(test::bytes_of(hex)).error().code == Errc::malformed;
    };
    // A byte of the bitmaps that says nothing.
    EXPECT_TRUE(refused(final_hex + "0000000000000001" + "01" + times("22", 32) + "02" + "0003" +
                        times("61", 32) + times("77", 32)));
    // Targets out of order, the same twice, one that nobody voted for.
    const auto with_targets = [&](const char* first, const char* second, const char* of_second) {
        return final_hex + "8000000000000001" + "02" + times(first, 32) + times(second, 32) + "00" +
               "00" + times("61", 32) + of_second + times("62", 32) + times("77", 32);
    };
    EXPECT_FALSE(refused(with_targets("22", "33", "01")));
    EXPECT_TRUE(refused(with_targets("33", "22", "01")));
    EXPECT_TRUE(refused(with_targets("22", "22", "01")));
    EXPECT_TRUE(refused(with_targets("22", "33", "00")));
    EXPECT_TRUE(refused(with_targets("22", "33", "02"))) << "a target that is not there";
}

TEST(AggregatedCertificateFormatTest, ImpossibleCounts_AreMalformed) {
    for (const int count : {0, 3, 255}) {
        EXPECT_EQ(error_with(one_target_hex, at_count, count, parse_aggregated_certificate),
                  Errc::malformed);
    }
    EXPECT_EQ(error_with(one_target_hex, at_count + 33, 9, parse_aggregated_certificate),
              Errc::malformed);
}

}  // namespace
}  // namespace meshchain::wire
