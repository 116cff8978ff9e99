#include "sim/stranger.h"

#include <algorithm>

#include "chain/chain.h"
#include "kv/memory_store.h"
#include "sim/lax_rules.h"

namespace meshchain::sim {
namespace {

constexpr kv::Table mesh_table{0};
constexpr std::array tables{kv::TableInfo{mesh_table, "mesh"}};
constexpr std::size_t heard_max = 64;
constexpr std::size_t spam_at_once = 40;
constexpr std::uint32_t false_height = 1'000'000;

base::Duration pause_of(Attacker::Kind kind) {
    switch (kind) {
        case Attacker::Kind::echo:
        case Attacker::Kind::spam: return std::chrono::milliseconds(100);
        case Attacker::Kind::forge:
        case Attacker::Kind::replay:
        case Attacker::Kind::spoof: return std::chrono::milliseconds(150);
        default: return std::chrono::seconds(1);
    }
}

}  // namespace

/// Keeps the last datagrams as they came.
class Stranger::Tape final : public Tamper {
public:
    bool talks_to(std::size_t) const override { return true; }
    bool lets_in(base::Bytes datagram) override {
        if (datagrams.size() < heard_max) {
            datagrams.push_back(base::to_buffer(datagram));
        } else {
            datagrams[next++ % heard_max] = base::to_buffer(datagram);
        }
        return true;
    }
    std::optional<base::Duration> lets_out(const std::optional<base::LinkAddress>&,
                                           base::Bytes) override {
        return base::Duration{};
    }

