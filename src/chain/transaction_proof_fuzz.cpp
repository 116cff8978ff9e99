#include "base/assert.h"
#include "chain/transaction_proof.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    const auto proof = chain::parse_transaction_proof(bytes);
    if (proof) MESH_ASSERT(base::equal(chain::encode(*proof), bytes));
    return 0;
}
