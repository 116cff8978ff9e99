#pragma once
// Between our values and nanopb's structures of fixed size. For the sources of this folder only.

#include <meshtastic.pb.h>
#include <pb_decode.h>
#include <pb_encode.h>

#include <algorithm>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/error.h"
#include "radio/mesh_packet.h"

namespace meshchain::radio::pb {

/// Nothing: no such message.
template <class Message>
std::optional<Message> decode(base::Bytes bytes, const pb_msgdesc_t* fields) {
    std::optional<Message> message(std::in_place);
    pb_istream_t stream =
        pb_istream_from_buffer(reinterpret_cast<const pb_byte_t*>(bytes.data()), bytes.size());
    if (!pb_decode(&stream, fields, &*message)) message.reset();
    return message;
}

/// The structures bound every field, so it always has room.
template <std::size_t bytes_max, class Message>
base::Buffer encode(const Message& message, const pb_msgdesc_t* fields) {
    base::Buffer out(bytes_max);
    pb_ostream_t stream =
        pb_ostream_from_buffer(reinterpret_cast<pb_byte_t*>(out.data()), out.size());
    MESH_ASSERT(pb_encode(&stream, fields, &message));
    out.resize(stream.bytes_written);
    return out;
}

template <class Field>
base::Buffer bytes_of(const Field& field) {
    const auto* begin = reinterpret_cast<const std::byte*>(field.bytes);
    return {begin, begin + field.size};
}

/// False: it does not fit.
template <class Field>
bool put_bytes(Field& field, base::Bytes bytes) {
    if (bytes.size() > sizeof field.bytes) return false;
    std::ranges::copy(bytes, reinterpret_cast<std::byte*>(field.bytes));
    field.size = static_cast<pb_size_t>(bytes.size());
    return true;
}

/// nanopb ends texts with a zero. False: it does not fit, or holds a zero itself.
template <std::size_t size>
bool put_text(char (&field)[size], std::string_view text) {
    if (text.size() >= size || text.find('\0') != std::string_view::npos) return false;
    *std::ranges::copy(text, field).out = '\0';
    return true;
}

inline std::unexpected<base::Error> too_long(const char* what) {
    return base::failure(base::Errc::too_large, std::string(what) + " is too long for its field",
                         "meshtastic", "make it shorter");
}

/// As parts of other messages.
Parsed<MeshPacket> value_of(const mtpb_MeshPacket& message);
User value_of(const mtpb_User& message);
DeviceMetrics value_of(const mtpb_DeviceMetrics& message);
bool put(mtpb_MeshPacket& message, const MeshPacket& packet);
bool put(mtpb_User& message, const User& user);
mtpb_DeviceMetrics message_of(const DeviceMetrics& metrics);

}  // namespace meshchain::radio::pb
