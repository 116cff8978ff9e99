// The clear part: what parses encodes to the same bytes. The sealed part: the first byte chooses to
// open the rest as content of a sound seal, as after a mistaken version of ourselves. And the count
// of wrong tries that lies beside the file.

#include <cstdint>
#include <cstdlib>

#include "crypto/seal.h"
#include "wallet/opened_key_file.h"
#include "wallet/test_doors.h"
#include "wallet/try_limiter.h"

namespace {

using namespace meshchain;

void open_content(base::Bytes content, bool old) {
    wallet::QuickKdf kdf;
    wallet::CountingEntropy entropy;
    crypto::HeapSecretMemory memory;
    const base::Bytes passphrase = base::as_bytes("p");
    const auto seal = [&](std::string_view purpose, base::Bytes secret) {
        return crypto::seal(kdf, entropy, wallet::quick_cost, passphrase, purpose, secret).value();
    };
    wallet::KeyFile file;
    file.keys = {crypto::PublicKey{}};
    if (old) {
        file.kind = wallet::KeyFile::Kind::old;
        file.by_passphrase = seal("wallet", content);
    } else {
        const base::Buffer key(crypto::seal_key_bytes);
        file.by_passphrase = seal("wallet/2", key);
        file.content =
            crypto::seal_with_key(crypto::SealKey(key), entropy, encode_clear(file), content);
    }
    // No content vouches for a key of zeros, which nothing derives to.
    if (wallet::OpenedKeyFile::open({kdf, entropy, memory}, file, {passphrase})) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::Bytes input = std::as_bytes(std::span(data, size));
    if (size > 0 && data[0] < 2) open_content(input.subspan(1), data[0] == 0);
    const auto tries = wallet::parse_try_record(input);
    if (tries && !base::equal(wallet::encode(*tries), input)) std::abort();
    const auto file = wallet::parse_key_file(input);
    if (file && !base::equal(wallet::encode(*file), input)) std::abort();
    return 0;
}
