#include "wire/state.h"

#include <algorithm>

#include "wire/fields.h"

namespace meshchain::wire {
namespace {

constexpr std::uint8_t version = 1;

enum class RequestKind : std::uint8_t {
    newest_final = 0,
    headers = 1,
    page = 2,
    range_hash = 3,
    inclusion = 4
};
enum class ResponseKind : std::uint8_t {
    newest_final = 0,
    headers = 1,
    page = 2,
    range_hash = 3,
    inclusion = 4,
    unavailable = 5
};

template <class Kind>
base::Writer start(base::Buffer& out, Kind kind) {
    return base::Writer(out).u8(version).u8(static_cast<std::uint8_t>(kind));
}

Outpoint read_outpoint(base::Reader& in) {
    const Txid txid{read_hash(in)};
    return {txid, in.u16()};
}

std::uint8_t read_range(base::Reader& in) {
    const std::uint8_t range = in.u8();
    if (range > fee_range) in.fail();
    return range;
}

/// One byte that says whether an outpoint follows, which must be of the range.
std::optional<Outpoint> read_after(base::Reader& in, std::uint8_t range) {
    switch (in.u8()) {
        case 0: return std::nullopt;
        case 1: {
            const Outpoint after = read_outpoint(in);
            if (range_of(after) != range) in.fail();
            return after;
        }
        default: in.fail(); return std::nullopt;
    }
}

void write_after(base::Writer& out, const std::optional<Outpoint>& after) {
    out.u8(after ? 1 : 0);
    if (after) out.bytes(encode(*after));
}

void write(base::Writer& out, const StateCoin& coin) {
    out.bytes(encode(coin.outpoint));
    write(out, coin.output);
}
void write(base::Writer& out, const StateFees& fees) {
    out.u16(fees.validator.value).u40(fees.amount.units);
}

// Requests.

base::Buffer encode_request(const NewestFinalRequest& request) {
    base::Buffer out;
    start(out, RequestKind::newest_final).u32(request.above.value);
    return out;
}
base::Buffer encode_request(const HeaderPageRequest& request) {
    base::Buffer out;
    start(out, RequestKind::headers).u32(request.from.value).u8(request.count);
    return out;
}
base::Buffer encode_request(const StatePageRequest& request) {
    base::Buffer out;
    base::Writer writer = start(out, RequestKind::page);
    writer.bytes(request.block.bytes).u8(request.range);
    write_after(writer, request.after);
    return out;
}
base::Buffer encode_request(const RangeHashRequest& request) {
    base::Buffer out;
    start(out, RequestKind::range_hash).bytes(request.block.bytes).u8(request.range);
    return out;
}
base::Buffer encode_request(const InclusionRequest& request) {
    base::Buffer out;
    start(out, RequestKind::inclusion).bytes(request.txid.hash.bytes);
    return out;
}

HeaderPageRequest read_header_page_request(base::Reader& in) {
    HeaderPageRequest request{{in.u32()}, in.u8()};
    if (request.count == 0 || request.count > header_page_max) in.fail();
    return request;
}
StatePageRequest read_page_request(base::Reader& in) {
    StatePageRequest request;
    request.block = read_hash(in);
    request.range = read_range(in);
    request.after = read_after(in, request.range);
    return request;
}
RangeHashRequest read_range_hash_request(base::Reader& in) {
    const Hash block = read_hash(in);
    return {block, read_range(in)};
}

// Responses.

base::Buffer encode_response(const NewestFinalResponse& response) {
    MESH_ASSERT(!response.votes.empty() && response.votes.size() <= final_votes_max);
    const Checkpoint& source = response.votes.front().source;
    MESH_ASSERT(source.slot == response.header.slot);
    base::Buffer out;
    start(out, ResponseKind::newest_final);
    encode(response.header, out);
    base::Writer writer(out);
    writer.bytes(source.block.bytes)
        .u32(source.round.value)
        .u8(static_cast<std::uint8_t>(response.votes.size()));
    for (const Vote& vote : response.votes) {
        MESH_ASSERT(vote.source == source && vote.round.value == source.round.value + 1);
        writer.u16(vote.validator.value)
            .bytes(vote.target.bytes)
            .u64(vote.heard)
            .bytes(vote.signature.bytes);
    }
    return out;
}
base::Buffer encode_response(const HeaderPageResponse& response) {
    MESH_ASSERT(response.headers.size() <= header_page_max);
    base::Buffer out;
    start(out, ResponseKind::headers)
        .u32(response.from.value)
        .u8(static_cast<std::uint8_t>(response.headers.size()));
    for (const BlockHeader& header : response.headers) encode(header, out);
    return out;
}
base::Buffer encode_response(const StatePage& page) {
    MESH_ASSERT(page.coins.size() <= state_coins_max && page.fees.size() <= validators_max);
    base::Buffer out;
    base::Writer writer = start(out, ResponseKind::page);
    writer.bytes(page.block.bytes).u8(page.range);
    write_after(writer, page.after);
    const std::size_t count = page.range == fee_range ? page.fees.size() : page.coins.size();
    writer.u8(page.last ? 1 : 0).u8(static_cast<std::uint8_t>(count));
    for (const StateCoin& coin : page.coins) write(writer, coin);
    for (const StateFees& fees : page.fees) write(writer, fees);
    return out;
}
base::Buffer encode_response(const RangeHashResponse& response) {
    base::Buffer out;
    start(out, ResponseKind::range_hash)
        .bytes(response.block.bytes)
        .u8(response.range)
        .bytes(response.hash.bytes);
    return out;
}
base::Buffer encode_response(const InclusionResponse& response) {
    MESH_ASSERT(response.branch.size() <= branch_max);
    base::Buffer out;
    start(out, ResponseKind::inclusion)
        .u32(response.height.value)
        .u16(response.index)
        .u16(response.count)
        .u8(static_cast<std::uint8_t>(response.branch.size()));
    for (const Hash& hash : response.branch) base::Writer(out).bytes(hash.bytes);
    encode(WireTransaction(response.transaction), out);
    return out;
}
base::Buffer encode_response(const UnavailableResponse& response) {
    base::Buffer out;
    start(out, ResponseKind::unavailable).bytes(response.subject.bytes);
    return out;
}

NewestFinalResponse read_newest_final(base::Reader& in) {
    NewestFinalResponse response;
    response.header = read_block_header(in).value_or(BlockHeader{});
    Vote vote;
    vote.source.block = read_hash(in);
    vote.source.round = {in.u32()};
    vote.source.slot = response.header.slot;
    vote.round.value = vote.source.round.value + 1;
    const std::size_t count = in.u8();
    if (vote.round.value == 0 || count == 0 || count > final_votes_max) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        vote.validator = read_validator(in);
        vote.target = read_hash(in);
        vote.heard = in.u64();
        vote.signature = read_signature(in);
        if (!response.votes.empty() && !(response.votes.back().validator < vote.validator)) {
            in.fail();
        }
        response.votes.push_back(vote);
    }
    return response;
}

HeaderPageResponse read_header_page(base::Reader& in) {
    HeaderPageResponse response;
    response.from.value = in.u32();
    const std::size_t count = in.u8();
    if (count > header_page_max) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        if (auto header = read_block_header(in)) response.headers.push_back(*header);
    }
    return response;
}

