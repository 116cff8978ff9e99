#pragma once
// The door through which many independent signatures are judged at once, so that a host with
// several cores can share them out (PROTOCOL.md P3a). What is judged is the same everywhere: each
// signature by itself, under the rule of crypto::verify.

#include <algorithm>
#include <optional>
#include <span>

#include "crypto/signature.h"

namespace meshchain::crypto {

struct SignatureCheck {
    PublicKey key;
    base::Bytes message;  ///< borrowed
    Signature signature;
};

class Verifier {
public:
    virtual ~Verifier() = default;
    /// The lowest index of a signature that is wrong; nothing when all are right. Returns when all
    /// that it borrowed is free again.
    virtual std::optional<std::size_t> first_wrong(std::span<const SignatureCheck> checks) = 0;
};

/// One after the other, in the caller's thread.
class InlineVerifier final : public Verifier {
public:
    std::optional<std::size_t> first_wrong(std::span<const SignatureCheck> checks) override {
        const auto wrong = std::ranges::find_if(checks, [](const SignatureCheck& check) {
            return !verify(check.key, check.message, check.signature);
        });
        if (wrong == checks.end()) return std::nullopt;
        return static_cast<std::size_t>(wrong - checks.begin());
    }
};

}  // namespace meshchain::crypto
