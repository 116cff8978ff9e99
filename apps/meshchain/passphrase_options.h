#pragma once
// --passphrase-file and --passphrase-fd, for every command that needs a passphrase.

#include <vector>

#include "host/passphrase.h"
#include "meshchain/command.h"

namespace meshchain::app {

struct PassphraseOptions {
    std::string file;
    std::optional<std::uint64_t> descriptor;

    host::PassphraseSource source() const {
        host::PassphraseSource source;
        if (!file.empty()) source.file = file;
        if (descriptor) source.descriptor = static_cast<int>(*descriptor);
        return source;
    }
    void add_to(std::vector<Option>& options) {
        options.push_back({"--passphrase-file", "FILE",
                           "read the passphrase from FILE, which only you may read", &file});
        options.push_back({"--passphrase-fd", "N",
                           "read the passphrase from this open file descriptor", &descriptor});
    }
};

}  // namespace meshchain::app
