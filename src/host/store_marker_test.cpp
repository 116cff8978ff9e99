// An older copy of a store in place of the newest is noticed, with either engine on a real disk:
// most of all one that knows less of what the node's key has signed.

#include "host/store_marker.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "base/random.h"
#include "host/file.h"
#include "host/marked_store.h"
#include "host/node_setup.h"
#include "host/node_store.h"
#include "host/store_copying.h"
#include "host/system_entropy.h"
#include "host/temporary_folder.h"
#include "kv/memory_store.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class StoreMarker : public testing::TestWithParam<node::StoreEngine> {
protected:
    void SetUp() override {
        config_.store_engine = GetParam();
        config_.store_size_mb = 16;
        key_.bytes.fill(std::byte{7});
    }

    DataFolder folder() const { return DataFolder(root_.path()); }
    fs::path file() const { return folder().store(config_); }
    std::unique_ptr<kv::Store> open_plain() const {
        auto store = open_node_store(folder(), config_, StoreMode::create_if_absent);
        EXPECT_TRUE(store.has_value()) << base::sentence(store.error());
        return *std::move(store);
    }
    std::unique_ptr<MarkedStore> mark(std::unique_ptr<kv::Store> store) {
        auto marked =
            MarkedStore::open(folder(), config_, std::move(store), [this] { return now_; });
        EXPECT_TRUE(marked.has_value()) << base::sentence(marked.error());
        return *std::move(marked);
    }
    std::unique_ptr<MarkedStore> open() { return mark(open_plain()); }

    static kv::Batch entry(int number) {
        kv::Batch batch;
        batch.put(node::tables::wallet, base::as_bytes(std::to_string(number)),
                  base::as_bytes(std::string(500, 'x')));
        return batch;
    }
    static void fill(kv::Store& store, int from, int to) {
        for (int i = from; i < to; ++i) ASSERT_TRUE(store.commit(entry(i)).has_value());
    }
    std::expected<void, base::Error> sign(kv::Store& store, std::uint32_t round, bool waits = false,
                                          std::optional<std::uint32_t> beyond = {}) const {
        consensus::SigningRecord record;
        record.key = key_;
        record.last_round = {round};
        record.waiting = waits;
        if (beyond) record.waiting_beyond = wire::Round{*beyond};
        return consensus::VoteStore(store, node::tables::consensus).write_record(record);
    }

    /// What the folder's note says of the store that lies there.
    std::expected<void, base::Error> check() const {
        MESH_TRY(const auto known, read_store_marker(folder()));
        const auto store = open_plain();
        return check_store_marker(known, folder(), config_, *store);
    }
    void expect_older() const {
        const auto checked = check();
        ASSERT_FALSE(checked.has_value());
        EXPECT_EQ(checked.error().code, base::Errc::stale);
        EXPECT_NE(checked.error().advice.find("--accept-older-store"), std::string::npos);
    }
    void copy(const fs::path& from, const fs::path& to) const {
        for (const char* end : {"", "-wal"}) {
            fs::remove(to.string() + end);
            if (fs::exists(from.string() + end)) {
                fs::copy_file(from.string() + end, to.string() + end);
            }
        }
    }

    TemporaryFolder root_;
    node::NodeConfig config_;
    crypto::PublicKey key_;
    base::Instant now_{};
};

TEST_P(StoreMarker, OlderCopyInPlaceOfTheNewest_IsRefused) {
    {
        const auto store = open();
        fill(*store, 0, 5);
        ASSERT_TRUE(store->close().has_value());
    }
    copy(file(), root_.path() / "old");
    {
        const auto store = open();
        fill(*store, 5, 9);
        ASSERT_TRUE(store->close().has_value());
    }
    EXPECT_TRUE(check().has_value());
    copy(root_.path() / "old", file());
    expect_older();
}

