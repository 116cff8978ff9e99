#pragma once
// --passphrase-file and --passphrase-fd, for every command that needs a passphrase, and the same
// for other secrets: none is ever an argument, which other processes could read.

#include <vector>

#include "host/passphrase.h"
#include "meshchain/command.h"

namespace meshchain::app {

struct PassphraseOptions {
    std::string name = "passphrase";  ///< of the options
    std::string prompt = "Passphrase";
    std::string file = {};
    std::optional<std::uint64_t> descriptor = {};

    bool given() const { return !file.empty() || descriptor; }
    host::PassphraseSource source() const {
        host::PassphraseSource source;
        if (!file.empty()) source.file = file;
        if (descriptor) source.descriptor = static_cast<int>(*descriptor);
        source.prompt = prompt;
        return source;
    }
    void add_to(std::vector<Option>& options) {
        options.push_back({"--" + name + "-file", "FILE",
                           "read the " + name + " from FILE, which only you may read", &file});
        options.push_back({"--" + name + "-fd", "N",
                           "read the " + name + " from this open file descriptor", &descriptor,
                           false, std::numeric_limits<int>::max()});
    }
};

/// A passphrase, or with --pin a PIN, which is read from the same places.
struct UnlockOptions {
    PassphraseOptions passphrase = {};
    bool pin = false;

    host::PassphraseSource source() const {
        host::PassphraseSource source = passphrase.source();
        if (pin) source.prompt = "PIN";
        return source;
    }
    void add_to(std::vector<Option>& options) {
        passphrase.add_to(options);
        options.push_back({"--pin", "", "what is read is the PIN", &pin});
    }
};

}  // namespace meshchain::app
