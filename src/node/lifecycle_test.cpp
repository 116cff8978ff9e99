#include "node/lifecycle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meshchain::node {
namespace {

using testing::ElementsAre;

class LifecycleTest : public testing::Test {
protected:
    LifecycleManager::Part part(const std::string& name) {
        return {name,
                [this, name](base::Now) -> std::expected<void, base::Error> {
                    steps_.push_back("+" + name);
                    if (name != failing_) return {};
                    return base::failure(base::Errc::io, "disk on fire", name, "put it out");
                },
                [this, name](base::Now) { steps_.push_back("-" + name); }};
    }

    LifecycleManager lifecycle_{base::Log{}};
    std::vector<std::string> steps_;
    std::string failing_;
    base::Now now_{};
};

TEST_F(LifecycleTest, APartThatFails_RollsBackThoseBeforeItAndNamesItself) {
    for (const char* name : {"storage", "chain", "mesh"}) lifecycle_.add(part(name));
    failing_ = "mesh";
    const auto started = lifecycle_.start(now_);
    ASSERT_FALSE(started);
    EXPECT_EQ(base::sentence(started.error()),
              "mesh: mesh could not start: disk on fire; put it out");
    EXPECT_THAT(steps_, ElementsAre("+storage", "+chain", "+mesh", "-chain", "-storage"));
    EXPECT_FALSE(lifecycle_.is_running());
}

TEST_F(LifecycleTest, AfterAFailure_ItCanBeStartedAgain) {
    lifecycle_.add(part("storage"));
    failing_ = "storage";
    ASSERT_FALSE(lifecycle_.start(now_));
    failing_.clear();
    steps_.clear();
    ASSERT_TRUE(lifecycle_.start(now_));
    EXPECT_THAT(steps_, ElementsAre("+storage"));
}

TEST_F(LifecycleTest, Stop_GoesInReverseOrderAndOnlyOnce) {
    for (const char* name : {"storage", "chain"}) lifecycle_.add(part(name));
    ASSERT_TRUE(lifecycle_.start(now_));
    steps_.clear();
    lifecycle_.stop(now_);
    lifecycle_.stop(now_);
    EXPECT_THAT(steps_, ElementsAre("-chain", "-storage"));
}

}  // namespace
}  // namespace meshchain::node
