#include "host/wire_json.h"

#include "host/time_text.h"

#include <charconv>

#include "host/json_document.h"
#include "host/state_json.h"

namespace meshchain::host {
namespace {

template <class T>
std::string hex(const T& value) {
    return base::to_hex(value.bytes);
}

/// One bit a validator, as the indices of the bits that are set.
Json bitmap(std::uint64_t bits) {
    Json indices = Json::array();
    for (unsigned i = 0; i < 64; ++i) {
        if ((bits >> i & 1) != 0) indices.push_back(i);
    }
    return indices;
}

Json fee_json(wire::FeeCode fee) { return {{"code", fee.code}, {"amount", fee.amount().units}}; }

template <class Items>
Json list(const Items& items) {
    Json all = Json::array();
    for (const auto& item : items) all.push_back(to_json(item));
    return all;
}

template <class T>
std::expected<Json, base::Error> to_json_or_error(const std::expected<T, base::Error>& parsed) {
    if (!parsed) return std::unexpected(parsed.error());
    return to_json(*parsed);
}

std::expected<Json, base::Error> decode_body(wire::MessageType type, base::Bytes body) {
    using enum wire::MessageType;
    switch (type) {
        case sync_request: return to_json_or_error(wire::parse_sync_request(body));
        case sync_response: return to_json_or_error(wire::parse_sync_response(body));
        case peer_hello: return to_json_or_error(wire::parse_hello(body));
        case status: return to_json_or_error(wire::parse_heartbeat(body));
        case vote_request: return to_json_or_error(wire::parse_vote_request(body));
        case state_request: return to_json_or_error(wire::parse_state_request(body));
        case state_response: return to_json_or_error(wire::parse_state_response(body));
        default: return Json{{"bytes", base::to_hex(body)}};
    }
}

std::expected<Json, base::Error> decode_control(wire::MessageType type, base::Bytes payload) {
    MESH_TRY(const wire::ControlPayload control, wire::split_control(payload));
    MESH_TRY(Json body, decode_body(type, control.body));
    return Json{{"body", std::move(body)}, {"signature", hex(control.signature)}};
}

}  // namespace

std::string to_text(const wire::Outpoint& outpoint) {
    return crypto::to_hex(outpoint.txid.hash) + ":" + std::to_string(outpoint.index);
}

std::expected<wire::Outpoint, base::Error> parse_outpoint(std::string_view text) {
    const auto malformed = [&] {
        return base::failure(base::Errc::malformed,
                             "'" + std::string(text.substr(0, 100)) + "' names no coin", "outpoint",
                             "write it as TXID:INDEX, 64 hexadecimal digits and a number");
    };
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto txid = crypto::hash_from_hex(text.substr(0, colon));
    const std::string_view digits = text.substr(std::min(colon + 1, text.size()));
    std::uint16_t index = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (!txid || digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
        return malformed();
    }
    return wire::Outpoint{{*txid}, index};
}

Json to_json(const wire::CompactTransfer& transfer) {
    return {{"form", "compact"},
            {"bytes", wire::CompactTransfer::size},
            {"short_input", hex(transfer.input)},
            {"payee", hex(transfer.payee)},
            {"amount", transfer.amount.units},
            {"fee", fee_json(transfer.fee)},
            {"expiry_low", transfer.expiry_low},
            {"signature", hex(transfer.signature)}};
}

Json to_json(const wire::Transaction& transaction) {
    const wire::TransactionBody& body = transaction.body;
    Json inputs = Json::array();
    for (std::size_t i = 0; i < body.inputs.size(); ++i) {
        Json input = {{"outpoint", to_text(body.inputs[i].outpoint)},
                      {"amount", body.inputs[i].amount.units}};
        if (i < transaction.signatures.size()) input["signature"] = hex(transaction.signatures[i]);
        inputs.push_back(std::move(input));
    }
    Json outputs = Json::array();
    for (const wire::Output& output : body.outputs) {
        outputs.push_back({{"owner", hex(output.owner)}, {"amount", output.amount.units}});
    }
    return {{"form", "long"},
            {"bytes", wire::encoded_bytes(transaction)},
            {"inputs", std::move(inputs)},
            {"outputs", std::move(outputs)},
            {"fee", fee_json(body.fee)},
            {"expiry", body.expiry.units}};
}

Json to_json(const wire::WireTransaction& transaction) {
    return std::visit([](const auto& form) { return to_json(form); }, transaction);
}

Json to_json(const wire::ChainId& chain, const wire::Transaction& transaction) {
    const wire::Txid id = wire::txid(chain, transaction.body);
    Json json = {{"txid", crypto::to_hex(id.hash)},
                 {"wtxid", crypto::to_hex(wire::wtxid(id, transaction.signatures).hash)},
                 {"chain", crypto::to_hex(chain)},
                 {"preimage", base::to_hex(wire::preimage(chain, transaction.body))}};
    json.update(to_json(transaction));
    return json;
}

Json to_json(const wire::BlockHeader& header) {
    return {{"height", header.height.value},
            {"parent", hex(header.parent)},
            {"slot", header.slot.value},
            {"rank", header.rank},
            {"proposer", header.proposer.value},
            {"transaction_root", hex(header.transaction_root)},
            {"parent_state", hex(header.parent_state)},
            {"epoch", header.epoch},
            {"certificate", hex(header.certificate)},
            {"signature", hex(header.signature)}};
}

Json to_json(const wire::Block& block) {
    return {{"header", to_json(block.header)}, {"transactions", list(block.transactions)}};
}

Json to_json(const wire::BlockAnnouncement& announcement) {
    Json short_ids = Json::array();
    for (const std::uint32_t id : announcement.short_ids) short_ids.push_back(id);
    return {{"header", to_json(announcement.header)}, {"short_ids", std::move(short_ids)}};
}

Json to_json(const wire::Checkpoint& checkpoint) {
    return {{"round", checkpoint.round.value},
            {"slot", checkpoint.slot.value},
            {"block", hex(checkpoint.block)}};
}

Json to_json(const wire::Vote& vote) {
    return {{"validator", vote.validator.value}, {"round", vote.round.value},
            {"source", to_json(vote.source)},    {"target", hex(vote.target)},
            {"heard", bitmap(vote.heard)},       {"signature", hex(vote.signature)}};
}

Json to_json(const wire::Certificate& certificate) {
    return {{"final", to_json(certificate.final)}, {"votes", list(certificate.votes)}};
}

Json to_json(const wire::Evidence& evidence) {
    const char* kind = std::holds_alternative<wire::VoteEvidence>(evidence) ? "votes" : "blocks";
    return std::visit(
        [&](const auto& pair) -> Json {
            return {
                {"kind", kind}, {"first", to_json(pair.first)}, {"second", to_json(pair.second)}};
        },
        evidence);
}

Json to_json(const wire::ChainStatus& status) {
    return {{"slot", status.slot.value},
            {"slot_phase", status.slot_phase},
            {"height", status.height.value},
            {"final_height", status.final_height.value},
            {"justified", to_json(status.justified)},
            {"final", to_json(status.final)}};
}

Json to_json(const wire::Hello& hello) {
    return {{"version_min", hello.version_min},
            {"version_max", hello.version_max},
            {"chain", hex(hello.chain)},
            {"identity", hex(hello.identity)},
            {"role", std::string(name(hello.role))},
            {"accepted", hello.accepted},
            {"cookie", base::to_hex(hello.cookie)},
            {"status", to_json(hello.status)}};
}

Json to_json(const wire::Heartbeat& heartbeat) {
    return {{"state", heartbeat.state},
            {"slot", heartbeat.slot.value},
            {"slot_phase", heartbeat.slot_phase},
            {"height", heartbeat.height.value},
            {"final_height", heartbeat.final_height.value}};
}

Json to_json(const wire::VoteRequest& request) {
    return {{"round", request.round.value}, {"held", bitmap(request.held)}};
}

Json to_json(const wire::SyncRequest& request) {
    struct Visitor {
        Json operator()(const wire::HashesRequest& r) const {
            return {{"kind", "hashes"}, {"from", r.from.value}, {"count", r.count}};
        }
        Json operator()(const wire::BlockRequest& r) const {
            return {{"kind", "block"}, {"block", hex(r.block)}, {"first", r.first}};
        }
        Json operator()(const wire::CertificateRequest&) const { return {{"kind", "certificate"}}; }
        Json operator()(const wire::FinalRequest& r) const {
            return {
                {"kind", "final"}, {"nonce", r.nonce}, {"from", r.from.value}, {"to", r.to.value}};
        }
        Json operator()(const wire::HeadersRequest& r) const {
            return {
                {"kind", "headers"}, {"nonce", r.nonce}, {"top", hex(r.top)}, {"count", r.count}};
        }
        Json operator()(const wire::BodiesRequest& r) const {
            return {{"kind", "bodies"},
                    {"nonce", r.nonce},
                    {"from", r.from.value},
                    {"count", r.count},
                    {"last", hex(r.last)}};
        }
    };
    return std::visit(Visitor{}, request);
}

Json to_json(const wire::SyncResponse& response) {
    struct Visitor {
        Json operator()(const wire::HashesResponse& r) const {
            Json hashes = Json::array();
            for (const wire::Hash& hash : r.hashes) hashes.push_back(hex(hash));
            return {{"kind", "hashes"}, {"from", r.from.value}, {"hashes", std::move(hashes)}};
        }
        Json operator()(const wire::BlockResponse& r) const {
            return {{"kind", "block"},
                    {"block", hex(r.block)},
                    {"header", to_json(r.header)},
                    {"total", r.total},
                    {"first", r.first},
                    {"transactions", list(r.transactions)}};
        }
        Json operator()(const wire::NotFoundResponse& r) const {
            return {{"kind", "not_found"}, {"block", hex(r.block)}};
        }
        Json operator()(const wire::ItemsResponse& r) const {
            Json items = Json::array();
            for (const auto& item : r.items) {
                items.push_back({{"bytes", item.bytes}, {"hash", hex(item.hash)}});
            }
            return {{"kind", "items"}, {"nonce", r.nonce}, {"items", std::move(items)}};
        }
    };
    return std::visit(Visitor{}, response);
}

Json to_json(const wire::Announcement& announcement) {
    Json neighbours = Json::array();
    for (const crypto::NodeId& id : announcement.neighbours) {
        neighbours.push_back(crypto::to_hex(id));
    }
    Json segments = Json::array();
    for (const wire::SegmentId& id : announcement.segments) {
        segments.push_back(base::to_hex(id.bytes));
    }
    return {{"identity", crypto::to_hex(announcement.identity)},
            {"sequence", announcement.sequence},
            {"issued", announcement.issued},
            {"validity_s", announcement.validity.count()},
            {"role", std::string(name(announcement.role))},
            {"name", announcement.name},
            {"neighbours", std::move(neighbours)},
            {"segments", std::move(segments)},
            {"signature", hex(announcement.signature)}};
}

Json to_json(const wire::Destination& destination) {
    if (const auto* key = std::get_if<crypto::PublicKey>(&destination)) return hex(*key);
    if (const auto* segment = std::get_if<wire::SegmentId>(&destination)) {
        return {{"segment", base::to_hex(segment->bytes)}};
    }
    return "everybody";
}

Json to_json(const wire::RoutedMessage& message) {
    return {{"origin", crypto::to_hex(message.origin)},
            {"issued", message.issued},
            {"sequence", message.sequence},
            {"attempt", message.attempt},
            {"hop_limit", message.hop_limit},
            {"receipt_wanted", message.receipt_wanted},
            {"destination", to_json(message.destination)},
            {"type", std::string(name(message.type))},
            {"type_number", unsigned(message.type)},
            {"payload", base::to_hex(message.payload)},
            {"signature", hex(message.signature)}};
}

Json to_json(const wire::SyncChunk& chunk) {
    return {{"nonce", chunk.nonce},
            {"item", chunk.item},
            {"chunk", chunk.chunk},
            {"bytes", base::to_hex(chunk.bytes)}};
}

Json to_json(const wire::AirQuestion& question) {
    if (const auto* votes = std::get_if<wire::VoteRequest>(&question)) {
        return {{"asks_for", "votes"}, {"round", votes->round.value}, {"held", votes->held}};
    }
    if (const auto* next = std::get_if<wire::NextBlockWish>(&question)) {
        return {{"asks_for", "next block"},
                {"after", next->after.value},
                {"height", next->height.value}};
    }
    const auto& wish = std::get<wire::BlockWish>(question);
    return {{"asks_for", wish.missing == 0 ? "announcement" : "transactions"},
            {"block", wish.block.value},
            {"missing", wish.missing}};
}

Json to_json(const wire::ShortVote& vote) {
    return {{"validator", vote.validator.value}, {"round_low", vote.round_low},
            {"distance", vote.distance},         {"source", vote.source.value},
            {"target", vote.target.value},       {"heard", vote.heard},
            {"signature", hex(vote.signature)}};
}

Json to_json(const wire::ShortBlock& block) {
    Json certificate;  // null: its parent's
    if (block.certificate) certificate = hex(*block.certificate);
    return {{"name", block.name.value},
            {"parent", block.parent.value},
            {"slot", block.slot.value},
            {"rank", block.rank},
            {"proposer", block.proposer.value},
            {"raises_epoch", block.raises_epoch},
            {"transaction_root", hex(block.transaction_root)},
            {"certificate", certificate},
            {"signature", hex(block.signature)},
            {"short_ids", block.short_ids}};
}

Json to_json(const wire::BlockRow& row) {
    return {{"block", row.block.value}, {"row", row.row}, {"bytes", base::to_hex(row.bytes)}};
}

Json to_json(const wire::Record& record) {
    Json json{{"kind", name(record.kind)},
              {"origin", hex(record.origin)},
              {"sequence", record.sequence},
              {"time", to_iso(record.stamp.wall())},
              {"expires", to_iso(base::wall_from_unix_ms(std::int64_t{record.expires} * 1'000))},
              {"tombstone", record.tombstone},
              {"key", base::to_hex(record.key)},
              {"body", base::to_hex(record.body)},
              {"signature", hex(record.signature)}};
    if (record.segment) json["segment"] = base::to_hex(record.segment->bytes);
    return json;
}

std::expected<Json, base::Error> decode_payload(wire::MessageType type, base::Bytes payload) {
    using enum wire::MessageType;
    switch (type) {
        case transaction: return to_json_or_error(wire::parse_transaction(payload));
        case block: return to_json_or_error(wire::parse_block_announcement(payload));
        case block_ack: return to_json_or_error(wire::parse_vote(payload));
        case evidence: return to_json_or_error(wire::parse_evidence(payload));
        case sync_data: return to_json_or_error(wire::parse_sync_chunk(payload));
        case peer_info: return to_json_or_error(wire::parse_announcement(payload));
        case routed: return to_json_or_error(wire::parse_routed(payload));
        case short_vote: return to_json_or_error(wire::parse_short_vote(payload));
        case short_block: return to_json_or_error(wire::parse_short_block(payload));
        case air_ask: return to_json_or_error(wire::parse_air_question(payload));
        case block_row: return to_json_or_error(wire::parse_block_row(payload));
        case alert_on_air:
        case record: return to_json_or_error(wire::parse_record(payload));
        case cookie: {
            MESH_TRY(const wire::Cookie value, wire::parse_cookie(payload));
            return Json{{"cookie", base::to_hex(value)}};
        }
        case sync_request:
        case sync_response:
        case peer_hello:
        case status:
        case state_request:
        case state_response:
        case vote_request: return decode_control(type, payload);
        case probe:
        case receipt:
        case clock_ask:
        case clock_answer:
        case alert_direct:
        case alert_receipt:
        case search_query:
        case search_answer: break;  // inside ROUTED only
        case reconcile:
        case record_receipt:
        case alert_digest: break;  // of use to who holds the records
    }
    return Json{{"bytes", base::to_hex(payload)}};
}

std::expected<Json, base::Error> decode_frame(base::Bytes datagram) {
    MESH_TRY(const wire::Frame frame, wire::parse_frame(datagram));
    const wire::FrameHeader& header = frame.header;
    MESH_TRY(Json payload, decode_payload(header.type, frame.payload));
    return Json{{"type", std::string(name(header.type))},
                {"type_number", unsigned(header.type)},
                {"sender", crypto::to_hex(header.sender)},
                {"timestamp", header.timestamp},
                {"sequence", header.sequence},
                {"hop_limit", header.hop_limit},
                {"payload_bytes", header.payload_bytes},
                {"payload", std::move(payload)}};
}

}  // namespace meshchain::host
