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
constexpr std::uint8_t addressee_flag = 0x08;

constexpr std::string_view transfer_domain = "mc/air/1";

void write_header(base::Writer& out, wire::MessageType type, std::uint8_t flags) {
    out.u8(magic | version).u8(static_cast<std::uint8_t>(type)).u8(flags);
}

constexpr std::uint8_t flags_of(const Head& head) {
    return (head.has_origin ? origin_flag : 0) | (head.has_addressee ? addressee_flag : 0);
}

void write_message(base::Writer& out, const Message& message) {
    if (message.to) out.u32(static_cast<std::uint32_t>(*message.to));
    if (message.origin) {
        const Origin& origin = *message.origin;
        out.bytes(origin.node.bytes).u32(origin.timestamp).u32(origin.sequence);
    }
    out.bytes(message.payload);
}

std::expected<Message, PacketFault> read_message(base::Reader in, wire::MessageType type,
                                                 const Head& head) {
    Message message{.type = type, .payload = {}};
    if (head.has_addressee) message.to = wire::Addressee{in.u32()};
    if (head.has_origin) {
        Origin& origin = message.origin.emplace();
        origin.node.bytes = in.array<crypto::NodeId::size>();
        origin.timestamp = in.u32();
        origin.sequence = in.u32();
    }
    if (!in.ok()) return std::unexpected(PacketFault::length);
    message.payload = in.rest();
    return message;
}

std::expected<Packet, PacketFault> parse_piece(wire::MessageType type, const Head& head,
                                               base::Reader in) {
    Piece piece{.type = type, .head = head, .transfer = {}, .cut = {}, .bytes = {}};
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
        write_header(out, message.type, flags_of(head_of(message)));
        write_message(out, message);
    }
    void operator()(const Piece& piece) const {
        MESH_ASSERT(piece.cut.message_bytes <= 0xFFFF);
        MESH_ASSERT(piece.bytes.size() == piece.cut.piece_bytes);
        write_header(out, piece.type, piece_flag | flags_of(piece.head));
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
    const Head head{(flags & addressee_flag) != 0, (flags & origin_flag) != 0};
    switch (flags & ~flags_of({true, true}) & 0xFF) {
        case 0: return read_message(in, type, head);
        case piece_flag: return parse_piece(type, head, in);
        case wish_flag:
            if (head != Head{}) return std::unexpected(PacketFault::flags);
            return parse_wish(type, in);
        default: return std::unexpected(PacketFault::flags);
    }
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
    write_message(out, message);
    return joined;
}

std::expected<Message, PacketFault> split(wire::MessageType type, const Head& head,
                                          base::Bytes joined) {
    return read_message(base::Reader(joined), type, head);
}

TransferId transfer_id(wire::MessageType type, const Head& head, base::Bytes joined) {
    base::Buffer name;
    base::Writer(name)
        .u8(static_cast<std::uint8_t>(transfer_domain.size()))
        .text(transfer_domain)
        .u8(static_cast<std::uint8_t>(type))
        .u8(flags_of(head));
    const crypto::Hash hash = crypto::hash(name, joined);
    return TransferId{base::Reader(hash.bytes).u32()};
}

}  // namespace meshchain::radio
