#pragma once
// The doors of a simulated machine that are neither network, disk nor clock.

#include "base/entropy.h"
#include "base/kdf.h"
#include "base/random.h"
#include "base/time_source.h"

namespace meshchain::sim {

/// Repeats itself with its seed, so nothing it makes is a secret.
class SeededEntropy final : public base::Entropy {
public:
    explicit SeededEntropy(base::Random random) : random_(random) {}
    void fill(base::MutableBytes out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(random_.next());
    }

private:
    base::Random random_;
};

/// Argon2 would take longer than the rest of a run, and guards nothing here: everything in a
/// simulated world follows from its seed.
class QuickKdf final : public base::Kdf {
public:
    std::expected<void, base::Error> derive(base::MutableBytes key, base::Bytes passphrase,
                                            base::Bytes salt, base::KdfCost cost) override;
};

/// NTP, as far as the machine believes in it.
class SettableTimeSource final : public base::TimeSource {
public:
    std::optional<base::Duration> error_max() override { return error; }
    std::optional<base::Duration> error;
};

}  // namespace meshchain::sim
