#pragma once
// Signatures that were taken for right and have yet to be judged: those of many blocks at once,
// before any of them is stored.

#include <deque>
#include <vector>

#include "crypto/verifier.h"

namespace meshchain::ledger {

class SignatureQueue {
public:
    /// Keeps a message for the checks that follow.
    base::Bytes keep(base::Buffer message) { return messages_.emplace_back(std::move(message)); }
    /// `message` outlives the queue, or came from `keep`.
    void add(const crypto::PublicKey& key, base::Bytes message,
             const crypto::Signature& signature) {
        checks_.push_back({key, message, signature});
    }
    std::size_t size() const { return checks_.size(); }
    std::span<const crypto::SignatureCheck> checks() const { return checks_; }

private:
    std::deque<base::Buffer> messages_;  ///< which stay where they are
    std::vector<crypto::SignatureCheck> checks_;
};

}  // namespace meshchain::ledger
