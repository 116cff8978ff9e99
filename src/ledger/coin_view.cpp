#include "ledger/coin_view.h"

#include <algorithm>

namespace meshchain::ledger {

wire::Hash coin_hash(const Coin& coin) {
    constexpr std::string_view domain = "mc/coin/1";
    base::Buffer out;
    out.reserve(1 + domain.size() + wire::outpoint_bytes + wire::Output::size);
    base::Writer(out)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .bytes(encode(coin.outpoint))
        .bytes(coin.output.owner.bytes)
        .u40(coin.output.amount.units);
    return crypto::hash(out);
}

bool Candidates::insert(const wire::Outpoint& outpoint) {
    wire::Outpoint carried = outpoint;
    for (std::size_t i = 0; i < size_; ++i) {
        if (carried < outpoints_[i]) std::swap(carried, outpoints_[i]);
    }
    if (full()) return false;
    outpoints_[size_++] = carried;
    return true;
}

}  // namespace meshchain::ledger
