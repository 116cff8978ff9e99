// What lies on disk around a wallet: the count of tries, the device secret; and secret memory.

#include "host/wallet_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "host/argon2_kdf.h"
#include "host/file.h"
#include "host/node_setup.h"
#include "host/qr_text.h"
#include "host/system_entropy.h"
#include "host/temporary_folder.h"
#include "host/try_counter.h"
#include "host/unicode.h"

namespace meshchain::host {
namespace {

using base::as_bytes;
using base::Errc;
using wallet::TryKind;

constexpr base::Instant start{std::chrono::hours(1)};

class WalletFilesTest : public testing::Test {
protected:
    static void expect_error(const auto& result, Errc code) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << base::sentence(result.error());
        EXPECT_FALSE(result.error().advice.empty());
    }
    std::filesystem::path path(const char* name) const { return folder_.path() / name; }

    TemporaryFolder folder_;
    SystemEntropy entropy_;
};

TEST_F(WalletFilesTest, Try_IsOnTheDiskBeforeItIsMade) {
    {
        auto counter = TryCounter::open(path("tries"), start);
        ASSERT_TRUE(counter) << sentence(counter.error());
        ASSERT_TRUE(counter->begin(TryKind::pin, start));
        // And here the process dies.
    }
    const auto again = TryCounter::open(path("tries"), start);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->record().pin, 1U);
}

TEST_F(WalletFilesTest, TryThatCannotBeCounted_IsNotMade) {
    auto counter = TryCounter::open(path("tries"), start);
    ASSERT_TRUE(counter);
    std::filesystem::create_directory(path("tries"));  // nothing can be written there
    EXPECT_FALSE(counter->begin(TryKind::passphrase, start));
}

TEST_F(WalletFilesTest, TriesInParallel_AreOneAfterTheOther) {
    auto first = TryCounter::open(path("tries"), start);
    ASSERT_TRUE(first);
    expect_error(TryCounter::open(path("tries"), start), Errc::locked);
    first = std::unexpected(base::Error{});
    EXPECT_TRUE(TryCounter::open(path("tries"), start));
}

TEST_F(WalletFilesTest, AThousandPrograms_GetEightPinsTried) {
    unsigned made = 0;
    for (int i = 0; i < 1000; ++i) {
        auto counter = TryCounter::open(path("tries"), start);
        ASSERT_TRUE(counter);
        if (counter->begin(TryKind::pin, start + wallet::TryLimiter::delay_max)) ++made;
    }
    EXPECT_EQ(made, wallet::TryLimiter::pin_tries_max);
    auto owner = TryCounter::open(path("tries"), start);
    ASSERT_TRUE(owner->begin(TryKind::passphrase, start));
    ASSERT_TRUE(owner->succeed(TryKind::passphrase));
    EXPECT_TRUE(owner->begin(TryKind::pin, start));
}

TEST_F(WalletFilesTest, DamagedCount_IsNamedAndGivesNoTry) {
    ASSERT_TRUE(write_file(path("tries"), as_bytes("MCWT\x01garbage and more of it")));
    const auto counter = TryCounter::open(path("tries"), start);
    ASSERT_FALSE(counter);
    EXPECT_THAT(counter.error().where, testing::HasSubstr("tries"));
}

TEST_F(WalletFilesTest, DeviceSecret_IsForItsOwnerAloneAndNeverReplaced) {
    const auto file = path("state") / "device.secret";
    expect_error(load_device_secret(file), Errc::not_found);
    const auto made = load_or_make_device_secret(file, entropy_);
    ASSERT_TRUE(made) << sentence(made.error());
    EXPECT_EQ(made->bytes().size(), wallet::device_secret_bytes);
    struct stat info{};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    const auto again = load_or_make_device_secret(file, entropy_);
    ASSERT_TRUE(again);
    EXPECT_TRUE(base::equal(again->bytes(), made->bytes()));

    std::filesystem::permissions(file, std::filesystem::perms(0644));
    expect_error(load_device_secret(file), Errc::unauthorized);
    expect_error(load_or_make_device_secret(file, entropy_), Errc::unauthorized);
    ASSERT_TRUE(write_file(file, as_bytes("MCDS\x01short")));
    expect_error(load_device_secret(file), Errc::malformed);
    ASSERT_TRUE(write_file(file, as_bytes(std::string(37, 'x'))));
    expect_error(load_or_make_device_secret(file, entropy_), Errc::malformed);
}

TEST_F(WalletFilesTest, AGenesisThatDoesNotParse_IsNamedWithAdvice) {
    ASSERT_TRUE(write_file(path("genesis.bin"), as_bytes("MC")));
    const auto genesis = load_genesis(path("genesis.bin"));
    ASSERT_FALSE(genesis);
    EXPECT_THAT(genesis.error().where, testing::HasSubstr(path("genesis.bin").string()));
    EXPECT_THAT(genesis.error().advice, testing::HasSubstr("genesis file"));
}

