#include "meshchain/embedding_file.h"

#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <limits>

#include "host/file.h"
#include "host/json_document.h"
#include "host/temporary_folder.h"

namespace meshchain::app {
namespace {

using testing::HasSubstr;

class EmbeddingFile : public testing::Test {
protected:
    EmbeddingFile() { numbers_.fill(0.25F); }

    std::expected<host::Json, base::Error> read(base::Bytes bytes) {
        EXPECT_TRUE(host::write_file(path_, bytes));
        return read_embedding(path_);
    }
    std::expected<host::Json, base::Error> read_numbers(std::size_t count = 512) {
        return read(std::as_bytes(std::span(numbers_)).first(count * sizeof(float)));
    }
    std::string complaint(const std::expected<host::Json, base::Error>& read) {
        EXPECT_FALSE(read);
        return read ? "" : base::sentence(read.error());
    }

    host::TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "bag.f32";
    std::array<float, 513> numbers_{};
};

TEST_F(EmbeddingFile, NumberThatIsNotFinite_IsNamedByItsPlace) {
    numbers_[16] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THAT(complaint(read_numbers()), HasSubstr("value 17 of 512 is NaN"));
    numbers_[16] = 0;
    numbers_[511] = -std::numeric_limits<float>::infinity();
    EXPECT_THAT(complaint(read_numbers()), HasSubstr("value 512 of 512 is infinite"));
}

TEST_F(EmbeddingFile, WrongLength_IsSaidInNumbersWithWhatIsWanted) {
    EXPECT_THAT(complaint(read_numbers(511)), HasSubstr("511 float32 numbers, not 512"));
    EXPECT_THAT(complaint(read_numbers(513)), HasSubstr("513 float32 numbers, not 512"));
    EXPECT_THAT(complaint(read(std::as_bytes(std::span(numbers_)).first(2'047))),
                HasSubstr("2047 bytes, neither text nor whole float32 numbers"));
}

TEST_F(EmbeddingFile, FloatsAndText_AreReadAsWhatTheyAre) {
    numbers_[3] = -1.5F;
    const auto floats = read_numbers();
    ASSERT_TRUE(floats) << base::sentence(floats.error());
    EXPECT_EQ(floats->size(), 512U);
    EXPECT_EQ(floats->at(3), -1.5);
    // Text of exactly as many bytes as 512 float32 have is text.
    std::string list = "[1,2]";
    list.resize(2'048, ' ');
    EXPECT_EQ(read(base::as_bytes(list))->size(), 2U);
    EXPECT_THAT(complaint(read(base::as_bytes("[1,"))), HasSubstr("JSON"));
    EXPECT_THAT(complaint(read({})), HasSubstr("JSON"));
}

}  // namespace
}  // namespace meshchain::app