void read_coins(base::Reader& in, std::size_t count, StatePage& page) {
    if (count > state_coins_max) in.fail();
    std::optional<Outpoint> before = page.after;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        StateCoin coin;
        coin.outpoint = read_outpoint(in);
        coin.output.owner = read_key(in);
        coin.output.amount = read_amount(in);
        if (range_of(coin.outpoint) != page.range || (before && coin.outpoint <= *before)) {
            in.fail();
        }
        before = coin.outpoint;
        page.coins.push_back(coin);
    }
}

void read_fees(base::Reader& in, std::size_t count, StatePage& page) {
    if (count > validators_max) in.fail();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        const StateFees fees{read_validator(in), read_amount(in)};
        if (!page.fees.empty() && fees.validator <= page.fees.back().validator) in.fail();
        page.fees.push_back(fees);
    }
}

/// A page that is not the last one says something, so that asking on comes to an end.
StatePage read_page(base::Reader& in) {
    StatePage page;
    page.block = read_hash(in);
    page.range = read_range(in);
    page.after = read_after(in, page.range);
    const std::uint8_t last = in.u8();
    const std::size_t count = in.u8();
    page.last = last == 1;
    const bool whole = page.range != fee_range || (page.last && !page.after);
    if (last > 1 || (count == 0 && !page.last) || !whole) in.fail();
    if (page.range == fee_range) {
        read_fees(in, count, page);
    } else {
        read_coins(in, count, page);
    }
    return page;
}

