#include "radio/packet.h"

#include "base/assert.h"
#include "base/cursor.h"
#include "crypto/hash.h"

namespace meshchain::radio {
namespace {

constexpr std::uint8_t magic = 0xF8;
constexpr std::uint8_t version_mask = 0x07;
constexpr std::uint8_t version = 1;

constexpr std::uint8_t origin_flag = 0x01;
constexpr std::uint8_t piece_flag = 0x02;
constexpr std::uint8_t wish_flag = 0x04;

constexpr std::string_view transfer_domain = "mc/air/1";

void write_header(base::Writer& out, wire::MessageType type, std::uint8_t flags) {
    out.u8(magic | version).u8(static_cast<std::uint8_t>(type)).u8(flags);
}

void write_origin(base::Writer& out, const Origin& origin) {
    out.bytes(origin.node.bytes).u32(origin.timestamp).u32(origin.sequence);
}

std::optional<Origin> read_origin(base::Reader& in, bool has_origin) {
    if (!has_origin) return std::nullopt;
    Origin origin;
    origin.node.bytes = in.array<crypto::NodeId::size>();
    origin.timestamp = in.u32();
    origin.sequence = in.u32();
    return origin;
}

std::expected<Packet, PacketFault> parse_piece(wire::MessageType type, bool has_origin,
                                               base::Reader in) {
    Piece piece{.type = type, .has_origin = has_origin, .transfer = {}, .cut = {}, .bytes = {}};
    piece.transfer = TransferId{in.u32()};
    piece.cut.message_bytes = in.u16();
    piece.index = in.u8();
    piece.rest = in.u8();
    if (!in.ok()) return std::unexpected(PacketFault::length);
    piece.bytes = in.rest();
    piece.cut.piece_bytes = piece.bytes.size();
    if (!piece.cut.is_sound() || piece.cut.pieces() < 2) return std::unexpected(PacketFault::cut);
    // One message is cut in one way for each number of pieces, so that no sender makes others
    // hold more than it sends.
    if (coding::cut_evenly(piece.cut.message_bytes, piece.cut.piece_bytes) != piece.cut) {
        return std::unexpected(PacketFault::cut);
    }
    return piece;
}

std::expected<Packet, PacketFault> parse_wish(wire::MessageType type, base::Reader in) {
    Wish wish{.type = type};
    wish.sender = NodeNumber{in.u32()};
    wish.transfer = TransferId{in.u32()};
    wish.missing = in.u8();
    if (!in.ok() || in.remaining() != 0) return std::unexpected(PacketFault::length);
    if (wish.missing == 0) return std::unexpected(PacketFault::cut);
    return wish;
}

/// How each kind of packet is written.
struct Encoder {
    base::Writer& out;

    void operator()(const Message& message) const {
        write_header(out, message.type, message.origin ? origin_flag : 0);
        if (message.origin) write_origin(out, *message.origin);
        out.bytes(message.payload);
    }
    void operator()(const Piece& piece) const {
        MESH_ASSERT(piece.cut.message_bytes <= 0xFFFF);
        MESH_ASSERT(piece.bytes.size() == piece.cut.piece_bytes);
        write_header(out, piece.type, piece_flag | (piece.has_origin ? origin_flag : 0));
        out.u32(static_cast<std::uint32_t>(piece.transfer))
            .u16(static_cast<std::uint16_t>(piece.cut.message_bytes))
            .u8(piece.index)
            .u8(piece.rest)
            .bytes(piece.bytes);
    }
    void operator()(const Wish& wish) const {
        MESH_ASSERT(wish.missing > 0);
        write_header(out, wish.type, wish_flag);
        out.u32(static_cast<std::uint32_t>(wish.sender))
            .u32(static_cast<std::uint32_t>(wish.transfer))
            .u8(wish.missing);
    }
};

}  // namespace

std::string_view name(PacketFault fault) {
    switch (fault) {
        case PacketFault::foreign: return "foreign";
        case PacketFault::version: return "version";
        case PacketFault::flags: return "flags";
        case PacketFault::length: return "length";
        case PacketFault::cut: return "cut";
    }
    return "unknown";
}

std::expected<Packet, PacketFault> parse_packet(base::Bytes bytes) {
    base::Reader in(bytes);
    const std::uint8_t first = in.u8();
    if ((first & ~version_mask & 0xFF) != magic) return std::unexpected(PacketFault::foreign);
    if ((first & version_mask) != version) return std::unexpected(PacketFault::version);
    const auto type = static_cast<wire::MessageType>(in.u8());
    const std::uint8_t flags = in.u8();
    if (!in.ok() || bytes.size() > payload_bytes_max) return std::unexpected(PacketFault::length);
    const bool has_origin = (flags & origin_flag) != 0;
    switch (flags & ~origin_flag & 0xFF) {
        case 0: break;
        case piece_flag: return parse_piece(type, has_origin, in);
        case wish_flag:
            if (has_origin) return std::unexpected(PacketFault::flags);
            return parse_wish(type, in);
        default: return std::unexpected(PacketFault::flags);
    }
    const std::optional<Origin> origin = read_origin(in, has_origin);
    if (!in.ok()) return std::unexpected(PacketFault::length);
    return Message{.type = type, .origin = origin, .payload = in.rest()};
}

base::Buffer encode(const Packet& packet) {
    base::Buffer bytes;
    base::Writer out(bytes);
    std::visit(Encoder{out}, packet);
    MESH_ASSERT(bytes.size() <= payload_bytes_max);
    return bytes;
}

base::Buffer join(const Message& message) {
    base::Buffer joined;
    base::Writer out(joined);
    if (message.origin) write_origin(out, *message.origin);
    out.bytes(message.payload);
    return joined;
}

std::expected<Message, PacketFault> split(wire::MessageType type, bool has_origin,
                                          base::Bytes joined) {
    base::Reader in(joined);
    const std::optional<Origin> origin = read_origin(in, has_origin);
    if (!in.ok()) return std::unexpected(PacketFault::length);
    return Message{.type = type, .origin = origin, .payload = in.rest()};
}

TransferId transfer_id(wire::MessageType type, bool has_origin, base::Bytes joined) {
    base::Buffer head;
    base::Writer(head)
        .u8(static_cast<std::uint8_t>(transfer_domain.size()))
        .text(transfer_domain)
        .u8(static_cast<std::uint8_t>(type))
        .u8(has_origin ? 1 : 0);
    const crypto::Hash hash = crypto::hash(head, joined);
    return TransferId{base::Reader(hash.bytes).u32()};
}

}  // namespace meshchain::radio
