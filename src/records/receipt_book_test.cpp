// Who holds an alarm, over restarts, full disks and damage, and with room for so many.

#include "records/receipt_book.h"

#include "kv/faulty_store.h"
#include "records/alert_delivery.h"
#include "records/test_records.h"

namespace meshchain::records {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::public_key_of;
using test::receipts_table;

class ReceiptBookTest : public testing::Test {
protected:
    ReceiptBookTest() { reopen(); }

    /// Power is cut and comes back.
    void reopen() {
        const Alarms alarms = std::exchange(alarms_, {});
        book_.reset();
        faulty_.reset();
        kv_.reset();
        kv_ = kv::MemoryStore::open(medium_, {.tables = test::tables}).value();
        faulty_.emplace(*kv_);
        book_.emplace(*faulty_, receipts_table);
        for (const auto& [number, priority] : alarms) begin(number, priority);
        EXPECT_TRUE(book_->load(at({})));
    }
    wire::RecordId begin(unsigned number, AlertPriority priority, bool is_carried = true) {
        alarms_[number] = priority;
        const wire::Record record = record_of(number);
        const wire::RecordId id = wire::record_id(test::chain_id(), record);
        book_->begin(id, record, priority, is_carried);
        return id;
    }
    static wire::Record record_of(unsigned number) {
        return test::signed_record({.kind = wire::RecordKind::alert,
                                    .key = std::to_string(number),
                                    .sequence = number + 1,
                                    .at = std::chrono::seconds(number)});
    }
    static std::vector<crypto::PublicKey> keys(std::vector<unsigned> numbers) {
        std::vector<crypto::PublicKey> found;
        for (const unsigned number : numbers) found.push_back(public_key_of(number));
        std::ranges::sort(found);
        return found;
    }
    void note(const wire::RecordId& id, unsigned holder) {
        book_->note(at({}), sign_receipt(test::chain_id(), id, test::key_of(holder)));
    }
    std::uint64_t rows() { return kv_->count(receipts_table).value(); }
    static base::Buffer row(const wire::RecordId& id, unsigned holder) {
        base::Buffer row = base::to_buffer(id.bytes);
        base::Writer(row).bytes(public_key_of(holder).bytes);
        return row;
    }

