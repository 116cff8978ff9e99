#pragma once
// An attacker without stake: it makes sessions like any node and then sends whatever serves its
// kind (scenario.h), true or forged. Everything it does follows from its seed.
//
// Ownership: what it is given is copied.

#include <map>

#include "mesh/ip_frames.h"
#include "mesh/mesh.h"
#include "sim/doors.h"
#include "sim/machine.h"
#include "sim/scenario.h"
#include "wire/block.h"
#include "wire/vote.h"

namespace meshchain::kv {
class MemoryStore;
}

namespace meshchain::sim {

class Stranger final : public Machine, private mesh::FrameHandler {
public:
    /// `victims`: how many nodes there are, machines 0 … `abroad`: validating keys by their seats,
    /// as they sign on another chain.
    Stranger(std::size_t index, Clock clock, Attacker::Kind kind, const wire::ChainId& chain,
             std::size_t victims, base::Random random, std::vector<crypto::SigningKey> abroad = {});
    ~Stranger() override;

    std::expected<void, base::Error> start(base::Now now) override;
    void crash() override;
    bool is_on() const override { return mesh_ != nullptr; }
    void step(base::Now now) override;
    base::Instant poll_timeout(base::Now now) const override;
    std::uint64_t acts() const override { return acts_; }

private:
    class Tape;

    wire::Verdict handle_frame(base::Now now, const wire::Ingress& from, wire::MessageType type,
                               base::Bytes payload) override;
    void claim(base::Now now);
    void act();
    void spam();
    void forge();
    void spoof();
    void replay();
    void drizzle();
    void echo();
    void replay_vote(const wire::Vote& heard, const crypto::SigningKey& key);
    void replay_block(wire::BlockAnnouncement block, const crypto::SigningKey& key);
    base::LinkAddress some_victim() { return address_of(random_.below(victims_)); }
    base::Buffer noise(std::size_t bytes_max);
    /// Something that was heard, with a few bytes changed; noise when nothing was.
    base::Buffer near_truth();
    void send(base::Now now, wire::MessageType type, base::Buffer payload);
    void send_frame(wire::MessageType type, base::Bytes payload);

    Attacker::Kind kind_;
    wire::ChainId chain_;
    std::size_t victims_;
    base::Random random_;
    SeededEntropy entropy_;
    crypto::SigningKey key_;
    std::unique_ptr<kv::MemoryStore> store_;
    std::vector<wire::MessageRule> rules_;
    std::unique_ptr<mesh::IpFrames> frames_;
    std::unique_ptr<mesh::Mesh> mesh_;
    Tape* tape_;                                                     ///< the port's
    std::vector<std::pair<wire::MessageType, base::Buffer>> heard_;  ///< payloads, the last few
    std::uint32_t sequence_ = 0;
    base::Now now_{};
    base::Instant act_at_ = base::never;
    std::vector<crypto::SigningKey> abroad_;
    wire::ChainId chain_abroad_;
    std::map<wire::MessageType, double> may_send_;  ///< frames, below the limit of each type
    std::uint64_t acts_ = 0;
};

}  // namespace meshchain::sim
