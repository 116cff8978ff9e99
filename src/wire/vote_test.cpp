#include "wire/vote.h"

#include "wire/test_values.h"

namespace meshchain::wire {
namespace {

using base::Errc;
using test::error_with;
using test::filled;
using test::times;

Vote a_vote() {
    Vote vote;
    vote.validator.value = 5;
    vote.round.value = 0x0a0b0c0d;
    vote.source = {Round{0x0a0b0c00}, Slot{0x01020304}, filled<Hash>(0x11)};
    vote.target = filled<Hash>(0x22);
    vote.heard = 0x8000000000000001;
    vote.signature = filled<crypto::Signature>(0x66);
    return vote;
}
const std::string source_hex =
    "0a0b0c00"
    "01020304" +
    times("11", 32);
const std::string vote_hex =
    "0005"
    "0a0b0c0d" +
    source_hex + times("22", 32) + "8000000000000001" + times("66", 64);

Certificate a_certificate() {
    Certificate certificate;
    certificate.final = {Round{7}, Slot{6}, filled<Hash>(0x11)};
    Vote vote;
    vote.round.value = 8;
    vote.source = certificate.final;
    vote.target = filled<Hash>(0x22);
    vote.heard = 1;
    vote.signature = filled<crypto::Signature>(0x61);
    certificate.votes.push_back(vote);
    vote.validator.value = 63;
    vote.target = filled<Hash>(0x23);
    vote.heard = 2;
    vote.signature = filled<crypto::Signature>(0x62);
    certificate.votes.push_back(vote);
    return certificate;
}
const std::string certificate_hex =
    "00000007"
    "00000006" +
    times("11", 32) + "02" + "0000" + times("22", 32) + "0000000000000001" + times("61", 64) +
    "003f" + times("23", 32) + "0000000000000002" + times("62", 64);

VoteEvidence a_double_vote() {
    VoteEvidence evidence{a_vote(), a_vote()};
    evidence.second.target = filled<Hash>(0x33);
    evidence.second.heard = 0;
    evidence.second.signature = filled<crypto::Signature>(0x67);
    return evidence;
}
const std::string second_vote_hex =
    "0005"
    "0a0b0c0d" +
    source_hex + times("33", 32) + times("00", 8) + times("67", 64);

TEST(VoteFormatTest, Vote_HasOneForm) {
    test::expect_one_form(a_vote(), vote_hex, parse_vote);
    EXPECT_EQ(encode(a_vote()).size(), Vote::size);
}

TEST(VoteFormatTest, ValidatorBeyondEveryBitmap_IsMalformed) {
    EXPECT_EQ(error_with(vote_hex, 1, 64, parse_vote), Errc::malformed);
    EXPECT_EQ(error_with(vote_hex, 0, 1, parse_vote), Errc::malformed);
}

TEST(VoteFormatTest, Preimage_IsAsSpecified) {
    EXPECT_EQ(base::to_hex(preimage(test::chain, a_vote(), filled<crypto::PublicKey>(0x77))),
              "08"
              "6d632f61636b2f31" +
                  times("cc", 32) + "02" + times("77", 32) + "0a0b0c0d" + source_hex +
                  times("22", 32) + "8000000000000001");
}

TEST(CheckpointTest, Order_IsByRoundThenSlot) {
    const Checkpoint early{Round{1}, Slot{9}, {}};
    const Checkpoint later{Round{2}, Slot{1}, {}};
    EXPECT_TRUE(precedes(early, later));
    EXPECT_FALSE(precedes(later, early));
    EXPECT_TRUE(precedes({Round{1}, Slot{8}, {}}, early));
    EXPECT_FALSE(precedes(early, early));
}

TEST(CertificateFormatTest, Certificate_HasOneForm_AndRebuildsWholeVotes) {
    test::expect_one_form(a_certificate(), certificate_hex, parse_certificate);
    test::expect_one_form(Certificate{a_certificate().final, {}},
                          certificate_hex.substr(0, 80) + "00", parse_certificate);
}

TEST(CertificateFormatTest, VotesTwiceOrOutOfOrder_AreMalformed) {
    constexpr std::size_t second_validator = Checkpoint::size + 1 + 2 + 32 + 8 + 64 + 1;
    EXPECT_EQ(error_with(certificate_hex, second_validator, 0, parse_certificate), Errc::malformed);
    EXPECT_EQ(error_with(certificate_hex, Checkpoint::size + 2, 63, parse_certificate),
              Errc::malformed);
}

TEST(CertificateFormatTest, MoreVotesThanValidators_AreTooLarge) {
    EXPECT_EQ(error_with(certificate_hex, Checkpoint::size, 65, parse_certificate),
              Errc::too_large);
}

TEST(CertificateFormatTest, RoundWithoutSuccessor_IsMalformed) {
    const std::string hex = "ffffffff" + certificate_hex.substr(8);
    EXPECT_EQ(parse_certificate(test::bytes_of(hex)).error().code, Errc::malformed);
}

// Computed outside this program.
TEST(CertificateFormatTest, Hash_IsAsSpecified) {
    EXPECT_EQ(crypto::to_hex(certificate_hash(a_certificate())),
              "316a3642ca36acf914aee270d91c97e2ca3a515ce5c194145b6e4eb8a77d221c");
}

TEST(EvidenceFormatTest, TwoVotes_HaveOneForm) {
    test::expect_one_form(Evidence(a_double_vote()),
                          "01"
                          "00" +
                              vote_hex + second_vote_hex,
                          parse_evidence);
}

TEST(EvidenceFormatTest, TwoBlocks_HaveOneForm) {
    BlockHeader second = test::a_header();
    second.certificate = filled<Hash>(0x45);
    second.signature = filled<crypto::Signature>(0x68);
    test::expect_one_form(Evidence(BlockEvidence{test::a_header(), second}),
                          "01"
                          "01" +
                              test::header_hex +
                              test::header_hex.substr(0, 2 * (BlockHeader::size - 96)) +
                              times("45", 32) + times("68", 64),
                          parse_evidence);
}

TEST(EvidenceFormatTest, OtherVersionOrKind_IsRefused) {
    const std::string hex =
        "01"
        "00" +
        vote_hex + second_vote_hex;
    EXPECT_EQ(error_with(hex, 0, 2, parse_evidence), Errc::wrong_version);
    EXPECT_EQ(error_with(hex, 1, 2, parse_evidence), Errc::malformed);
}

TEST(EvidenceFormatTest, VotesOfTwoValidatorsOrOutOfOrder_AreMalformed) {
    VoteEvidence evidence = a_double_vote();
    evidence.second.validator.value = 6;
    EXPECT_EQ(parse_evidence(encode(Evidence(evidence))).error().code, Errc::malformed);
    evidence = a_double_vote();
    std::swap(evidence.first, evidence.second);
    EXPECT_EQ(parse_evidence(encode(Evidence(evidence))).error().code, Errc::malformed);
    evidence = a_double_vote();
    evidence.second.round.value -= 1;
    EXPECT_EQ(parse_evidence(encode(Evidence(evidence))).error().code, Errc::malformed);
}

TEST(EvidenceFormatTest, BlocksOfTwoSlotsOrProposers_AreMalformed) {
    BlockEvidence evidence{test::a_header(), test::a_header()};
    evidence.second.slot.value += 1;
    EXPECT_EQ(parse_evidence(encode(Evidence(evidence))).error().code, Errc::malformed);
    evidence.second = test::a_header();
    evidence.second.proposer.value -= 1;
    EXPECT_EQ(parse_evidence(encode(Evidence(evidence))).error().code, Errc::malformed);
}

}  // namespace
}  // namespace meshchain::wire
