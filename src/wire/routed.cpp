#include "wire/routed.h"

#include <algorithm>

#include "base/assert.h"
#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t routed_version = 1;
constexpr std::uint8_t receipt_version = 1;
constexpr std::uint8_t flag_receipt_wanted = 1;

void write(base::Writer& out, const Destination& destination) {
    out.u8(static_cast<std::uint8_t>(destination.index()));
    if (const auto* key = std::get_if<crypto::PublicKey>(&destination)) out.bytes(key->bytes);
    if (const auto* segment = std::get_if<SegmentId>(&destination)) out.bytes(segment->bytes);
}

Destination read_destination(base::Reader& in) {
    switch (in.u8()) {
        case 0: return read_key(in);
        case 1: return Everybody{};
        case 2: return SegmentId{in.array<SegmentId::size>()};
        default: in.fail(); return Everybody{};
    }
}

/// All but the signature.
base::Buffer encode_unsigned(const RoutedMessage& message) {
    MESH_ASSERT(message.payload.size() <= routed_payload_bytes_max);
    base::Buffer out;
    out.reserve(routed_overhead_bytes + message.payload.size());
    base::Writer writer(out);
    writer.u8(routed_version)
        .bytes(message.origin.bytes)
        .u32(message.issued)
        .u64(message.sequence)
        .u8(message.attempt)
        .u8(message.hop_limit)
        .u8(message.receipt_wanted ? flag_receipt_wanted : 0);
    write(writer, message.destination);
    writer.u8(static_cast<std::uint8_t>(message.type)).bytes(message.payload);
    return out;
}

}  // namespace

SegmentId segment_id(const ChainId& chain, std::string_view name) {
    base::Buffer message = crypto::preimage("mc/seg/1", chain, 0);
    base::Writer(message).text(name);
    SegmentId id;
    std::ranges::copy(base::Bytes(crypto::hash(message).bytes).first(SegmentId::size),
                      id.bytes.begin());
    return id;
}

base::Buffer routed_preimage(const ChainId& chain, const RoutedMessage& message) {
    base::Buffer out =
        crypto::preimage("mc/route/1", chain, static_cast<std::uint8_t>(MessageType::routed));
    base::Writer(out).bytes(encode_unsigned(message));
    return out;
}

base::Buffer encode(const RoutedMessage& message) {
    base::Buffer out = encode_unsigned(message);
    base::Writer(out).bytes(message.signature.bytes);
    return out;
}

std::expected<RoutedMessage, base::Error> parse_routed(base::Bytes payload) {
    MESH_CHECK(check_version(payload, routed_version, "ROUTED"));
    base::Reader in(payload);
    in.u8();
    RoutedMessage message;
    message.origin = read_key(in);
    message.issued = in.u32();
    message.sequence = in.u64();
    message.attempt = in.u8();
    if (message.attempt >= RoutedMessage::attempts_max) in.fail();
    message.hop_limit = in.u8();
    if (message.hop_limit > hop_limit_max) in.fail();
    const std::uint8_t flags = in.u8();
    message.receipt_wanted = flags == flag_receipt_wanted;
    message.destination = read_destination(in);
    const bool to_one = std::holds_alternative<crypto::PublicKey>(message.destination);
    // A receipt of everybody would be a flood that one message buys.
    if (flags > flag_receipt_wanted || (message.receipt_wanted && !to_one)) in.fail();
    message.type = static_cast<MessageType>(in.u8());
    const std::size_t left = in.remaining();
    if (left < crypto::Signature::size) in.fail();
    const base::Bytes inside = in.take(left - std::min(left, crypto::Signature::size));
    message.signature = read_signature(in);
    MESH_CHECK(in.finish("ROUTED"));
    if (inside.size() > routed_payload_bytes_max) {
        return base::failure(base::Errc::too_large, std::to_string(inside.size()) + " bytes inside",
                             "ROUTED");
    }
    message.payload = base::to_buffer(inside);
    return message;
}

base::Buffer encode(const Receipt& receipt) {
    base::Buffer out;
    base::Writer(out)
        .u8(receipt_version)
        .u64(receipt.sequence)
        .u8(receipt.attempt)
        .u8(receipt.hops)
        .u8(static_cast<std::uint8_t>(receipt.outcome));
    return out;
}

std::expected<Receipt, base::Error> parse_receipt(base::Bytes payload) {
    MESH_CHECK(check_version(payload, receipt_version, "RECEIPT"));
    base::Reader in(payload);
    in.u8();
    Receipt receipt;
    receipt.sequence = in.u64();
    receipt.attempt = in.u8();
    if (receipt.attempt >= RoutedMessage::attempts_max) in.fail();
    receipt.hops = in.u8();
    if (receipt.hops == 0 || receipt.hops > hop_limit_max + 1) in.fail();
    const std::uint8_t outcome = in.u8();
    if (outcome > static_cast<std::uint8_t>(Receipt::Outcome::refused)) in.fail();
    receipt.outcome = static_cast<Receipt::Outcome>(outcome);
    MESH_CHECK(in.finish("RECEIPT"));
    return receipt;
}

}  // namespace meshchain::wire