TEST_P(StoreMarker, WhatWasSignedJustBeforeTheEnd_IsKnown) {  // B6
    {
        const auto store = open_plain();
        ASSERT_TRUE(sign(*store, 0).has_value());
    }
    copy(file(), root_.path() / "old");
    {
        const auto store = open();
        ASSERT_TRUE(sign(*store, 3).has_value());
        const auto known = read_store_marker(folder());
        ASSERT_TRUE(known.has_value() && known->has_value());
        EXPECT_EQ((*known)->last_signed->round.value, 3U) << "before the vote can leave";
    }  // not closed: killed
    EXPECT_TRUE(check().has_value());
    copy(root_.path() / "old", file());
    expect_older();
    // Under another name nothing is known of its commits, but the key is the same.
    copy(root_.path() / "old", root_.path() / "other.db");
    config_.storage_path = "other.db";
    expect_older();
    // A copy that is marked as restored signs nothing twice.
    ASSERT_TRUE(mark_restored(*open_plain()).has_value());
    EXPECT_TRUE(check().has_value());
}

TEST_P(StoreMarker, RestoredKeyThatMaySignAgain_IsNotTakenForAnOlderOne) {
    {
        const auto store = open();
        ASSERT_TRUE(sign(*store, 9).has_value());
        ASSERT_TRUE(sign(*store, 4, true).has_value());  // an older copy was accepted
        ASSERT_TRUE(sign(*store, 10).has_value());       // FINAL has passed its start
    }
    EXPECT_TRUE(check().has_value());
}

TEST_P(StoreMarker, OlderCopyThatWaitsForARoundLongPast_IsRefused) {
    {
        const auto store = open();
        ASSERT_TRUE(sign(*store, 4, true, 9).has_value());
        ASSERT_TRUE(store->close().has_value());
    }
    EXPECT_TRUE(check().has_value()) << "a restart while it waits";
    copy(file(), root_.path() / "old");
    {
        const auto store = open();
        ASSERT_TRUE(sign(*store, 20).has_value());
        ASSERT_TRUE(store->close().has_value());
    }
    copy(root_.path() / "old", file());
    expect_older();
}

TEST_P(StoreMarker, SecondOlderCopy_IsRefusedAfterAFirstWasAccepted) {
    {
        const auto store = open();
        ASSERT_TRUE(sign(*store, 5).has_value());
    }
    copy(file(), root_.path() / "older");
    {
        const auto store = open();
        for (std::uint32_t round = 6; round < 40; ++round) {
            ASSERT_TRUE(sign(*store, round).has_value());
        }
    }
    copy(file(), root_.path() / "old");
    {
        const auto store = open();
        ASSERT_TRUE(sign(*store, 50).has_value());
    }
    copy(root_.path() / "older", file());
    expect_older();
    ASSERT_TRUE(mark_restored(*open_plain()).has_value());
    open();  // accepted, and noted
    copy(root_.path() / "old", file());
    expect_older();
}

TEST_P(StoreMarker, NewKeyWithANewStore_IsNotHeldToWhatTheOldOneHad) {
    {
        const auto store = open();
        ASSERT_TRUE(sign(*store, 9).has_value());
        fill(*store, 0, 20);
        ASSERT_TRUE(store->close().has_value());
    }
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(file().string() + end);
    SystemEntropy entropy;
    const auto keys = load_or_make_keys(folder(), entropy, config_);
    ASSERT_TRUE(keys.has_value()) << base::sentence(keys.error());
    EXPECT_TRUE(check().has_value());
    EXPECT_EQ((*read_store_marker(folder()))->last_signed->key, key_)
        << "should the old key come back";
}

TEST_P(StoreMarker, EmptiedStore_IsRefused) {
    {
        const auto store = open();
        fill(*store, 0, 2);
    }
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(file().string() + end);
    EXPECT_EQ(check().error().code, base::Errc::not_found);
}

