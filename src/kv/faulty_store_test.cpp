#include "kv/faulty_store.h"

#include <gtest/gtest.h>

#include "kv/memory_store.h"

namespace meshchain::kv {
namespace {

constexpr Table state{0};
constexpr TableInfo tables[] = {{state, "state"}};

Batch tip(std::string_view value) {
    Batch batch;
    batch.put(state, base::as_bytes("tip"), base::as_bytes(value));
    return batch;
}

std::string read_tip(View& view) {
    const auto got = view.get(state, base::as_bytes("tip"));
    if (!got) return "!" + std::string(name(got.error().code));
    return *got ? std::string(base::as_text(**got)) : "-";
}

TEST(FaultyStore, Refused_ChangesNothingAndTheNextCommitWorks) {
    auto inner = make_memory_store(tables);
    FaultyStore store(*inner);
    store.fail_commit(1, CommitFault::refused);
    EXPECT_TRUE(store.commit(tip("1")).has_value());
    EXPECT_FALSE(store.commit(tip("2")).has_value());
    EXPECT_EQ(read_tip(store), "1");
    EXPECT_FALSE(store.is_read_only());
    EXPECT_TRUE(store.commit(tip("2")).has_value());
    EXPECT_EQ(read_tip(store), "2");
}

TEST(FaultyStore, UnknownOutcome_TurnsReadOnlyAndRestartShowsOldOrNew) {
    for (const auto fault : {CommitFault::unknown_absent, CommitFault::unknown_present}) {
        auto inner = make_memory_store(tables);
        {
            FaultyStore store(*inner);
            ASSERT_TRUE(store.commit(tip("1")).has_value());
            store.fail_commit(0, fault);
            EXPECT_EQ(store.commit(tip("2")).error().code, base::Errc::io);
            EXPECT_TRUE(store.is_read_only());
            EXPECT_EQ(store.commit(tip("3")).error().code, base::Errc::unavailable);
            EXPECT_EQ(read_tip(store), "1");
        }
        FaultyStore restarted(*inner);
        EXPECT_EQ(read_tip(restarted), fault == CommitFault::unknown_absent ? "1" : "2");
    }
}

TEST(FaultyStore, FailedRead_IsAnErrorOnce) {
    auto inner = make_memory_store(tables);
    FaultyStore store(*inner);
    ASSERT_TRUE(store.commit(tip("1")).has_value());
    store.fail_read(1, base::Errc::corrupt);
    EXPECT_EQ(read_tip(store), "1");
    EXPECT_EQ(read_tip(store), "!corrupt");
    EXPECT_EQ(read_tip(store), "1");
}

}  // namespace
}  // namespace meshchain::kv
