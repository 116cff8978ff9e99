#pragma once
// The Entropy door by libsodium's randombytes, which reads the kernel's generator.
//
// Threads: any number may fill at once.
// Errors:  none; a kernel that gives no random bytes ends the process, for there is no safe key
//          without them.

#include "base/entropy.h"

namespace meshchain::host {

class SystemEntropy final : public base::Entropy {
public:
    /// Initialises libsodium, which also picks its fastest code: make one before using crypto.
    SystemEntropy();
    void fill(base::MutableBytes out) override;
};

}  // namespace meshchain::host