    using Alarms = std::map<unsigned, AlertPriority>;
    Alarms alarms_;
    std::shared_ptr<kv::MemoryMedium> medium_ = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::Store> kv_;
    std::optional<kv::FaultyStore> faulty_;
    std::optional<ReceiptBook> book_;
};

TEST_F(ReceiptBookTest, WhatWasWritten_IsThereAfterARestart_OfImportantAlarmsAlone) {
    const auto important = begin(1, AlertPriority::high);
    const auto usual = begin(2, AlertPriority::normal, false);
    book_->expect(at({}), important, keys({5, 6, 7}));
    book_->expect(at({}), usual, keys({5, 6, 7}));
    note(important, 6);
    note(usual, 6);
    EXPECT_EQ(book_->poll_timeout(), at(ReceiptBook::flush_after).instant);
    book_->handle_timeout(at(ReceiptBook::flush_after));
    EXPECT_EQ(book_->poll_timeout(), base::never);
    note(important, 7);  // and was not written
    EXPECT_EQ(book_->holders(usual), keys({6}));
    EXPECT_TRUE(book_->targets(usual).empty()) << "who is not carried has no targets";
    reopen();
    EXPECT_EQ(book_->targets(important), keys({5, 6, 7}));
    EXPECT_EQ(book_->holders(important), keys({6}));
    EXPECT_EQ(book_->missing(important), keys({5, 7}));
    EXPECT_TRUE(book_->holders(usual).empty());
    EXPECT_EQ(book_->stats().held, 3U);
}

TEST_F(ReceiptBookTest, AlarmThatIsNoMore_LeavesNothing_AlsoIfItEndedWhileTheNodeWasOff) {
    for (const unsigned number : {1U, 2U}) {
        const auto id = begin(number, AlertPriority::critical);
        book_->expect(at({}), id, keys({5, 6}));
        note(id, 6);
    }
    ASSERT_TRUE(book_->flush());
    EXPECT_EQ(rows(), 4U);
    const auto forgotten = book_->forget(at({}), record_of(1).key);
    ASSERT_TRUE(forgotten);
    EXPECT_FALSE(book_->has(*forgotten));
    EXPECT_FALSE(book_->forget(at({}), record_of(1).key));
    ASSERT_TRUE(book_->flush());
    EXPECT_EQ(rows(), 2U);
    alarms_.clear();
    reopen();
    ASSERT_TRUE(book_->flush());
    EXPECT_EQ(rows(), 0U);
    EXPECT_EQ(book_->stats().held, 0U);
    EXPECT_EQ(book_->stats().unsound, 0U);
}

TEST_F(ReceiptBookTest, DamagedRow_IsLeftOutAndCounted_AndTheNextReceiptMendsIt) {
    const auto id = begin(1, AlertPriority::critical);
    const std::vector<unsigned> holders{5, 6, 7, 8, 9};
    for (const unsigned holder : holders) note(id, holder);
    ASSERT_TRUE(book_->flush());
    medium_->flip_bit(receipts_table, row(id, 7), 11);
    reopen();
    EXPECT_EQ(book_->holders(id), keys({5, 6, 8, 9}));
    EXPECT_EQ(book_->stats().unsound, 1U);
    note(id, 7);
    ASSERT_TRUE(book_->flush());
    reopen();
    EXPECT_EQ(book_->holders(id), keys(holders));
    EXPECT_EQ(book_->stats().unsound, 0U);
}

TEST_F(ReceiptBookTest, RowsThatAreNone_AreErasedAndCounted) {
    const auto id = begin(1, AlertPriority::critical);
    kv::Batch batch;
    batch.put(receipts_table, base::as_bytes("short"), {});
    batch.put(receipts_table, row(id, 5), base::as_bytes("no signature"));
    ASSERT_TRUE(kv_->commit(batch));
    reopen();
    EXPECT_EQ(book_->stats().unsound, 2U);
    EXPECT_TRUE(book_->targets(id).empty());
    ASSERT_TRUE(book_->flush());
    EXPECT_EQ(rows(), 0U);
}

TEST_F(ReceiptBookTest, FullDisk_IsTriedAgain_AndWhatFindsNoRoomIsNotCounted) {
    const auto id = begin(1, AlertPriority::critical);
    faulty_->set_no_room(true);
    for (unsigned i = 0; i < ReceiptBook::nodes_max; ++i) note(id, i);
    const auto second = begin(2, AlertPriority::critical);
    note(second, 5);
    EXPECT_TRUE(book_->holders(second).empty()) << "it is asked for again";
    EXPECT_EQ(book_->stats().dropped, 1U);
    book_->handle_timeout(at(1s));
    EXPECT_EQ(book_->poll_timeout(), at(2s).instant);
    faulty_->set_no_room(false);
    note(second, 5);
    EXPECT_EQ(book_->holders(second), keys({5}));
    book_->handle_timeout(at(2s));
    EXPECT_EQ(rows(), ReceiptBook::nodes_max + 1);
}

TEST_F(ReceiptBookTest, WhereAllIsFull_TheLowestAndOldestGivesWay_NeverAHigherOne) {
    book_.emplace(*kv_, std::nullopt);
    std::vector<crypto::PublicKey> nodes;
    for (unsigned i = 0; i < ReceiptBook::nodes_max + 5; ++i) nodes.push_back(public_key_of(i));
    constexpr unsigned alarms = ReceiptBook::receipts_max / ReceiptBook::nodes_max;
    std::vector<wire::RecordId> ids;
    for (unsigned i = 0; i < alarms; ++i) {
        ids.push_back(begin(i, i < 2 ? AlertPriority::high : AlertPriority::critical));
        book_->expect(at({}), ids.back(), nodes);
        EXPECT_EQ(book_->targets(ids.back()).size(), ReceiptBook::nodes_max);
    }
    EXPECT_EQ(book_->stats().held, ReceiptBook::receipts_max);
    const auto low = begin(100, AlertPriority::low);
    note(low, 1);
    EXPECT_TRUE(book_->holders(low).empty());
    const auto critical = begin(101, AlertPriority::critical);
    note(critical, 1);
    EXPECT_EQ(book_->holders(critical).size(), 1U);
    EXPECT_TRUE(book_->targets(ids[0]).empty())
        << "the older of the two that are no more than high";
    EXPECT_EQ(book_->targets(ids[1]).size(), ReceiptBook::nodes_max);
    EXPECT_EQ(book_->targets(ids[2]).size(), ReceiptBook::nodes_max);
    EXPECT_LE(book_->stats().held, ReceiptBook::receipts_max);
}

TEST(AlertDeliveryTest, WhereTooManyAreFollowed_TheLowestAndOldestGoes_NeverACriticalOne) {
    AlertDelivery delivery{base::Random(1)};
    const auto follow = [&](std::uint8_t number, AlertPriority priority) {
        wire::RecordId id;
        id.bytes[0] = std::byte{number};
        delivery.follow(at({}), id, {priority, {.ms = number}}, {}, at(15min).instant);
        return id;
    };
    const auto oldest = follow(0, AlertPriority::critical);
    const auto high = follow(1, AlertPriority::high);
    const auto younger = follow(2, AlertPriority::high);
    for (std::uint8_t i = 3; i < AlertDelivery::followed_max; ++i) {
        follow(i, AlertPriority::critical);
    }
    follow(100, AlertPriority::critical);
    EXPECT_FALSE(delivery.is_followed(high));
    EXPECT_TRUE(delivery.is_followed(younger));
    follow(101, AlertPriority::critical);
    EXPECT_FALSE(delivery.is_followed(younger));
    EXPECT_FALSE(delivery.is_followed(follow(102, AlertPriority::high)));
    EXPECT_TRUE(delivery.is_followed(oldest));
    follow(103, AlertPriority::critical);
    EXPECT_FALSE(delivery.is_followed(oldest)) << "of equals the oldest";
}

}  // namespace
}  // namespace meshchain::records
