#pragma once
// Shared records as a part of the node (rows G1, G2, G4, G5): what it says itself, what it hears
// from others and passes on, and who is told of it here.
//
// Time:      every call takes `now`; its instant never goes backwards.
// Ownership: the store's doors and the neighbourhood outlive the service. Observers are called
//            within the call that brought the record, and must not call the service.
// Limits:    those of RecordStore, Replicator and AlertDelivery.
// Threads:   the node's.
// Errors:    those of RecordStore.
// Format:    docs/formats/record.md

#include <map>
#include <memory>
#include <vector>

#include "records/alert.h"
#include "records/alert_delivery.h"
#include "records/alert_digest.h"
#include "records/mesh_search.h"
#include "records/ownership.h"
#include "records/receipt_book.h"
#include "records/record_store.h"
#include "records/replicator.h"
#include "wire/service.h"

namespace meshchain::records {

/// Is told what becomes known here, own records and answers to own searches included: once, also
/// over restarts and however many bring it. Only what came within the last 20 ms before the power
/// went may be told again.
class RecordObserver {
public:
    virtual ~RecordObserver() = default;
    virtual void handle_record(base::Now now, const wire::RecordId& id,
                               const wire::Record& record) = 0;
    /// An answer of `by` to a search of this node, with so many results, which `search` has merged.
    virtual void handle_search_answer(base::Now, const crypto::PublicKey& /*by*/,
                                      std::size_t /*results*/, const SearchView& /*search*/) {}
};

struct AlertView {
    wire::RecordId id;
    crypto::PublicKey origin;
    wire::HybridTime stamp;
    std::uint32_t expires = 0;
    Alert alert;
    /// Of an alert of ours: who was in reach (if it is high or critical), and whose receipts have
    /// come; both ascending.
    std::vector<crypto::PublicKey> targets{};
    std::vector<crypto::PublicKey> holders{};
    struct Seen {
        crypto::PublicKey node;
        wire::HybridTime stamp;
        Acknowledgement acknowledgement;
    };
    std::vector<Seen> seen{};  ///< by people; Acknowledgement::people_max at each node
};

struct StateView {
    crypto::PublicKey origin;
    wire::HybridTime stamp;
    std::uint64_t sequence = 0;
    std::uint32_t expires = 0;
    std::string key;   ///< displayable; empty for the node itself
    std::string text;  ///< JSON by custom
};

struct RecordsView {
    std::size_t records = 0;
    std::uint64_t bytes = 0;
    std::size_t origins = 0;
    std::size_t registry_entries = 0;
    std::size_t embeddings = 0;
    RecordStore::Stats store;
    Replicator::Stats replicator;
    ReceiptBook::Stats receipts;
    std::uint64_t digests_said = 0;     ///< on the air
    std::uint64_t repeated_on_air = 0;  ///< records that somebody there lacked
};

class RecordService final : public wire::Service {
public:
    /// Urgent records of so many bytes at most are said on the air as well: two packets or three.
    static constexpr std::size_t air_bytes_max = 480;
    /// Answers, alerts to single nodes and what is said on the air, that wait to leave.
    static constexpr std::size_t outgoing_max = 1'024;
    /// Then something else gets its turn.
    static constexpr unsigned urgent_in_a_row_max = 16;

    struct Options {
        RecordStore::Options store;
        /// For the receipts of our alarms; without one they end with the process.
        std::optional<kv::Table> receipts = {};
        Replicator::Options replicator = {};
        std::size_t embeddings_max = 100'000;  ///< that are searched by similarity
    };

    /// Errors: those of RecordStore::open.
    static std::expected<std::unique_ptr<RecordService>, base::Error> open(
        kv::Store& store, const Options& options, const crypto::SigningKey& self,
        base::Random random, base::Now now);

    /// Before the node starts.
    void attach(const wire::Neighbourhood& neighbourhood);
    void add_observer(RecordObserver& observer) { observers_.push_back(&observer); }

    /// What this node says of itself, under `key` (at most 64 bytes; empty: the node as a whole).
    /// Errors: those of RecordStore::publish.
    std::expected<wire::RecordId, base::Error> publish_state(base::Now now, std::string_view key,
                                                             std::string_view text,
                                                             std::chrono::seconds lifetime);
    /// Errors: invalid_argument (no text, not displayable), too_large, full (too many a minute),
    /// those of RecordStore::publish.
    std::expected<wire::RecordId, base::Error> send_alert(base::Now now, const Alert& alert,
                                                          std::chrono::seconds lifetime,
                                                          const Segment& segment = {});
    /// Says that a person has seen it; the same person again replaces what they said.
    /// Errors: not_found, invalid_argument (nobody named, too long, cannot be shown), full
    /// (Acknowledgement::people_max others at this node have), those of RecordStore::publish.
    std::expected<wire::RecordId, base::Error> acknowledge(base::Now now,
                                                           const wire::RecordId& alert,
                                                           const Acknowledgement& by);
    /// Any other record, an application's for example.
    std::expected<wire::RecordId, base::Error> publish(base::Now now, const Draft& draft);
    std::expected<wire::RecordId, base::Error> remove(base::Now now, wire::RecordKind kind,
                                                      base::Bytes key);

    /// Newest first by their origins' clocks, at most `count`. Errors: those of the store.
    std::expected<std::vector<AlertView>, base::Error> alerts(std::size_t count);
    /// Errors: not_found; those of the store.
    std::expected<AlertView, base::Error> alert(const wire::RecordId& id);
    /// By origin and key, at most 1,000. Errors: those of the store.
    std::expected<std::vector<StateView>, base::Error> states();
    RecordsView view() const;

