#include "runtime/handler_table.h"

#include <gtest/gtest.h>

#include <string>

namespace meshchain::runtime {
namespace {

using base::Errc;
using base::Instant;

constexpr EventType type = EventType::custom;

struct Fixture : testing::Test {
    HandlerTable table{4, 128};
    std::string calls;
    std::array<HandlerId, 4> ids{};

    std::size_t dispatch() {
        return table.dispatch(Instant{}, {.type = type},
                              [this](const base::Error&) { calls += '!'; });
    }
    Handler noting(char who) {
        return [this, who](Instant, const Event&) { calls += who; };
    }
};
using HandlerTableTest = Fixture;

TEST_F(HandlerTableTest, Full_RefusesAndARemovedHandlerMakesRoom) {
    for (auto& id : ids) id = *table.add(type, noting('x'));
    EXPECT_EQ(table.add(type, noting('y')).error().code, Errc::full);
    EXPECT_TRUE(table.remove(ids[2]));
    EXPECT_TRUE(table.add(type, noting('y')));
    EXPECT_EQ(dispatch(), 4U);
    EXPECT_EQ(calls, "xxxy");
}

TEST_F(HandlerTableTest, ATypeBeyondTheTable_IsRefusedAndItsEventsReachNobody) {
    EXPECT_EQ(table.add(static_cast<EventType>(128), noting('x')).error().code,
              Errc::invalid_argument);
    EXPECT_EQ(table.dispatch(Instant{}, {.type = static_cast<EventType>(65535)},
                             [](const base::Error&) {}),
              0U);
}

TEST_F(HandlerTableTest, AStaleId_RemovesNobodyElse) {
    const HandlerId first = *table.add(type, noting('a'));
    EXPECT_TRUE(table.remove(first));
    const HandlerId second = *table.add(type, noting('b'));
    EXPECT_EQ(second.slot, first.slot);
    EXPECT_FALSE(table.remove(first));
    EXPECT_FALSE(table.remove({.slot = 99}));
    EXPECT_FALSE(table.remove({.slot = 3}));  // never added
    EXPECT_EQ(dispatch(), 1U);
}

TEST_F(HandlerTableTest, EachHandlerIsCalledInOrderOfRegistration_FailuresIncluded) {
    ASSERT_TRUE(table.add(type, noting('a')));
    ASSERT_TRUE(table.add(type, [](Instant, const Event&) -> Outcome {
        return base::failure(Errc::io, "no", "test");
    }));
    ASSERT_TRUE(table.add(type, noting('b')));
    EXPECT_EQ(dispatch(), 3U);
    EXPECT_EQ(calls, "a!b");
}

TEST_F(HandlerTableTest, AHandlerThatRemovesItselfAndTheNext_IsTheLastOneCalled) {
    ids[0] = *table.add(type, [this](Instant, const Event&) {
        calls += 'a';
        EXPECT_TRUE(table.remove(ids[0]));
        EXPECT_TRUE(table.remove(ids[1]));
    });
    ids[1] = *table.add(type, noting('b'));
    EXPECT_EQ(dispatch(), 1U);
    EXPECT_EQ(calls, "a");
    EXPECT_EQ(dispatch(), 0U);
    EXPECT_EQ(table.size(), 0U);
}

TEST_F(HandlerTableTest, AHandlerAddedDuringADispatch_SeesTheNextEventOnly) {
    ids[0] = *table.add(type, [this](Instant, const Event&) {
        calls += 'a';
        if (table.size() < 2) ids[1] = *table.add(type, noting('b'));
    });
    dispatch();
    EXPECT_EQ(calls, "a");
    dispatch();
    EXPECT_EQ(calls, "aab");
}

TEST_F(HandlerTableTest, RemovalInANestedDispatch_LeavesTheOuterOneWhole) {
    ids[0] = *table.add(type, [this](Instant, const Event&) {
        calls += 'a';
        if (calls.size() < 2) dispatch();
    });
    ids[1] = *table.add(type, [this](Instant, const Event&) {
        calls += 'b';
        table.remove(ids[0]);
        table.remove(ids[1]);
        ids[3] = *table.add(type, noting('d'));
    });
    ids[2] = *table.add(type, noting('c'));
    dispatch();
    EXPECT_EQ(calls, "aabcc");
    calls.clear();
    EXPECT_EQ(dispatch(), 2U);
    EXPECT_EQ(calls, "cd");
}

}  // namespace
}  // namespace meshchain::runtime
