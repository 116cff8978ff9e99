#include "base/error.h"

#include <memory>
#include <set>

#include <gtest/gtest.h>

#include "base/assert.h"

namespace meshchain::base {
namespace {

std::expected<int, Error> half(int value) {
    if (value % 2 != 0) {
        return failure(Errc::invalid_argument, std::to_string(value) + " is odd", "half",
                       "give an even number");
    }
    return value / 2;
}

std::expected<int, Error> quarter(int value) {
    MESH_TRY(const int once, half(value));
    MESH_TRY(const int twice, half(once));
    return twice;
}

std::expected<void, Error> check_both(int a, int b) {
    MESH_CHECK(half(a));
    MESH_CHECK(half(b));
    return {};
}

TEST(Error, Try_ReturnsTheFirstFailureUntouched) {
    const auto result = quarter(6);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::invalid_argument);
    EXPECT_EQ(result.error().what, "3 is odd");
    EXPECT_EQ(quarter(8).value(), 2);
}

TEST(Error, Check_StopsAtTheFirstFailure) {
    EXPECT_EQ(check_both(1, 3).error().what, "1 is odd");
    EXPECT_EQ(check_both(2, 3).error().what, "3 is odd");
    EXPECT_TRUE(check_both(2, 4));
}

TEST(Error, Try_MovesWhatCannotBeCopied) {
    const auto make = []() -> std::expected<std::unique_ptr<int>, Error> {
        return std::make_unique<int>(7);
    };
    const auto use = [&]() -> std::expected<int, Error> {
        MESH_TRY(const auto pointer, make());
        return *pointer;
    };
    EXPECT_EQ(use().value(), 7);
}

TEST(Error, Sentence_SaysWhereWhatAndWhatToDo) {
    EXPECT_EQ(sentence(half(3).error()), "half: 3 is odd; give an even number");
    EXPECT_EQ(sentence({Errc::io, "no reply", "link", ""}), "link: no reply");
    EXPECT_EQ(sentence({Errc::io, "no reply", "", "try again"}), "no reply; try again");
}

TEST(Error, Names_AreDistinct) {
    std::set<std::string_view> names;
    constexpr auto last = static_cast<unsigned char>(Errc::unavailable);
    for (unsigned char code = 0; code <= last; ++code) names.insert(name(static_cast<Errc>(code)));
    EXPECT_EQ(names.size(), last + 1U);
    EXPECT_FALSE(names.contains("unknown"));
}

TEST(AssertDeathTest, BrokenInvariant_NamesConditionAndPlace) {
    EXPECT_DEATH(MESH_ASSERT(1 + 1 == 3), "error_test.cpp:[0-9]+: assertion failed: 1 \\+ 1 == 3");
    MESH_ASSERT(1 + 1 == 2);
}

}  // namespace
}  // namespace meshchain::base
