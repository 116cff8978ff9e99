#include "host/packet_cipher.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/cursor.h"

namespace meshchain::host {
namespace {

using radio::NodeNumber;

/// A line that Node's ciphers made: tests/vectors/meshtastic_cipher.txt.
struct Vector {
    explicit Vector(const std::string& wanted) {
        std::ifstream file(MESHCHAIN_VECTORS "/meshtastic_cipher.txt");
        std::string line;
        while (std::getline(file, line)) {
            std::istringstream words(line);
            std::string name;
            words >> name >> key >> std::hex >> from >> id >> content_hex >> sealed_hex;
            if (name == wanted) return;
        }
        ADD_FAILURE() << "no vector " << wanted;
    }
    base::Buffer content() const { return base::from_hex(content_hex).value(); }
    base::Buffer sealed() const { return base::from_hex(sealed_hex).value(); }
    NodeNumber sender() const { return NodeNumber{from}; }

    std::string key;
    std::uint32_t from = 0;
    std::uint32_t id = 0;
    std::string content_hex;
    std::string sealed_hex;
};

RadioKey::Bytes key_bytes(const std::string& hex) {
    return base::Reader(base::from_hex(hex).value()).array<RadioKey::size>();
}

TEST(PacketCipher, ChannelsOfEitherLength_AreEncryptedAsOthersDo_AndBack) {
    for (const char* name : {"channel128", "channel256"}) {
        const Vector vector(name);
        const radio::ChannelKey key{base::from_hex(vector.key).value()};
        const auto sealed = crypt_for_channel(key, vector.sender(), vector.id, vector.content());
        ASSERT_TRUE(sealed.has_value());
        EXPECT_EQ(*sealed, vector.sealed()) << name;
        EXPECT_EQ(crypt_for_channel(key, vector.sender(), vector.id, *sealed).value(),
                  vector.content());
        EXPECT_NE(crypt_for_channel(key, vector.sender(), vector.id + 1, *sealed).value(),
                  vector.content());
    }
}

TEST(PacketCipher, AChannelWithoutKey_IsInClear) {
    const base::Buffer content{std::byte{1}, std::byte{2}};
    EXPECT_EQ(crypt_for_channel({}, NodeNumber{1}, 2, content).value(), content);
    EXPECT_TRUE(crypt_for_channel({}, NodeNumber{1}, 2, {}).value().empty());
}

class DirectTest : public testing::Test {
protected:
    Vector vector_{"direct"};
    RadioKey sender_ = RadioKey::from_secret(key_bytes(vector_.key.substr(0, 64))).value();
    RadioKey receiver_ = RadioKey::from_secret(key_bytes(vector_.key.substr(65))).value();
    static constexpr std::uint32_t extra = 0x55667788;
};

TEST_F(DirectTest, PacketToOneNode_IsSealedAsOthersDo_AndOpened) {
    const auto sealed = seal_direct(sender_, receiver_.public_key(), vector_.sender(), vector_.id,
                                    extra, vector_.content());
    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(base::to_hex(*sealed), vector_.sealed_hex);
    EXPECT_EQ(sealed->size(), vector_.content().size() + direct_overhead_bytes);
    EXPECT_EQ(open_direct(receiver_, sender_.public_key(), vector_.sender(), vector_.id, *sealed),
              vector_.content());
}

TEST_F(DirectTest, AnythingChanged_DoesNotOpen) {
    const auto open = [&](const RadioKey& own, const RadioKey& peer, std::uint32_t from,
                          std::uint32_t id, base::Bytes sealed) {
        return open_direct(own, peer.public_key(), NodeNumber{from}, id, sealed).has_value();
    };
    const base::Buffer sealed = vector_.sealed();
    ASSERT_TRUE(open(receiver_, sender_, vector_.from, vector_.id, sealed));
    for (std::size_t at = 0; at < sealed.size(); ++at) {
        base::Buffer changed = sealed;
        changed[at] ^= std::byte{1};
        EXPECT_FALSE(open(receiver_, sender_, vector_.from, vector_.id, changed)) << at;
        EXPECT_FALSE(
            open(receiver_, sender_, vector_.from, vector_.id, base::Bytes(sealed).first(at)))
            << at;
    }
    EXPECT_FALSE(open(receiver_, sender_, vector_.from + 1, vector_.id, sealed));
    EXPECT_FALSE(open(receiver_, sender_, vector_.from, vector_.id + 1, sealed));
    EXPECT_FALSE(open(receiver_, receiver_, vector_.from, vector_.id, sealed));
    EXPECT_TRUE(open(sender_, receiver_, vector_.from, vector_.id, sealed))
        << "both ends hold the same key: who claims to be the sender is not proven to the sender";
}

TEST_F(DirectTest, AKeyOfSmallOrder_SealsNothing) {
    const RadioKey::Bytes zero{};
    EXPECT_EQ(seal_direct(sender_, zero, vector_.sender(), vector_.id, extra, vector_.content())
                  .error()
                  .code,
              base::Errc::malformed);
    EXPECT_FALSE(open_direct(receiver_, zero, vector_.sender(), vector_.id, vector_.sealed()));
}

/// RFC 7748, 5.2, after one iteration: 9 times the base point.
TEST(RadioKey, PublicKey_IsThatOfTheStandard) {
    const auto key = RadioKey::from_secret({std::byte{9}});
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(base::to_hex(key->public_key()),
              "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
}

}  // namespace
}  // namespace meshchain::host
