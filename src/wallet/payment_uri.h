#pragma once
// A request for a payment as a link or QR code: who is to be paid, how much, what for, and on which
// chain, as in meshchain:mesh1q…?amount=250&note=bread&chain=0011223344556677.
//
// Limits: note_bytes_max bytes of note, text_bytes_max in all.
// Errors: malformed, too_large, unsupported (a part that the payer must understand and does not),
//         those of parse_address.
// Format: docs/formats/payment-uri.md

#include <array>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/signature.h"
#include "wire/numbers.h"

namespace meshchain::wallet {

struct PaymentRequest {
    static constexpr std::size_t note_bytes_max = 80;
    static constexpr std::size_t text_bytes_max = 1024;
    /// The first bytes of the chain id: enough to tell a mistake.
    using ChainTag = std::array<std::byte, 8>;

    crypto::PublicKey payee;
    std::optional<wire::Amount> amount;
    std::string note = {};  ///< UTF-8 without control characters
    std::optional<ChainTag> chain = {};
    friend bool operator==(const PaymentRequest&, const PaymentRequest&) = default;
};

bool is_payment_uri(std::string_view text);
/// Errors: too_large, invalid_argument (control characters in the note; amount out of range).
std::expected<std::string, base::Error> encode_uri(const PaymentRequest& request);
std::expected<PaymentRequest, base::Error> parse_uri(std::string_view text);

}  // namespace meshchain::wallet
