// A text that parses as a seed phrase is written and read again as the same phrase, and what an
// error says is printable.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "wallet/bip39.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const auto text = base::as_text(std::as_bytes(std::span(data, size)));
    const auto phrase = wallet::Phrase::parse(text);
    if (!phrase) {
        const std::string said = base::sentence(phrase.error());
        if (!std::ranges::all_of(said, [](char c) { return c >= ' ' && c < 127; })) std::abort();
        return 0;
    }
    base::Buffer written;
    phrase->write(written);
    const auto again = wallet::Phrase::parse(base::as_text(written));
    if (!again || *again != *phrase) std::abort();
    if (wallet::Phrase::from_entropy(phrase->entropy()) != *phrase) std::abort();
    return 0;
}
