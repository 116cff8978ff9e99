#include "chain/block_download.h"

#include <gtest/gtest.h>

#include "chain/test_peer.h"

namespace meshchain::chain {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::peer;
using Transactions = BlockDownload::Transactions;

wire::Hash hash(int number) {
    wire::Hash value;
    value.bytes[0] = static_cast<std::byte>(number);
    return value;
}
wire::WireTransaction transaction(std::uint64_t units) {
    wire::CompactTransfer compact;
    compact.amount = {units};
    return compact;
}
wire::BlockHeader header(int number) {
    wire::BlockHeader value;
    value.parent = hash(number);
    return value;
}
wire::BlockResponse part(int block, std::uint16_t total, std::uint16_t first,
                         std::vector<wire::WireTransaction> transactions) {
    return {hash(block), header(block), total, first, std::move(transactions)};
}
base::Instant at(milliseconds time) { return base::Instant{time}; }

class BlockDownloadTest : public testing::Test {
protected:
    explicit BlockDownloadTest(milliseconds patience = milliseconds(500))
        : download_([=](const crypto::PublicKey&) { return patience; }, 40,
                    [](const wire::BlockHeader& h) { return std::optional(h.parent); },
                    base::Random(1)) {}

    BlockDownload download_;  ///< in which a header is named by its parent field
};

TEST_F(BlockDownloadTest, AHeaderThatHashesToAnotherName_IsRefusedAndReported) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    auto lie = part(1, 1, 0, {transaction(5)});
    lie.header = header(9);
    EXPECT_FALSE(download_.handle_response(peer(1), lie));
    EXPECT_EQ(download_.poll_failure(), peer(1));
    EXPECT_TRUE(download_.is_wanted(hash(1)));
}

TEST_F(BlockDownloadTest, MoreTransactionsThanABlockCanHold_IsRefused) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    EXPECT_FALSE(download_.handle_response(peer(1), part(1, 41, 0, {transaction(5)})));
    EXPECT_EQ(download_.poll_failure(), peer(1));
}

TEST_F(BlockDownloadTest, APartBeyondTheEnd_IsRefused) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    EXPECT_FALSE(
        download_.handle_response(peer(1), part(1, 2, 1, {transaction(1), transaction(2)})));
    EXPECT_EQ(download_.poll_failure(), peer(1));
}

TEST_F(BlockDownloadTest, AnEmptyPart_MakesNoProgressAndCountsAgainstThePeer) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    for (int i = 0; i < BlockDownload::tries_max; ++i) {
        ASSERT_TRUE(download_.poll_request(at(seconds(0))));
        EXPECT_FALSE(download_.handle_response(peer(1), part(1, 2, 0, {})));
    }
    EXPECT_FALSE(download_.is_wanted(hash(1))) << "given up after tries_max";
}

TEST_F(BlockDownloadTest, AnAnnouncementOfTooManyIds_IsForgotten_AndTheHonestGiverIsNotBlamed) {
    Transactions known(3);
    known[0] = transaction(7);
    ASSERT_TRUE(download_.want(hash(1), peer(1), header(1), std::move(known)));
    const auto complete =
        download_.handle_response(peer(2), part(1, 2, 0, {transaction(1), transaction(2)}));
    ASSERT_TRUE(complete.has_value());
    EXPECT_EQ(complete->block.transactions, (std::vector{transaction(1), transaction(2)}));
    EXPECT_FALSE(download_.poll_failure());
}

TEST_F(BlockDownloadTest, BlocksThatOnlyVotesName_LeaveRoomForOthers) {
    for (int i = 0; i < 40; ++i) download_.want(hash(i), peer(1), true);
    EXPECT_EQ(download_.size(), BlockDownload::voted_max);
    EXPECT_TRUE(download_.want(hash(41), peer(1)));
    EXPECT_FALSE(download_.want(hash(42), peer(1), true));
    EXPECT_TRUE(download_.want(hash(3), peer(2))) << "somebody else wants it too";
    EXPECT_TRUE(download_.want(hash(42), peer(1), true)) << "so it does not count any more";
}

