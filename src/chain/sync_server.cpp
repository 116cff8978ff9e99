#include "chain/sync_server.h"

#include <algorithm>

namespace meshchain::chain {

using Type = wire::MessageType;

namespace {

// What is read and taken apart in the time of one small look-up.
constexpr std::size_t bytes_of_a_read = 16 * 1024;
constexpr std::size_t transactions_of_a_read = 64;

}  // namespace

void SyncServer::handle(const crypto::PublicKey& from, const wire::SyncRequest& request) {
    if (!turns_.add(from, request)) ++dropped_;
}

std::optional<wire::Outgoing> SyncServer::poll_frame() {
    while (frames_.empty()) {
        const auto turn = turns_.next();
        if (!turn) return std::nullopt;
        std::visit([&](const auto& kind) { answer(turn->first, kind); }, turn->second);
    }
    wire::Outgoing frame = std::move(frames_.front());
    frames_.pop_front();
    return frame;
}

void SyncServer::send(Type type, base::Buffer payload, const crypto::PublicKey& to) {
    turns_.spend(1);
    frames_.push_back({type, to, std::nullopt, std::move(payload)});
}

std::optional<wire::Hash> SyncServer::read_hash(wire::Height height) {
    turns_.spend(1);
    return store_->hash_at(height).value_or(std::nullopt);
}

/// A large block is read in pages, each as dear as a small block.
std::optional<base::Buffer> SyncServer::read_block(const wire::Hash& hash) {
    auto bytes = store_->block_bytes(hash).value_or(std::nullopt);
    turns_.spend(1 + static_cast<int>(bytes ? bytes->size() / bytes_of_a_read : 0));
    return bytes;
}

void SyncServer::answer(const crypto::PublicKey& to, const wire::CertificateRequest&) {
    const auto& newest = engine_->certificate();
    if (!newest) return;
    for (const wire::Vote& vote : newest->votes) send(Type::block_ack, wire::encode(vote), to);
}

void SyncServer::answer(const crypto::PublicKey& to, const wire::HashesRequest& request) {
    wire::HashesResponse response{request.from, {}};
    for (std::uint32_t i = 0; i < request.count; ++i) {
        const auto hash = read_hash({request.from.value + i});
        if (!hash) break;
        response.hashes.push_back(*hash);
    }
    send(Type::sync_response, wire::encode(wire::SyncResponse(std::move(response))), to);
}

/// Of a block that came below a certificate only the hash was checked, and its signature is not in
/// the hash. Who asks for it by name will check that signature and hold it against us.
bool SyncServer::is_signed(const wire::Block& block) {
    const auto proposer = store_->proposer_of(block.header);
    if (!proposer) return false;
    const crypto::PublicKey& key = *proposer;
    turns_.spend(Turns::verification_work);
    return crypto::verify(key, wire::preimage(store_->chain_id(), block.header, key),
                          block.header.signature);
}

void SyncServer::answer(const crypto::PublicKey& to, const wire::BlockRequest& request) {
    wire::SyncResponse response = wire::NotFoundResponse{request.block};
    if (const BlockPool::Entry* pooled = pool_->find(request.block)) {
        response = wire::block_response(request.block, pooled->block, request.first);
    } else if (const auto stored = store_->block(request.block); stored && *stored) {
        const wire::Block& block = (*stored)->block;
        turns_.spend(1 + static_cast<int>(block.transactions.size() / transactions_of_a_read));
        if (request.first > 0 || is_signed(block)) {
            response = wire::block_response(request.block, block, request.first);
        }
    } else if (const auto kept = branches_->block(request.block); kept && *kept) {
        turns_.spend(1 + static_cast<int>((*kept)->transactions.size() / transactions_of_a_read));
        response = wire::block_response(request.block, **kept, request.first);
    }
    send(Type::sync_response, wire::encode(response), to);
}

void SyncServer::answer(const crypto::PublicKey& to, const wire::FinalRequest& request) {
    std::vector<base::Buffer> items;
    if (const auto found = certificates_->find(request.from, request.to); found && *found) {
        if (const auto bytes = read_block((*found)->certificate.final.block)) {
            base::Buffer item = base::to_buffer(base::Bytes(*bytes).first(wire::BlockHeader::size));
            base::Writer(item).bytes(wire::encode((*found)->certificate));
            items.push_back(std::move(item));
        }
    }
    send_items(to, request.nonce, items);
}

std::vector<base::Buffer> SyncServer::headers_from(wire::Hash top, std::size_t count) {
    base::Buffer item;
    for (std::size_t i = 0; i < count; ++i) {
        const auto bytes = read_block(top);
        if (!bytes) break;
        const base::Bytes header = base::Bytes(*bytes).first(wire::BlockHeader::size);
        base::Writer(item).bytes(header);
        base::Reader in(header);
        const auto parsed = wire::read_block_header(in);
        if (!parsed) break;
        top = parsed->parent;
    }
    if (item.empty()) return {};
    return {std::move(item)};
}

void SyncServer::answer(const crypto::PublicKey& to, const wire::HeadersRequest& request) {
    send_items(to, request.nonce, headers_from(request.top, request.count));
}

std::vector<base::Buffer> SyncServer::bodies(const wire::BodiesRequest& request) {
    std::vector<base::Buffer> items;
    if (read_hash({request.from.value + request.count - 1}) != request.last) return items;
    std::size_t total = 0;
    for (std::uint32_t i = 0; i < request.count; ++i) {
        const auto hash = read_hash({request.from.value + i});
        const auto bytes = hash ? read_block(*hash) : std::nullopt;
        if (!bytes) break;
        items.push_back(base::to_buffer(base::Bytes(*bytes).subspan(wire::BlockHeader::size)));
        total += items.back().size();
        if (total <= wire::answer_bytes_max || items.size() == 1) continue;
        items.pop_back();
        break;
    }
    return items;
}

void SyncServer::answer(const crypto::PublicKey& to, const wire::BodiesRequest& request) {
    send_items(to, request.nonce, bodies(request));
}

void SyncServer::send_items(const crypto::PublicKey& to, std::uint64_t nonce,
                            const std::vector<base::Buffer>& items) {
    wire::ItemsResponse list{nonce, {}};
    for (const base::Buffer& item : items) {
        list.items.push_back({static_cast<std::uint32_t>(item.size()), crypto::hash(item)});
    }
    send(Type::sync_response, wire::encode(wire::SyncResponse(std::move(list))), to);
    for (std::size_t i = 0; i < items.size(); ++i) {
        for (std::size_t chunk = 0; chunk < wire::chunks_of(items[i].size()); ++chunk) {
            const auto piece = wire::chunk_of(items[i], nonce, static_cast<std::uint8_t>(i),
                                              static_cast<std::uint8_t>(chunk));
            send(Type::sync_data, wire::encode(piece), to);
        }
    }
}

}  // namespace meshchain::chain
