// Shared records: what it costs two neighbours to find a hundred records among a hundred thousand,
// one alert among ten nodes and among fifty, a minute in which nothing happens, and a search that
// ten nodes take part in.

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <random>

#include "base/assert.h"
#include "bench/registry_entries.h"
#include "bench/workloads.h"
#include "kv/memory_store.h"
#include "records/record_service.h"
#include "sim/village.h"
#include "wire/frame.h"

namespace meshchain::bench {
namespace {

using namespace std::chrono_literals;
using records::RecordService;
using wire::MessageType;
using wire::RecordKind;

constexpr kv::Table table{1};
constexpr kv::TableInfo tables[] = {{table, "records"}};
constexpr std::int64_t start_ms = 1'800'000'000'000;

/// Services that all have a session with each other; a datagram takes a millisecond. What they hold
/// at first was put on their disks, where nobody asks for signatures.
class Room {
public:
    explicit Room(unsigned nodes, bool own_segments = false) {
        for (unsigned i = 0; i < nodes; ++i) {
            nodes_.push_back(std::make_unique<Node>(*this, i));
            wire::SegmentId segment;
            segment.bytes[0] = static_cast<std::byte>(i + 1);
            if (own_segments) nodes_.back()->segment = segment;
        }
    }
    void preload(unsigned node, const wire::Record& record) {
        Node& to = *nodes_[node];
        to.batch.put(table, wire::record_id(chain_, record).bytes, wire::encode(record));
        if (to.batch.size() >= 1'000) commit(to);
    }
    void open() {
        for (const auto& node : nodes_) {
            commit(*node);
            RecordService::Options options{.store = {.table = table, .chain = chain_}};
            if (node->segment) options.store.segments.push_back(*node->segment);
            node->service = RecordService::open(*node->store, options, key_of(node->number),
                                                base::Random(node->number), now())
                                .value();
            node->service->attach(*node);
            MESH_ASSERT(node->service->start(now()).has_value());
        }
    }
    RecordService& operator[](unsigned node) { return *nodes_[node]->service; }
    records::Segment segment_of(unsigned node) const { return nodes_[node]->segment; }
    const wire::ChainId& chain() const { return chain_; }
    base::Now now() const {
        return {base::Instant{1h} + passed_,
                base::wall_from_unix_ms(start_ms + passed_ / std::chrono::milliseconds(1))};
    }
    template <class Predicate>
    void run_until(Predicate done) {
        while (!done()) {
            MESH_ASSERT(passed_ < 10min);
            step();
        }
    }
    std::size_t bytes() const { return bytes_; }

private:
    struct Node final : wire::Neighbourhood {
        Node(Room& room_in, unsigned number_in)
            : room(room_in), number(number_in), key(key_of(number_in).public_key()) {}
        std::vector<crypto::PublicKey> neighbours() const override {
            std::vector<crypto::PublicKey> found;
            for (const auto& other : room.nodes_) {
                if (other->number != number) found.push_back(other->key);
            }
            std::ranges::sort(found);
            return found;
        }
        std::vector<crypto::PublicKey> reachable() const override { return neighbours(); }
        bool has_air() const override { return false; }
        std::vector<crypto::PublicKey> onward(const crypto::PublicKey& origin,
                                              const std::optional<crypto::PublicKey>&,
                                              const records::Segment&) const override {
            return origin == key ? neighbours() : std::vector<crypto::PublicKey>();
        }

        Room& room;
        const unsigned number;
        const crypto::PublicKey key;
        records::Segment segment;
        std::unique_ptr<kv::Store> store =
            kv::MemoryStore::open(std::make_shared<kv::MemoryMedium>(), {.tables = tables}).value();
        kv::Batch batch;
        std::unique_ptr<RecordService> service;
    };
    struct Flight {
        unsigned from;
        unsigned to;
        wire::Outgoing frame;
    };

    static void commit(Node& node) {
        MESH_ASSERT(node.store->commit(node.batch).has_value());
        node.batch.clear();
    }
    void step() {
        std::deque<Flight> arriving = std::move(flights_);
        flights_.clear();
        base::Instant next = base::never;
        for (const Flight& flight : arriving) {
            wire::Ingress from{.peer = nodes_[flight.from]->key};
            if (flight.frame.destination) {
                from.routed = wire::RoutedFrom{
                    .origin = from.peer, .hops = 1, .destination = nodes_[flight.to]->key};
            }
            nodes_[flight.to]->service->handle(now(), from, flight.frame.type,
                                               flight.frame.payload);
        }
        for (const auto& node : nodes_) {
            RecordService& service = *node->service;
            if (service.poll_timeout(now()) <= now().instant) service.handle_timeout(now());
            while (auto frame = service.poll_frame(now())) send(node->number, *std::move(frame));
            next = std::min(next, service.poll_timeout(now()));
        }
        const base::Duration wait = flights_.empty() ? next - now().instant : base::Duration{};
        passed_ += std::max<base::Duration>(wait, 1ms);
    }
    void send(unsigned from, wire::Outgoing frame) {
        const bool is_signed = frame.type != MessageType::record;
        for (const auto& node : nodes_) {
            const bool is_to_all =
                frame.destination && std::holds_alternative<wire::Everybody>(*frame.destination);
            const auto* to = frame.destination && !is_to_all
                                 ? &std::get<crypto::PublicKey>(*frame.destination)
                                 : nullptr;
            if (node->number == from || (frame.to && *frame.to != node->key)) continue;
            if (to != nullptr && *to != node->key) continue;
            bytes_ += frame.payload.size() + wire::FrameHeader::size +
                      (is_signed ? crypto::Signature::size : 0);
            flights_.push_back({from, node->number, frame});
        }
    }

    const wire::ChainId chain_{};
    std::vector<std::unique_ptr<Node>> nodes_;
    std::deque<Flight> flights_;
    base::Duration passed_{};
    std::size_t bytes_ = 0;
};

constexpr std::size_t held = 100'000;
constexpr std::size_t different = 100;

struct Cost {
    double times_the_records;  ///< bytes of everything beside those of what was missing
    double seconds;            ///< of both sides together
};

/// Each lacks half of what differs. Every frame counts, those of records too, and each side's last
/// word that nothing differs any more.
Cost reconcile() {
    Room room(2);
    for (std::size_t i = 0; i < held; ++i) {
        const bool differs = i % (held / different) == 0;
        // Nobody has more than its due.
        const auto origin = key_of(10 + static_cast<unsigned>(i % 4));
        wire::Record record = record_of(start_ms, origin.public_key(), i);
        if (differs) record.signature = origin.sign(wire::record_preimage(room.chain(), record));
        const bool is_odd = i / (held / different) % 2 == 1;
        if (!differs || !is_odd) room.preload(0, record);
        if (!differs || is_odd) room.preload(1, record);
    }
    room.open();
    const auto agree = [&] {
        const auto sum = [&](unsigned node) {
            return room[node].store().index().tree({}).summary({}).sum;
        };
        return room[0].store().index().size() == held && sum(0) == sum(1);
    };
    const double took = seconds([&] { room.run_until(agree); });
    return {static_cast<double>(room.bytes()) / (different * record_bytes), took};
}

/// The plain way: one tells all names, the other answers with what it lacks and what the first
/// does. In datagrams that are as full as ours may be, signed alike.
double all_names() {
    constexpr std::size_t name_bytes = 8;
    constexpr std::size_t names_each = wire::control_body_bytes_max / name_bytes;
    constexpr std::size_t overhead = wire::FrameHeader::size + crypto::Signature::size;
    constexpr std::size_t messages = (held + names_each - 1) / names_each + 1;
    constexpr std::size_t names = held + different / 2;
    constexpr std::size_t records = different * (record_bytes + wire::FrameHeader::size);
    return static_cast<double>(names * name_bytes + messages * overhead + records) /
           (different * record_bytes);
}

/// Whole nodes with all their sessions: datagrams with the alert, and with its receipts.
struct AlertCost {
    std::uint64_t records = 0;
    std::uint64_t receipts = 0;
};
AlertCost alert_among(std::size_t nodes) {
    sim::Scenario scenario;
    scenario.stakes.assign(4, 100);
    scenario.relays = nodes - 4;
    scenario.disk = sim::DiskKind::memory;
    scenario.alerts = 1h;
    sim::Village village(scenario, 1);
    sim::World& world = village.world();
    for (std::size_t i = 0; i < nodes; ++i) MESH_ASSERT(world.switch_on(i).has_value());
    world.run_until(world.now() + 30s);
    AlertCost cost;
    world.on_sent = [&](std::size_t, base::Bytes datagram) {
        const auto frame = wire::parse_frame(datagram);
        cost.records += frame && frame->header.type == MessageType::record;
        cost.receipts += frame && frame->header.type == MessageType::record_receipt;
    };
    const auto id = village.node(0).records().send_alert(
        world.time_of(0), {records::AlertPriority::critical, "fire in the hall", {}}, 1h);
    world.wake(0);
    world.run_until(world.now() + 30s);
    for (std::size_t i = 0; i < nodes; ++i) {
        MESH_ASSERT(village.node(i).records().store().index().find(*id) != nullptr);
    }
    return cost;
}

/// What the original does: each that hears a message gives it a number of its own, so that nobody
/// knows it again, and sends it to all its peers, who it came from too, as long as it has come over
/// five others at most; only where it began it is recognised.
std::uint64_t original_among(std::size_t nodes) {
    constexpr unsigned forwards_max = 5;
    struct Message {
        std::size_t to;
        unsigned forwarded;
    };
    std::deque<Message> queue;
    std::uint64_t datagrams = 0;
    const auto send = [&](std::size_t from, unsigned forwarded) {
        for (std::size_t to = 0; to < nodes; ++to) {
            if (to == from) continue;
            ++datagrams;
            queue.push_back({to, forwarded});
        }
    };
    send(0, 0);
    while (!queue.empty()) {
        const Message message = queue.front();
        queue.pop_front();
        if (message.to != 0 && message.forwarded < forwards_max) {
            send(message.to, message.forwarded + 1);
        }
    }
    return datagrams;
}

constexpr std::size_t many = 50;

/// Fifty whole nodes somewhere on a square, where each hears those nearby, and one at least.
class Scattered {
public:
    Scattered() : village_(scenario(), 1) {
        world().network().set_links(links());
        for (std::size_t i = 0; i < many; ++i) {
            MESH_ASSERT(world().switch_on(i).has_value());
            numbers_[village_.node(i).records().store().self()] = i;
        }
        world().run_until(world().now() + 40s);
    }
    /// Datagrams a node within a minute.
    struct Cost {
        double records = 0;  ///< RECORD, until all have it and have said so
        double directs = 0;  ///< ALERT_DIRECT to those whose receipt is missing, on each hop
    };
    Cost alert_at(unsigned loss_permille) {
        sim::LinkQuality quality;
        quality.loss_permille = loss_permille;
        world().set_quality(quality);
        Cost cost;
        world().on_sent = [&](std::size_t, base::Bytes datagram) {
            const auto frame = wire::parse_frame(datagram);
            if (!frame) return;
            if (frame->header.type == MessageType::record) cost.records += 1.0 / many;
            if (is_direct(*frame)) cost.directs += 1.0 / many;
        };
        const auto id = village_.node(0).records().send_alert(
            world().time_of(0), {records::AlertPriority::critical, "fire in the hall", {}}, 1h);
        world().wake(0);
        world().run_until(world().now() + 60s);
        world().on_sent = [](std::size_t, base::Bytes) {};
        for (std::size_t i = 0; i < many; ++i) {
            MESH_ASSERT(village_.node(i).records().store().index().find(*id) != nullptr);
        }
        return cost;
    }
    /// The plain way on the same links: who hears it first passes it to all it has a session with
    /// but the giver, once. At a loss some never hear it.
    double flood_at(unsigned loss_permille) {
        base::Random random(1);
        std::vector<bool> has(many);
        std::deque<std::pair<std::size_t, std::size_t>> under_way;  // to, from
        std::uint64_t datagrams = 0;
        const auto pass_on = [&](std::size_t node, std::size_t giver) {
            has[node] = true;
            for (const auto& key : village_.node(node).node().neighbourhood().neighbours()) {
                const std::size_t to = numbers_.at(key);
                if (to == giver) continue;
                ++datagrams;
                if (!random.chance(loss_permille, 1000)) under_way.emplace_back(to, node);
            }
        };
        pass_on(0, many);
        while (!under_way.empty()) {
            const auto [to, from] = under_way.front();
            under_way.pop_front();
            if (!has[to]) pass_on(to, from);
        }
        return static_cast<double>(datagrams) / many;
    }

private:
    static sim::Scenario scenario() {
        sim::Scenario scenario;
        scenario.stakes.assign(4, 100);
        scenario.relays = many - 4;
        scenario.disk = sim::DiskKind::memory;
        scenario.alerts = 1h;
        return scenario;
    }
    static std::vector<std::pair<std::size_t, std::size_t>> links() {
        constexpr std::int64_t side = 1'000;
        constexpr std::int64_t reach = 220;
        base::Random random(1);
        std::vector<std::pair<std::int64_t, std::int64_t>> places;
        std::vector<std::pair<std::size_t, std::size_t>> found;
        for (std::size_t i = 0; i < many; ++i) {
            places.emplace_back(random.below(side), random.below(side));
            const auto apart = [&](std::size_t j) {
                const std::int64_t dx = places[i].first - places[j].first;
                const std::int64_t dy = places[i].second - places[j].second;
                return dx * dx + dy * dy;
            };
            std::size_t nearest = 0;
            for (std::size_t j = 0; j < i; ++j) {
                if (apart(j) < apart(nearest)) nearest = j;
            }
            for (std::size_t j = 0; j < i; ++j) {
                if (j == nearest || apart(j) < reach * reach) found.emplace_back(j, i);
            }
        }
        return found;
    }
    static bool is_direct(const wire::Frame& frame) {
        if (frame.header.type != MessageType::routed) return false;
        const auto routed = wire::parse_routed(frame.payload);
        return routed && routed->type == MessageType::alert_direct;
    }
    sim::World& world() { return village_.world(); }

