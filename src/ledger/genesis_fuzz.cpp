#include "base/assert.h"
#include "ledger/coin_set.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes bytes = std::as_bytes(std::span(data, size));
    const auto genesis = ledger::parse_genesis(bytes);
    if (!genesis) return 0;
    MESH_ASSERT(base::equal(ledger::encode(*genesis), bytes));
    MESH_ASSERT(ledger::supply(*genesis).has_value());
    const ledger::CoinSet coins(*genesis);
    MESH_ASSERT(coins.coins().size() == genesis->allocations.size());
    MESH_ASSERT(coins.state() == ledger::context_after(*genesis).parent_state);
    return 0;
}
