#include "wire/sync.h"

#include <algorithm>

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

enum class RequestKind : std::uint8_t {
    hashes = 0,
    block = 1,
    certificate = 2,
    final = 3,
    headers = 4,
    bodies = 5,
};
enum class ResponseKind : std::uint8_t { hashes = 0, block = 1, not_found = 2, items = 3 };

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

base::Buffer encode_request(const FinalRequest& request) {
    base::Buffer out;
    start(out, RequestKind::final).u64(request.nonce).u32(request.from.value).u32(request.to.value);
    return out;
}
base::Buffer encode_request(const HeadersRequest& request) {
    base::Buffer out;
    start(out, RequestKind::headers).u64(request.nonce).bytes(request.top.bytes).u16(request.count);
    return out;
}
base::Buffer encode_request(const BodiesRequest& request) {
    base::Buffer out;
    start(out, RequestKind::bodies)
        .u64(request.nonce)
        .u32(request.from.value)
        .u8(request.count)
        .bytes(request.last.bytes);
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

base::Buffer encode_response(const ItemsResponse& response) {
    MESH_ASSERT(response.items.size() <= items_max);
    base::Buffer out;
    base::Writer writer = start(out, ResponseKind::items);
    writer.u64(response.nonce).u8(static_cast<std::uint8_t>(response.items.size()));
    for (const ItemsResponse::Item& item : response.items) {
        writer.u32(item.bytes).bytes(item.hash.bytes);
    }
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

FinalRequest read_final_request(base::Reader& in) {
    FinalRequest request{in.u64(), {in.u32()}, {}};
    request.to.value = in.u32();
    if (request.from > request.to) in.fail();
    return request;
}

HeadersRequest read_headers_request(base::Reader& in) {
    HeadersRequest request{in.u64(), read_hash(in), 0};
    request.count = in.u16();
    if (request.count == 0 || request.count > headers_max) in.fail();
    return request;
}

BodiesRequest read_bodies_request(base::Reader& in) {
    BodiesRequest request{in.u64(), {in.u32()}, in.u8(), {}};
    request.last = read_hash(in);
    if (request.count == 0 || request.count > items_max) in.fail();
    return request;
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

ItemsResponse read_items_response(base::Reader& in) {
    ItemsResponse response{in.u64(), {}};
    const std::size_t count = in.u8();
    if (count > items_max) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        ItemsResponse::Item item{in.u32(), {}};
        item.hash = read_hash(in);
        if (item.bytes == 0 || item.bytes > item_bytes_max) in.fail();
        response.items.push_back(item);
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
        case RequestKind::final: request = read_final_request(in); break;
        case RequestKind::headers: request = read_headers_request(in); break;
        case RequestKind::bodies: request = read_bodies_request(in); break;
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
        case ResponseKind::items: response = read_items_response(in); break;
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

SyncChunk chunk_of(base::Bytes item_bytes, std::uint64_t nonce, std::uint8_t item,
                   std::uint8_t chunk) {
    MESH_ASSERT(chunk < chunks_of(item_bytes.size()));
    const base::Bytes rest = item_bytes.subspan(chunk * SyncChunk::bytes_max);
    const std::size_t bytes = std::min(rest.size(), SyncChunk::bytes_max);
    return {nonce, item, chunk, base::to_buffer(rest.first(bytes))};
}

base::Buffer encode(const SyncChunk& chunk) {
    MESH_ASSERT(!chunk.bytes.empty() && chunk.bytes.size() <= SyncChunk::bytes_max);
    base::Buffer out;
    out.reserve(SyncChunk::overhead_bytes + chunk.bytes.size());
    base::Writer(out)
        .u8(SyncChunk::version)
        .u64(chunk.nonce)
        .u8(chunk.item)
        .u8(chunk.chunk)
        .bytes(chunk.bytes);
    return out;
}

std::expected<SyncChunk, base::Error> parse_sync_chunk(base::Bytes payload) {
    if (payload.size() > ip_payload_bytes_max) {
        return base::failure(base::Errc::too_large, std::to_string(payload.size()) + " bytes",
                             "SYNC_DATA");
    }
    MESH_CHECK(check_version(payload, SyncChunk::version, "SYNC_DATA"));
    base::Reader in(payload);
    in.u8();
    SyncChunk chunk{in.u64(), in.u8(), in.u8(), {}};
    chunk.bytes = base::to_buffer(in.rest());
    if (chunk.bytes.empty() || chunk.item >= items_max) in.fail();
    MESH_CHECK(in.finish("SYNC_DATA"));
    return chunk;
}

base::Buffer encode(const ProvenFinal& proven) {
    base::Buffer out;
    encode(proven.header, out);
    base::Writer(out).bytes(encode(proven.certificate));
    return out;
}

std::expected<ProvenFinal, base::Error> parse_proven_final(base::Bytes bytes) {
    MESH_CHECK(check_version(bytes, BlockHeader::version, "final block"));
    base::Reader in(bytes);
    const auto header = read_block_header(in);
    const base::Bytes rest = in.rest();
    MESH_CHECK(in.finish("final block"));
    MESH_TRY(Certificate certificate, parse_certificate(rest));
    return ProvenFinal{*header, std::move(certificate)};
}

base::Buffer encode(const std::vector<BlockHeader>& headers) {
    base::Buffer out;
    out.reserve(headers.size() * BlockHeader::size);
    for (const BlockHeader& header : headers) encode(header, out);
    return out;
}

std::expected<std::vector<BlockHeader>, base::Error> parse_headers(base::Bytes bytes) {
    base::Reader in(bytes);
    std::vector<BlockHeader> headers;
    do {
        if (headers.size() == headers_max) in.fail();
        if (const auto header = read_block_header(in)) headers.push_back(*header);
    } while (in.ok() && in.remaining() > 0);
    MESH_CHECK(in.finish("headers"));
    return headers;
}

}  // namespace meshchain::wire
