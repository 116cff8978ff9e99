#pragma once
// That somebody holds a record, signed by the holder: proof for its origin, whatever relays say
// (row G4). Travels back the way the record came, several in one message.
//
// The signature covers `mc/rcpt/1` ‖ chain ‖ type 33 ‖ name of the record ‖ holder.
// Errors: of parse: malformed, wrong_version.
// Limits: `receipts_max` in a message.
// Format: docs/formats/record.md

#include <vector>

#include "wire/control.h"
#include "wire/record.h"

namespace meshchain::records {

struct Receipt {
    static constexpr std::size_t size =
        wire::RecordId::size + crypto::PublicKey::size + crypto::Signature::size;

    wire::RecordId record;
    crypto::PublicKey holder;
    crypto::Signature signature;
    friend bool operator==(const Receipt&, const Receipt&) = default;
};
/// Such that they fit a ROUTED as well.
inline constexpr std::size_t receipts_max = (wire::routed_payload_bytes_max - 1) / Receipt::size;

Receipt sign_receipt(const wire::ChainId& chain, const wire::RecordId& record,
                     const crypto::SigningKey& holder);
bool is_genuine(const wire::ChainId& chain, const Receipt& receipt);

/// Asserts 1 to receipts_max.
base::Buffer encode(const std::vector<Receipt>& receipts);
std::expected<std::vector<Receipt>, base::Error> parse_receipts(base::Bytes body);

}  // namespace meshchain::records
