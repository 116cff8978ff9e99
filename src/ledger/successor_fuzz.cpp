#include "base/assert.h"
#include "ledger/successor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    const auto draft = ledger::parse_successor_draft(bytes);
    if (!draft) return 0;
    MESH_ASSERT(base::equal(ledger::encode(*draft), bytes));
    MESH_ASSERT(draft->genesis.predecessor.has_value());
    return 0;
}
