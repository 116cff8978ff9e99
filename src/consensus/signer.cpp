#include "consensus/signer.h"

#include <algorithm>
#include <string>
#include <utility>

namespace meshchain::consensus {
namespace {

constexpr const char* module = "consensus";

std::unexpected<base::Error> refuse(std::string what) {
    return base::failure(base::Errc::unauthorized, std::move(what), module,
                         "nothing to do: signing it could be punished");
}

}  // namespace

Signer::Signer(const wire::ChainId& chain, std::optional<crypto::SigningKey> key, VoteStore& store,
               base::Log log)
    : chain_(chain), key_(std::move(key)), store_(&store), log_(log) {}

std::expected<void, base::Error> Signer::load(const VoteStore::Content& content) {
    if (!key_) return {};
    if (content.record) {
        if (content.record->key != key_->public_key()) {
            return base::failure(base::Errc::conflict, "the signing record is of another key",
                                 module, "use the key that belongs to this store");
        }
        record_ = *content.record;
        if (!content.own_votes.empty()) last_vote_ = content.own_votes.back();
        last_block_ = content.own_block;
        return {};
    }
    record_ = {};
    record_.key = key_->public_key();
    record_.waiting = true;
    log_.warning("no signing record: this key waits until FINAL has passed its start");
    return store_->write_record(record_);
}

void Signer::save(const SigningRecord& record) {
    if (const auto saved = store_->write_record(record); !saved) {
        log_.error(sentence(saved.error()));
        return;
    }
    record_ = record;
}

void Signer::note_checked_round(wire::Round round) {
    if (!key_ || !record_.waiting || record_.waiting_beyond) return;
    SigningRecord record = record_;
    record.waiting_beyond = round;
    save(record);
}

void Signer::note_final(wire::Round round) {
    if (!key_ || !record_.waiting || !record_.waiting_beyond) return;
    if (round <= *record_.waiting_beyond) return;
    SigningRecord record = record_;
    record.waiting = false;
    record.waiting_beyond.reset();
    record.last_round = std::max(record.last_round, round);  // nothing up to here is voted on again
    save(record);
    if (!record_.waiting) log_.info("the restored key may sign again");
}

void Signer::note_foreign_vote(const wire::Vote& vote) {
    if (!key_) return;
    if (vote.round <= record_.last_round && !precedes(record_.last_source, vote.source)) return;
    log_.error("a vote of our key that this node never made: is the key used twice?");
    used_elsewhere_ = true;
    record_.last_round = std::max(record_.last_round, vote.round);
    if (!precedes(vote.source, record_.last_source)) record_.last_source = vote.source;
    save(SigningRecord{record_});
}

void Signer::note_foreign_block(wire::Slot slot) {
    if (!key_ || slot <= record_.last_block_slot) return;
    log_.error("a block of our key that this node never made: is the key used twice?");
    used_elsewhere_ = true;
    record_.last_block_slot = slot;
    save(SigningRecord{record_});
}

/// A signature that is never shown, so nothing has to be kept for it.
Hash Signer::secret(std::uint32_t epoch) const {
    MESH_ASSERT(key_.has_value());
    constexpr std::string_view domain = "mc/secret/1";
    base::Buffer out;
    base::Writer(out)
        .u8(static_cast<std::uint8_t>(domain.size()))
        .text(domain)
        .bytes(chain_.bytes)
        .u32(epoch);
    return crypto::hash(key_->sign(out).bytes);
}

bool Signer::may_vote(const wire::Checkpoint& source, wire::Round round) const {
    if (!key_ || record_.waiting || round <= record_.last_round) return false;
    return !precedes(source, record_.last_source);
}

bool Signer::may_propose(wire::Slot slot) const {
    return key_ && !record_.waiting && slot > record_.last_block_slot;
}

std::expected<void, base::Error> Signer::sign_vote(wire::Vote& vote) {
    if (!may_vote(vote.source, vote.round)) {
        return refuse("vote of round " + std::to_string(vote.round.value));
    }
    vote.signature = key_->sign(preimage(chain_, vote, key_->public_key()));
    SigningRecord record = record_;
    record.last_round = vote.round;
    record.last_source = vote.source;
    MESH_CHECK(store_->write_vote(record, vote));
    record_ = record;
    last_vote_ = vote;
    return {};
}

std::expected<void, base::Error> Signer::sign_block(wire::Block& block) {
    if (!may_propose(block.header.slot)) {
        return refuse("block of slot " + std::to_string(block.header.slot.value));
    }
    block.header.signature = key_->sign(preimage(chain_, block.header, key_->public_key()));
    SigningRecord record = record_;
    record.last_block_slot = block.header.slot;
    MESH_CHECK(store_->write_block(record, block));
    record_ = record;
    last_block_ = block;
    return {};
}

}  // namespace meshchain::consensus
