#include "base/resource_guard.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace meshchain::base {
namespace {

TEST(ResourceGuard, LeavingTheScopeByException_CleansUpOnce) {
    int cleaned = 0;
    try {
        const ResourceGuard guard([&] { ++cleaned; });
        throw std::runtime_error("host code may throw");
    } catch (const std::runtime_error&) {
        EXPECT_EQ(cleaned, 1);
    }
}

TEST(ResourceGuard, LeavingTheScope_CleansUpInReverseOrder) {
    std::string order;
    {
        const ResourceGuard first([&] { order += "1"; });
        const ResourceGuard second([&] { order += "2"; });
        EXPECT_EQ(order, "");
    }
    EXPECT_EQ(order, "21");
}

TEST(ResourceGuard, Dismissed_CleansUpNothing) {
    int cleaned = 0;
    {
        ResourceGuard guard([&] { ++cleaned; });
        guard.dismiss();
    }
    EXPECT_EQ(cleaned, 0);
}

}  // namespace
}  // namespace meshchain::base
