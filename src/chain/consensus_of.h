#pragma once
// What consensus takes from genesis.

#include "consensus/schedule.h"
#include "ledger/genesis.h"

namespace meshchain::chain {

consensus::ValidatorSet validators_of(const ledger::Genesis& genesis);
consensus::Params params_of(const ledger::Genesis& genesis);

}  // namespace meshchain::chain
