#include "records/receipt.h"

#include "base/assert.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

constexpr std::uint8_t receipts_version = 1;

base::Buffer preimage(const wire::ChainId& chain, const wire::RecordId& record,
                      const crypto::PublicKey& holder) {
    base::Buffer out = crypto::preimage(
        "mc/rcpt/1", chain, static_cast<std::uint8_t>(wire::MessageType::record_receipt));
    base::Writer(out).bytes(record.bytes).bytes(holder.bytes);
    return out;
}

}  // namespace

Receipt sign_receipt(const wire::ChainId& chain, const wire::RecordId& record,
                     const crypto::SigningKey& holder) {
    const crypto::PublicKey& key = holder.public_key();
    return {record, key, holder.sign(preimage(chain, record, key))};
}

bool is_genuine(const wire::ChainId& chain, const Receipt& receipt) {
    return crypto::verify(receipt.holder, preimage(chain, receipt.record, receipt.holder),
                          receipt.signature);
}

base::Buffer encode(const std::vector<Receipt>& receipts) {
    MESH_ASSERT(!receipts.empty() && receipts.size() <= receipts_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(receipts_version);
    for (const Receipt& receipt : receipts) {
        writer.bytes(receipt.record.bytes)
            .bytes(receipt.holder.bytes)
            .bytes(receipt.signature.bytes);
    }
    return out;
}

std::expected<std::vector<Receipt>, base::Error> parse_receipts(base::Bytes body) {
    MESH_CHECK(wire::check_version(body, receipts_version, "RECORD_RECEIPT"));
    base::Reader in(body);
    in.u8();
    std::vector<Receipt> receipts;
    while (in.ok() && in.remaining() > 0 && receipts.size() < receipts_max) {
        receipts.push_back({wire::read_hash(in), wire::read_key(in), wire::read_signature(in)});
    }
    if (receipts.empty()) in.fail();
    MESH_CHECK(in.finish("RECORD_RECEIPT"));
    return receipts;
}

}  // namespace meshchain::records