TEST_F(BlockDownloadTest, APeerThatLeaves_MakesNobodyElseBeAskedAgain) {
    for (int i = 1; i <= 3; ++i) {
        ASSERT_TRUE(download_.want(hash(i), peer(i)));
        ASSERT_TRUE(download_.want(hash(i), peer(9)));
        ASSERT_TRUE(download_.poll_request(at(seconds(0))));
    }
    download_.forget_peer(peer(2));
    const auto again = download_.poll_request(at(seconds(0)));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->to, peer(9));
    EXPECT_EQ(again->request.block, hash(2));
    EXPECT_FALSE(download_.poll_request(at(seconds(0))));
    download_.forget_peer(peer(9));
    EXPECT_FALSE(download_.is_wanted(hash(2)));
    EXPECT_TRUE(download_.is_wanted(hash(1)));
}

TEST_F(BlockDownloadTest, WhoWasNotAsked_CannotEndADownload) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    ASSERT_TRUE(download_.want(hash(1), peer(2)));
    ASSERT_EQ(download_.poll_request(at(seconds(0)))->to, peer(1));
    for (int i = 0; i < 2 * BlockDownload::tries_max; ++i) {
        download_.handle_not_found(peer(2), hash(1));
        EXPECT_FALSE(download_.handle_response(peer(2), part(1, 2, 0, {})));
    }
    EXPECT_TRUE(download_.is_wanted(hash(1)));
}

TEST_F(BlockDownloadTest, PartsInSeveralDatagrams_MakeTheBlock) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    auto request = download_.poll_request(at(seconds(0)));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->request.first, 0);
    EXPECT_FALSE(
        download_.handle_response(peer(1), part(1, 3, 0, {transaction(1), transaction(2)})));
    request = download_.poll_request(at(seconds(0)));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->request.first, 2);
    const auto complete = download_.handle_response(peer(1), part(1, 3, 2, {transaction(3)}));
    ASSERT_TRUE(complete);
    EXPECT_EQ(complete->block.transactions,
              (std::vector{transaction(1), transaction(2), transaction(3)}));
    EXPECT_EQ(download_.size(), 0U);
}

TEST_F(BlockDownloadTest, WithMostTransactionsKnown_OnlyFromTheFirstMissingIsAsked) {
    ASSERT_TRUE(download_.want(hash(1), peer(1), header(1),
                               {transaction(1), std::nullopt, transaction(3)}));
    const auto request = download_.poll_request(at(seconds(0)));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->request.first, 1);
    EXPECT_TRUE(download_.handle_response(peer(1), part(1, 3, 1, {transaction(2)})));
}

TEST_F(BlockDownloadTest, ASilentPeer_IsReportedAndTheNextOneAsked) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    ASSERT_TRUE(download_.want(hash(1), peer(2)));
    EXPECT_EQ(download_.poll_request(at(seconds(0)))->to, peer(1));
    EXPECT_EQ(download_.poll_timeout(), at(milliseconds(500)));
    download_.handle_timeout(at(milliseconds(500)));
    EXPECT_EQ(download_.poll_request(at(milliseconds(500)))->to, peer(2));
    download_.handle_timeout(at(milliseconds(1000)));
    EXPECT_EQ(download_.poll_failure(), peer(2)) << "a first lost datagram is nobody's fault";
}

TEST_F(BlockDownloadTest, APeerThatLostTheBlock_IsPassedOverWithoutBlame) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    ASSERT_TRUE(download_.want(hash(1), peer(2)));
    ASSERT_TRUE(download_.poll_request(at(seconds(0))));
    download_.handle_not_found(peer(1), hash(1));
    EXPECT_FALSE(download_.poll_failure());
    EXPECT_EQ(download_.poll_request(at(seconds(0)))->to, peer(2));
}

TEST_F(BlockDownloadTest, NotFoundFromAStranger_ChangesNothing) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    for (int i = 0; i < 100; ++i) download_.handle_not_found(peer(7), hash(1));
    EXPECT_TRUE(download_.is_wanted(hash(1)));
}

