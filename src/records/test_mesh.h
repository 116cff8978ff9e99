#pragma once
// Record services that hear each other over links that lose and delay, in one thread and under
// virtual time. Ways are known to all as they are; what the real mesh makes of them is tested in
// tests/whole_node.

#include <deque>
#include <map>
#include <set>

#include "records/record_service.h"
#include "records/test_records.h"

namespace meshchain::records::test {

class TestMesh {
public:
    struct Traffic {
        std::size_t records = 0;
        std::size_t reconciles = 0;
        std::size_t receipts = 0;
        std::size_t direct = 0;
        std::size_t on_air = 0;
        std::size_t bytes = 0;  ///< with frame headers and control signatures
    };

    TestMesh(unsigned nodes, std::uint64_t seed, RecordStore::Limits limits = {})
        : random_(seed), limits_(limits) {
        for (unsigned i = 0; i < nodes; ++i) nodes_.push_back(std::make_unique<Member>(*this, i));
        for (unsigned i = 0; i < nodes; ++i) open(i);
    }

    void connect(unsigned a, unsigned b) { edges_.insert(std::minmax(a, b)); }
    void connect_all() {
        for (unsigned a = 0; a < nodes_.size(); ++a) {
            for (unsigned b = 0; b < a; ++b) connect(a, b);
        }
    }
    void disconnect(unsigned a, unsigned b) { edges_.erase(std::minmax(a, b)); }
    void set_loss_percent(unsigned percent) { loss_percent_ = percent; }
    void set_air_loss_percent(unsigned percent) { air_loss_percent_ = percent; }
    /// These hear each other on a radio.
    std::set<unsigned> on_air;
    /// Frames are lost for which this is true.
    std::function<bool(unsigned from, unsigned to, wire::MessageType type)> lose;
    /// Of those that start from now on.
    base::Rate records_rate = Replicator::Options{}.records_rate;
    /// These send one frame in this time, and what waits waits in the service.
    std::map<unsigned, base::Duration> pace;

    RecordService& operator[](unsigned node) { return *nodes_[node]->service; }
    std::size_t size() const { return nodes_.size(); }
    /// How often its observer was told of the record, in all its lives.
    unsigned told(unsigned node, const wire::RecordId& id) const {
        const auto found = nodes_[node]->told.find(id);
        return found == nodes_[node]->told.end() ? 0 : found->second;
    }
    kv::Store& kv(unsigned node) { return *nodes_[node]->store; }
    kv::MemoryMedium& medium(unsigned node) { return *nodes_[node]->medium; }
    base::Now now() const { return at(passed_); }
    const Traffic& traffic() const { return traffic_; }
    void reset_traffic() { traffic_ = {}; }
    /// How far a node's wall clock is off.
    void set_clock(unsigned node, base::Duration off) { nodes_[node]->clock_off = off; }
    base::Now now_of(unsigned node) const {
        base::Now now = at(passed_);
        now.wall += std::chrono::duration_cast<base::Milliseconds>(nodes_[node]->clock_off);
        return now;
    }
    /// Power is cut: what was not flushed is gone.
    void restart(unsigned node) {
        nodes_[node]->service.reset();
        open(node);
    }

    void run(base::Duration duration) {
        const base::Duration end = passed_ + duration;
        while (passed_ < end) {
            step();
            base::Instant next = at(end).instant;
            for (unsigned i = 0; i < nodes_.size(); ++i) {
                next = std::min(next, nodes_[i]->service->poll_timeout(now_of(i)));
            }
            if (!under_way_.empty()) next = std::min(next, under_way_.begin()->first);
            const base::Duration wait = next - now().instant;
            passed_ += std::max<base::Duration>(wait, std::chrono::milliseconds(1));
        }
        step();
    }
    bool have_all(const wire::RecordId& id) {
        for (const auto& node : nodes_) {
            if (node->service->store().index().find(id) == nullptr) return false;
        }
        return true;
    }
    bool agree(const Segment& segment = {}) {
        std::set<std::array<std::uint64_t, 4>> sums;
        for (const auto& node : nodes_) {
            sums.insert(node->service->store().index().tree(segment).summary({}).sum);
        }
        return sums.size() == 1;
    }
    unsigned number_of(const crypto::PublicKey& key) const {
        for (unsigned i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i]->key == key) return i;
        }
        return ~0U;
    }
    crypto::PublicKey key(unsigned node) const { return nodes_[node]->key; }
    /// What a node would send if it were an attacker.
    void inject(unsigned from, unsigned to, wire::MessageType type, base::Buffer payload) {
        deliver(from, to, {.type = type, .to = key(to), .payload = std::move(payload)});
    }
    /// Starts it anew as a member of this one.
    void join(unsigned node, const wire::SegmentId& segment) {
        nodes_[node]->segments.push_back(segment);
        restart(node);
    }