    sim::Village village_;
    std::map<crypto::PublicKey, std::size_t> numbers_;
};

/// KB a minute that a node with ten peers sends while nothing happens, the one that sends most:
/// with fifty records that all hold, and next to no blocks.
double idle_kb() {
    constexpr std::size_t nodes = 11;
    constexpr int minutes = 5;
    sim::Scenario scenario;
    scenario.stakes.assign(1, 100);
    scenario.relays = nodes - 1;
    scenario.disk = sim::DiskKind::memory;
    scenario.block_time_ms = 3'600'000;
    scenario.records = 1h;
    sim::Village village(scenario, 5);
    sim::World& world = village.world();
    for (std::size_t i = 0; i < nodes; ++i) MESH_ASSERT(world.switch_on(i).has_value());
    world.run_until(world.now() + 20s);
    for (int i = 0; i < 50; ++i) {
        const std::string name = "thing " + std::to_string(i);
        MESH_ASSERT(
            village.node(0).records().register_entry(world.time_of(0), name, {}, 24h).has_value());
    }
    world.wake(0);
    world.run_until(world.now() + 2min);
    MESH_ASSERT(village.node(1).records().store().index().size() == 50);
    std::array<std::uint64_t, nodes> bytes{};
    world.on_sent = [&](std::size_t from, base::Bytes datagram) { bytes[from] += datagram.size(); };
    world.run_until(world.now() + std::chrono::minutes(minutes));
    return static_cast<double>(std::ranges::max(bytes)) / minutes / 1'000;
}
/// What the original sends then, as it was measured.
constexpr double original_idle_kb = 1'400;

void scattered_alerts(Report& report) {
    Scattered nodes;
    Workload fifty{.name = "records_alert_fifty",
                   .unit = "datagrams_a_node",
                   .peer = "flood",
                   .better = Better::lower,
                   .rounds = 1};
    const auto compare = [&](std::string_view name, double ours, unsigned loss_permille) {
        fifty.name = name;
        report.compare(fifty, [&] { return ours; }, [&] { return nodes.flood_at(loss_permille); });
    };
    const auto promise = [&](std::string_view name, double ours, double target) {
        Workload promised = fifty;
        promised.name = name;
        report.against_target(promised, target, [&] { return ours; });
    };
    const auto whole = nodes.alert_at(0);
    compare("records_alert_fifty", whole.records, 0);
    promise("records_alert_fifty_target", whole.records, 1.5);
    const auto lossy = nodes.alert_at(200);
    compare("records_alert_fifty_lossy", lossy.records + lossy.directs, 200);
    promise("records_alert_fifty_lossy_target", lossy.records + lossy.directs, 3);
}

constexpr unsigned searchers = 10;
constexpr std::size_t entries_each = 10'000;
constexpr int queries = 101;

/// Milliseconds of half the searches that `nodes` services with `each` entries answer together, one
/// after the other in this thread: what ten machines would do at once.
double search_ms(unsigned nodes, std::size_t each) {
    Room room(nodes, true);
    Faces faces;
    for (unsigned node = 0; node < nodes; ++node) {
        // Two origins: one may have fifty thousand entries.
        for (std::size_t i = 0; i < each; ++i) {
            const auto origin = key_of(100 + 4 * node + static_cast<unsigned>(i % 4)).public_key();
            room.preload(node, record_of(start_ms, origin, i, faces.next(), room.segment_of(node)));
        }
    }
    room.open();
    std::vector<double> took;
    for (int query = 0; query < queries; ++query) {
        const records::RegistryQuery wanted{.like = faces.next(), .count = 10};
        took.push_back(1e3 * seconds([&] {
                           const auto number = room[0].search_mesh(room.now(), wanted, 5s).value();
                           const auto view = [&] {
                               return room[0].search_view(room.now(), number).value();
                           };
                           room.run_until([&] { return view().done; });
                           MESH_ASSERT(view().answered == nodes - 1 && view().hits.size() == 10);
                           MESH_ASSERT(view().searched == nodes * each);
                       }));
    }
    std::ranges::nth_element(took, took.begin() + queries / 2);
    return took[queries / 2];
}

}  // namespace

void records_workloads(Report& report) {
    if (report.wants("records_reconcile")) {
        std::vector<Cost> costs;
        for (int i = 0; i < 3; ++i) costs.push_back(reconcile());
        std::ranges::sort(costs, {}, &Cost::seconds);
        const Cost cost = costs[1];
        const Workload bytes{.name = "records_reconcile_bytes",
                             .unit = "times_the_missing",
                             .peer = "all_names",
                             .better = Better::lower,
                             .rounds = 1};
        report.compare(bytes, [&] { return cost.times_the_records; }, all_names);
        Workload target = bytes;
        target.name = "records_reconcile_bytes_target";
        report.against_target(target, 2, [&] { return cost.times_the_records; });
        const Workload cpu{.name = "records_reconcile_cpu",
                           .unit = "s",
                           .peer = "target",
                           .better = Better::lower,
                           .rounds = 1};
        report.against_target(cpu, 0.5, [&] { return cost.seconds; });
    }
    if (report.wants("records_alert")) {
        const AlertCost cost = alert_among(10);
        const auto records = static_cast<double>(cost.records);
        const Workload alone{.name = "records_alert",
                             .unit = "datagrams",
                             .peer = "relay_rule_of_the_original",
                             .better = Better::lower,
                             .rounds = 1};
        const auto original = [] { return static_cast<double>(original_among(10)); };
        report.compare(alone, [&] { return records; }, original);
        Workload all = alone;
        all.name = "records_alert_with_receipts";
        report.compare(all, [&] { return records + static_cast<double>(cost.receipts); }, original);
        Workload target = alone;
        target.name = "records_alert_target";
        report.against_target(target, 18, [&] { return records; });
    }
    if (report.wants("records_alert_fifty_lossy_target")) scattered_alerts(report);
    if (report.wants("records_idle")) {
        const double idle = idle_kb();
        const Workload quiet{.name = "records_idle",
                             .unit = "KB_a_minute",
                             .peer = "original_as_measured",
                             .better = Better::lower,
                             .rounds = 1};
        report.compare(quiet, [&] { return idle; }, [] { return original_idle_kb; });
        Workload target = quiet;
        target.name = "records_idle_target";
        report.against_target(target, 10, [&] { return idle; });
    }
    if (report.wants("records_search")) {
        const double ten = search_ms(searchers, entries_each);
        const Workload search{.name = "records_search_mesh",
                              .unit = "ms",
                              .peer = "one_service_with_all",
                              .better = Better::lower,
                              .rounds = 1};
        report.compare(
            search, [&] { return ten; }, [] { return search_ms(1, searchers * entries_each); });
        Workload target = search;
        target.name = "records_search_mesh_target";
        report.against_target(target, 10, [&] { return ten; });
    }
}

}  // namespace meshchain::bench
