#include "consensus/vote_store.h"

#include <algorithm>
#include <utility>

#include "base/cursor.h"
#include "crypto/hash.h"
#include "wire/fields.h"

namespace meshchain::consensus {
namespace {

constexpr const char* module = "consensus";
constexpr std::uint8_t record_version = 1;

enum class Kind : std::uint8_t {
    record = 'r',
    own_vote = 'o',
    own_block = 'b',
    proof = 'p',
    final = 'f',
    evidence = 'e',
};

base::Buffer key_of(Kind kind) { return {static_cast<std::byte>(kind)}; }

base::Buffer own_vote_key(wire::Round round) {
    base::Buffer key = key_of(Kind::own_vote);
    base::Writer(key).u32(round.value);
    return key;
}

/// Different for any two statements: whoever signs many must not push one out of a proof.
base::Buffer proof_key(const wire::Vote& vote) {
    base::Buffer statement;
    base::Writer what(statement);
    write(what, vote.source);
    what.bytes(vote.target.span());
    base::Buffer key = key_of(Kind::proof);
    base::Writer(key)
        .u32(vote.round.value)
        .u16(vote.validator.value)
        .bytes(crypto::hash(statement).span().first(16));
    return key;
}

base::Buffer evidence_key(wire::ValidatorIndex against) {
    base::Buffer key = key_of(Kind::evidence);
    base::Writer(key).u16(against.value);
    return key;
}

base::Buffer encode(const SigningRecord& record) {
    base::Buffer bytes;
    base::Writer out(bytes);
    out.u8(record_version).bytes(record.key.span()).u32(record.last_round.value);
    write(out, record.last_source);
    out.u32(record.last_block_slot.value).u8(record.waiting ? 1 : 0);
    out.u8(record.waiting_beyond ? 1 : 0);
    out.u32(record.waiting_beyond.value_or(wire::Round{}).value);
    return bytes;
}

std::expected<SigningRecord, base::Error> parse_record(base::Bytes bytes) {
    base::Reader in(bytes);
    if (in.u8() != record_version) in.fail();
    SigningRecord record;
    record.key = wire::read_key(in);
    record.last_round.value = in.u32();
    record.last_source = wire::read_checkpoint(in);
    record.last_block_slot.value = in.u32();
    record.waiting = in.u8() != 0;
    const bool known = in.u8() != 0;
    const wire::Round beyond{in.u32()};
    if (known) record.waiting_beyond = beyond;
    MESH_CHECK(in.finish("signing record"));
    return record;
}

std::expected<StoredFinal, base::Error> parse_final(base::Bytes bytes) {
    base::Reader in(bytes);
    StoredFinal final;
    final.height.value = in.u32();
    if (!in.ok()) return std::unexpected(in.finish("final checkpoint").error());
    MESH_TRY(final.certificate, wire::parse_certificate(in.rest()));
    return final;
}

/// What was stored whole and cannot be read any more.
std::unexpected<base::Error> corrupt(const base::Error& error) {
    return base::failure(base::Errc::corrupt, sentence(error), module,
                         "stop the node and run `meshchain store salvage`; do not copy an older "
                         "store, its votes would contradict newer ones");
}

/// Sorts entries of the table into Content; remembers the first that does not parse.
class Loader {
public:
    explicit Loader(VoteStore::Content& content) : content_(&content) {}

    bool operator()(base::Bytes key, base::Bytes value) {
        const auto taken = take(key, value);
        if (!taken) error_ = taken.error();
        return taken.has_value();
    }
    std::expected<void, base::Error> finish() const {
        if (error_) return corrupt(*error_);
        return {};
    }

private:
    std::expected<void, base::Error> take(base::Bytes key, base::Bytes value) {
        switch (static_cast<Kind>(key[0])) {
            case Kind::record: {
                MESH_TRY(content_->record, parse_record(value));
                return {};
            }
            case Kind::own_vote: {
                MESH_TRY(const wire::Vote vote, wire::parse_vote(value));
                content_->own_votes.push_back(vote);
                return {};
            }
            case Kind::proof: {
                MESH_TRY(const wire::Vote vote, wire::parse_vote(value));
                content_->proofs.push_back(vote);
                return {};
            }
            case Kind::final: {
                MESH_TRY(content_->final, parse_final(value));
                return {};
            }
            case Kind::evidence: {
                MESH_TRY(const wire::Evidence evidence, wire::parse_evidence(value));
                content_->evidence.push_back(evidence);
                return {};
            }
            case Kind::own_block: {
                MESH_TRY(content_->own_block, wire::parse_block(value));
                return {};
            }
        }
        return base::failure(base::Errc::malformed, "unknown key " + base::to_hex(key),
                             "consensus table");
    }