TEST_F(BlockDownloadTest, WishesAndRequests_AreBounded) {
    std::size_t accepted = 0;
    for (int i = 0; i < 200; ++i) accepted += download_.want(hash(i), peer(1)) ? 1U : 0U;
    EXPECT_EQ(accepted, BlockDownload::blocks_max);
    std::size_t requests = 0;
    while (download_.poll_request(at(seconds(0)))) ++requests;
    EXPECT_EQ(requests, BlockDownload::requests_in_flight_max);
}

TEST_F(BlockDownloadTest, APeerThatLeft_TakesItsWishesAlong) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    ASSERT_TRUE(download_.want(hash(2), peer(1)));
    ASSERT_TRUE(download_.want(hash(2), peer(2)));
    download_.forget_peer(peer(1));
    EXPECT_FALSE(download_.is_wanted(hash(1)));
    EXPECT_EQ(download_.poll_request(at(seconds(0)))->to, peer(2));
}

/// Over the air.
class SlowDownloadTest : public BlockDownloadTest {
protected:
    SlowDownloadTest() : BlockDownloadTest(seconds(100)) {}
};

TEST_F(SlowDownloadTest, WhatIsLacking_IsAwaitedFirst_ThenAskedOfAll_ThenOfOne) {
    Transactions known(2);
    known[0] = transaction(7);
    ASSERT_TRUE(download_.want(hash(1), peer(1), header(1), known));
    base::Instant now = at(seconds(1000));
    EXPECT_FALSE(download_.poll_request(now));
    EXPECT_GE(download_.poll_timeout(), now + seconds(1));
    EXPECT_LE(download_.poll_timeout(), now + seconds(15));
    std::optional<DownloadRequest> request;
    int shared = 0;
    for (int i = 0; i < 20 && !(request && request->to); ++i) {
        now = download_.poll_timeout();
        download_.handle_timeout(now);
        request = download_.poll_request(now);
        if (!request || request->to) continue;
        ++shared;
        EXPECT_EQ(request->request.block, hash(1));
        EXPECT_EQ(request->missing, 1U);
        EXPECT_EQ(download_.poll_timeout(), now + seconds(25)) << "all hear the answer";
    }
    ASSERT_TRUE(request);
    EXPECT_EQ(request->to, peer(1));
    EXPECT_EQ(request->request.first, 1);
    EXPECT_EQ(download_.poll_timeout(), now + seconds(100));
    EXPECT_EQ(shared, BlockDownload::shared_tries);
}

TEST_F(SlowDownloadTest, AnswerOfSomebodyWhoIsNotSaidToHaveIt_IsNotTaken) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    EXPECT_FALSE(download_.handle_response(peer(2), part(1, 1, 0, {transaction(5)})));
    EXPECT_TRUE(download_.handle_response(peer(1), part(1, 1, 0, {transaction(6)})));
}

TEST_F(SlowDownloadTest, OfManyBlocks_FewAreAskedForAtATime_AndNothingSpins) {
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(download_.want(hash(i), peer(1)));
    base::Instant now = at(seconds(1000));
    EXPECT_FALSE(download_.poll_request(now));
    now += seconds(20);
    std::size_t asked = 0;
    while (download_.poll_request(now)) ++asked;
    EXPECT_EQ(asked, BlockDownload::slow_in_flight_max);
    EXPECT_EQ(download_.poll_timeout(), now + seconds(25)) << "and not before";
}

TEST_F(SlowDownloadTest, WhatIsAskedOfAll_SaysHowMuchIsMissing) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    Transactions known(1 + BlockDownload::shared_missing_max);
    known[0] = transaction(7);
    ASSERT_TRUE(download_.want(hash(2), peer(1), header(2), known));
    base::Instant now = at(seconds(1000));
    EXPECT_FALSE(download_.poll_request(now));
    now += seconds(20);
    const auto unknown = download_.poll_request(now);
    ASSERT_TRUE(unknown);
    EXPECT_EQ(unknown->request.block, hash(1));
    EXPECT_EQ(unknown->missing, 0U) << "the announcement itself";
    const auto many = download_.poll_request(now);
    ASSERT_TRUE(many);
    EXPECT_FALSE(many->to);
    EXPECT_EQ(many->missing, BlockDownload::shared_missing_max);
}

