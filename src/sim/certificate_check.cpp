#include "sim/certificate_check.h"

#include <algorithm>

#include "chain/stored_values.h"
#include "chain/tables.h"

namespace meshchain::sim {
namespace {

/// The highest of them; nothing when there is none, or the disk is damaged and says so.
std::optional<wire::Certificate> newest_certificate(kv::Store& store) {
    kv::Range last{.table = chain::tables::certificates};
    last.reverse = true;
    last.limit = 1;
    std::optional<wire::Certificate> newest;
    const auto read = store.scan(last, [&](base::Bytes, base::Bytes value) {
        if (auto parsed = wire::parse_certificate(value)) newest = *std::move(parsed);
        return false;
    });
    return read ? newest : std::nullopt;
}

std::optional<std::uint32_t> epoch_of(kv::Store& store, const wire::Hash& block) {
    const auto value = store.get(chain::tables::blocks, block.bytes);
    if (!value || !*value) return std::nullopt;
    base::Reader in(**value);
    const auto header = wire::read_block_header(in);
    return header ? std::optional(header->epoch) : std::nullopt;
}

bool is_quorum(const wire::Roster& roster, const wire::Certificate& certificate) {
    std::uint64_t total = 0;
    std::uint64_t voted = 0;
    for (const wire::Roster::Member& member : roster.members) {
        total += member.stake.units;
        const bool has_voted = std::ranges::any_of(certificate.votes, [&](const wire::Vote& vote) {
            return vote.validator == member.seat && vote.source == certificate.final &&
                   vote.round.value == certificate.final.round.value + std::uint64_t{1};
        });
        if (has_voted) voted += member.stake.units;
    }
    return 3 * voted > 2 * total;
}

}  // namespace

std::optional<wire::Roster> CertificateCheck::roster(kv::Store& store, std::uint32_t epoch) const {
    if (!genesis_->stakes) return ledger::genesis_roster(*genesis_, 0);
    const auto value = store.get(chain::tables::epochs, chain::roster_key(epoch));
    if (!value || !*value) return std::nullopt;
    auto roster = wire::parse_roster(**value);
    return roster ? std::optional(*std::move(roster)) : std::nullopt;
}

void CertificateCheck::look(std::size_t machine, kv::Store& store) {
    const auto certificate = newest_certificate(store);
    if (!certificate || certificate->final.block == seen_[machine]) return;
    seen_[machine] = certificate->final.block;
    const auto epoch = epoch_of(store, certificate->final.block);
    if (!epoch) return;
    ++counted_;
    for (const std::uint32_t of : {*epoch, *epoch > 0 ? *epoch - 1 : 0}) {
        const auto electors = roster(store, of);
        if (!electors || is_quorum(*electors, *certificate)) continue;
        return findings_->add(
            "quorum", "machine " + std::to_string(machine) + ": the " +
                          std::to_string(certificate->votes.size()) +
                          " votes for the FINAL block " + crypto::to_hex(certificate->final.block) +
                          " are no more than 2/3 of the stake of epoch " + std::to_string(of));
    }
}

}  // namespace meshchain::sim