TEST_F(WalletFilesTest, Pin_OpensOnThisDeviceOnly) {
    node::NodeConfig config;
    config.wallet.device_secret_path = path("device.secret").string();
    const WalletFiles files = WalletFiles::of(DataFolder(folder_.path()), config);
    Argon2Kdf kdf;
    const wallet::KeyFileDoors doors{kdf, entropy_, secret_memory()};
    const base::KdfCost cheap = Argon2Kdf::cost_min;
    const auto plain = wallet::create_key_file(doors, cheap, as_bytes("p"), "w").value();
    const auto opened = wallet::OpenedKeyFile::open(doors, plain, {as_bytes("p")});
    const Secret device = *load_or_make_device_secret(*files.device_secret(), entropy_);
    const auto file =
        opened->with_pin(doors, cheap, plain, as_bytes("271828"), device.bytes()).value();
    const auto try_pin = [&](std::string_view pin) {
        return open_key_file(doors, files, file, {Secret::copy_of(as_bytes(pin)), TryKind::pin});
    };
    EXPECT_TRUE(try_pin("271828"));
    expect_error(try_pin("271829"), Errc::unauthorized);
    std::filesystem::remove(*files.device_secret());
    expect_error(try_pin("271828"), Errc::not_found);
    ASSERT_TRUE(load_or_make_device_secret(*files.device_secret(), entropy_));
    expect_error(try_pin("271828"), Errc::unauthorized);
}

TEST(LockedMemory, StartsAsZerosAndMoves) {
    base::SecretBuffer buffer(secret_memory(), 100);
    EXPECT_EQ(std::ranges::count(buffer.bytes(), std::byte{0}), 100);
    buffer.bytes()[99] = std::byte{7};
    const base::SecretBuffer moved = std::move(buffer);
    EXPECT_EQ(moved.bytes()[99], std::byte{7});
}

TEST(LockedMemory, Secret_WipesWhatItCopied) {
    base::Buffer typed = base::to_buffer(as_bytes("correct horse"));
    const std::byte* const where = typed.data();
    const base::Buffer* const same = &typed;
    const Secret secret(std::move(typed));
    EXPECT_EQ(base::as_text(secret.bytes()), "correct horse");
    EXPECT_TRUE(same->empty() || *where == std::byte{0});
}

TEST(Unicode, Nfkd_IsOneFormOfWhatLooksTheSame) {
    const auto text = [](std::string_view typed) {
        const auto secret = to_nfkd(as_bytes(typed));
        EXPECT_TRUE(secret) << typed;
        return secret ? std::string(base::as_text(secret->bytes())) : "";
    };
    EXPECT_EQ(base::to_hex(as_bytes(text("pässwörd ﬁ"))), "7061cc887373776fcc887264206669");
    EXPECT_EQ(text("pa\xcc\x88ss"), text("päss"));
    EXPECT_EQ(text("ｌｅｇａｌ　ｗｉｎｎｅｒ"), "legal winner") << "full-width letters and space";
    EXPECT_EQ(text(""), "");
    EXPECT_EQ(to_nfkd(as_bytes("\xff")).error().code, Errc::invalid_argument);
    EXPECT_EQ(to_nfkd(as_bytes("\xed\xa0\x80")).error().code, Errc::invalid_argument);
}

/// The dark squares of a drawn code, without its margin.
std::vector<std::string> squares(const std::string& drawn, QrStyle style) {
    std::vector<std::string> rows;
    std::string upper;
    std::string lower;
    for (std::size_t i = 0; i < drawn.size();) {
        if (drawn[i] == '\n') {
            rows.push_back(std::exchange(upper, ""));
            if (style == QrStyle::half_blocks) rows.push_back(std::exchange(lower, ""));
            ++i;
            continue;
        }
        if (style == QrStyle::ascii) {
            upper += drawn[i] == '#' ? ' ' : 'o';
            i += 2;
            continue;
        }
        const std::string_view rest = std::string_view(drawn).substr(i);
        const bool both = rest.starts_with("█");
        upper += both || rest.starts_with("▀") ? ' ' : 'o';
        lower += both || rest.starts_with("▄") ? ' ' : 'o';
        i += rest.front() == ' ' ? 1U : 3U;
    }
    return rows;
}

TEST(QrText, BothStyles_DrawOneCodeWithItsThreeFinders) {
    const std::string content = "meshchain:mesh1q?amount=250";
    const auto blocks = squares(*qr_text(content, QrStyle::half_blocks), QrStyle::half_blocks);
    const auto ascii = squares(*qr_text(content, QrStyle::ascii), QrStyle::ascii);
    const std::size_t width = ascii.size();
    ASSERT_EQ((width - 4 - 21) % 4, 0U);
    ASSERT_GE(blocks.size(), width);
    for (std::size_t row = 0; row < width; ++row) EXPECT_EQ(blocks[row], ascii[row]) << row;
    for (const auto& [row, column] : {std::pair{2UL, 2UL}, {2UL, width - 9}, {width - 9, 2UL}}) {
        EXPECT_EQ(ascii[row].substr(column, 7), "ooooooo");
        EXPECT_EQ(ascii[row + 1].substr(column, 7), "o     o");
        EXPECT_EQ(ascii[row + 3].substr(column, 7), "o ooo o");
    }
    EXPECT_EQ(ascii[0], std::string(width, ' '));
    EXPECT_EQ(qr_text(std::string(4000, 'x'), QrStyle::ascii).error().code, Errc::too_large);
}

}  // namespace
}  // namespace meshchain::host
