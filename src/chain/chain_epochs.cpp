// What a chain whose stakes move does for its epochs: blocks that raise them though nobody pays,
// reports of equivocators, and a proof of each epoch for those who follow.

#include <algorithm>

#include "chain/chain.h"
#include "wire/misconduct.h"

namespace meshchain::chain {
namespace {

/// So that a block that punishes leaves room for payments.
constexpr std::size_t reports_a_block = 2;
constexpr std::uint32_t report_expiry_units = 64;

}  // namespace

/// What this tip asks for without any payment.
void Chain::find_wishes() {
    const std::size_t proofs = engine_->evidence().size();
    if (!genesis_.stakes || (wishes_.tip == store_->tip().hash && wishes_.proofs == proofs)) return;
    const auto epoch = find_epoch_wish();
    if (!epoch) return fail(epoch.error());
    const auto report = find_report_wish();
    if (!report) return fail(report.error());
    wishes_ = {store_->tip().hash, proofs, *epoch, *report};
}

/// A quiet chain stays in its epoch unless somebody waits for another: to vote, to be rid of it, or
/// for stake that was taken back.
std::optional<wire::Slot> Chain::epoch_wanted_from() const {
    if (!wishes_.epoch || engine_->head().epoch != engine_->epochs().now()) return std::nullopt;
    return engine_->epochs().rise_from();
}

/// Whether a block is worth it though no transaction waits.
bool Chain::is_block_wanted(base::Now now) const {
    const auto from = epoch_wanted_from();
    return wishes_.report || (from && slot(now) >= *from);
}

/// When to think of one.
base::Instant Chain::block_wanted_at(base::Now now) const {
    const auto instant_of = [&](base::WallTime time) { return now.instant + (time - now.wall); };
    const auto from = epoch_wanted_from();
    if (!wishes_.report && !from) return base::never;
    const base::WallTime turn = next_proposal_time(now);
    if (turn == base::never_wall) return base::never;
    if (wishes_.report) return instant_of(turn);
    return instant_of(std::max(turn, engine_->schedule().start_of(*from)));
}

/// Whether somebody is proven guilty who still has something to lose.
std::expected<bool, base::Error> Chain::find_report_wish() const {
    const ledger::StakeBook book(*store_);
    for (const auto& [validator, evidence] : engine_->evidence()) {
        MESH_TRY(const auto seat, book.seat(validator));
        if (!seat || seat->slashed) continue;
        if (seat->bonded == wire::Amount{} && seat->unbonding == wire::Amount{}) continue;
        if (!wire::convicts(chain_, evidence, seat->key)) continue;
        // The last stake is not taken: nobody could vote then.
        MESH_TRY(const bool is_last, book.is_only_staked(validator));
        if (!is_last || seat->bonded == wire::Amount{}) return true;
    }
    return false;
}

std::expected<bool, base::Error> Chain::find_epoch_wish() const {
    MESH_TRY(const auto economy, store_->economy());
    if (!economy) return false;
    MESH_TRY(const std::uint32_t waiting, store_->last_waiting_epoch());
    if (waiting > economy->epoch) return true;
    MESH_TRY(const auto present, store_->roster(economy->epoch));
    MESH_TRY(const auto next, store_->roster(economy->epoch + 1));
    MESH_TRY(const wire::Roster after,
             ledger::elect(chain_, *economy, {}, ledger::StakeBook(*store_)));
    return !present || !next || !is_same_set(*present, *next) || !is_same_set(*next, after);
}

/// Of whoever still has something to lose. What does not convict by now is left out.
void Chain::add_reports(ledger::BlockBuilder& builder, wire::Slot slot) {
    if (!genesis_.stakes) return;
    std::size_t reports = 0;
    for (const auto& [validator, evidence] : engine_->evidence()) {
        if (reports == reports_a_block) return;
        wire::Transaction report;
        report.body.operation = wire::Report{wire::encode(evidence)};
        report.body.expiry.units = wire::expiry_units(slot) + report_expiry_units;
        if (builder.add(wire::WireTransaction(std::move(report)))) ++reports;
    }
}

/// What this validator says in the first block of an epoch that it proposes. Returns whether it
/// did.
bool Chain::add_testimony(ledger::BlockBuilder& builder, const consensus::Duty& duty) {
    const auto self = engine_->self();
    if (genesis_.stakes && witness_ != nullptr && !witness_->testifies(duty.epoch)) return false;
    const auto seat = genesis_.stakes && self
                          ? ledger::StakeBook(*store_).seat(*self)
                          : std::expected<std::optional<ledger::Seat>, base::Error>(std::nullopt);
    if (!seat || !*seat) return false;
    const auto before = ledger::StakeBook(*store_).told(**seat);
    if (!before) return false;
    wire::Testimony said{.seat = *self,
                         .epoch = duty.epoch,
                         .heard = engine_->reception(),
                         .commitment = wire::commitment_to(engine_->secret(duty.epoch)),
                         .reveal = {}};
    if (*before) said.reveal = engine_->secret((*before)->epoch);
    wire::Transaction testimony;
    testimony.body.operation = said;
    testimony.body.expiry.units = wire::expiry_units(duty.slot) + report_expiry_units;
    return builder.add(wire::WireTransaction(std::move(testimony))).has_value();
}

/// One FINAL of each epoch, from its first on.
void Chain::note_final_epoch() {
    const std::uint32_t epoch = engine_->epochs().now();
    const auto& certificate = engine_->certificate();
    if (!genesis_.stakes || !certificate || fault_ || proven_epoch_ == epoch) return;
    const auto known = store_->epoch_proof(epoch);
    const auto stored = store_->block(certificate->final.block);
    if (!known) return fail(known.error());
    if (!stored) return fail(stored.error());
    if (!*stored) return;
    if (!*known) {
        const wire::ProvenFinal proven{(*stored)->block.header, *certificate};
        if (auto kept = store_->keep_epoch_proof(epoch, proven); !kept) return fail(kept.error());
    }
    proven_epoch_ = epoch;
}

}  // namespace meshchain::chain
