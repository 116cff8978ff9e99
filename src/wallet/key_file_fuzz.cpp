// The clear part: what parses encodes to the same bytes. The sealed part: the first byte chooses to
// open the rest as content of a sound seal, as after a mistaken version of ourselves.

#include <cstdint>
#include <cstdlib>

#include "crypto/seal.h"
#include "wallet/key_file.h"
#include "wallet/test_doors.h"

namespace {

using namespace meshchain;

void open_content(base::Bytes content) {
    wallet::QuickKdf kdf;
    wallet::CountingEntropy entropy;
    const base::Bytes passphrase = base::as_bytes("p");
    wallet::KeyFile file;
    file.keys = {crypto::PublicKey{}};
    file.sealed =
        crypto::seal(kdf, entropy, wallet::quick_cost, passphrase, "wallet", content).value();
    // No content vouches for a key of zeros, which nothing derives to.
    if (wallet::open_key_file(kdf, passphrase, file)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const base::Bytes input = std::as_bytes(std::span(data, size));
    if (size > 0 && data[0] == 0) open_content(input.subspan(1));
    const auto file = wallet::parse_key_file(input);
    if (file && !base::equal(wallet::encode(*file), input)) std::abort();
    return 0;
}
