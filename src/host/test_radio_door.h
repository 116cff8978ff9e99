#pragma once
// What the tests of doors to Meshtastic share: a loop that runs until something has happened.

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "host/radio_door.h"
#include "host/system_entropy.h"

namespace meshchain::host {

class RadioDoorTest : public testing::Test {
protected:
    /// Runs everything until `done`; false after ten seconds.
    template <class Done>
    bool run_until(Done&& done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!done()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            io_.run_one_for(std::chrono::milliseconds(5));
        }
        return true;
    }
    bool run_until_up(const RadioDoor& door) {
        const bool is_up = run_until([&] { return door.is_up(); });
        EXPECT_TRUE(is_up) << (door.fault() ? base::sentence(*door.fault()) : "no fault");
        return is_up;
    }

    boost::asio::io_context io_;
    SystemEntropy entropy_;
};

}  // namespace meshchain::host
