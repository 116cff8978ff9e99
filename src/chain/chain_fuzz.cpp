// Hostile messages for one chain with a small history. The input is a script: messages of every
// type, taken from a real exchange with bytes changed, made anew from pieces that are valid on
// their own, or plain noise; and time between them. Whatever happens, money is conserved, the
// mempool is sound, and what was final stays so.

#include <algorithm>
#include <cstdint>
#include <memory>

#include "chain/chain.h"
#include "consensus/vote_store.h"
#include "kv/memory_store.h"
#include "ledger/test_payments.h"

extern "C" std::uint64_t fuzz_replay_mutations() { return 4000; }

namespace meshchain::chain {
namespace {

using Type = wire::MessageType;

constexpr kv::Table consensus_table{8};
constexpr std::uint32_t validators = 4;
constexpr std::size_t actions_max = 60;

constexpr auto tables_of_node = [] {
    std::array<kv::TableInfo, chain_tables.size() + 1> all{};
    std::ranges::copy(chain_tables, all.begin());
    all.back() = {consensus_table, "consensus"};
    return all;
}();

/// Made once: keys and signatures cost more than everything else in a run.
struct Setting {
    struct Message {
        Type type;
        base::Buffer payload;
    };

    ledger::Genesis genesis = ledger::test::genesis_with(4, 2, 10'000, validators);
    wire::ChainId chain = ledger::chain_id(genesis);
    crypto::SigningKey own = key_of(0);
    std::vector<wire::Transaction> payments;
    std::vector<wire::Block> blocks;  ///< one on top of the other
    std::vector<wire::Hash> names;    ///< of genesis, then of the blocks
    std::vector<Message> messages;

    /// By ValidatorIndex.
    crypto::SigningKey key_of(std::uint16_t index) const {
        for (std::uint32_t i = 0; i < validators; ++i) {
            auto key = ledger::test::person(2000 + i);
            if (key.public_key() == genesis.validators[index].key) return key;
        }
        MESH_ASSERT(false);
    }

    Setting() {
        names.push_back(chain);
        std::vector<consensus::Validator> known;
        for (const auto& validator : genesis.validators) {
            known.push_back({validator.identity, validator.key, validator.stake});
        }
        const consensus::ValidatorSet set(std::move(known));
        consensus::Params params;
        params.chain = chain;
        params.start = genesis.start;
        params.block_time = base::Milliseconds{genesis.block_time_ms};
        params.rank_delay = base::Milliseconds{genesis.rank_delay_ms};
        params.seed = genesis.seed;
        const consensus::Schedule schedule(params, set);

        ledger::CoinSet coins(genesis);
        ledger::BlockContext context = ledger::context_after(genesis);
        for (std::uint32_t i = 0; i < 4; ++i) {
            const wire::Slot slot{i + 1};
            payments.push_back(
                ledger::test::pay(chain, ledger::test::coins_of(coins, i).front(), {i, 3, 50, 2}));
            wire::Block block = ledger::test::block_of(context, coins, slot, {payments.back()});
            block.header.proposer = schedule.leaders(slot).ranked().front();
            const auto key = key_of(block.header.proposer.value);
            block.header.signature =
                key.sign(wire::preimage(chain, block.header, key.public_key()));
            const ledger::NothingVerified none;
            coins.apply(*ledger::execute(context, block, coins, none));
            names.push_back(wire::block_hash(chain, block.header, key.public_key()));
            context.parent = names.back();
            context.parent_height = block.header.height;
            context.parent_slot = slot;
            context.parent_state = coins.state();
            blocks.push_back(std::move(block));
        }
        record();
    }

    wire::Vote vote(std::uint16_t validator, wire::Round round, const wire::Checkpoint& source,
                    const wire::Hash& target) const {
        wire::Vote made{{validator}, round, source, target, 0, {}};
        const auto key = key_of(validator);
        made.signature = key.sign(wire::preimage(chain, made, key.public_key()));
        return made;
    }

    /// What honest nodes would have said.
    void record() {
        const auto add = [&](Type type, base::Buffer payload) {
            messages.push_back({type, std::move(payload)});
        };
        for (const auto& payment : payments) add(Type::transaction, wire::encode(payment));
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            const wire::Hash& name = names[i + 1];
            const auto& whole = payments[i];
            const auto id = wire::wtxid(wire::txid(chain, whole.body), whole.signatures);
            add(Type::block, wire::encode(wire::BlockAnnouncement{blocks[i].header,
                                                                  {wire::short_id(name, id)}}));
            const wire::SyncResponse part = wire::block_response(name, blocks[i], 0);
            add(Type::sync_response, wire::encode(part));
            add(Type::sync_request, wire::encode(wire::SyncRequest(wire::BlockRequest{name, 0})));
            add(Type::sync_response,
                wire::encode(wire::SyncResponse(wire::NotFoundResponse{name})));
        }
        const std::vector<wire::Hash> page(names.begin() + 1, names.end());
        add(Type::sync_response, wire::encode(wire::SyncResponse(wire::HashesResponse{{1}, page})));
        add(Type::sync_request, wire::encode(wire::SyncRequest(wire::HashesRequest{{0}, 32})));
        add(Type::sync_request, wire::encode(wire::SyncRequest(wire::CertificateRequest{})));
        add(Type::vote_request, wire::encode(wire::VoteRequest{{2}, 0}));
        wire::Checkpoint source{{}, {}, chain};
        for (std::uint32_t round = 2; round <= 4; ++round) {
            for (std::uint16_t validator = 1; validator < validators; ++validator) {
                add(Type::block_ack, wire::encode(vote(validator, {round}, source, names[1])));
            }
            source = {{round}, blocks[0].header.slot, names[1]};
        }
        const wire::Checkpoint start{{}, {}, chain};
        wire::Vote one = vote(1, {5}, start, names[1]);
        wire::Vote other = vote(1, {5}, start, names[2]);
        if (names[2] < names[1]) std::swap(one, other);
        add(Type::evidence, wire::encode(wire::Evidence(wire::VoteEvidence{one, other})));
    }
};

const Setting& setting() {
    static const Setting made;
    return made;
}

class Session {
public:
    explicit Session(base::Bytes input) : in_(input) {
        const auto made =
            consensus::VoteStore::create(*store_, consensus_table, setting().own.public_key());
        MESH_ASSERT(made.has_value());
        open();
    }

