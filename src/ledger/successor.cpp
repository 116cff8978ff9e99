#include "ledger/successor.h"

#include <algorithm>

#include "crypto/identity.h"

namespace meshchain::ledger {
namespace {

using base::Errc;
using base::Error;
using crypto::PublicKey;

constexpr std::string_view magic = "MCSD";
constexpr std::uint8_t version = 1;
constexpr const char* where = "successor";
constexpr std::size_t genesis_bytes_max = 1024 * 1024;

using Owned = std::map<PublicKey, wire::Amount>;

std::expected<void, Error> give(Owned& owned, const PublicKey& owner, wire::Amount amount) {
    if (amount == wire::Amount{}) return {};
    const auto sum = wire::add(owned[owner], amount);
    if (!sum) return base::failure(Errc::corrupt, "more money than any supply", where);
    owned[owner] = *sum;
    return {};
}

const GenesisValidator* find_identity(const std::vector<GenesisValidator>& validators,
                                      const PublicKey& identity) {
    const auto found = std::ranges::find(validators, identity, &GenesisValidator::identity);
    return found == validators.end() ? nullptr : &*found;
}

std::expected<void, Error> check_validators(const Genesis& old,
                                            const std::vector<GenesisValidator>& staying) {
    for (const GenesisValidator& validator : staying) {
        const GenesisValidator* before = find_identity(old.validators, validator.identity);
        if (before == nullptr) {
            return base::failure(
                Errc::invalid_argument,
                crypto::to_hex(validator.identity) + " was no validator of the predecessor", where,
                "let it join later; only those who were there can go on");
        }
        if (validator.stake > before->stake) {
            return base::failure(Errc::invalid_argument,
                                 "stake " + std::to_string(validator.stake.units) + " of " +
                                     crypto::to_hex(validator.identity) + " was " +
                                     std::to_string(before->stake.units),
                                 where, "a stake can be kept or lowered, not raised");
        }
    }
    return {};
}

std::expected<std::vector<Allocation>, Error> allocations_of(
    const Genesis& old, const FinalState& state, const std::vector<GenesisValidator>& staying) {
    MESH_CHECK(check_validators(old, staying));
    Owned owned = state.coins;
    for (const auto& [index, amount] : state.fees) {
        if (index.value >= old.validators.size()) {
            return base::failure(Errc::corrupt, "a fee balance of an unknown validator", where);
        }
        MESH_CHECK(give(owned, old.validators[index.value].payout, amount));
    }
    for (const GenesisValidator& before : old.validators) {
        const GenesisValidator* now = find_identity(staying, before.identity);
        const std::uint64_t kept = now == nullptr ? 0 : now->stake.units;
        MESH_CHECK(give(owned, before.payout, {before.stake.units - kept}));
    }
    if (owned.size() > genesis_allocations_max) {
        return base::failure(Errc::too_large,
                             std::to_string(owned.size()) + " owners of money, where a genesis " +
                                 "holds " + std::to_string(genesis_allocations_max),
                             where, "this chain cannot be continued by a genesis file");
    }
    std::vector<Allocation> allocations;
    for (const auto& [owner, amount] : owned) allocations.push_back({owner, amount});
    return allocations;
}

base::Buffer approval_preimage(const Genesis& genesis) {
    return crypto::preimage("mc/succ/1", chain_id(genesis), 0);
}

std::unexpected<Error> differs(std::string what) {
    return base::failure(Errc::conflict, std::move(what), where,
                         "do not sign or use it; let a new draft be made from the last FINAL");
}

}  // namespace

std::expected<Genesis, Error> make_successor(const Genesis& old, const FinalState& state,
                                             const SuccessorPlan& plan) {
    Genesis next = old;
    next.start = plan.start;
    next.validators = plan.validators;
    next.predecessor = state.at;
    next.seed = plan.seed.value_or(wire::Hash{});
    MESH_TRY(next.allocations, allocations_of(old, state, plan.validators));
    sort_canonically(next);
    MESH_CHECK(validate(next));
    if (!plan.seed) next.seed = crypto::hash(base::as_bytes("mc/gen/seed/1"), encode(next));
    MESH_CHECK(validate(next));
    return next;
}

std::expected<void, Error> check_successor(const Genesis& next, const Genesis& old,
                                           const FinalState& state) {
    if (!next.predecessor) {
        return base::failure(Errc::invalid_argument, "this genesis succeeds no chain", where,
                             "name a file that `genesis new` made");
    }
    const Predecessor& from = *next.predecessor;
    if (from.chain != state.at.chain) {
        return differs("it succeeds chain " + crypto::to_hex(from.chain));
    }
    if (from.height != state.at.height || from.block != state.at.block) {
        return differs("it begins after block " + std::to_string(from.height.value) + " " +
                       crypto::to_hex(from.block) + ", but FINAL here is block " +
                       std::to_string(state.at.height.value) + " " +
                       crypto::to_hex(state.at.block));
    }
    if (from.state != state.at.state) return differs("it states another final state");
    MESH_TRY(const auto expected, allocations_of(old, state, next.validators));
    if (next.allocations != expected) {
        return differs("its allocations are not the money of the predecessor's final state");
    }
    return {};
}

base::Buffer encode(const SuccessorDraft& draft) {
    const base::Buffer genesis = encode(draft.genesis);
    base::Buffer out;
    base::Writer writer(out);
    writer.text(magic).u8(version).u32(static_cast<std::uint32_t>(genesis.size())).bytes(genesis);
    writer.u8(static_cast<std::uint8_t>(draft.approvals.size()));
    for (const auto& [validator, signature] : draft.approvals) {
        writer.u16(validator.value).bytes(signature.bytes);
    }
    return out;
}

std::expected<SuccessorDraft, Error> parse_successor_draft(base::Bytes bytes) {
    base::Reader in(bytes);
    if (!base::equal(in.take(magic.size()), base::as_bytes(magic))) {
        return base::failure(Errc::malformed, "this is no draft of a successor", where,
                             "name a file that `genesis new` or `genesis sign` wrote");
    }
    if (const std::uint8_t found = in.u8(); in.ok() && found != version) {
        return base::failure(Errc::wrong_version, "version " + std::to_string(found), where,
                             "use a program that knows this version");
    }
    const std::uint32_t size = in.u32();
    if (size > genesis_bytes_max) in.fail();
    const base::Bytes genesis = in.take(size);
    std::map<wire::ValidatorIndex, crypto::Signature> approvals;
    const std::size_t count = in.u8();
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        const wire::ValidatorIndex validator{in.u16()};
        const crypto::Signature signature{in.array<crypto::Signature::size>()};
        if (!approvals.empty() && validator <= approvals.rbegin()->first) in.fail();
        approvals.emplace(validator, signature);
    }
    MESH_CHECK(in.finish("successor draft"));
    SuccessorDraft draft;
    MESH_TRY(draft.genesis, parse_genesis(genesis));
    if (!draft.genesis.predecessor) {
        return base::failure(Errc::invalid_argument, "its genesis succeeds no chain", where);
    }
    const base::Buffer preimage = approval_preimage(draft.genesis);
    for (const auto& [validator, signature] : approvals) {
        if (validator.value >= draft.genesis.validators.size() ||
            !crypto::verify(draft.genesis.validators[validator.value].identity, preimage,
                            signature)) {
            return base::failure(Errc::bad_signature,
                                 "the signature of validator " + std::to_string(validator.value),
                                 where,
                                 "the draft was changed after it was signed: make a new one");
        }
    }
    draft.approvals = std::move(approvals);
    return draft;
}

std::expected<void, Error> approve(SuccessorDraft& draft, const crypto::SigningKey& identity) {
    const auto& validators = draft.genesis.validators;
    const GenesisValidator* own = find_identity(validators, identity.public_key());
    if (own == nullptr) {
        return base::failure(Errc::unauthorized,
                             "the draft lists no validator with this node's identity", where,
                             "only those who go on sign it");
    }
    const wire::ValidatorIndex index{static_cast<std::uint16_t>(own - validators.data())};
    draft.approvals[index] = identity.sign(approval_preimage(draft.genesis));
    return {};
}

bool is_approved(const SuccessorDraft& draft) {
    return draft.approvals.size() == draft.genesis.validators.size();
}

std::expected<void, Error> merge(SuccessorDraft& draft, const SuccessorDraft& other) {
    if (draft.genesis != other.genesis) return differs("two drafts of different chains");
    draft.approvals.insert(other.approvals.begin(), other.approvals.end());
    return {};
}

}  // namespace meshchain::ledger
