#include "node/memory_limits.h"

#include "chain/chain.h"
#include "kv/limits.h"
#include "mesh/memory_limits.h"
#include "node/node_parts.h"
#include "radio/radio_frames.h"
#include "radio/virtual_radio.h"
#include "records/replicator.h"

namespace meshchain::node {
namespace {

template <class Entry>
constexpr std::size_t in_container = sizeof(Entry) + container_bytes;

/// A transaction with everything a node keeps about it beside its bytes.
constexpr std::size_t transaction_bytes = in_container<ledger::CheckedTransaction> +
                                          6 * in_container<wire::Input> +
                                          6 * in_container<wire::Output> + 4 * container_bytes;

void add_runtime(std::vector<MemoryLimit>& limits) {
    const runtime::LoopLimits loop;
    limits.push_back({"runtime", "events", loop.events_max, in_container<runtime::Event>});
    limits.push_back({"runtime", "message bytes", loop.messages.bytes_max, 1});
}

void add_consensus(std::vector<MemoryLimit>& limits, std::size_t validators) {
    const consensus::Limits of_engine;
    limits.push_back({"consensus", "blocks above FINAL", chain::Chain::tree_blocks_max,
                      in_container<consensus::BlockNode> + 2 * container_bytes});
    limits.push_back(
        {"consensus", "votes", of_engine.rounds * validators, 2 * in_container<wire::Vote>});
    limits.push_back(
        {"consensus", "headers", of_engine.headers, in_container<consensus::ProposalLog::Seen>});
}

/// Rules of mesh and chain, and room for those of an embedding program.
constexpr std::size_t rules_max = 64;

void add_mesh(std::vector<MemoryLimit>& limits, const NodeConfig& config) {
    mesh::Options options;
    options.peers_max = config.max_peers;
    for (const base::LimitLine& line : mesh::memory_limits(options, rules_max)) {
        limits.push_back({"mesh", line.what, line.count, line.bytes_each});
    }
}

/// Of an entry whose type is its module's own: more than it has, with the list and map around it.
constexpr std::size_t radio_entry_bytes = 256 + 2 * container_bytes;

/// Each radio has all of them, with the limits that it has by default, as host opens it.
void add_radios(std::vector<MemoryLimit>& limits, const std::vector<RadioConfig>& radios) {
    if (radios.empty()) return;
    const std::size_t count = radios.size();
    const radio::OutboxLimits outbox;
    limits.push_back(
        {"radio", "messages to send", count * outbox.messages_max, 2 * radio_entry_bytes});
    limits.push_back({"radio", "bytes to send", count * outbox.bytes_max, 1});
    const radio::ReassemblyLimits joining;
    // Their pieces, and which these are, in vectors that grow.
    limits.push_back({"radio", "messages that arrive in pieces", count * joining.transfers_max,
                      radio_entry_bytes + 2 * (joining.message_bytes_max +
                                               radio::payload_bytes_max + coding::pieces_max)});
    limits.push_back(
        {"radio", "messages joined", count * joining.done_max, 32 + 2 * container_bytes});
    const radio::VirtualRadioOptions queues;
    constexpr std::size_t packet = radio_entry_bytes + radio::payload_bytes_max;
    limits.push_back({"radio", "packets received", count * queues.received_max, packet});
    limits.push_back({"radio", "packets to hand over", count * queues.departures_max, packet});
    const radio::TextMirror::Limits texts;
    const std::size_t texts_max = queues.texts_max + texts.waiting_max + texts.heard_max;
    limits.push_back(
        {"radio", "texts for people", count * texts_max, packet + records::Alert::text_bytes_max});
    limits.push_back(
        {"radio", "packets seen", count * queues.remembered_max, 32 + 2 * container_bytes});
}

void add_sync(std::vector<MemoryLimit>& limits, const NodeConfig& config) {
    using chain::BodyFetch;
    constexpr std::size_t frame = in_container<wire::Outgoing> + wire::ip_payload_bytes_max;
    limits.push_back({"chain", "headers to catch up by", chain::HeaderWalk::headers_max,
                      sizeof(chain::HeaderWalk::Entry)});
    // Once as they came, and once parsed, which takes a few times their bytes.
    limits.push_back({"chain", "bytes of blocks to catch up by", BodyFetch::buffer_bytes_max, 5});
    // What the batch takes, and its transactions with their coins in several maps.
    limits.push_back({"chain", "bytes of blocks executed and not stored", kv::batch_bytes_max, 6});
    limits.push_back(
        {"chain", "answers on their way", BodyFetch::groups_max, 2 * wire::answer_bytes_max});
    limits.push_back({"chain", "sync requests to answer",
                      config.max_peers * chain::SyncServer::Turns::requests_max,
                      in_container<wire::SyncRequest>});
    limits.push_back({"chain", "frames of a sync answer",
                      wire::answer_bytes_max / wire::SyncChunk::bytes_max + wire::items_max + 1,
                      frame});
}

void add_chain(std::vector<MemoryLimit>& limits, std::size_t block_bytes) {
    const chain::MempoolLimits mempool;
    // Blocks are kept parsed: their transactions take a few times their bytes.
    const std::size_t block = 4 * block_bytes + in_container<chain::BlockPool::Entry>;
    limits.push_back({"chain", "mempool transactions", mempool.transactions_max,
                      2 * transaction_bytes + 8 * container_bytes});
    limits.push_back({"chain", "mempool bytes", mempool.bytes_max, 2});
    limits.push_back({"chain", "transactions of late blocks", mempool.included_max,
                      sizeof(wire::Wtxid) + wire::long_bytes_max + 200});
    limits.push_back({"chain", "blocks not applied yet", chain::BlockPool::blocks_max, block});
    limits.push_back({"chain", "blocks on their way", chain::BlockDownload::blocks_max, block});
    limits.push_back({"chain", "coins cached", chain::ChainStore::coins_cached,
                      in_container<wire::Output> + 2 * container_bytes});
    limits.push_back({"chain", "blocks cached", chain::ChainStore::blocks_cached, block});
    limits.push_back({"chain", "frames to send", chain::Chain::outgoing_max,
                      in_container<wire::Outgoing> + wire::ip_payload_bytes_max});
    using Turns = chain::RequestTurns<wire::StateRequest>;
    limits.push_back({"chain", "state requests to answer", Turns::peers_max * Turns::requests_max,
                      in_container<wire::StateRequest>});
    limits.push_back({"chain", "state answers to send", chain::StateServer::outgoing_max,
                      in_container<wire::Outgoing> + wire::ip_payload_bytes_max});
    limits.push_back({"chain", "blocks undone for state views",
                      chain::StateServer::views_max * chain::StateView::blocks_undone_max,
                      block_bytes / wire::CompactTransfer::size * 3 * in_container<wire::Output>});
    limits.push_back({"chain", "events", chain::Chain::events_max, in_container<chain::Event>});
}

void add_records(std::vector<MemoryLimit>& limits, const NodeConfig& config) {
    if (!config.records.enabled) return;
    using records::Replicator;
    const std::size_t peers = config.max_peers;
    // In the index under address, name and expiry, in the fingerprints, and in the registry with
    // its embedding twice: as it was, fifths among it, and as a code.
    constexpr std::size_t record = 6 * container_bytes + 3 * in_container<records::Held> +
                                   2 * in_container<records::Address> +
                                   4 * wire::Record::key_bytes_max + 1450;
    limits.push_back({"records", "records", config.records.capacity, record});
    const records::RecordStore::Limits of_store;
    limits.push_back({"records", "records refused", of_store.refused_max, 5 * container_bytes});
    limits.push_back({"records", "bytes to store", of_store.unflushed_max, wire::record_bytes_max});
    limits.push_back({"records", "records to send", peers * 4 * Replicator::waiting_max,
                      2 * in_container<wire::RecordId>});
    limits.push_back({"records", "messages to send", peers * Replicator::messages_max,
                      records::ReconcileMessage::message_bytes_max + container_bytes});
    limits.push_back({"records", "receipts gathered",
                      Replicator::tracked_max * Replicator::holders_max,
                      in_container<records::Receipt> + crypto::PublicKey::size});
    limits.push_back({"records", "receipts of own alarms", records::ReceiptBook::receipts_max,
                      in_container<crypto::PublicKey>});
}

}  // namespace

std::vector<MemoryLimit> memory_limits(const NodeConfig& config, const ledger::Genesis& genesis) {
    std::vector<MemoryLimit> limits;
    add_runtime(limits);
    add_consensus(limits, genesis.stakes ? wire::validators_max : genesis.validators.size());
    add_mesh(limits, config);
    add_radios(limits, config.radios);
    limits.push_back({"wallet", "incoming payments", wallet::Wallet::pending_incoming_max,
                      2 * transaction_bytes});
    add_records(limits, config);
    add_chain(limits, genesis.block_bytes_limit);
    add_sync(limits, config);
    return limits;
}

std::uint64_t total_bytes(const std::vector<MemoryLimit>& limits) {
    std::uint64_t total = 0;
    for (const MemoryLimit& limit : limits) total += limit.bytes_max();
    return total;
}

std::vector<MemoryLimit> Node::memory() const {
    const Parts& parts = *parts_;
    std::vector<MemoryLimit> limits = memory_limits(parts.config, parts.genesis);
    const auto set = [&](std::string_view module, std::string_view what, std::size_t count) {
        for (MemoryLimit& limit : limits) {
            if (limit.module == module && limit.what == what) limit.count = count;
        }
    };
    set("mesh", "peers", parts.mesh->peers().size());
    if (!parts.chain) return limits;
    set("consensus", "blocks above FINAL", parts.chain->engine().tree_size());
    set("chain", "mempool transactions", parts.chain->mempool().size());
    set("chain", "mempool bytes", parts.chain->mempool().bytes());
    set("chain", "blocks not applied yet", parts.chain->pooled_blocks());
    return limits;
}

}  // namespace meshchain::node
