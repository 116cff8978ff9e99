#include "ledger/fee_balance.h"

#include "base/cursor.h"

namespace meshchain::ledger {

crypto::Hash fee_hash(const FeeBalance& balance) {
    constexpr std::string_view domain = "mc/fees/1";
    base::Buffer out;
    base::Writer(out)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .u16(balance.validator.value)
        .u40(balance.amount.units);
    return crypto::hash(out);
}

void add(const FeeBalance& balance, crypto::SetHash& state) {
    if (balance.amount != wire::Amount{}) state.add(fee_hash(balance));
}

void remove(const FeeBalance& balance, crypto::SetHash& state) {
    if (balance.amount != wire::Amount{}) state.remove(fee_hash(balance));
}

}  // namespace meshchain::ledger
