#include "runtime/event.h"

#include <gtest/gtest.h>

#include <string>

namespace meshchain::runtime {
namespace {

TEST(Event, TypesHaveTheNumbersOfTheSources) {
    const std::pair<int, std::string_view> expected[] = {
        {1, "PEER_DISCOVERED"},
        {2, "PEER_LOST"},
        {3, "MESSAGE_RECEIVED"},
        {4, "MESSAGE_SENT"},
        {5, "SYNC_STARTED"},
        {6, "SYNC_COMPLETED"},
        {10, "BLOCK_RECEIVED"},
        {11, "BLOCK_PROPOSED"},
        {12, "BLOCK_VALIDATED"},
        {13, "BLOCK_ADDED"},
        {20, "TRANSACTION_RECEIVED"},
        {21, "TRANSACTION_VALIDATED"},
        {22, "TRANSACTION_ADDED"},
        {23, "TRANSACTION_CONFIRMED"},
        {30, "CONSENSUS_ROUND_START"},
        {31, "CONSENSUS_ROUND_END"},
        {32, "VALIDATOR_SELECTED"},
        {33, "BLOCK_APPROVED"},
        {40, "WALLET_CREATED"},
        {41, "WALLET_UNLOCKED"},
        {42, "WALLET_LOCKED"},
        {50, "NODE_STARTED"},
        {51, "NODE_STOPPED"},
        {52, "NODE_ERROR"},
        {53, "NODE_SYNCED"},
        {60, "RECORD_TAKEN"},
        {61, "ALERT_RECEIVED"},
        {62, "SEARCH_ANSWERED"},
        {100, "CUSTOM"},
        {107, "CUSTOM"},
        {0, "UNKNOWN"},
        {7, "UNKNOWN"},
        {99, "UNKNOWN"},
    };
    for (const auto& [number, text] : expected) {
        EXPECT_EQ(name(static_cast<EventType>(number)), text) << number;
    }
    EXPECT_EQ(custom_event(7), static_cast<EventType>(107));
}

TEST(Event, PrioritiesHaveTheNumbersOfTheSourcesAndALevelEach) {
    EXPECT_EQ(static_cast<int>(EventPriority::high), 128);
    EXPECT_EQ(level(EventPriority::low), 0U);
    EXPECT_EQ(level(EventPriority::normal), 1U);
    EXPECT_EQ(level(EventPriority::high), 2U);
    EXPECT_EQ(level(EventPriority::critical), 3U);
}

TEST(EventText, TooLongAText_IsCutBetweenCharacters) {
    const std::string ascii(100, 'x');
    EXPECT_EQ(EventText(ascii).view(), ascii.substr(0, EventText::bytes_max));
    const std::string straddling = std::string(EventText::bytes_max - 1, 'x') + "\u00fc";
    EXPECT_EQ(EventText(straddling).view(), straddling.substr(0, EventText::bytes_max - 1));
    const std::string fitting = std::string(EventText::bytes_max - 2, 'x') + "\u00fc";
    EXPECT_EQ(EventText(fitting).view(), fitting);
    const std::string no_text_at_all(100, '\x80');
    EXPECT_EQ(EventText(no_text_at_all).view(), "");
}

TEST(EventData, CopiesOwnWhateverTheyHold) {
    EventId id{.number = 7};
    id.hash[31] = std::byte{9};
    const EventSearch search{.number = 3, .results = 2, .done = true};
    for (const EventData& data : {EventData(), EventData(std::uint64_t{5}), EventData(id),
                                  EventData(EventText("abc")), EventData(search)}) {
        EventData assigned(std::uint64_t{1});
        assigned = data;
        EXPECT_TRUE(EventData(data) == data);
        EXPECT_TRUE(assigned == data);
    }
    EXPECT_EQ(*EventData(id).id(), id);
    EXPECT_EQ(*EventData(search).search(), search);
    EXPECT_EQ(EventData(id).search(), nullptr);
    EXPECT_EQ(EventData(id).number(), nullptr);
    EXPECT_EQ(EventData().text(), nullptr);
}

}  // namespace
}  // namespace meshchain::runtime
