#include "host/packet_cipher.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <memory>
#include <utility>

#include "base/assert.h"
#include "crypto/sha2.h"
#include "crypto/signature.h"

namespace meshchain::host {
namespace {

constexpr std::size_t tag_bytes = 8;
constexpr std::size_t extra_bytes = direct_overhead_bytes - tag_bytes;

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
template <class Handle>
using Owned = std::unique_ptr<Handle, FreeContext>;

const unsigned char* raw(base::Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(base::MutableBytes bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}
int length_of(base::Bytes bytes) { return static_cast<int>(bytes.size()); }

std::unexpected<base::Error> refused(const char* what) {
    return base::failure(base::Errc::io, std::string("OpenSSL refuses ") + what, "packet cipher",
                         "check the OpenSSL that is installed");
}

Owned<EVP_PKEY> secret_key(const RadioKey::Bytes& bytes) {
    return Owned<EVP_PKEY>(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, raw(bytes), bytes.size()));
}

/// SHA-256 of the shared secret. Nothing: the peer's key is none, or of small order.
std::optional<std::array<std::byte, 32>> shared_key(const RadioKey& own,
                                                    const RadioKey::Bytes& peer) {
    const Owned<EVP_PKEY> mine = secret_key(own.secret());
    const Owned<EVP_PKEY> theirs(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, raw(peer), peer.size()));
    if (!mine || !theirs) return std::nullopt;
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(mine.get(), nullptr));
    std::array<std::byte, 32> secret{};
    std::size_t size = secret.size();
    if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
        EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1 ||
        EVP_PKEY_derive(context.get(), raw(base::MutableBytes(secret)), &size) != 1 ||
        size != secret.size()) {
        return std::nullopt;
    }
    const auto key = crypto::sha256(secret);
    crypto::wipe(secret);
    return key;
}

/// AES-256-CCM without additional data, up to the bytes themselves. `tag` is written when sealing.
class Ccm {
public:
    Ccm(bool seals, const std::array<std::byte, 32>& key, const std::array<std::byte, 13>& nonce,
        base::MutableBytes tag)
        : seals_(seals), tag_(tag), context_(EVP_CIPHER_CTX_new()) {
        EVP_CIPHER_CTX* const c = context_.get();
        const int size = static_cast<int>(tag_bytes);
        is_ready_ =
            c != nullptr &&
            EVP_CipherInit_ex(c, EVP_aes_256_ccm(), nullptr, nullptr, nullptr, seals) == 1 &&
            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_CCM_SET_IVLEN, 13, nullptr) == 1 &&
            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_CCM_SET_TAG, size, seals ? nullptr : raw(tag)) == 1 &&
            EVP_CipherInit_ex(c, nullptr, nullptr, raw(key), raw(nonce), seals) == 1;
    }

    bool run(base::Bytes in, base::MutableBytes out) {
        EVP_CIPHER_CTX* const c = context_.get();
        int done = 0;
        if (!is_ready_ || EVP_CipherUpdate(c, nullptr, &done, nullptr, length_of(in)) != 1 ||
            EVP_CipherUpdate(c, raw(out), &done, raw(in), length_of(in)) != 1) {
            return false;
        }
        int rest = 0;
        if (!seals_) return done == length_of(in);
        return EVP_CipherFinal_ex(c, raw(out), &rest) == 1 &&
               EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_CCM_GET_TAG, static_cast<int>(tag_bytes),
                                   raw(tag_)) == 1;
    }

private:
    bool seals_;
    bool is_ready_ = false;
    base::MutableBytes tag_;
    Owned<EVP_CIPHER_CTX> context_;
};

}  // namespace

