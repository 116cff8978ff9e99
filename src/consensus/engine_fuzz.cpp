// One engine, and an input that decides what it is handed: votes and headers signed by others,
// some of them byzantine, evidence, requests, clock samples, time that jumps, restarts.

#include <algorithm>
#include <memory>

#include "base/cursor.h"
#include "base/random.h"
#include "consensus/engine.h"
#include "kv/memory_store.h"

namespace meshchain::consensus {
namespace {

constexpr kv::Table vote_table{0};
constexpr kv::TableInfo tables[] = {{vote_table, "consensus"}};
constexpr base::WallTime start = base::wall_from_unix_ms(1'800'000'000'000);
constexpr std::uint16_t validator_count = 4;
constexpr std::size_t actions_max = 40;  ///< a signature or two each: 20,000 runs take a minute

/// Made once: a key costs more than everything else in a run.
const crypto::SigningKey& key_of(std::uint16_t index) {
    static const auto keys = [] {
        std::vector<crypto::SigningKey> made;
        for (std::uint16_t i = 0; i < validator_count; ++i) {
            crypto::SigningKey::Seed seed{};
            seed[0] = static_cast<std::byte>(i);
            made.push_back(crypto::SigningKey::from_seed(seed));
        }
        return made;
    }();
    return keys[index];
}

ValidatorSet make_validators() {
    std::vector<Validator> validators;
    for (std::uint16_t i = 0; i < validator_count; ++i) {
        const crypto::PublicKey key = key_of(i).public_key();
        validators.push_back({key, key, {std::uint64_t{10} + i}});
    }
    return ValidatorSet(std::move(validators));
}

Params make_params() {
    Params params;
    params.chain.bytes[0] = std::byte{0xc4};
    params.start = start;
    params.block_time = base::Milliseconds{1000};
    params.rank_delay = base::Milliseconds{300};
    return params;
}

class Session {
public:
    explicit Session(base::Bytes input) : in_(input) {
        (void)VoteStore::create(*store_, vote_table, key_of(0).public_key());
        blocks_.push_back(params_.chain);
        restart();
    }

    void run() {
        for (std::size_t i = 0; i < actions_max && in_.remaining() > 0; ++i) {
            act(in_.u8() % 10);
            while (const auto event = engine_->poll_event(now_)) {
            }
            engine_->check_invariants();
        }
    }

private:
    void restart() {
        engine_.reset();
        engine_ = std::make_unique<Engine>(params_, validators_, *store_, vote_table,
                                           key_of(0).clone(), base::Random{7}, base::Log{},
                                           Limits{.blocks = 24, .rounds = 8, .headers = 16});
        MESH_ASSERT(engine_->load(now_).has_value());
        for (std::uint16_t i = 1; i < validator_count; ++i) sample(i);
    }
    void sample(std::uint16_t validator) {
        const auto slot = engine_->schedule().slot_at(now_);
        if (slot) engine_->handle_clock_sample(now_, key_of(validator).public_key(), *slot);
    }

    void act(unsigned action) {
        switch (action) {
            case 0: now_ += base::Milliseconds{in_.u8() * 8}; break;
            case 1: now_ += base::Milliseconds{in_.u16()} - base::Milliseconds{10'000}; break;
            case 2: engine_->handle_timeout(now_); break;
            case 3: header(); break;
            case 4:
            case 5: engine_->handle_vote(now_, vote()); break;
            case 6: engine_->handle_evidence(now_, wire::VoteEvidence{vote(), vote()}); break;
            case 7: engine_->handle_vote_request(now_, {{in_.u8()}, in_.u8()}); break;
            case 8: in_.u8() % 2 == 0 ? engine_->mark_executed(block()) : invalidate(); break;
            default: in_.u8() % 8 == 0 ? restart() : sample(in_.u8() % validator_count);
        }
    }
    void invalidate() {
        if (in_.u8() % 8 == 0) engine_->mark_invalid(block());
    }

    Hash block() { return blocks_[in_.u8() % blocks_.size()]; }

    wire::Checkpoint checkpoint() {
        switch (in_.u8() % 4) {
            case 0: return engine_->final();
            case 1: return engine_->justified();
            case 2: return genesis_checkpoint(params_.chain);
            default: break;
        }
        const Hash hash = block();
        const BlockRef* known = engine_->find_block(hash);
        return {{in_.u8()}, known != nullptr ? known->slot : wire::Slot{in_.u8()}, hash};
    }

    wire::Vote vote() {
        wire::Vote vote;
        vote.validator = {static_cast<std::uint16_t>(in_.u8() % validator_count)};
        const auto slot = engine_->schedule().slot_at(now_);
        vote.round = {slot ? slot->value + 1 - std::min(slot->value + 1, in_.u8() % 8U) : 0};
        vote.source = checkpoint();
        vote.target = block();
        if (in_.u8() % 16 == 0) return vote;  // unsigned
        const crypto::SigningKey& key = key_of(vote.validator.value);
        vote.signature = key.sign(preimage(params_.chain, vote, key.public_key()));
        return vote;
    }

    void header() {
        const BlockRef* parent = engine_->find_block(block());
        const auto slot = engine_->schedule().slot_at(now_);
        if (parent == nullptr || !slot) return;
        wire::BlockHeader header;
        header.parent = parent->hash;
        header.height = {parent->height.value + 1};
        header.slot = {slot->value + 1 - std::min(slot->value + 1, in_.u8() % 8U)};
        header.transaction_root.bytes[0] = static_cast<std::byte>(in_.u8() % 4);
        const Leaders leaders = engine_->schedule().leaders(header.slot);
        header.rank = static_cast<std::uint8_t>(in_.u8() % leaders.ranked().size());
        header.proposer = leaders.ranked()[header.rank];
        const crypto::SigningKey& key = key_of(header.proposer.value);
        header.signature = key.sign(preimage(params_.chain, header, key.public_key()));
        const auto arrival = in_.u8() % 2 == 0 ? Arrival::gossip : Arrival::requested;
        const auto block = engine_->verify_header(now_, header, arrival);
        if (!block || !engine_->add_block(now_, *block)) return;
        if (blocks_.size() < 64) blocks_.push_back(block->hash);
        engine_->mark_executed(block->hash);
    }

    base::Reader in_;
    Params params_ = make_params();
    ValidatorSet validators_ = make_validators();
    std::unique_ptr<kv::MemoryStore> store_ = kv::make_memory_store(tables);
    std::unique_ptr<Engine> engine_;
    base::WallTime now_ = start + base::Milliseconds{5000};
    std::vector<Hash> blocks_;
};

}  // namespace
}  // namespace meshchain::consensus

/// A run drives many steps, so a test run affords fewer of them (tests/fuzz_replay.cpp).
extern "C" std::uint64_t fuzz_replay_mutations() { return 5000; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meshchain::consensus::Session session(std::as_bytes(std::span(data, size)));
    session.run();
    return 0;
}
