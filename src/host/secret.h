#pragma once
// Bytes that are overwritten when their owner goes: passphrases, opened key files.

#include <utility>

#include "base/bytes.h"
#include "crypto/signature.h"

namespace meshchain::host {

class Secret {
public:
    Secret() = default;
    explicit Secret(base::Buffer bytes) : bytes_(std::move(bytes)) {}
    Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    Secret& operator=(Secret&& other) noexcept {
        crypto::wipe(bytes_);
        bytes_ = std::exchange(other.bytes_, {});
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { crypto::wipe(bytes_); }

    base::Bytes bytes() const { return bytes_; }

private:
    base::Buffer bytes_;
};

}  // namespace meshchain::host
