// The loop of `registry import`, against the real records of a node under virtual time.

#include "meshchain/registry_import.h"

#include <gmock/gmock.h>

#include "host/json_document.h"
#include "records/record_service.h"
#include "records/test_records.h"

namespace meshchain::app {
namespace {

using namespace std::chrono_literals;
using host::Json;
using testing::HasSubstr;

class RegistryImport : public testing::Test {
protected:
    /// What a node takes of itself at once; then a hundred a second.
    static constexpr std::size_t burst = 3'000;

    std::expected<ImportCount, base::Error> import(const std::string& lines) {
        return import_lines(lines, "bags", doors_);
    }
    static std::string lines(std::size_t count) {
        std::string all;
        for (std::size_t i = 0; i < count; ++i) {
            all += R"({"hash":"bag-)" + std::to_string(i) + "\"}\n";
        }
        return all;
    }
    std::expected<Json, base::Error> post(const Json& entry) {
        EXPECT_EQ(entry.at("if_changed"), true);
        ++posts_;
        if (refuses_) return base::failure(base::Errc::full, "no room", "records", "wait");
        const std::string hash = entry.at("hash");
        if (!records_->search({.hash = hash})->empty()) return Json{{"entered", false}};
        records::RegistryEntry said;
        said.type = "bag";
        MESH_CHECK(records_->register_entry(now_, hash, said, 24h));
        return Json{{"entered", true}};
    }

    std::shared_ptr<kv::MemoryMedium> medium_ = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::MemoryStore> kv_ =
        kv::MemoryStore::open(medium_, {.tables = records::test::tables}).value();
    base::Now now_ = records::test::at(0s);
    std::unique_ptr<records::RecordService> records_ =
        records::RecordService::open(
            *kv_, {.store = {.table = records::test::table, .chain = records::test::chain_id()}},
            records::test::key_of(1), base::Random(1), now_)
            .value();
    bool refuses_ = false;
    std::size_t posts_ = 0;
    std::size_t waits_ = 0;
    std::size_t told_ = 0;
    base::Duration slept_{};
    const ImportDoors doors_{
        .post = [this](const Json& entry) { return post(entry); },
        .sleep =
            [this](base::Duration time) {
                slept_ += time;
                now_ = records::test::at(slept_);
            },
        .tell = [this](const ImportCount&, bool waits) { ++(waits ? waits_ : told_); }};
};

TEST_F(RegistryImport, MoreThanTheNodeTakesAtOnce_IsAllInAfterAWait) {
    const auto count = import(lines(burst + 500));
    ASSERT_TRUE(count) << base::sentence(count.error());
    EXPECT_EQ(count->entered, burst + 500);
    EXPECT_EQ(records_->view().registry_entries, burst + 500);
    EXPECT_GE(slept_, 4s) << "the node takes a hundred a second";
    EXPECT_LE(slept_, 8s);
    EXPECT_GT(waits_, 0U) << "whoever waits is told";
    EXPECT_EQ(told_, (burst + 500) / 100);
}

TEST_F(RegistryImport, SecondRun_LeavesWhatIsInAlone_AndEnds) {
    ASSERT_TRUE(import(lines(200)));
    const auto again = import(lines(250));
    ASSERT_TRUE(again) << base::sentence(again.error());
    EXPECT_EQ(again->unchanged, 200U);
    EXPECT_EQ(again->entered, 50U);
    EXPECT_EQ(slept_, 0s);
}

TEST_F(RegistryImport, NodeThatStaysFull_IsGivenUpAfterAMinute_AndSaysWhatIsIn) {
    ASSERT_TRUE(import(lines(2)));
    refuses_ = true;
    const auto count = import("\n" + lines(1));
    ASSERT_FALSE(count);
    EXPECT_EQ(count.error().code, base::Errc::full);
    EXPECT_EQ(slept_, import_patience);
    EXPECT_THAT(base::sentence(count.error()), HasSubstr("bags, line 2"));
    EXPECT_THAT(base::sentence(count.error()), HasSubstr("0 entries before it are in"));
}

TEST_F(RegistryImport, LineThatCannotBeRead_IsNamedAndEndsIt) {
    const auto count = import("{\"hash\":\"a\"}\r\n  \n{\"hash\":");
    ASSERT_FALSE(count);
    EXPECT_THAT(base::sentence(count.error()), HasSubstr("bags, line 3"));
    EXPECT_THAT(base::sentence(count.error()), HasSubstr("1 entries before it are in"));
    EXPECT_EQ(posts_, 1U);
}

}  // namespace
}  // namespace meshchain::app
