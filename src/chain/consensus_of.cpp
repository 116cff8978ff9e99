#include "chain/consensus_of.h"

namespace meshchain::chain {

consensus::ValidatorSet validators_of(const ledger::Genesis& genesis) {
    std::vector<consensus::Validator> validators;
    for (const ledger::GenesisValidator& validator : genesis.validators) {
        validators.push_back({validator.identity, validator.key, validator.stake});
    }
    return consensus::ValidatorSet(std::move(validators));
}

consensus::Params params_of(const ledger::Genesis& genesis) {
    consensus::Params params;
    params.chain = ledger::chain_id(genesis);
    params.start = genesis.start;
    params.block_time = base::Milliseconds{genesis.block_time_ms};
    params.rank_delay = base::Milliseconds{genesis.rank_delay_ms};
    params.slots_per_round = genesis.slots_per_round;
    params.vote_delay = genesis.vote_delay_slots;
    params.vote_lead = base::Milliseconds{genesis.vote_lead_ms};
    params.seed = genesis.seed;
    if (genesis.stakes) {
        params.epoch_slots = ledger::epoch_slots(genesis);
        params.unbond_epochs = genesis.stakes->unbond_epochs;
    }
    return params;
}

}  // namespace meshchain::chain
