#pragma once
// Whose something is and whose it was (row G2): links, each of which names the one before it and is
// signed by who gave the thing away. The first is a claim, which anybody may make.
//
// A link proves itself, so anybody may keep it, in a record of kind ownership under the link's
// name; an earlier owner can neither take it back nor change it. Who signs two links behind one is
// found out: both are shown as disputed. Claims of several nodes stand beside each other, for
// nobody decides between them here.
//
// The signature covers `mc/own/1` ‖ chain ‖ type 31 ‖ every field below; a link's name is its hash.
// Errors: of parse: malformed, wrong_version.
// Format: docs/formats/record.md

#include <map>
#include <set>
#include <string>
#include <vector>

#include "records/record_store.h"

namespace meshchain::records {

struct OwnershipLink {
    using Id = crypto::Hash;
    static constexpr std::size_t note_bytes_max = 160;

    Id previous{};             ///< zeros in a claim
    crypto::PublicKey from{};  ///< who signed
    crypto::PublicKey to{};    ///< in a claim `from`, and only there
    std::uint64_t ms = 0;      ///< since 1970, by the signer's clock
    std::string hash{};        ///< what it is about; displayable, 1 to Record::key_bytes_max bytes
    std::string note{};        ///< displayable, may be empty
    crypto::Signature signature{};

    bool is_claim() const { return previous == Id{}; }
    friend bool operator==(const OwnershipLink&, const OwnershipLink&) = default;
};
/// Signs with the key of `from`, which it sets.
OwnershipLink signed_link(const wire::ChainId& chain, OwnershipLink link,
                          const crypto::SigningKey& from);
OwnershipLink::Id link_id(const wire::ChainId& chain, const OwnershipLink& link);
bool is_genuine(const wire::ChainId& chain, const OwnershipLink& link);

/// Asserts the limits above.
base::Buffer encode(const OwnershipLink& link);
std::expected<OwnershipLink, base::Error> parse_ownership_link(base::Bytes body);

struct OwnershipStep {
    OwnershipLink::Id id;
    OwnershipLink link;
    std::vector<crypto::PublicKey> keepers;  ///< whose records carry it, ascending
    bool last = false;                       ///< nobody has given it away since
    /// Its signer, or that of one before it, signed another behind the same link.
    bool disputed = false;
    bool accepted() const;  ///< `to` keeps it
};

/// Each claim, and behind it what follows from it; the earlier first, by their signers' clocks,
/// which nobody checks.
struct OwnershipHistory {
    std::vector<OwnershipStep> steps;
    std::size_t broken = 0;  ///< links that lead back to no claim

    /// The steps that `owner` holds it by: those that it keeps itself first, of these the
    /// undisputed. Anybody may give a thing of his own making to anybody, so there may be several.
    std::vector<const OwnershipStep*> held_by(const crypto::PublicKey& owner) const;
    /// From the claim to this step.
    std::vector<const OwnershipStep*> way_to(const OwnershipStep& step) const;
};

/// The genuine links that the store's records carry, each once.
///
/// Ownership: the store outlives this.
/// Limits:    the store's; about 500 bytes a link, and 100 for each who keeps it.
/// Threads:   the owner's.
class OwnershipBook {
public:
    explicit OwnershipBook(RecordStore& store) : store_(store) {}

    /// Reads all links of the store. Errors: those of the store.
    std::expected<void, base::Error> load();
    /// A record of kind ownership that was taken just now. Verifies a signature.
    void handle_record(const wire::Record& record);
    /// What the store says that it has forgotten.
    void forget(const Address& address);

    OwnershipHistory history(std::string_view hash) const;
    /// Records whose link is not genuine, or is dated ahead of its record.
    std::uint64_t left_out() const { return left_out_; }

private:
    struct Known {
        OwnershipLink link;
        std::set<crypto::PublicKey> keepers;
    };
    bool admit(const OwnershipLink::Id& id, const wire::Record& record);
    void drop(const Address& address);

    RecordStore& store_;
    std::map<OwnershipLink::Id, Known> links_;
    std::map<std::string, std::set<OwnershipLink::Id>, std::less<>> by_hash_;
    std::uint64_t left_out_ = 0;
};

}  // namespace meshchain::records