TEST_F(SlowDownloadTest, MoreThanRowsRepair_IsAskedOfOne) {
    Transactions known(1 + BlockDownload::shared_missing_max);
    ASSERT_TRUE(download_.want(hash(2), peer(1), header(2), known));
    base::Instant now = at(seconds(1000));
    EXPECT_FALSE(download_.poll_request(now));
    now += seconds(100);
    const auto asked = download_.poll_request(now);
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->to, peer(1));
    EXPECT_EQ(asked->request.first, 0U);
}

// A leader names what nobody else has, and lets it drip.
TEST_F(SlowDownloadTest, WhatAPeerHasGiven_IsNotForgotten_WhenTheMempoolLacksIt) {
    ASSERT_TRUE(download_.want(hash(1), peer(1), header(1), Transactions(3)));
    EXPECT_FALSE(download_.handle_response(peer(1), part(1, 3, 0, {transaction(5)})));
    Transactions known(3);
    known[1] = transaction(6);
    EXPECT_FALSE(download_.fill(hash(1), known, std::nullopt));
    EXPECT_TRUE(download_.handle_response(peer(1), part(1, 3, 2, {transaction(7)})));
}

TEST_F(SlowDownloadTest, WhatComesMeanwhile_IsNotAskedForAnyMore) {
    ASSERT_TRUE(download_.want(hash(1), peer(1), header(1), Transactions(3)));
    base::Instant now = at(seconds(1000));
    EXPECT_FALSE(download_.poll_request(now));
    Transactions some(3);
    some[1] = transaction(2);
    EXPECT_FALSE(download_.fill(hash(1), some, std::nullopt));
    now += seconds(20);
    const auto request = download_.poll_request(now);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->missing, 2U);
}

// The ids of an announcement are signed by nobody: once a body is known, they count no more.
TEST_F(SlowDownloadTest, BlockWhoseAnnouncementWasFalse_IsAskedOfOne) {
    ASSERT_TRUE(download_.want(hash(1), peer(1), header(1), Transactions(1)));
    EXPECT_FALSE(download_.handle_response(peer(1), part(1, 2, 0, {transaction(1)})));
    base::Instant now = at(seconds(1000));
    EXPECT_FALSE(download_.poll_request(now));
    now += seconds(80);
    const auto request = download_.poll_request(now);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->to, peer(1));
    EXPECT_EQ(request->request.first, 1);
    EXPECT_FALSE(download_.fill(hash(1), Transactions(5), std::nullopt));
    EXPECT_TRUE(download_.handle_response(peer(1), part(1, 2, 1, {transaction(2)})))
        << "what the false ids matched has replaced nothing";
}

/// Of a block that lacks two transactions of three, and of one that lacks its announcement.
class OthersAskTest : public SlowDownloadTest {
protected:
    OthersAskTest() {
        Transactions known(3);
        known[0] = transaction(7);
        EXPECT_TRUE(download_.want(hash(1), peer(1), header(1), known));
        EXPECT_FALSE(download_.poll_request(now_));
        asks_at_ = download_.poll_timeout();
        EXPECT_LT(asks_at_, now_ + seconds(20));
    }
    bool waits() const { return download_.poll_timeout() > asks_at_; }

    static constexpr base::Instant now_{seconds(1000)};
    base::Instant asks_at_;
};

TEST_F(OthersAskTest, WhoeverLacksAsManyOrMore_IsWaitedFor) {
    download_.note_asked(now_, wire::BlockWish{wire::name_of(hash(1)), 1});
    EXPECT_FALSE(waits()) << "that leaves out what this one lacks";
    download_.note_asked(now_, wire::BlockWish{wire::name_of(hash(2)), 9});
    EXPECT_FALSE(waits()) << "of another block";
    download_.note_asked(now_, wire::BlockWish{wire::name_of(hash(1)), 0});
    EXPECT_FALSE(waits()) << "the announcement is known here";
    download_.note_asked(now_, wire::BlockWish{wire::name_of(hash(1)), 2});
    EXPECT_TRUE(waits());
    EXPECT_GE(download_.poll_timeout(), now_ + seconds(25));
    EXPECT_LE(download_.poll_timeout(), now_ + seconds(75));
}

