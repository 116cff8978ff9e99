#pragma once
// A chain for trying things out: folders of validators that meet on this machine's loopback alone,
// each with a wallet. For examples, and for the tests of programs that embed the library. Its money
// is worth nothing and its passphrase is known to all.
//
// Errors: those of host/node_setup.h and of making the files; folders made so far stay.

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "crypto/signature.h"
#include "wire/numbers.h"

namespace meshchain::host {

struct LocalChain {
    static constexpr std::string_view passphrase = "local";
    struct Options {
        std::size_t nodes = 2;
        base::Milliseconds block_time{200};
        wire::Amount coins{1000};  ///< that each wallet begins with
        /// Each meets the one before and the one after it only, so that messages must travel.
        bool line = false;
        /// What each node belongs to, by its place; nothing for those behind the last.
        std::vector<std::vector<std::string>> segments = {};
    };
    struct Member {
        std::filesystem::path folder;
        crypto::PublicKey identity;
        crypto::PublicKey owner;  ///< of its wallet's coins
    };

    std::vector<Member> members;  ///< of equal stake; root/0, root/1, …

    /// The folders must not be there yet.
    static std::expected<LocalChain, base::Error> create(const std::filesystem::path& root,
                                                         const Options& options);
};

}  // namespace meshchain::host
