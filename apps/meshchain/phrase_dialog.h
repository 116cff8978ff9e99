#pragma once
// Showing a new seed phrase on the terminal, once, and asking for words of it, so that nobody
// believes to have it written down who has not. It never passes stdout, where it could be kept.

#include "base/entropy.h"
#include "host/secret.h"
#include "wallet/bip39.h"

namespace meshchain::app {

/// The words numbered, in columns.
host::Secret numbered_words(const wallet::Phrase& phrase);

/// Shows the phrase, wipes it off the screen, and asks for three words of it.
/// Errors: unavailable (no terminal; cancelled), invalid_argument (a wrong word, three times).
std::expected<void, base::Error> confirm_phrase(const wallet::Phrase& phrase,
                                                base::Entropy& entropy);

}  // namespace meshchain::app