    /// Errors: of records::check, and of RecordStore::publish.
    std::expected<wire::RecordId, base::Error> register_entry(base::Now now, std::string_view hash,
                                                              const RegistryEntry& entry,
                                                              std::chrono::seconds lifetime,
                                                              const Segment& segment = {});
    /// That something is this node's, whatever others claim. Errors: invalid_argument (hash or
    /// note), exists (this node holds it), full, those of RecordStore::publish.
    std::expected<void, base::Error> claim(base::Now now, std::string_view hash,
                                           std::string_view note);
    /// Gives away what is this node's, and keeps its history. Errors: not_found (it is not),
    /// invalid_argument, full, those of RecordStore::publish.
    std::expected<void, base::Error> give(base::Now now, std::string_view hash,
                                          const crypto::PublicKey& to, std::string_view note);
    /// Keeps the whole history of what was given to this node, whatever becomes of the records of
    /// earlier owners, for a year; again when half of that is over. Errors: not_found (it is not
    /// ours), full; after one of RecordStore::publish the next call goes on.
    std::expected<void, base::Error> accept(base::Now now, std::string_view hash);
    /// Takes back a claim of this node behind which there is nothing. Errors: not_found, those of
    /// RecordStore::publish.
    std::expected<void, base::Error> withdraw(base::Now now, std::string_view hash);
    OwnershipHistory ownership(std::string_view hash) const { return ownership_.history(hash); }

    /// What is known here. Errors: those of the store.
    std::expected<std::vector<RegistryHit>, base::Error> search(const RegistryQuery& query) {
        return registry_.search(query);
    }
    /// Asks everybody within reach; returns the number that search_view() knows it by.
    /// Errors: invalid_argument (count 1 to 50, patience up to a minute), those of the store.
    std::expected<std::uint64_t, base::Error> search_mesh(base::Now now, const RegistryQuery& query,
                                                          base::Duration patience);
    /// Errors: not_found.
    std::expected<SearchView, base::Error> search_view(base::Now now, std::uint64_t number) const;
    RecordStore& store() { return *store_; }
    bool is_member(const wire::SegmentId& segment) const { return store_->is_member(segment); }

    // wire::Service
    std::string_view name() const override { return "records"; }
    std::span<const wire::MessageRule> rules() const override;
    std::expected<void, base::Error> start(base::Now now) override;
    void stop(base::Now now) override;
    wire::Verdict handle(base::Now now, const wire::Ingress& from, wire::MessageType type,
                         base::Bytes payload) override;
    void handle_repeat(base::Now now, wire::MessageType type, base::Bytes payload) override;
    void handle_timeout(base::Now now) override;
    std::optional<wire::Outgoing> poll_frame(base::Now now) override;
    base::Instant poll_timeout(base::Now now) const override;

private:
    RecordService(kv::Store& kv, std::unique_ptr<RecordStore> store, const Options& options,
                  const crypto::SigningKey& self, base::Random random);

    wire::Verdict handle_on_air(base::Now now, base::Bytes payload);
    wire::Verdict handle_digest(base::Now now, base::Bytes payload);
    void say_digest(base::Now now);
    std::vector<wire::RecordId> held_for_air(base::Now now) const;
    bool is_for_air(const wire::Record& record) const;
    bool has_air() const { return around_ != nullptr && around_->has_air(); }
    void say_on_air(const wire::Record& record, bool is_own);
    wire::Verdict handle_question(base::Now now, const wire::Ingress& from, base::Bytes payload);
    wire::Verdict handle_answer(base::Now now, const wire::Ingress& from, base::Bytes payload);
    wire::Verdict handle_direct(base::Now now, const wire::Ingress& from, base::Bytes payload);
    std::expected<void, base::Error> load_alarms(base::Now now);
    void follow_alarm(base::Now now, const wire::RecordId& id, const wire::Record& record);
    void forget_alarm(base::Now now, const base::Buffer& key);
    void tell(base::Now now, const wire::Record& record);
    std::expected<wire::RecordId, base::Error> announce(base::Now now, const wire::Record& record);
    using Acknowledgements = std::multimap<wire::RecordId, wire::RecordId>;
    Acknowledgements acknowledgements() const;
    std::expected<AlertView, base::Error> view_of(const wire::RecordId& id,
                                                  const wire::Record& record,
                                                  const Acknowledgements& acknowledgements);
    std::expected<base::Buffer, base::Error> acknowledgement_place(const wire::RecordId& alert,
                                                                   std::string_view by);
    void drop_forgotten(base::Now now);
    std::optional<wire::Outgoing> poll_other(base::Now now);
    std::expected<void, base::Error> keep_link(base::Now now, const OwnershipLink& link);
    std::expected<void, base::Error> keep_way(base::Now now, const OwnershipHistory& history,
                                              const OwnershipStep& step);

    const Options options_;
    const crypto::SigningKey self_;
    std::unique_ptr<RecordStore> store_;
    ReceiptBook receipts_;
    Replicator replicator_;
    AlertDelivery delivery_;
    AlertDigest digest_;
    Registry registry_;
    OwnershipBook ownership_;
    MeshSearch searches_;
    base::Random random_;
    const wire::Neighbourhood* around_ = nullptr;
    std::vector<RecordObserver*> observers_;
    std::deque<wire::Outgoing> outgoing_;  ///< alarms and receipts
    std::deque<wire::Outgoing> answers_;   ///< to searches
    bool answers_turn_ = false;
    unsigned urgent_in_a_row_ = 0;
    std::optional<base::TokenBucket> questions_;
    std::uint64_t digests_said_ = 0;
    std::uint64_t repeated_on_air_ = 0;
    bool running_ = false;
};

}  // namespace meshchain::records