    void run() {
        for (std::size_t i = 0; i < actions_max && in_.remaining() > 0; ++i) {
            act(in_.u8() % 10);
            drain();
        }
        check();
    }

private:
    void open() {
        chain_.reset();
        auto opened = Chain::open(setting().genesis,
                                  {.store = *store_,
                                   .consensus_table = consensus_table,
                                   .validating_key = setting().own.clone(),
                                   .random = base::Random{11},
                                   .log = {}},
                                  now());
        MESH_ASSERT(opened.has_value());
        chain_ = *std::move(opened);
        MESH_ASSERT(chain_->start(now()).has_value());
    }

    base::Now now() const {
        return {base::Instant{} + elapsed_, setting().genesis.start + elapsed_};
    }
    const crypto::PublicKey& peer() {
        return setting().genesis.validators[in_.u8() % validators].identity;
    }

    void act(unsigned action) {
        switch (action) {
            case 0: elapsed_ += base::Milliseconds{in_.u8() * 8}; break;
            case 1: chain_->handle_timeout(now()); break;
            case 2: claim(); break;
            case 3: in_.u8() % 8 == 0 ? open() : chain_->handle_peer_lost(peer()); break;
            case 4: noise(); break;
            case 5: mixed_block(); break;
            case 6: mixed_part(); break;
            case 7: changed(); break;
            default: replayed(); break;
        }
    }
    void hand(Type type, base::Bytes payload) {
        const wire::Ingress from{peer()};
        static_cast<void>(chain_->handle(now(), from, type, payload));
    }
    const Setting::Message& any_message() {
        const auto& messages = setting().messages;
        return messages[in_.u8() % messages.size()];
    }

