#pragma once
// Unlocks the wallet of a running node without holding the node up: Argon2id takes a good part of
// a second, in which consensus must not miss its slot, so it runs on a thread of its own and comes
// back to the node's.
//
// Ownership: everything given outlives this; destroying it waits for a try that is under way,
//            whose outcome is then told to nobody.
// Time:      tries are counted on disk before they are made, and slowed (host/try_counter.h).
// Threads:   unlock, and every callback, on the thread that runs the io_context.

#include <functional>
#include <memory>

#include "base/log.h"
#include "host/wallet_files.h"
#include "node/node.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

class WalletUnlocker {
public:
    struct Doors {
        boost::asio::io_context& io;
        node::Node& node;
        base::Kdf& kdf;
        base::Entropy& entropy;
        std::function<base::Now()> now;
        base::Log log;
    };
    using Result = std::expected<void, base::Error>;
    using Done = std::function<void(Result)>;

    WalletUnlocker(Doors doors, WalletFiles files);
    ~WalletUnlocker();

    /// Calls `done` once. A wallet whose lookahead runs short gets more keys on this occasion, and
    /// then reads the chain again.
    /// Errors: unavailable (no wallet; another try is under way; too soon), unauthorized (wrong;
    /// the PIN is disabled), those of host/try_counter.h and host/wallet_files.h.
    void unlock(WalletSecret secret, Done done);
    /// How many tries in vain stand on the disk. Errors: those of host/try_counter.h.
    std::expected<wallet::TryRecord, base::Error> tries() const;

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace meshchain::host
