#include "base/cursor.h"

#include <limits>

#include <gtest/gtest.h>

namespace meshchain::base {
namespace {

Buffer bytes(std::string_view hex) { return from_hex(hex).value(); }

TEST(Reader, ReadPastTheEnd_YieldsZerosAndIsReportedWithItsOffset) {
    const Buffer input = bytes("010203");
    Reader in(input);
    EXPECT_EQ(in.u16(), 0x0102);
    EXPECT_EQ(in.u32(), 0U) << "a partial value must not leak out";
    EXPECT_EQ(in.u8(), 0) << "nothing is read after a failure, even what would fit";
    EXPECT_FALSE(in.ok());
    const auto finished = in.finish("sample");
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, Errc::malformed);
    EXPECT_EQ(finished.error().where, "sample");
    EXPECT_NE(finished.error().what.find("at byte 2 of 3"), std::string::npos);
}

TEST(Reader, CountThatWouldWrapAround_Fails) {
    const Buffer input = bytes("0102");
    Reader in(input);
    in.u8();
    EXPECT_TRUE(in.take(std::numeric_limits<std::size_t>::max()).empty());
    EXPECT_FALSE(in.ok());
}

TEST(Reader, ArrayThatIsCutOff_IsAllZeros) {
    const Buffer input = bytes("ffff");
    Reader in(input);
    EXPECT_EQ(in.array<3>(), (std::array<std::byte, 3>{}));
    EXPECT_FALSE(in.ok());
}

TEST(Reader, BytesLeftOver_AreMalformed) {
    const Buffer input = bytes("0102ff");
    Reader in(input);
    in.u8();
    const auto finished = in.finish("sample");
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().what, "2 bytes too many after byte 1");
}

TEST(Reader, ValueThatTheParserRejects_IsMalformedAtItsEnd) {
    const Buffer input = bytes("0102");
    Reader in(input);
    in.u8();
    in.fail();
    EXPECT_EQ(in.u8(), 0);
    ASSERT_FALSE(in.finish("sample"));
    EXPECT_NE(in.finish("sample").error().what.find("at byte 1 of 2"), std::string::npos);
}

TEST(Reader, EmptyInput_IsCompleteUntilSomethingIsRead) {
    Reader in({});
    EXPECT_TRUE(in.finish("sample"));
    EXPECT_TRUE(in.rest().empty());
    EXPECT_TRUE(in.finish("sample"));
    in.u8();
    EXPECT_FALSE(in.finish("sample"));
}

TEST(Cursor, EveryWidth_IsBigEndianAndComesBack) {
    Buffer out;
    Writer(out).u8(0x01).u16(0x0203).u32(0x04050607).u40(0x08090a0b0c).u64(0x0d0e0f1011121314);
    EXPECT_EQ(to_hex(out), "0102030405060708090a0b0c0d0e0f1011121314");
    Reader in(out);
    EXPECT_EQ(in.u8(), 0x01);
    EXPECT_EQ(in.u16(), 0x0203);
    EXPECT_EQ(in.u32(), 0x04050607U);
    EXPECT_EQ(in.u40(), 0x08090a0b0cU);
    EXPECT_EQ(in.u64(), 0x0d0e0f1011121314U);
    EXPECT_TRUE(in.finish("sample"));
}

TEST(Cursor, LargestValues_ComeBack) {
    constexpr std::uint64_t largest_u40 = (std::uint64_t{1} << 40) - 1;
    Buffer out;
    Writer(out).u40(largest_u40).u64(std::numeric_limits<std::uint64_t>::max());
    Reader in(out);
    EXPECT_EQ(in.u40(), largest_u40);
    EXPECT_EQ(in.u64(), std::numeric_limits<std::uint64_t>::max());
}

TEST(Cursor, TakeAndRest_BorrowTheInput) {
    const Buffer input = bytes("00112233");
    Reader in(input);
    const Bytes front = in.take(1);
    const Bytes rest = in.rest();
    EXPECT_EQ(front.data(), input.data());
    EXPECT_EQ(rest.data(), input.data() + 1);
    EXPECT_EQ(rest.size(), 3U);
    EXPECT_EQ(in.remaining(), 0U);
}

TEST(Writer, Appends_WhatIsThereStays) {
    Buffer out = bytes("ff");
    Writer(out).text("ab").bytes(bytes("00"));
    EXPECT_EQ(to_hex(out), "ff616200");
}

TEST(WriterDeathTest, AmountThatNeeds41Bits_Asserts) {
    Buffer out;
    EXPECT_DEATH(Writer(out).u40(std::uint64_t{1} << 40), "assertion failed");
}

TEST(FixedWriter, FillsItsMemoryExactly) {
    std::array<std::byte, 20> memory{};
    FixedWriter out(memory);
    out.u8(1).u16(0x0203).u32(4).u40(5).u64(6);
    EXPECT_EQ(out.size(), memory.size());
    EXPECT_EQ(to_hex(out.written()), "0102030000000400000000050000000000000006");
    out.bytes({});
    EXPECT_EQ(out.size(), memory.size());
}

TEST(FixedWriterDeathTest, OneByteTooMany_Asserts) {
    std::array<std::byte, 3> memory{};
    EXPECT_DEATH(FixedWriter(memory).u32(1), "assertion failed");
    EXPECT_DEATH(FixedWriter(memory).u16(1).bytes(bytes("0102")), "assertion failed");
    std::array<std::byte, 8> roomy{};
    EXPECT_DEATH(FixedWriter(roomy).u40(std::uint64_t{1} << 40), "assertion failed");
}

}  // namespace
}  // namespace meshchain::base