    void claim() {
        const wire::Slot slot{in_.u8() % 8U == 0 ? in_.u32() : chain_->slot(now()).value};
        const crypto::PublicKey& from = peer();
        const wire::Height head{in_.u8() % 8U == 0 ? in_.u32() : in_.u8() % 8U};
        chain_->handle_peer(now(), from, slot, {head, {in_.u8() % 8U}});
    }
    void noise() {
        static constexpr Type types[] = {Type::transaction,  Type::block,         Type::block_ack,
                                         Type::sync_request, Type::sync_response, Type::evidence,
                                         Type::vote_request, Type::status};
        const Type type = types[in_.u8() % std::size(types)];
        const std::size_t length = std::min<std::size_t>(in_.u8(), in_.remaining());
        hand(type, in_.take(length));
    }
    void replayed() {
        const Setting::Message& message = any_message();
        hand(message.type, message.payload);
    }
    void changed() {
        const Setting::Message& message = any_message();
        base::Buffer payload = message.payload;
        for (unsigned i = in_.u8() % 4; i > 0; --i) {
            payload[in_.u16() % payload.size()] ^= std::byte{in_.u8()};
        }
        if (in_.u8() % 4 == 0) payload.resize(in_.u16() % (payload.size() + 1));
        hand(message.type, payload);
    }
    /// A true header with short ids of other transactions.
    void mixed_block() {
        const std::size_t which = in_.u8() % setting().blocks.size();
        wire::BlockAnnouncement made{setting().blocks[which].header, {}};
        for (unsigned i = in_.u8() % 4; i > 0; --i) {
            const auto& whole = setting().payments[in_.u8() % setting().payments.size()];
            const auto id = wire::wtxid(wire::txid(setting().chain, whole.body), whole.signatures);
            made.short_ids.push_back(wire::short_id(setting().names[which + 1], id));
        }
        hand(Type::block, wire::encode(made));
    }
    /// A true header with other transactions.
    void mixed_part() {
        const std::size_t which = in_.u8() % setting().blocks.size();
        wire::BlockResponse made;
        made.block = setting().names[in_.u8() % setting().names.size()];
        made.header = setting().blocks[which].header;
        for (unsigned i = in_.u8() % 3; i > 0; --i) {
            made.transactions.push_back(setting().payments[in_.u8() % setting().payments.size()]);
        }
        made.first = in_.u8() % 2;
        made.total = static_cast<std::uint16_t>(made.first + made.transactions.size());
        if (in_.u8() % 4 == 0)
            made.total = static_cast<std::uint16_t>(made.total + in_.u16() % 600);
        hand(Type::sync_response, wire::encode(wire::SyncResponse(made)));
    }

    void drain() {
        while (chain_->poll_event()) {
        }
        while (chain_->poll_frame(now())) {
        }
        MESH_ASSERT(!chain_->fault());
        MESH_ASSERT(chain_->final_height() >= final_height_);
        if (final_height_ > wire::Height{}) {
            MESH_ASSERT(chain_->store().hash_at(final_height_).value() == final_block_);
        }
        final_height_ = chain_->final_height();
        final_block_ = chain_->store().hash_at(final_height_).value().value();
    }
    void check() const {
        const ChainStore& store = chain_->store();
        std::uint64_t total = store.coins_total()->units + store.fees_total()->units;
        for (const auto& validator : setting().genesis.validators) total += validator.stake.units;
        MESH_ASSERT(total == ledger::supply(setting().genesis)->units);
        chain_->mempool().check_invariants();
        chain_->engine().check_invariants();
    }

    base::Reader in_;
    std::unique_ptr<kv::MemoryStore> store_ = kv::make_memory_store(tables_of_node);
    std::unique_ptr<Chain> chain_;
    base::Milliseconds elapsed_{4000};
    wire::Height final_height_;
    wire::Hash final_block_;
};

}  // namespace
}  // namespace meshchain::chain

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    meshchain::chain::Session session(std::as_bytes(std::span(data, size)));
    session.run();
    return 0;
}
