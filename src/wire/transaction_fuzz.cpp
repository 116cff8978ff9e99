#include "wire/transaction.h"

#include "wire/test_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    wire::test::parse_then_encode(bytes, wire::parse_transaction);
    const auto parsed = wire::parse_transaction(bytes);
    if (!parsed) return 0;
    MESH_ASSERT(wire::encoded_bytes(*parsed) == bytes.size());
    // What has a compact form comes back from it.
    const auto* full = std::get_if<wire::Transaction>(&*parsed);
    if (full == nullptr || full->body.inputs.empty() || full->body.outputs.empty()) return 0;
    const wire::Input& input = full->body.inputs.front();
    const wire::Output coin{full->body.outputs.back().owner, input.amount};
    const auto shorter = wire::compact({}, *full, coin);
    const wire::Slot near{full->body.expiry.units * wire::Expiry::slots_per_unit};
    if (shorter && wire::expiry_units(near) == full->body.expiry.units) {
        MESH_ASSERT(wire::expand(*shorter, input.outpoint, coin, near) == full->body);
    }
    return 0;
}