std::expected<base::Buffer, base::Error> crypt_for_channel(const radio::ChannelKey& key,
                                                           radio::NodeNumber from, std::uint32_t id,
                                                           base::Bytes bytes) {
    base::Buffer out = base::to_buffer(bytes);
    if (key.bytes.empty()) return out;
    const EVP_CIPHER* const cipher = key.bytes.size() == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr();
    const Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
    const auto counter = radio::counter_block(from, id);
    int done = 0;
    if (!context ||
        EVP_EncryptInit_ex(context.get(), cipher, nullptr, raw(base::Bytes(key.bytes)),
                           raw(base::Bytes(counter))) != 1 ||
        EVP_EncryptUpdate(context.get(), raw(base::MutableBytes(out)), &done, raw(bytes),
                          length_of(bytes)) != 1) {
        return refused("AES-CTR");
    }
    return out;
}

std::expected<RadioKey, base::Error> RadioKey::from_secret(const Bytes& secret) {
    RadioKey key;
    key.secret_ = secret;
    const Owned<EVP_PKEY> handle = secret_key(secret);
    std::size_t size = key.public_.size();
    if (!handle || EVP_PKEY_get_raw_public_key(handle.get(), raw(base::MutableBytes(key.public_)),
                                               &size) != 1) {
        return refused("X25519");
    }
    return key;
}

std::expected<RadioKey, base::Error> RadioKey::generate(base::Entropy& entropy) {
    Bytes secret;
    entropy.fill(secret);
    auto key = from_secret(secret);
    crypto::wipe(secret);
    return key;
}

RadioKey::RadioKey(RadioKey&& other) noexcept : secret_(other.secret_), public_(other.public_) {
    crypto::wipe(other.secret_);
}

RadioKey& RadioKey::operator=(RadioKey&& other) noexcept {
    if (this != &other) {
        secret_ = other.secret_;
        public_ = other.public_;
        crypto::wipe(other.secret_);
    }
    return *this;
}

RadioKey::~RadioKey() { crypto::wipe(secret_); }

std::expected<base::Buffer, base::Error> seal_direct(const RadioKey& own,
                                                     const RadioKey::Bytes& peer,
                                                     radio::NodeNumber from, std::uint32_t id,
                                                     std::uint32_t extra, base::Bytes content) {
    MESH_ASSERT(!content.empty());
    auto key = shared_key(own, peer);
    if (!key) {
        return base::failure(base::Errc::malformed, "the peer's public key is none",
                             "packet cipher", "wait for its next NodeInfo");
    }
    base::Buffer out(content.size() + tag_bytes);
    const base::MutableBytes sealed(out);
    Ccm ccm(true, *key, radio::direct_nonce(from, id, extra), sealed.subspan(content.size()));
    const bool ok = ccm.run(content, sealed.first(content.size()));
    crypto::wipe(*key);
    if (!ok) return refused("AES-CCM");
    for (std::size_t i = 0; i < extra_bytes; ++i) {
        out.push_back(static_cast<std::byte>(extra >> 8 * i));
    }
    return out;
}

std::optional<base::Buffer> open_direct(const RadioKey& own, const RadioKey::Bytes& peer,
                                        radio::NodeNumber from, std::uint32_t id,
                                        base::Bytes sealed) {
    // Of nothing at all OpenSSL's CCM does not check the tag; no packet holds nothing.
    if (sealed.size() <= direct_overhead_bytes) return std::nullopt;
    std::uint32_t extra = 0;
    for (std::size_t i = 0; i < extra_bytes; ++i) {
        const std::byte byte = sealed[sealed.size() - extra_bytes + i];
        extra |= std::to_integer<std::uint32_t>(byte) << 8 * i;
    }
    auto key = shared_key(own, peer);
    if (!key) return std::nullopt;
    const std::size_t size = sealed.size() - direct_overhead_bytes;
    base::Buffer tag = base::to_buffer(sealed.subspan(size, tag_bytes));
    base::Buffer out(size);
    Ccm ccm(false, *key, radio::direct_nonce(from, id, extra), tag);
    const bool ok = ccm.run(sealed.first(size), out);
    crypto::wipe(*key);
    if (!ok) return std::nullopt;
    return out;
}

}  // namespace meshchain::host