    VoteStore::Content* content_;
    std::optional<base::Error> error_;
};

}  // namespace

std::expected<void, base::Error> VoteStore::create(kv::Store& store, kv::Table table,
                                                   const crypto::PublicKey& key) {
    const base::Buffer name = key_of(Kind::record);
    MESH_TRY(const auto present, store.get(table, name));
    if (present) {
        return base::failure(base::Errc::exists, "this store has a signing record already", module,
                             "use another data folder for a new key");
    }
    SigningRecord record;
    record.key = key;
    kv::Batch batch;
    batch.put(table, name, encode(record));
    return store.commit(batch);
}

std::expected<std::optional<SigningRecord>, base::Error> VoteStore::read_record(kv::View& view,
                                                                                kv::Table table) {
    MESH_TRY(const auto bytes, view.get(table, key_of(Kind::record)));
    if (!bytes) return std::nullopt;
    auto record = parse_record(*bytes);
    if (!record) return corrupt(record.error());
    return *record;
}

std::expected<std::optional<SigningRecord>, base::Error> VoteStore::record_in(
    const kv::Batch& batch, kv::Table table) {
    const base::Buffer name = key_of(Kind::record);
    for (std::size_t i = batch.size(); i-- > 0;) {
        const auto operation = batch.operation(i);
        if (operation.table != table || !base::equal(operation.key, name)) continue;
        if (!operation.is_put) return std::nullopt;
        MESH_TRY(const SigningRecord record, parse_record(operation.value));
        return record;
    }
    return std::nullopt;
}

std::expected<VoteStore::Content, base::Error> VoteStore::load() {
    Content content;
    Loader loader(content);
    const kv::Range whole{.table = table_};
    MESH_CHECK(store_->scan(whole, loader));
    MESH_CHECK(loader.finish());
    own_rounds_.clear();
    for (const wire::Vote& vote : content.own_votes) own_rounds_.push_back(vote.round);
    return content;
}

std::expected<void, base::Error> VoteStore::write_record(const SigningRecord& record) {
    kv::Batch batch;
    batch.allow_reserve();
    batch.put(table_, key_of(Kind::record), encode(record));
    return store_->commit(batch);
}

std::expected<void, base::Error> VoteStore::write_vote(const SigningRecord& record,
                                                       const wire::Vote& vote) {
    kv::Batch batch;
    batch.allow_reserve();
    batch.put(table_, key_of(Kind::record), encode(record));
    batch.put(table_, own_vote_key(vote.round), wire::encode(vote));
    const bool drop = own_rounds_.size() >= own_votes_kept;
    if (drop) batch.erase(table_, own_vote_key(own_rounds_.front()));
    MESH_CHECK(store_->commit(batch));
    if (drop) own_rounds_.erase(own_rounds_.begin());
    own_rounds_.push_back(vote.round);
    return {};
}

std::expected<void, base::Error> VoteStore::write_block(const SigningRecord& record,
                                                        const wire::Block& block) {
    kv::Batch batch;
    batch.allow_reserve();
    batch.put(table_, key_of(Kind::record), encode(record));
    batch.put(table_, key_of(Kind::own_block), wire::encode(block));
    return store_->commit(batch);
}

std::expected<void, base::Error> VoteStore::write_proofs(const std::vector<wire::Vote>& votes) {
    constexpr std::size_t votes_per_commit = 128;
    for (std::size_t first = 0; first < votes.size(); first += votes_per_commit) {
        kv::Batch batch;
        batch.allow_reserve();
        const std::size_t last = std::min(votes.size(), first + votes_per_commit);
        for (std::size_t i = first; i < last; ++i) {
            batch.put(table_, proof_key(votes[i]), wire::encode(votes[i]));
        }
        MESH_CHECK(store_->commit(batch));
    }
    return {};
}

std::expected<void, base::Error> VoteStore::erase_proofs_below(wire::Round round) {
    constexpr std::size_t erased_per_commit = 512;
    const base::Buffer from = key_of(Kind::proof);
    base::Buffer to = from;
    base::Writer(to).u32(round.value);
    while (true) {
        kv::Batch batch;
        batch.allow_reserve();
        const kv::Range range{
            .table = table_, .from = from, .to = to, .reverse = false, .limit = erased_per_commit};
        MESH_CHECK(store_->scan(range, [&](base::Bytes key, base::Bytes) {
            batch.erase(table_, key);
            return true;
        }));
        if (batch.empty()) return {};
        MESH_CHECK(store_->commit(batch));
    }
}

std::expected<void, base::Error> VoteStore::write_final(wire::Height previous,
                                                        const StoredFinal& final, bool new_epoch) {
    base::Buffer bytes;
    base::Writer(bytes).u32(final.height.value).bytes(wire::encode(final.certificate));
    kv::Batch batch;
    batch.allow_reserve();
    batch.put(table_, key_of(Kind::final), bytes);
    if (certificates_) {
        certificates_->add(batch, previous, final.height, final.certificate, new_epoch);
    }
    return store_->commit(batch);
}

std::expected<void, base::Error> VoteStore::forget_final() {
    MESH_CHECK(erase_proofs_below({UINT32_MAX}));
    kv::Batch batch;
    batch.erase(table_, key_of(Kind::final));
    return store_->commit(batch);
}

std::expected<void, base::Error> VoteStore::write_evidence(wire::ValidatorIndex against,
                                                           const wire::Evidence& evidence) {
    kv::Batch batch;
    batch.put(table_, evidence_key(against), wire::encode(evidence));
    return store_->commit(batch);
}

}  // namespace meshchain::consensus