private:
    struct Member final : wire::Neighbourhood, RecordObserver {
        Member(TestMesh& mesh_in, unsigned number_in)
            : mesh(mesh_in), number(number_in), key(public_key_of(number_in)) {}

        std::vector<crypto::PublicKey> neighbours() const override {
            return mesh.keys([&](unsigned other) { return mesh.is_edge(number, other); });
        }
        std::vector<crypto::PublicKey> reachable() const override {
            const auto depth = mesh.distances(number);
            return mesh.keys(
                [&](unsigned other) { return other != number && depth.contains(other); });
        }
        void handle_record(base::Now, const wire::RecordId& id, const wire::Record&) override {
            ++told[id];
        }
        bool has_air() const override { return mesh.on_air.contains(number); }
        std::vector<crypto::PublicKey> onward(const crypto::PublicKey& origin,
                                              const std::optional<crypto::PublicKey>& from,
                                              const Segment& segment) const override {
            const auto depth = mesh.distances(mesh.number_of(origin), segment);
            const auto takes = [&](unsigned other) {
                return mesh.is_edge(number, other) && !(from && *from == mesh.key(other)) &&
                       mesh.is_member(other, segment);
            };
            if (!depth.contains(number)) return mesh.keys(takes);
            return mesh.keys([&](unsigned other) {
                if (!takes(other) || depth.at(other) != depth.at(number) + 1) return false;
                for (unsigned giver = 0; giver < mesh.size(); ++giver) {
                    if (mesh.is_edge(giver, other) && depth.contains(giver) &&
                        depth.at(giver) == depth.at(number) && mesh.key(giver) < key) {
                        return false;
                    }
                }
                return true;
            });
        }

        TestMesh& mesh;
        const unsigned number;
        const crypto::PublicKey key;
        std::vector<wire::SegmentId> segments{};
        base::Duration clock_off{};
        std::shared_ptr<kv::MemoryMedium> medium = std::make_shared<kv::MemoryMedium>();
        std::unique_ptr<kv::Store> store;
        std::unique_ptr<RecordService> service;
        std::map<wire::RecordId, unsigned> told{};
        base::Instant next_frame{};
    };
    struct Frame {
        unsigned from;
        unsigned to;
        wire::Outgoing message;
    };

    void open(unsigned node) {
        Member& member = *nodes_[node];
        member.store.reset();
        member.store = kv::MemoryStore::open(member.medium, {.tables = tables}).value();
        RecordService::Options options{
            .store = {.table = table, .chain = chain_id(), .limits = limits_},
            .receipts = receipts_table};
        options.replicator.records_rate = records_rate;
        options.store.segments = member.segments;
        member.service = RecordService::open(*member.store, options, key_of(node),
                                             base::Random(random_.next()), now_of(node))
                             .value();
        member.service->attach(member);
        member.service->add_observer(member);
        member.service->start(now_of(node)).value();
    }
    bool is_edge(unsigned a, unsigned b) const { return edges_.contains(std::minmax(a, b)); }
    template <class Wanted>
    std::vector<crypto::PublicKey> keys(Wanted wanted) const {
        std::vector<crypto::PublicKey> found;
        for (unsigned i = 0; i < nodes_.size(); ++i) {
            if (wanted(i)) found.push_back(nodes_[i]->key);
        }
        std::ranges::sort(found);
        return found;
    }
    bool is_member(unsigned node, const Segment& segment) const {
        return !segment ||
               std::ranges::find(nodes_[node]->segments, *segment) != nodes_[node]->segments.end();
    }
    std::map<unsigned, unsigned> distances(unsigned from, const Segment& segment = {}) const {
        std::map<unsigned, unsigned> depth;
        if (from >= nodes_.size()) return depth;
        depth.emplace(from, 0);
        std::deque<unsigned> queue{from};
        while (!queue.empty()) {
            const unsigned node = queue.front();
            queue.pop_front();
            for (unsigned other = 0; other < nodes_.size(); ++other) {
                if (is_edge(node, other) && is_member(other, segment) &&
                    depth.emplace(other, depth[node] + 1).second) {
                    queue.push_back(other);
                }
            }
        }
        return depth;
    }
    void step() {
        while (!under_way_.empty() && under_way_.begin()->first <= now().instant) {
            const Frame frame = std::move(under_way_.begin()->second);
            under_way_.erase(under_way_.begin());
            wire::Ingress ingress{.peer = key(frame.from)};
            if (frame.message.only_on_air) ingress = {.peer = {}, .on_air = true};
            if (frame.message.destination) {
                ingress.routed = wire::RoutedFrom{
                    .origin = key(frame.from), .hops = 1, .destination = key(frame.to)};
            }
            nodes_[frame.to]->service->handle(now_of(frame.to), ingress, frame.message.type,
                                              frame.message.payload);
        }
        for (unsigned i = 0; i < nodes_.size(); ++i) {
            RecordService& service = *nodes_[i]->service;
            if (service.poll_timeout(now_of(i)) <= now().instant) {
                service.handle_timeout(now_of(i));
            }
            while (nodes_[i]->next_frame <= now().instant) {
                auto frame = service.poll_frame(now_of(i));
                if (!frame) break;
                send(i, *std::move(frame));
                if (pace.contains(i)) nodes_[i]->next_frame = now().instant + pace.at(i);
            }
            service.store().index().check_invariants();
        }
    }
    /// What the mesh would not send.
    void check_rule(unsigned from, const wire::Outgoing& frame) {
        const auto rules = nodes_[from]->service->rules();
        const auto rule = std::ranges::find(rules, frame.type, &wire::MessageRule::type);
        ASSERT_NE(rule, rules.end());
        const bool is_control = rule->message_class == wire::MessageClass::control;
        const std::size_t bytes = frame.payload.size() + (is_control ? crypto::Signature::size : 0);
        EXPECT_GE(bytes, rule->payload_bytes_min) << wire::name(frame.type);
        EXPECT_LE(bytes, rule->payload_bytes_max) << wire::name(frame.type);
    }
    void send(unsigned from, wire::Outgoing frame) {
        check_rule(from, frame);
        if (frame.destination) {
            const auto depth = distances(from);
            if (std::holds_alternative<wire::Everybody>(*frame.destination)) {
                for (const auto& [to, hops] : depth) {
                    if (to != from) deliver(from, to, frame);
                }
                return;
            }
            const unsigned to = number_of(std::get<crypto::PublicKey>(*frame.destination));
            if (!depth.contains(to)) return;
            ++traffic_.direct;
            return deliver(from, to, std::move(frame));
        }
        if (frame.only_on_air) {
            if (!on_air.contains(from)) return;
            ++traffic_.on_air;
            for (const unsigned to : on_air) {
                if (to == from || random_.below(100) < air_loss_percent_) continue;
                deliver(from, to, frame);
            }
            return;
        }
        const unsigned to = number_of(frame.to.value());
        const bool is_control = frame.type != wire::MessageType::record;
        traffic_.bytes += frame.payload.size() + wire::FrameHeader::size +
                          (is_control ? crypto::Signature::size : 0);
        if (frame.type == wire::MessageType::record) ++traffic_.records;
        if (frame.type == wire::MessageType::reconcile) ++traffic_.reconciles;
        if (frame.type == wire::MessageType::record_receipt) ++traffic_.receipts;
        if (!is_edge(from, to) || (lose && lose(from, to, frame.type))) return;
        if (random_.below(100) < loss_percent_) return;
        deliver(from, to, std::move(frame));
    }
    void deliver(unsigned from, unsigned to, wire::Outgoing frame) {
        const base::Duration delay =
            random_.between(std::chrono::milliseconds(1), std::chrono::milliseconds(4));
        under_way_.emplace(now().instant + delay, Frame{from, to, std::move(frame)});
    }

    base::Random random_;
    RecordStore::Limits limits_;
    std::vector<std::unique_ptr<Member>> nodes_;
    std::set<std::pair<unsigned, unsigned>> edges_;
    std::multimap<base::Instant, Frame> under_way_;
    unsigned loss_percent_ = 0;
    unsigned air_loss_percent_ = 0;
    base::Duration passed_{};
    Traffic traffic_;
};

}  // namespace meshchain::records::test