TEST_P(StoreMarker, CommitsThatSignNothing_AreNotedOnceAMinute) {
    const auto store = open();
    const auto noted = [&] { return (*read_store_marker(folder()))->sequence; };
    const std::uint64_t first = noted();
    fill(*store, 0, 3);
    now_ += 59s;
    fill(*store, 3, 6);
    EXPECT_EQ(noted(), first);
    now_ += 1s;
    fill(*store, 6, 7);
    EXPECT_EQ(noted(), store->sequence());
    EXPECT_GT(noted(), first);
}

INSTANTIATE_TEST_SUITE_P(Engines, StoreMarker,
                         testing::Values(node::StoreEngine::sqlite, node::StoreEngine::flashlog),
                         [](const auto& engine) {
                             return engine.param == node::StoreEngine::sqlite ? "Sqlite"
                                                                              : "FlashLog";
                         });

class FlashLogMarker : public StoreMarker {};

TEST_P(FlashLogMarker, NewestSegmentsLost_AreNoticedThoughTheRestIsSound) {
    {
        const auto store = open();
        fill(*store, 0, 20);
    }
    const auto size = fs::file_size(file());
    std::string early(size, '\0');
    std::ifstream(file(), std::ios::binary).read(early.data(), static_cast<long>(size));
    {
        const auto store = open();  // goes on in a new segment
        fill(*store, 20, 40);
        ASSERT_TRUE(store->close().has_value());
    }
    std::string late(size, '\0');
    std::ifstream(file(), std::ios::binary).read(late.data(), static_cast<long>(size));
    // What was opened since is zeros, as from a card that has lost it.
    constexpr std::size_t piece = 4096;
    for (std::size_t at = 0; at < size; at += piece) {
        if (early.compare(at, piece, late, at, piece) != 0) late.replace(at, piece, piece, '\0');
    }
    std::ofstream(file(), std::ios::binary) << late;
    EXPECT_EQ(*open_plain()->count(node::tables::wallet), 20U) << "nothing looks wrong";
    expect_older();
}

INSTANTIATE_TEST_SUITE_P(Engine, FlashLogMarker, testing::Values(node::StoreEngine::flashlog));

class StoreMarkerCut : public StoreMarker {};

TEST_P(StoreMarkerCut, TornNote_LeavesTheOneBefore_AndADamagedOneIsReported) {
    {
        const auto store = open();
        ASSERT_TRUE(sign(*store, 1).has_value());
        ASSERT_TRUE(sign(*store, 2).has_value());
    }
    const auto whole = read_file(folder().store_marker(), store_marker_bytes);
    ASSERT_TRUE(whole.has_value());
    const auto second = base::Bytes(*whole).subspan(store_mark_distance);
    const std::size_t newer =
        parse_store_mark(*whole)->turn > parse_store_mark(second)->turn ? 0 : store_mark_distance;
    for (std::size_t cut = 0; cut < store_mark_bytes; ++cut) {
        base::Buffer torn = *whole;
        torn[newer + cut] ^= std::byte{1};
        const auto found = parse_store_marker(torn);
        ASSERT_TRUE(found.has_value()) << cut;
        EXPECT_EQ(found->mark.last_signed->round.value, 1U) << cut;
        torn[store_mark_distance - newer] ^= std::byte{1};
        EXPECT_EQ(parse_store_marker(torn).error().code, base::Errc::corrupt);
    }
}

TEST_P(StoreMarkerCut, NoteThatCannotBeWritten_KeepsWhatWasSignedFromLeaving) {
    const auto store = mark(kv::make_memory_store(node::node_tables));
    ASSERT_TRUE(sign(*store, 1).has_value());
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
    const auto signed_now = sign(*store, 2);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    EXPECT_FALSE(signed_now.has_value());
    EXPECT_TRUE(store->is_read_only());
    EXPECT_EQ(store->commit(entry(1)).error().code, base::Errc::unavailable);
}

INSTANTIATE_TEST_SUITE_P(Engine, StoreMarkerCut, testing::Values(node::StoreEngine::sqlite));

}  // namespace
}  // namespace meshchain::host