RangeHashResponse read_range_hash(base::Reader& in) {
    RangeHashResponse response;
    response.block = read_hash(in);
    response.range = read_range(in);
    response.hash = read_hash(in);
    return response;
}

InclusionResponse read_inclusion(base::Reader& in) {
    InclusionResponse response;
    response.height.value = in.u32();
    response.index = in.u16();
    response.count = in.u16();
    const std::size_t siblings = in.u8();
    if (siblings > branch_max || response.index >= response.count) in.fail();
    for (std::size_t i = 0; i < siblings && in.ok(); ++i) response.branch.push_back(read_hash(in));
    const auto transaction = read_transaction(in);
    const auto* whole = transaction ? std::get_if<Transaction>(&*transaction) : nullptr;
    if (whole == nullptr) {
        in.fail();
    } else {
        response.transaction = *whole;
    }
    return response;
}

}  // namespace

base::Buffer encode(const StateRequest& request) {
    return std::visit([](const auto& kind) { return encode_request(kind); }, request);
}

std::expected<StateRequest, base::Error> parse_state_request(base::Bytes body) {
    MESH_CHECK(check_version(body, version, "STATE_REQ"));
    base::Reader in(body);
    in.u8();
    StateRequest request;
    switch (static_cast<RequestKind>(in.u8())) {
        case RequestKind::newest_final: request = NewestFinalRequest{{in.u32()}}; break;
        case RequestKind::headers: request = read_header_page_request(in); break;
        case RequestKind::page: request = read_page_request(in); break;
        case RequestKind::range_hash: request = read_range_hash_request(in); break;
        case RequestKind::inclusion: request = InclusionRequest{{read_hash(in)}}; break;
        default: in.fail();
    }
    MESH_CHECK(in.finish("STATE_REQ"));
    return request;
}

base::Buffer encode(const StateResponse& response) {
    base::Buffer out = std::visit([](const auto& kind) { return encode_response(kind); }, response);
    MESH_ASSERT(out.size() <= control_body_bytes_max);
    return out;
}

std::expected<StateResponse, base::Error> parse_state_response(base::Bytes body) {
    if (body.size() > control_body_bytes_max) {
        return base::failure(base::Errc::too_large, std::to_string(body.size()) + " bytes",
                             "STATE");
    }
    MESH_CHECK(check_version(body, version, "STATE"));
    base::Reader in(body);
    in.u8();
    StateResponse response;
    switch (static_cast<ResponseKind>(in.u8())) {
        case ResponseKind::newest_final: response = read_newest_final(in); break;
        case ResponseKind::headers: response = read_header_page(in); break;
        case ResponseKind::page: response = read_page(in); break;
        case ResponseKind::range_hash: response = read_range_hash(in); break;
        case ResponseKind::inclusion: response = read_inclusion(in); break;
        case ResponseKind::unavailable: response = UnavailableResponse{read_hash(in)}; break;
        default: in.fail();
    }
    MESH_CHECK(in.finish("STATE"));
    return response;
}

void RangeHasher::add(base::Bytes entry) {
    constexpr std::string_view domain = "mc/range/1";
    base::Buffer prefix;
    base::Writer(prefix)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .bytes(hash_.bytes);
    hash_ = crypto::hash(prefix, entry);
}

void RangeHasher::add(const StateCoin& coin) {
    base::Buffer entry;
    base::Writer writer(entry);
    write(writer, coin);
    add(base::Bytes(entry));
}

void RangeHasher::add(const StateFees& fees) {
    base::Buffer entry;
    base::Writer writer(entry);
    write(writer, fees);
    add(base::Bytes(entry));
}

}  // namespace meshchain::wire
