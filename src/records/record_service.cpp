#include "records/record_service.h"

#include <algorithm>
#include <set>

#include "base/utf8.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

using base::Errc;
using wire::MessageClass;
using wire::MessageRule;
using wire::MessageType;
using wire::RecordKind;
using wire::Verdict;

constexpr std::size_t states_shown_max = 1'000;
/// Of searches that are answered here, whoever asks.
constexpr base::Rate questions_rate{.per_minute = 1'200, .burst = 200};
constexpr std::uint16_t control_bytes_max = wire::ip_payload_bytes_max;

constexpr MessageRule record_rules[] = {
    {.type = MessageType::record,
     .message_class = MessageClass::chunk,
     .payload_bytes_min = wire::record_overhead_bytes,
     .payload_bytes_max = wire::record_bytes_max,
     .frames_per_minute_max = 60'000,
     .priority = 4,
     .on_radio = false,
     .frames_at_once_max = 2'048},
    {.type = MessageType::reconcile,
     .message_class = MessageClass::control,
     .payload_bytes_min =
         ReconcileMessage::header_bytes + RangeClaim::bytes_min + crypto::Signature::size,
     .payload_bytes_max = control_bytes_max,
     .frames_per_minute_max = 1'200,
     .priority = 5,
     .on_radio = false,
     .frames_at_once_max = 128},
    {.type = MessageType::record_receipt,
     .message_class = MessageClass::control,
     .payload_bytes_min = 1 + Receipt::size + crypto::Signature::size,
     .payload_bytes_max = control_bytes_max,
     .frames_per_minute_max = 6'000,
     .priority = 3,
     .on_radio = false,
     .frames_at_once_max = 256},
    {.type = MessageType::alert_direct,
     .message_class = MessageClass::routed,
     .payload_bytes_min = wire::record_overhead_bytes,
     .payload_bytes_max = wire::routed_payload_bytes_max,
     .frames_per_minute_max = 120,
     .priority = 3,
     .on_radio = false},
    {.type = MessageType::alert_receipt,
     .message_class = MessageClass::routed,
     .payload_bytes_min = 1 + Receipt::size,
     .payload_bytes_max = wire::routed_payload_bytes_max,
     .frames_per_minute_max = 600,
     .priority = 3,
     .on_radio = false},
    {.type = MessageType::alert_on_air,
     .message_class = MessageClass::object,
     .payload_bytes_min = wire::record_overhead_bytes,
     .payload_bytes_max = RecordService::air_bytes_max,
     .frames_per_minute_max = 60,
     .priority = 0,
     .on_radio = true,
     .frames_at_once_max = 30},
    {.type = MessageType::alert_digest,
     .message_class = MessageClass::chunk,
     .payload_bytes_min = DigestMessage::bytes_min,
     .payload_bytes_max = DigestMessage::bytes_max,
     .frames_per_minute_max = 60,
     .priority = 2,
     .on_radio = true,
     .frames_at_once_max = 30},
    {.type = MessageType::search_query,
     .message_class = MessageClass::routed,
     .payload_bytes_min = 1 + 1 + 8 + 2 + 1 + 2 + 8 + 8 + 1 + 1,
     .payload_bytes_max = wire::routed_payload_bytes_max,
     .frames_per_minute_max = 300,
     .priority = 4,
     .on_radio = false},
    {.type = MessageType::search_answer,
     .message_class = MessageClass::routed,
     .payload_bytes_min = 1 + 1 + 8 + 4 + 1,
     .payload_bytes_max = wire::routed_payload_bytes_max,
     .frames_per_minute_max = 1'200,  // a question may have several parts of an answer
     .priority = 4,
     .on_radio = false,
     .frames_at_once_max = 256},
};

std::optional<wire::Outgoing> take(std::deque<wire::Outgoing>& from) {
    if (from.empty()) return std::nullopt;
    wire::Outgoing frame = std::move(from.front());
    from.pop_front();
    return frame;
}

}  // namespace

RecordService::RecordService(kv::Store& kv, std::unique_ptr<RecordStore> store,
                             const Options& options, const crypto::SigningKey& self,
                             base::Random random)
    : options_(options),
      self_(self.clone()),
      store_(std::move(store)),
      receipts_(kv, options.receipts),
      replicator_(*store_, receipts_, self.clone(), options.replicator,
                  random.stream("replicator")),
      delivery_(random.stream("delivery")),
      digest_(random.stream("digest")),
      registry_(*store_, options.embeddings_max, random.stream("registry").next()),
      ownership_(*store_),
      random_(random.stream("service")) {}

std::expected<std::unique_ptr<RecordService>, base::Error> RecordService::open(
    kv::Store& store, const Options& options, const crypto::SigningKey& self, base::Random random,
    base::Now now) {
    MESH_TRY(auto records, RecordStore::open(store, options.store, self.clone(), now));
    std::unique_ptr<RecordService> service(
        new RecordService(store, std::move(records), options, self, random));
    MESH_CHECK(service->registry_.load());
    MESH_CHECK(service->ownership_.load());
    MESH_CHECK(service->load_alarms(now));
    return service;
}

void RecordService::attach(const wire::Neighbourhood& neighbourhood) {
    around_ = &neighbourhood;
    replicator_.attach(neighbourhood);
}

std::span<const MessageRule> RecordService::rules() const { return record_rules; }

std::expected<void, base::Error> RecordService::start(base::Now now) {
    running_ = true;
    if (has_air()) {
        digest_.set_packet_time(around_->air_packet_time());
        digest_.begin(now.instant);
    }
    return store_->handle_timeout(now);
}

void RecordService::stop(base::Now) {
    running_ = false;
    // What could not be written is with the neighbours who gave it.
    static_cast<void>(store_->flush());
    static_cast<void>(receipts_.flush());
}

void RecordService::tell(base::Now now, const wire::Record& record) {
    const wire::RecordId id = wire::record_id(store_->chain(), record);
    if (record.kind == RecordKind::registry) registry_.handle_record(id, record);
    if (record.kind == RecordKind::ownership) ownership_.handle_record(record);
    drop_forgotten(now);
    follow_alarm(now, id, record);
    if (around_ != nullptr && receipts_.has(id)) {
        receipts_.expect(now, id, around_->reachable());
        // What cannot be written now is tried again.
        static_cast<void>(receipts_.flush());
    }
    if (is_for_air(record)) digest_.note_change(now.instant);
    for (RecordObserver* observer : observers_) observer->handle_record(now, id, record);
}

void RecordService::drop_forgotten(base::Now now) {
    for (const Address& address : store_->take_forgotten()) {
        if (address.kind == RecordKind::alert && address.origin == store_->self()) {
            forget_alarm(now, address.key);
        }
        if (address.kind == RecordKind::registry) registry_.forget(address);
        if (address.kind == RecordKind::ownership) ownership_.forget(address);
    }
}

/// What was just signed and stored leaves, and everybody here hears of it.
std::expected<wire::RecordId, base::Error> RecordService::announce(base::Now now,
                                                                   const wire::Record& record) {
    replicator_.spread(now, record, std::nullopt);
    say_on_air(record, true);
    tell(now, record);
    return wire::record_id(store_->chain(), record);
}

std::expected<wire::RecordId, base::Error> RecordService::publish(base::Now now,
                                                                  const Draft& draft) {
    MESH_TRY(const wire::Record record, store_->publish(now, draft));
    return announce(now, record);
}

std::expected<wire::RecordId, base::Error> RecordService::remove(base::Now now, RecordKind kind,
                                                                 base::Bytes key) {
    MESH_TRY(const wire::Record record, store_->remove(now, kind, key));
    return announce(now, record);
}

std::expected<wire::RecordId, base::Error> RecordService::publish_state(
    base::Now now, std::string_view key, std::string_view text, std::chrono::seconds lifetime) {
    if (!base::is_displayable(key) || !base::is_utf8(base::as_bytes(text))) {
        return base::failure(Errc::invalid_argument, "a key or text that is no UTF-8 to be shown",
                             "state", "write it in UTF-8, the key without control characters");
    }
    return publish(now, {.kind = RecordKind::state,
                         .key = base::to_buffer(base::as_bytes(key)),
                         .body = base::to_buffer(base::as_bytes(text)),
                         .lifetime = lifetime});
}

std::expected<std::vector<StateView>, base::Error> RecordService::states() {
    std::vector<wire::RecordId> ids;
    for (const auto& [address, held] : store_->index().all()) {
        if (address.kind != RecordKind::state || held.tombstone) continue;
        if (ids.size() < states_shown_max) ids.push_back(held.id);
    }
    std::vector<StateView> views;
    for (const wire::RecordId& id : ids) {
        MESH_TRY(const auto record, store_->get(id));
        if (!record || !base::is_utf8(record->body) ||
            !base::is_displayable(base::as_text(record->key))) {
            continue;
        }
        views.push_back({.origin = record->origin,
                         .stamp = record->stamp,
                         .sequence = record->sequence,
                         .expires = record->expires,
                         .key = std::string(base::as_text(record->key)),
                         .text = std::string(base::as_text(record->body))});
    }
    return views;
}

RecordsView RecordService::view() const {
    std::set<crypto::PublicKey> origins;
    for (const auto& [address, held] : store_->index().all()) origins.insert(address.origin);
    return {.records = store_->index().size(),
            .bytes = store_->index().bytes(),
            .origins = origins.size(),
            .registry_entries = registry_.size(),
            .embeddings = registry_.searchable(),
            .store = store_->stats(),
            .replicator = replicator_.stats(),
            .receipts = receipts_.stats(),
            .digests_said = digests_said_,
            .repeated_on_air = repeated_on_air_};
}

Verdict RecordService::handle(base::Now now, const wire::Ingress& from, MessageType type,
                              base::Bytes payload) {
    switch (type) {
        case MessageType::record: {
            const auto received = replicator_.handle_record(now, from.peer, payload);
            if (received.taken) {
                if (RecordStore::is_fresh(now, *received.taken)) {
                    say_on_air(*received.taken, false);
                }
                tell(now, *received.taken);
            }
            return received.verdict;
        }
        case MessageType::reconcile: return replicator_.handle_reconcile(now, from.peer, payload);
        case MessageType::record_receipt:
            return replicator_.handle_receipts(now, from.peer, payload);
        case MessageType::alert_direct: return handle_direct(now, from, payload);
        case MessageType::alert_on_air: return handle_on_air(now, payload);
        case MessageType::alert_digest: return handle_digest(now, payload);
        case MessageType::search_query: return handle_question(now, from, payload);
        case MessageType::search_answer: return handle_answer(now, from, payload);
        case MessageType::alert_receipt:
            return replicator_.handle_receipts(now, std::nullopt, payload);
        default: return Verdict::ignore;
    }
}

std::expected<wire::RecordId, base::Error> RecordService::register_entry(
    base::Now now, std::string_view hash, const RegistryEntry& entry, std::chrono::seconds lifetime,
    const Segment& segment) {
    const RegistryEntry said = fitted(hash, entry);
    MESH_CHECK(check(hash, said));
    return publish(now, {.kind = RecordKind::registry,
                         .key = base::to_buffer(base::as_bytes(hash)),
                         .body = encode(said),
                         .lifetime = lifetime,
                         .segment = segment});
}

std::expected<std::uint64_t, base::Error> RecordService::search_mesh(base::Now now,
                                                                     const RegistryQuery& query,
                                                                     base::Duration patience) {
    const auto patience_ms = patience / std::chrono::milliseconds(1);
    if (query.count == 0 || query.count > SearchQuestion::count_max || patience_ms <= 0 ||
        patience_ms > 60'000 || !base::is_displayable(query.hash) ||
        !base::is_displayable(query.type) || query.hash.size() > wire::Record::key_bytes_max ||
        query.type.size() > RegistryEntry::type_bytes_max) {
        return base::failure(Errc::invalid_argument, "a search that cannot be asked", "search",
                             "ask for 1 to 50 results within a minute, with a hash of up to 64 and "
                             "a type of up to 32 bytes");
    }
    MESH_CHECK(check_metadata(query));
    const SearchQuestion question{random_.next(), static_cast<std::uint16_t>(patience_ms), query};
    base::Buffer bytes = encode(fitted(question));
    if (bytes.size() > wire::routed_payload_bytes_max) {
        return base::failure(Errc::too_large, std::to_string(bytes.size()) + " bytes", "search",
                             "ask for fewer or shorter members of the metadata");
    }
    MESH_TRY(const auto own, registry_.search(query));
    std::vector<SearchHit> hits;
    for (const RegistryHit& hit : own) hits.push_back(search_hit(hit));
    const std::vector<crypto::PublicKey> asked =
        around_ == nullptr ? std::vector<crypto::PublicKey>() : around_->reachable();
    searches_.begin(now.instant, question.number, question, asked, hits,
                    static_cast<std::uint32_t>(registry_.size()));
    if (!asked.empty()) {
        outgoing_.push_back(
            wire::routed_to(wire::Everybody{}, MessageType::search_query, std::move(bytes)));
    }
    return question.number;
}

std::expected<SearchView, base::Error> RecordService::search_view(base::Now now,
                                                                  std::uint64_t number) const {
    if (auto view = searches_.view(now.instant, number)) return *std::move(view);
    return base::failure(
        Errc::not_found, "no search of that number", "search",
        "only the last " + std::to_string(MeshSearch::searches_max) + " are remembered");
}

Verdict RecordService::handle_question(base::Now now, const wire::Ingress& from,
                                       base::Bytes payload) {
    const auto question = parse_search_question(payload);
    if (!question || !from.routed) return Verdict::punish;
    // Keys cost nothing, so all who ask together have a limit.
    if (!questions_) questions_.emplace(now.instant, questions_rate);
    if (!questions_->take(now.instant)) return Verdict::ignore;
    const auto hits = registry_.search(question->query);
    if (!hits) return Verdict::ignore;
    SearchAnswer answer{.number = question->number,
                        .searched = static_cast<std::uint32_t>(registry_.size()),
                        .part = 0,
                        .last = false,
                        .hits = {}};
    std::size_t next = 0;
    for (; !answer.last; ++answer.part) {
        answer.hits.clear();
        while (next < hits->size() && answer.hits.size() < SearchAnswer::hits_max) {
            answer.hits.push_back(search_hit((*hits)[next++]));
        }
        answer.last = next == hits->size();
        if (answers_.size() >= outgoing_max) return Verdict::ignore;
        answers_.push_back(wire::reply_to(from, MessageType::search_answer, encode(answer)));
    }
    return Verdict::keep;
}

Verdict RecordService::handle_answer(base::Now now, const wire::Ingress& from,
                                     base::Bytes payload) {
    const auto answer = parse_search_answer(payload);
    if (!answer || !from.routed) return Verdict::ignore;
    const crypto::PublicKey& by = from.routed->origin;
    if (!searches_.handle_answer(now.instant, by, *answer)) return Verdict::ignore;
    const auto search = searches_.view(now.instant, answer->number);
    for (RecordObserver* observer : observers_) {
        observer->handle_search_answer(now, by, answer->hits.size(), *search);
    }
    return Verdict::keep;
}

void RecordService::handle_timeout(base::Now now) {
    // A store that cannot be written now is tried again; what it holds stays readable.
    static_cast<void>(store_->handle_timeout(now));
    drop_forgotten(now);
    receipts_.handle_timeout(now);
    replicator_.handle_timeout(now);
    say_digest(now);
    if (around_ == nullptr || delivery_.poll_timeout() > now.instant) return;
    auto messages = delivery_.due(now, around_->reachable(), receipts_);
    for (wire::Outgoing& message : messages) outgoing_.push_back(std::move(message));
}

/// Alarms first, but not without end; then all else.
std::optional<wire::Outgoing> RecordService::poll_frame(base::Now now) {
    if (auto frame = take(outgoing_)) return frame;
    if (urgent_in_a_row_ < urgent_in_a_row_max) {
        if (auto frame = replicator_.poll_urgent(now)) {
            ++urgent_in_a_row_;
            return frame;
        }
    }
    urgent_in_a_row_ = 0;
    if (auto frame = poll_other(now)) return frame;
    return replicator_.poll_urgent(now);
}

/// Answers to searches and the rest of the records in turn.
std::optional<wire::Outgoing> RecordService::poll_other(base::Now now) {
    answers_turn_ = !answers_turn_;
    if (answers_turn_) {
        if (auto frame = take(answers_)) return frame;
    }
    if (auto frame = replicator_.poll_other(now)) return frame;
    return take(answers_);
}

base::Instant RecordService::poll_timeout(base::Now now) const {
    if (!outgoing_.empty() || !answers_.empty()) return now.instant;
    const base::Instant deliver_at = around_ == nullptr ? base::never : delivery_.poll_timeout();
    return std::min({store_->poll_timeout(), receipts_.poll_timeout(),
                     replicator_.poll_timeout(now), deliver_at, digest_.poll_timeout()});
}

}  // namespace meshchain::records
