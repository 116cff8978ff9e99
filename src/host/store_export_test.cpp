#include "host/store_export.h"

#include <gtest/gtest.h>

#include "base/cursor.h"
#include "base/random.h"

namespace meshchain::host {
namespace {

using base::Errc;

constexpr kv::Table blocks{1};
constexpr kv::Table coins{5};

struct Entry {
    kv::Table table;
    std::string key;
    std::string value;
    friend bool operator==(const Entry&, const Entry&) = default;
};

ExportHead head() {
    ExportHead head{.chain = {}, .tip = {}, .height = 7, .tables = {}};
    head.chain.bytes.fill(std::byte{0xc4});
    head.tip.bytes.fill(std::byte{0x71});
    head.tables = {{blocks, "blocks"}, {coins, "coins"}};
    return head;
}

base::Buffer write(const std::vector<Entry>& entries) {
    base::Buffer bytes;
    StoreExportWriter writer([&](base::Bytes part) -> std::expected<void, base::Error> {
        bytes.insert(bytes.end(), part.begin(), part.end());
        return {};
    });
    EXPECT_TRUE(writer.begin(head()));
    for (const Entry& entry : entries) {
        EXPECT_TRUE(
            writer.put(entry.table, base::as_bytes(entry.key), base::as_bytes(entry.value)));
    }
    const auto end = writer.finish();
    EXPECT_TRUE(end && end->entries == entries.size());
    return bytes;
}

std::expected<std::vector<Entry>, base::Error> read(base::Bytes bytes) {
    std::vector<Entry> entries;
    StoreExportReader reader{
        .source = [&](base::MutableBytes out) -> std::expected<std::size_t, base::Error> {
            const std::size_t got = std::min(out.size(), bytes.size());
            std::copy_n(bytes.begin(), got, out.begin());
            bytes = bytes.subspan(got);
            return got;
        },
        .on_head = [](const ExportHead& found) -> std::expected<void, base::Error> {
            EXPECT_EQ(found, head());
            return {};
        },
        .on_entry = [&](kv::Table table, base::Bytes key,
                        base::Bytes value) -> std::expected<void, base::Error> {
            entries.push_back(
                {table, std::string(base::as_text(key)), std::string(base::as_text(value))});
            return {};
        }};
    MESH_CHECK(reader.run());
    return entries;
}

const std::vector<Entry> few{{blocks, "a", "one"}, {blocks, "b", ""}, {coins, "a", "two"}};

TEST(StoreExport, ChangedByte_IsNeverTakenForWhole) {
    const base::Buffer whole = write(few);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        base::Buffer changed = whole;
        changed[at] ^= std::byte{1};
        EXPECT_FALSE(read(changed).has_value()) << at;
    }
}

TEST(StoreExport, CutAnywhereOrContinued_IsRefused) {
    base::Buffer whole = write(few);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(read(base::Bytes(whole).first(size)).has_value()) << size;
    }
    whole.push_back(std::byte{0});
    EXPECT_FALSE(read(whole).has_value());
}

TEST(StoreExport, PartLeftOutOrTwice_IsRefused) {
    std::vector<Entry> many;
    for (int i = 1000; i < 1500; ++i) {
        many.push_back({blocks, std::to_string(i), std::string(2000, 'x')});
    }
    const base::Buffer whole = write(many);
    const std::size_t head_end = 10 + 4 + base::Reader(base::Bytes(whole).subspan(10)).u32() + 32;
    const std::size_t part =
        4 + base::Reader(base::Bytes(whole).subspan(head_end)).u32() + std::size_t{32};
    base::Buffer shorter = whole;
    const auto begin = shorter.begin() + static_cast<std::ptrdiff_t>(head_end);
    shorter.erase(begin, begin + static_cast<std::ptrdiff_t>(part));
    EXPECT_EQ(read(shorter).error().code, Errc::corrupt);
    base::Buffer longer = whole;
    const base::Buffer copy(whole.begin() + static_cast<std::ptrdiff_t>(head_end),
                            whole.begin() + static_cast<std::ptrdiff_t>(head_end + part));
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(head_end), copy.begin(), copy.end());
    EXPECT_EQ(read(longer).error().code, Errc::corrupt);
}

TEST(StoreExport, EntriesOutOfOrderOrOfNoListedTable_AreRefused) {
    EXPECT_EQ(read(write({{blocks, "b", ""}, {blocks, "a", ""}})).error().code, Errc::malformed);
    EXPECT_EQ(read(write({{blocks, "a", ""}, {blocks, "a", ""}})).error().code, Errc::malformed);
    EXPECT_EQ(read(write({{coins, "a", ""}, {blocks, "a", ""}})).error().code, Errc::malformed);
    EXPECT_EQ(read(write({{kv::Table{9}, "a", ""}})).error().code, Errc::malformed);
    EXPECT_EQ(read(write({{blocks, "", ""}})).error().code, Errc::malformed);
}

TEST(StoreExport, OtherFilesAndVersions_AreToldApart) {
    EXPECT_EQ(read(base::as_bytes("SQLite format 3 and more of it")).error().code, Errc::malformed);
    base::Buffer newer = write(few);
    newer[9] = std::byte{2};
    EXPECT_EQ(read(newer).error().code, Errc::wrong_version);
}

TEST(StoreExport, WhatIsWritten_IsRead) {
    EXPECT_EQ(read(write(few)), few);
    EXPECT_EQ(read(write({})), std::vector<Entry>{});
    base::Random random(5);
    std::vector<Entry> many;
    for (int i = 0; i < 3000; ++i) {
        many.push_back({coins, "k" + std::to_string(10'000 + i),
                        std::string(random.below(900), static_cast<char>(random.below(256)))});
    }
    many.push_back({coins, "z", std::string(kv::value_bytes_max, 'v')});
    EXPECT_EQ(read(write(many)), many);
}

}  // namespace
}  // namespace meshchain::host
