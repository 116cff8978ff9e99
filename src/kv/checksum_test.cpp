#include "kv/checksum.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace meshchain::kv {
namespace {

// RFC 3720, appendix B.4, read as little-endian words.
TEST(Crc32c, KnownVectors_OfRfc3720) {
    base::Buffer bytes(32);
    EXPECT_EQ(crc32c(bytes), 0x8a9136aau);
    bytes.assign(32, std::byte{0xff});
    EXPECT_EQ(crc32c(bytes), 0x62a8ab43u);
    for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(i);
    EXPECT_EQ(crc32c(bytes), 0x46dd794eu);
    EXPECT_EQ(crc32c(base::as_bytes("123456789")), 0xe3069283u);
    EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32c, InPieces_IsTheSameAsWhole) {
    const base::Bytes text = base::as_bytes("a text that is longer than two steps of eight bytes");
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        EXPECT_EQ(crc32c(text.subspan(cut), crc32c(text.first(cut))), crc32c(text));
    }
}

TEST(Crc32c, ByTables_IsTheSameAsByInstruction) {
    base::Random random(1);
    for (std::size_t size = 0; size < 70; ++size) {
        base::Buffer bytes(size);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
        const auto start = static_cast<std::uint32_t>(random.next());
        EXPECT_EQ(crc32c(bytes, start), crc32c_by_tables(bytes, start));
    }
}

TEST(EntryChecksum, KnowsTableKeyAndWhereTheKeyEnds) {
    const auto of = [](Table table, std::string_view key, std::string_view value) {
        return entry_checksum(table, base::as_bytes(key), base::as_bytes(value));
    };
    EXPECT_NE(of(Table{1}, "key", "value"), of(Table{2}, "key", "value"));
    EXPECT_NE(of(Table{1}, "key", "value"), of(Table{1}, "kez", "value"));
    EXPECT_NE(of(Table{1}, "key", "value"), of(Table{1}, "keyv", "alue"));
}

}  // namespace
}  // namespace meshchain::kv
