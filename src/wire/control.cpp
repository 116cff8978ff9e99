#include "wire/control.h"

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t cookie_version = 1;
constexpr std::uint8_t vote_request_version = 1;

ChainStatus read_status(base::Reader& in) {
    ChainStatus status;
    status.slot.value = in.u32();
    status.height.value = in.u32();
    status.final_height.value = in.u32();
    status.justified = read_checkpoint(in);
    status.final = read_checkpoint(in);
    status.slot_phase = in.u16();
    return status;
}

void write(base::Writer& out, const ChainStatus& status) {
    out.u32(status.slot.value).u32(status.height.value).u32(status.final_height.value);
    write(out, status.justified);
    write(out, status.final);
    out.u16(status.slot_phase);
}

}  // namespace

base::Buffer control_preimage(const ChainId& chain, MessageType type,
                              const crypto::PublicKey& origin, std::uint64_t sequence,
                              base::Bytes body) {
    base::Buffer out = crypto::preimage("mc/ctl/1", chain, static_cast<std::uint8_t>(type));
    base::Writer(out).bytes(origin.bytes).u64(sequence).bytes(body);
    return out;
}

std::expected<ControlPayload, base::Error> split_control(base::Bytes payload) {
    if (payload.size() < crypto::Signature::size) {
        return base::failure(base::Errc::malformed,
                             std::to_string(payload.size()) + " bytes, too few for a signature",
                             "control message");
    }
    const std::size_t body_bytes = payload.size() - crypto::Signature::size;
    base::Reader signature(payload.subspan(body_bytes));
    return ControlPayload{payload.first(body_bytes), read_signature(signature)};
}

std::string_view name(Role role) {
    switch (role) {
        case Role::validator: return "validator";
        case Role::relay: return "relay";
        case Role::light: return "light";
    }
    return "unknown";
}

base::Buffer encode_cookie(const Cookie& cookie) {
    base::Buffer out;
    base::Writer(out).u8(cookie_version).bytes(cookie);
    return out;
}

std::expected<Cookie, base::Error> parse_cookie(base::Bytes payload) {
    MESH_CHECK(check_version(payload, cookie_version, "cookie"));
    base::Reader in(payload);
    in.u8();
    const Cookie cookie = in.array<std::tuple_size_v<Cookie>>();
    MESH_CHECK(in.finish("cookie"));
    return cookie;
}

base::Buffer encode(const Hello& hello) {
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(hello.version_min)
        .u8(hello.version_max)
        .bytes(hello.chain.bytes)
        .bytes(hello.identity.bytes)
        .u8(static_cast<std::uint8_t>(hello.role))
        .u8(hello.accepted ? 1 : 0)
        .bytes(hello.cookie);
    write(writer, hello.status);
    return out;
}

std::expected<Hello, base::Error> parse_hello(base::Bytes body) {
    base::Reader in(body);
    Hello hello;
    hello.version_min = in.u8();
    hello.version_max = in.u8();
    if (hello.version_min == 0 || hello.version_min > hello.version_max) in.fail();
    hello.chain = read_hash(in);
    hello.identity = read_key(in);
    const std::uint8_t role = in.u8();
    if (role > static_cast<std::uint8_t>(Role::light)) in.fail();
    hello.role = static_cast<Role>(role);
    const std::uint8_t accepted = in.u8();
    if (accepted > 1) in.fail();
    hello.accepted = accepted == 1;
    hello.cookie = in.array<std::tuple_size_v<Cookie>>();
    hello.status = read_status(in);
    MESH_CHECK(in.finish("PEER_HELLO"));
    return hello;
}

base::Buffer encode(const Heartbeat& heartbeat) {
    base::Buffer out;
    base::Writer(out)
        .u8(heartbeat.state)
        .u32(heartbeat.slot.value)
        .u32(heartbeat.height.value)
        .u32(heartbeat.final_height.value)
        .u16(heartbeat.slot_phase);
    return out;
}

std::expected<Heartbeat, base::Error> parse_heartbeat(base::Bytes body) {
    base::Reader in(body);
    Heartbeat heartbeat;
    heartbeat.state = in.u8();
    heartbeat.slot.value = in.u32();
    heartbeat.height.value = in.u32();
    heartbeat.final_height.value = in.u32();
    heartbeat.slot_phase = in.u16();
    MESH_CHECK(in.finish("STATUS"));
    return heartbeat;
}

base::Buffer encode(const VoteRequest& request) {
    base::Buffer out;
    base::Writer(out).u8(vote_request_version).u32(request.round.value).u64(request.held);
    return out;
}

std::expected<VoteRequest, base::Error> parse_vote_request(base::Bytes body) {
    MESH_CHECK(check_version(body, vote_request_version, "VOTE_REQ"));
    base::Reader in(body);
    in.u8();
    VoteRequest request;
    request.round.value = in.u32();
    request.held = in.u64();
    MESH_CHECK(in.finish("VOTE_REQ"));
    return request;
}

}  // namespace meshchain::wire
