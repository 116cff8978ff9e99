// Epochs in the store: whom the chain has elected, and what proves each epoch.

#include <algorithm>

#include "chain/chain_store.h"
#include "chain/stored_values.h"

namespace meshchain::chain {

std::expected<std::optional<ledger::Economy>, base::Error> ChainStore::economy() const {
    if (!keeps_stakes_) return std::nullopt;
    MESH_TRY(const auto row, stake_row(ledger::economy_key()));
    if (!row) return damaged(tables::stakes, ledger::economy_key(), "the chain's row of stakes");
    return ledger::parse_economy(*row);
}

std::expected<std::uint32_t, base::Error> ChainStore::last_waiting_epoch() const {
    const base::Buffer first = ledger::waiting_row_prefix();
    const base::Buffer end = kv::end_of_prefix(first);
    kv::Range last{.table = tables::stakes, .from = first, .to = end};
    last.reverse = true;
    last.limit = 1;
    base::Buffer name;
    base::Buffer row;
    MESH_CHECK(store_->scan(last, [&](base::Bytes key, base::Bytes value) {
        name = base::to_buffer(key);
        row = base::to_buffer(value);
        return false;
    }));
    if (name.empty()) return 0U;
    MESH_TRY(const ledger::Waiting waiting, ledger::parse_waiting(name, row));
    return waiting.epoch;
}

std::expected<std::optional<wire::Roster>, base::Error> ChainStore::roster(
    std::uint32_t epoch) const {
    if (!keeps_stakes_) {
        if (epoch > 0) return std::nullopt;
        return ledger::genesis_roster(genesis_, 0);
    }
    if (const auto cached = rosters_.find(epoch); cached != rosters_.end()) return cached->second;
    const auto key = roster_key(epoch);
    MESH_TRY(const auto value, read(tables::epochs, key));
    if (!value) return std::nullopt;
    auto roster = wire::parse_roster(*value);
    if (!roster || roster->epoch != epoch) {
        return damaged(tables::epochs, key, "the roster of epoch " + std::to_string(epoch));
    }
    if (rosters_.size() >= rosters_cached) rosters_.erase(rosters_.begin());
    return rosters_.insert_or_assign(epoch, *std::move(roster)).first->second;
}

std::expected<std::optional<std::uint32_t>, base::Error> ChainStore::epoch_of(
    const wire::Hash& block) const {
    if (block == chain_) return 0U;
    MESH_TRY(const auto header, this->header(block));
    if (!header) return std::nullopt;
    return header->epoch;
}

std::expected<std::optional<crypto::PublicKey>, base::Error> ChainStore::liable(
    wire::ValidatorIndex seat) const {
    MESH_TRY(const auto holder, ledger::StakeBook(*this).seat(seat));
    if (!holder || (holder->bonded == wire::Amount{} && holder->unbonding == wire::Amount{})) {
        return std::nullopt;
    }
    return holder->key;
}

std::expected<std::size_t, base::Error> ChainStore::prune_epochs(std::uint32_t before,
                                                                 std::size_t rows_max) {
    kv::Batch batch;
    std::size_t rows = 0;
    const auto forget = [&](base::Bytes from, base::Bytes below) {
        return store_->scan({tables::epochs, from, below, false, rows_max - rows},
                            [&](base::Bytes key, base::Bytes) {
                                batch.erase(tables::epochs, key);
                                ++rows;
                                return true;
                            });
    };
    MESH_CHECK(forget(roster_key(0), roster_key(before)));
    if (rows < rows_max) MESH_CHECK(forget(epoch_proof_key(0), epoch_proof_key(before)));
    if (rows == 0) return 0;
    batch.allow_reserve();
    MESH_CHECK(store_->commit(batch));
    std::erase_if(rosters_, [&](const auto& known) { return known.first < before; });
    return rows;
}

std::optional<crypto::PublicKey> ChainStore::proposer_of(const wire::BlockHeader& header) const {
    if (!keeps_stakes_) {
        const auto& validators = genesis_.validators;
        if (header.proposer.value >= validators.size()) return std::nullopt;
        return validators[header.proposer.value].key;
    }
    const auto known = roster(header.epoch);
    if (!known || !*known) return std::nullopt;
    const auto& members = (*known)->members;
    const auto member =
        std::ranges::lower_bound(members, header.proposer, {}, &wire::Roster::Member::seat);
    if (member == members.end() || member->seat != header.proposer) return std::nullopt;
    return member->key;
}

void ChainStore::put_roster(kv::Batch& batch, const ExecutedBlock& executed) const {
    const auto& elected = executed.effects.elected;
    if (!elected) return;
    batch.put(tables::epochs, roster_key(elected->epoch), wire::encode(*elected));
    rosters_.erase(elected->epoch);
}

std::expected<void, base::Error> ChainStore::keep_epoch_proof(std::uint32_t epoch,
                                                              const wire::ProvenFinal& proven) {
    kv::Batch batch;
    batch.put(tables::epochs, epoch_proof_key(epoch), wire::encode(proven));
    return store_->commit(batch);
}

std::expected<std::optional<wire::ProvenFinal>, base::Error> ChainStore::epoch_proof(
    std::uint32_t epoch) const {
    const auto key = epoch_proof_key(epoch);
    MESH_TRY(const auto value, read(tables::epochs, key));
    if (!value) return std::nullopt;
    auto proven = wire::parse_proven_final(*value);
    if (!proven) {
        return damaged(tables::epochs, key, "the proof of epoch " + std::to_string(epoch));
    }
    return *std::move(proven);
}

}  // namespace meshchain::chain