    std::vector<base::Buffer> datagrams;
    std::size_t next = 0;
};

Stranger::Stranger(std::size_t index, Clock clock, Attacker::Kind kind, const wire::ChainId& chain,
                   std::size_t victims, base::Random random, std::vector<crypto::SigningKey> abroad)
    : Machine(index, clock),
      kind_(kind),
      chain_(chain),
      victims_(victims),
      random_(random),
      entropy_(random.stream("entropy")),
      key_(crypto::SigningKey::generate(entropy_)),
      rules_(lax_rules()),
      abroad_(std::move(abroad)),
      chain_abroad_(crypto::hash(chain.bytes)) {
    auto tape = std::make_unique<Tape>();
    tape_ = tape.get();
    port().tamper = std::move(tape);
}

Stranger::~Stranger() = default;

std::expected<void, base::Error> Stranger::start(base::Now now) {
    now_ = now;
    port().is_dead = false;
    store_ = kv::make_memory_store(tables);
    frames_ = std::make_unique<mesh::IpFrames>(port());
    mesh::Options options;
    options.peers_max = 64;
    options.name = "friend";
    // A crowd is everywhere at its one victim; others try all.
    const std::size_t dialled = kind_ == Attacker::Kind::crowd ? 1 : victims_;
    for (std::size_t i = 0; i < dialled; ++i) options.static_peers.push_back(address_of(i));
    mesh_ = std::make_unique<mesh::Mesh>(
        options, mesh::Self{chain_, key_.clone(), wire::Role::relay}, rules_,
        mesh::Doors{*store_, mesh_table, entropy_, base::Log{}}, random_.stream("mesh"),
        static_cast<mesh::FrameHandler&>(*this));
    mesh_->add_link(*frames_);
    claim(now);
    MESH_CHECK(mesh_->start(now));
    act_at_ = now.instant + std::chrono::seconds(1);
    return {};
}

void Stranger::crash() {
    port().is_dead = true;
    mesh_.reset();
    frames_.reset();
    store_.reset();
    port().clear();
}

void Stranger::step(base::Now now) {
    now_ = now;
    claim(now);
    mesh_->handle_readable(now);
    if (mesh_->poll_timeout(now) <= now.instant) mesh_->handle_timeout(now);
    while (mesh_->poll_event()) continue;
    if (now.instant < act_at_) return;
    ++acts_;
    act_at_ = now.instant + random_.between(pause_of(kind_) / 2, pause_of(kind_) * 2);
    act();
}

base::Instant Stranger::poll_timeout(base::Now now) const {
    return std::min(mesh_->poll_timeout(now), act_at_);
}

wire::Verdict Stranger::handle_frame(base::Now now, const wire::Ingress&, wire::MessageType type,
                                     base::Bytes payload) {
    auto& place =
        heard_.size() < heard_max ? heard_.emplace_back() : heard_[random_.below(heard_.size())];
    place = {type, base::to_buffer(payload)};
    if (kind_ == Attacker::Kind::forge && type == wire::MessageType::sync_request) {
        send(now, wire::MessageType::sync_response, near_truth());
    }
    return wire::Verdict::keep;
}

void Stranger::claim(base::Now) {
    wire::ChainStatus status;
    if (kind_ == Attacker::Kind::forge) {
        status.height = status.final_height = wire::Height{false_height};
        status.justified.round = status.final.round = wire::Round{false_height};
    }
    if (kind_ == Attacker::Kind::liar) {
        status.slot.value = static_cast<std::uint32_t>(random_.below(100'000));
    }
    mesh_->set_status(status, 0);
}

void Stranger::act() {
    switch (kind_) {
        case Attacker::Kind::spam: return spam();
        case Attacker::Kind::forge: return forge();
        case Attacker::Kind::spoof: return spoof();
        case Attacker::Kind::replay: return replay();
        case Attacker::Kind::drizzle: return drizzle();
        case Attacker::Kind::echo: return echo();
        default: return;  // being there is all it does
    }
}

base::Buffer Stranger::noise(std::size_t bytes_max) {
    base::Buffer bytes(1 + random_.below(bytes_max));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_.next());
    return bytes;
}

base::Buffer Stranger::near_truth() {
    if (heard_.empty()) return noise(400);
    base::Buffer bytes = heard_[random_.below(heard_.size())].second;
    for (std::size_t i = 1 + random_.below(4); i > 0 && !bytes.empty(); --i) {
        bytes[random_.below(bytes.size())] = static_cast<std::byte>(random_.next());
    }
    return bytes;
}

void Stranger::send(base::Now now, wire::MessageType type, base::Buffer payload) {
    if (payload.empty() || payload.size() > wire::ip_payload_bytes_max - 64) return;
    static_cast<void>(mesh_->send(now, {.type = type, .payload = std::move(payload)}));
}

void Stranger::send_frame(wire::MessageType type, base::Bytes payload) {
    wire::FrameHeader header;
    header.type = type;
    header.sender = crypto::node_id(key_.public_key());
    header.timestamp = static_cast<std::uint32_t>(base::unix_ms(now_.wall) / 1000);
    header.sequence = ++sequence_;
    static_cast<void>(frames_->send(some_victim(), header, payload));
}

void Stranger::spam() {
    for (std::size_t i = 0; i < spam_at_once; ++i) {
        const auto type = static_cast<wire::MessageType>(random_.below(25));
        switch (random_.below(3)) {
            case 0: {  // drawn one after the other: the order of arguments is the compiler's
                const auto victim = some_victim();
                static_cast<void>(port().send(victim, noise(1400)));
                break;
            }
            case 1: send_frame(type, noise(600)); break;
            default: send_frame(type, near_truth()); break;
        }
    }
}

void Stranger::forge() {
    using enum wire::MessageType;
    constexpr std::array types{block_ack, block,         evidence,     transaction,
                               sync_data, sync_response, vote_request, peer_info};
    for (std::size_t i = 0; i < 4; ++i) {
        if (heard_.empty()) return;
        const auto& [type, bytes] = heard_[random_.below(heard_.size())];
        if (random_.chance(1, 4)) {
            send(now_, types[random_.below(types.size())], base::Buffer(bytes));
        } else {
            send_frame(type, near_truth());
        }
    }
}

/// On the other chain he voted for another block in this round: a vote, and half of a proof.
void Stranger::replay_vote(const wire::Vote& heard, const crypto::SigningKey& key) {
    wire::Vote vote = heard;
    vote.target = crypto::hash(heard.target.bytes);
    vote.signature = key.sign(wire::preimage(chain_abroad_, vote, key.public_key()));
    send(now_, wire::MessageType::block_ack, wire::encode(vote));
    const bool is_first = vote.target < heard.target;
    const wire::VoteEvidence evidence{is_first ? vote : heard, is_first ? heard : vote};
    send(now_, wire::MessageType::evidence, wire::encode(wire::Evidence(evidence)));
}

void Stranger::replay_block(wire::BlockAnnouncement block, const crypto::SigningKey& key) {
    wire::BlockHeader& header = block.header;
    header.transaction_root = crypto::hash(header.transaction_root.bytes);
    header.signature = key.sign(wire::preimage(chain_abroad_, header, key.public_key()));
    send(now_, wire::MessageType::block, wire::encode(block));
}

void Stranger::replay() {
    if (heard_.empty()) return;
    const auto& [type, bytes] = heard_[random_.below(heard_.size())];
    if (type == wire::MessageType::block_ack) {
        const auto vote = wire::parse_vote(bytes);
        if (!vote || vote->validator.value >= abroad_.size()) return;
        replay_vote(*vote, abroad_[vote->validator.value]);
    } else if (type == wire::MessageType::block) {
        auto block = wire::parse_block_announcement(bytes);
        if (!block || block->header.proposer.value >= abroad_.size()) return;
        const crypto::SigningKey& key = abroad_[block->header.proposer.value];
        replay_block(*std::move(block), key);
    }
}

/// A second's worth of some types, a little below what one session may send.
void Stranger::drizzle() {
    for (const wire::MessageRule& rule : chain::Chain::message_rules()) {
        if (!random_.chance(1, 5)) continue;
        double& may = may_send_[rule.type];
        may += 0.9 * static_cast<double>(rule.frames_per_minute_max) / 60;
        for (; may >= 1; may -= 1) {
            base::Buffer payload = random_.chance(1, 2) ? near_truth() : noise(400);
            payload.resize(std::clamp<std::size_t>(payload.size(), rule.payload_bytes_min,
                                                   rule.payload_bytes_max));
            send(now_, rule.type, std::move(payload));
        }
    }
}

void Stranger::echo() {
    const auto is_record = [](const auto& one) { return one.first == wire::MessageType::record; };
    const auto count = static_cast<std::size_t>(std::ranges::count_if(heard_, is_record));
    for (std::size_t i = 0; i < spam_at_once && count > 0; ++i) {
        std::size_t chosen = random_.below(count);
        const auto found = std::ranges::find_if(
            heard_, [&](const auto& one) { return is_record(one) && chosen-- == 0; });
        base::Buffer again = found->second;
        if (random_.chance(1, 2)) {
            again[random_.below(again.size())] ^= static_cast<std::byte>(1 + random_.below(255));
        }
        send(now_, wire::MessageType::record, std::move(again));
    }
}

void Stranger::spoof() {
    for (std::size_t i = 0; i < 4 && !tape_->datagrams.empty(); ++i) {
        const base::Buffer& datagram = tape_->datagrams[random_.below(tape_->datagrams.size())];
        const auto pretended = some_victim();
        const auto victim = some_victim();
        port().send_as(pretended, victim, datagram);
    }
}

}  // namespace meshchain::sim
