// Transactions by id, those that wait, and those handed in as bytes.

#include "host/api_air.h"
#include "host/wire_json.h"

namespace meshchain::host {
namespace {

Answer get_transaction(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const wire::Hash hash, crypto::hash_from_hex(request.parameters.at(0)));
    MESH_TRY(const node::TransactionView transaction, doors.node.transaction({hash}));
    return to_json(transaction);
}

/// The proof comes as the bytes of a proof file, once it is complete.
Answer get_proof(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const wire::Hash hash, crypto::hash_from_hex(request.parameters.at(0)));
    MESH_TRY(const node::ProofView view, doors.node.prove(doors.now(), {hash}));
    Json json = {{"txid", crypto::to_hex(view.txid.hash)},
                 {"proven", view.proven},
                 {"percent", view.percent}};
    if (view.proven) {
        json["height"] = view.height.value;
        json["final_height"] = view.final_height.value;
        json["proof"] = base::to_hex(view.proof);
    }
    return json;
}

Answer get_mempool(const ApiDoors& doors, const HttpRequest&) {
    return to_json(doors.node.mempool());
}

/// Body {"transaction": HEX}.
std::expected<wire::WireTransaction, base::Error> read_transaction(const HttpRequest& request) {
    MESH_TRY(const Json json, parse_json(request.body, "request"));
    base::Buffer bytes;
    JsonObject object(json, "");
    object.require({"transaction"});
    object.read_as("transaction", bytes, base::from_hex);
    MESH_CHECK(object.finish());
    return wire::parse_transaction(bytes);
}

Answer post_transaction(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const wire::WireTransaction transaction, read_transaction(request));
    const AirNotice notice(doors);
    MESH_TRY(const wire::Txid txid, doors.node.submit(doors.now(), transaction));
    // The air has it in its shortest form.
    const auto taken = doors.node.transaction(txid);
    return notice.add_to({{"txid", crypto::to_hex(txid.hash)}},
                         taken ? taken->bytes : wire::encoded_bytes(transaction));
}

Answer post_decode(const ApiDoors& doors, const HttpRequest& request) {
    MESH_TRY(const wire::WireTransaction transaction, read_transaction(request));
    MESH_TRY(const wire::Transaction full, doors.node.expand(doors.now(), transaction));
    if (const auto* compact = std::get_if<wire::CompactTransfer>(&transaction)) {
        Json json = to_json(*compact);
        json["expanded"] = to_json(doors.node.chain_id(), full);
        return json;
    }
    return to_json(doors.node.chain_id(), full);
}

constexpr ApiRoute transaction_route_list[] = {
    {.method = "GET", .path = "/v1/transactions/{txid}", .handle = get_transaction},
    {.method = "POST",
     .path = "/v1/transactions",
     .handle = post_transaction,
     .body_bytes_max = 64 * 1024,
     .changes = true},
    {.method = "POST", .path = "/v1/decode", .handle = post_decode, .body_bytes_max = 64 * 1024},
    {.method = "GET", .path = "/v1/mempool", .handle = get_mempool},
    {.method = "GET", .path = "/v1/proofs/{txid}", .handle = get_proof, .changes = true},
};

}  // namespace

std::span<const ApiRoute> transaction_routes() { return transaction_route_list; }

}  // namespace meshchain::host