TEST_F(OthersAskTest, WhoeverAsksForTheSameAgain_KeepsNobodyFromAsking) {
    download_.note_asked(now_, wire::BlockWish{wire::name_of(hash(1)), 3});
    const base::Instant then = download_.poll_timeout();
    download_.note_asked(then - seconds(1), wire::BlockWish{wire::name_of(hash(1)), 3});
    EXPECT_EQ(download_.poll_timeout(), then);
    EXPECT_TRUE(download_.poll_request(then));
}

TEST_F(OthersAskTest, AfterItsOwnQuestion_ItWaitsOnceMore) {
    download_.note_asked(now_, wire::BlockWish{wire::name_of(hash(1)), 3});
    base::Instant now = download_.poll_timeout();
    ASSERT_TRUE(download_.poll_request(now));
    download_.note_asked(now, wire::BlockWish{wire::name_of(hash(1)), 3});
    EXPECT_EQ(download_.poll_timeout(), now + seconds(25)) << "it has asked: the answer is awaited";
    now = download_.poll_timeout();
    download_.handle_timeout(now);
    EXPECT_FALSE(download_.poll_request(now));
    ASSERT_LE(download_.poll_timeout(), now + seconds(20));
    download_.note_asked(now, wire::BlockWish{wire::name_of(hash(1)), 3});
    EXPECT_GE(download_.poll_timeout(), now + seconds(25));
}

TEST_F(OthersAskTest, WhoeverLacksTheAnnouncement_IsWaitedForByWhoLacksItToo) {
    download_.forget(hash(1));
    ASSERT_TRUE(download_.want(hash(2), peer(1)));
    EXPECT_FALSE(download_.poll_request(now_));
    asks_at_ = download_.poll_timeout();
    download_.note_asked(now_, wire::BlockWish{wire::name_of(hash(2)), 3});
    EXPECT_FALSE(waits()) << "rows are of no use without it";
    download_.note_asked(now_, wire::BlockWish{wire::name_of(hash(2)), 0});
    EXPECT_TRUE(waits());
}

TEST_F(OthersAskTest, RequestToOne_IsWaitedForAsWell_IfItBeginsNoLater) {
    download_.note_asked(now_, wire::BlockRequest{hash(1), 2});
    EXPECT_FALSE(waits()) << "that leaves out what this one lacks";
    download_.note_asked(now_, wire::BlockRequest{hash(2), 0});
    EXPECT_FALSE(waits());
    download_.note_asked(now_, wire::BlockRequest{hash(1), 1});
    EXPECT_TRUE(waits());
    EXPECT_GE(download_.poll_timeout(), now_ + seconds(25));
    const base::Instant then = download_.poll_timeout();
    download_.note_asked(now_ + seconds(20), wire::BlockRequest{hash(1), 0});
    EXPECT_EQ(download_.poll_timeout(), then) << "once: nobody is kept from asking";
}

TEST_F(BlockDownloadTest, WhereAsksAreCheap_NobodyIsWaitedFor) {
    ASSERT_TRUE(download_.want(hash(1), peer(1)));
    download_.note_asked(at(seconds(1)), wire::BlockWish{wire::name_of(hash(1)), 0});
    download_.note_asked(at(seconds(1)), wire::BlockRequest{hash(1), 0});
    EXPECT_TRUE(download_.poll_request(at(seconds(1))));
}

TEST_F(SlowDownloadTest, WhatComesOneByOne_IsEnough_IfItIsWhatTheHeaderCommitsTo) {
    ASSERT_TRUE(download_.want(hash(1), peer(1), header(1), Transactions(1)));
    const Transactions all{transaction(3)};
    EXPECT_FALSE(download_.fill(hash(1), all, hash(99)));
    const auto complete = download_.fill(hash(1), all, header(1).transaction_root);
    ASSERT_TRUE(complete);
    EXPECT_EQ(complete->block.transactions, std::vector{transaction(3)});
    EXPECT_FALSE(download_.is_wanted(hash(1)));
    EXPECT_FALSE(download_.poll_failure());
}

}  // namespace
}  // namespace meshchain::chain
