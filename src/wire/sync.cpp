#include "wire/sync.h"

#include <algorithm>

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

enum class RequestKind : std::uint8_t { hashes = 0, block = 1, certificate = 2 };
enum class ResponseKind : std::uint8_t { hashes = 0, block = 1, not_found = 2 };

template <class Kind>
base::Writer start(base::Buffer& out, Kind kind) {
    return base::Writer(out).u8(static_cast<std::uint8_t>(kind));
}

base::Buffer encode_request(const HashesRequest& request) {
    base::Buffer out;
    start(out, RequestKind::hashes).u32(request.from.value).u8(request.count);
    return out;
}
base::Buffer encode_request(const BlockRequest& request) {
    base::Buffer out;
    start(out, RequestKind::block).bytes(request.block.bytes).u16(request.first);
    return out;
}
base::Buffer encode_request(const CertificateRequest&) {
    base::Buffer out;
    start(out, RequestKind::certificate);
    return out;
}

base::Buffer encode_response(const HashesResponse& response) {
    MESH_ASSERT(response.hashes.size() <= hashes_max);
    base::Buffer out;
    base::Writer writer = start(out, ResponseKind::hashes);
    writer.u32(response.from.value).u8(static_cast<std::uint8_t>(response.hashes.size()));
    for (const Hash& hash : response.hashes) writer.bytes(hash.bytes);
    return out;
}
base::Buffer encode_response(const BlockResponse& response) {
    MESH_ASSERT(response.transactions.size() <= 255);
    base::Buffer out;
    start(out, ResponseKind::block).bytes(response.block.bytes);
    encode(response.header, out);
    base::Writer(out)
        .u16(response.total)
        .u16(response.first)
        .u8(static_cast<std::uint8_t>(response.transactions.size()));
    for (const WireTransaction& transaction : response.transactions) encode(transaction, out);
    return out;
}
base::Buffer encode_response(const NotFoundResponse& response) {
    base::Buffer out;
    start(out, ResponseKind::not_found).bytes(response.block.bytes);
    return out;
}

HashesRequest read_hashes_request(base::Reader& in) {
    HashesRequest request;
    request.from.value = in.u32();
    request.count = in.u8();
    if (request.count == 0 || request.count > hashes_max) in.fail();
    return request;
}

BlockRequest read_block_request(base::Reader& in) {
    const Hash block = read_hash(in);
    return {block, in.u16()};
}

HashesResponse read_hashes_response(base::Reader& in) {
    HashesResponse response;
    response.from.value = in.u32();
    const std::size_t count = in.u8();
    if (count > hashes_max) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) response.hashes.push_back(read_hash(in));
    return response;
}

BlockResponse read_block_response(base::Reader& in) {
    BlockResponse response;
    response.block = read_hash(in);
    response.header = read_block_header(in).value_or(BlockHeader{});
    response.total = in.u16();
    response.first = in.u16();
    const std::size_t count = in.u8();
    if (response.first + count > response.total) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        if (auto transaction = read_transaction(in)) {
            response.transactions.push_back(*std::move(transaction));
        }
    }
    return response;
}

}  // namespace

base::Buffer encode(const SyncRequest& request) {
    return std::visit([](const auto& kind) { return encode_request(kind); }, request);
}

std::expected<SyncRequest, base::Error> parse_sync_request(base::Bytes body) {
    base::Reader in(body);
    SyncRequest request;
    switch (static_cast<RequestKind>(in.u8())) {
        case RequestKind::hashes: request = read_hashes_request(in); break;
        case RequestKind::block: request = read_block_request(in); break;
        case RequestKind::certificate: request = CertificateRequest{}; break;
        default: in.fail();
    }
    MESH_CHECK(in.finish("SYNC_REQUEST"));
    return request;
}

base::Buffer encode(const SyncResponse& response) {
    base::Buffer out = std::visit([](const auto& kind) { return encode_response(kind); }, response);
    MESH_ASSERT(out.size() <= control_body_bytes_max);
    return out;
}

std::expected<SyncResponse, base::Error> parse_sync_response(base::Bytes body) {
    if (body.size() > control_body_bytes_max) {
        return base::failure(base::Errc::too_large, std::to_string(body.size()) + " bytes",
                             "SYNC_RESPONSE");
    }
    base::Reader in(body);
    SyncResponse response;
    switch (static_cast<ResponseKind>(in.u8())) {
        case ResponseKind::hashes: response = read_hashes_response(in); break;
        case ResponseKind::block: response = read_block_response(in); break;
        case ResponseKind::not_found: response = NotFoundResponse{read_hash(in)}; break;
        default: in.fail();
    }
    MESH_CHECK(in.finish("SYNC_RESPONSE"));
    return response;
}

BlockResponse block_response(const Hash& hash, const Block& block, std::uint16_t first) {
    BlockResponse response;
    response.block = hash;
    response.header = block.header;
    response.total = static_cast<std::uint16_t>(block.transactions.size());
    response.first = std::min(first, response.total);
    std::size_t bytes = block_response_overhead_bytes;
    for (std::size_t i = response.first; i < block.transactions.size(); ++i) {
        bytes += encoded_bytes(block.transactions[i]);
        if (bytes > control_body_bytes_max) break;
        response.transactions.push_back(block.transactions[i]);
    }
    return response;
}

}  // namespace meshchain::wire
