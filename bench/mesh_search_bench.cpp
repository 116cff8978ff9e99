// A search over ten whole nodes of ten thousand entries each, which talk over UDP on this machine:
// nine are processes of the program, the tenth asks. Every node has a segment of its own, so that
// none holds what another has.

#include <algorithm>
#include <thread>

#include "bench/registry_entries.h"
#include "bench/workloads.h"
#include "host/child_process.h"
#include "host/embedded_node.h"
#include "host/local_chain.h"
#include "host/system_wall_clock.h"
#include "host/temporary_folder.h"

namespace meshchain::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t nodes = 10;
constexpr std::size_t entries_each = 10'000;
constexpr int queries = 101;
/// Less than five searches a second, which is what one node may ask for all the time.
constexpr auto between = 200ms;
constexpr auto patience = 60s;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "mesh search bench: %s\n", why.c_str());
    std::exit(1);
}
template <class T>
T must(std::expected<T, base::Error> result) {
    if (!result) give_up(base::sentence(result.error()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Whole nodes in folders of their own, of which the first runs in this process.
class Site {
public:
    explicit Site(std::size_t size, std::size_t each) {
        host::LocalChain::Options options{.nodes = size, .block_time = 2s};
        for (std::size_t i = 0; i < size; ++i) {
            options.segments.push_back({"place " + std::to_string(i)});
        }
        const auto chain = must(host::LocalChain::create(folder_.path() / "nodes", options));
        for (std::size_t i = 0; i < size; ++i) {
            fill(chain.members[i].folder, options.segments[i].front(), each);
        }
        const auto program = host::own_program().parent_path() / "meshchain";
        for (std::size_t i = 1; i < size; ++i) {
            others_.push_back(must(host::ChildProcess::start(
                {.program = program,
                 .arguments = {"node", "run", "--data", chain.members[i].folder.string()},
                 .output = folder_.path() / ("log" + std::to_string(i))})));
        }
        asker_ = must(host::EmbeddedNode::open(chain.members[0].folder));
        must(asker_->start());
        await_all(size - 1);
    }

    /// Milliseconds until everybody has answered.
    double search(const records::RegistryQuery& query, std::size_t searched) {
        const auto began = std::chrono::steady_clock::now();
        const auto number = must(asker_->call([&](node::Node&, base::Now now) {
            return asker_->records()->search_mesh(now, query, 5s);
        }));
        records::SearchView view;
        while (!view.done) {
            std::this_thread::sleep_for(50us);
            view = must(asker_->call([&](node::Node&, base::Now now) {
                return asker_->records()->search_view(now, number);
            }));
        }
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - began;
        if (view.answered != others_.size() || view.searched != searched ||
            view.hits.size() != query.count) {
            give_up(std::to_string(view.hits.size()) + " hits, " + std::to_string(view.answered) +
                    " answered of " + std::to_string(view.searched) + " entries");
        }
        return took.count();
    }

private:
    /// Entries of an hour ago that several origins signed, put into the store of a node at rest.
    void fill(const std::filesystem::path& path, const std::string& segment, std::size_t each) {
        const auto node = must(host::EmbeddedNode::open(path));
        records::RecordStore& store = node->records()->store();
        const base::WallTime wall = host::SystemWallClock().read();
        const base::Now now{base::Instant{1s}, wall};
        for (std::size_t i = 0; i < each; ++i) {
            const crypto::SigningKey origin =
                key_of(static_cast<unsigned>(100 + ++filled_ / 5'000));
            wire::Record record =
                record_of(base::unix_ms(wall), origin.public_key(), filled_, faces_.next(),
                          wire::segment_id(store.chain(), segment));
            record.signature = origin.sign(wire::record_preimage(store.chain(), record));
            if (must(store.offer(now, record)).outcome != records::Offer::Outcome::taken) {
                give_up("an entry was not taken");
            }
        }
        must(store.flush());
    }

    void await_all(std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        const records::RegistryQuery any{.type = "face", .count = 1};
        while (true) {
            const auto number = must(asker_->call([&](node::Node&, base::Now now) {
                return asker_->records()->search_mesh(now, any, 500ms);
            }));
            std::this_thread::sleep_for(600ms);
            const auto view = must(asker_->call([&](node::Node&, base::Now now) {
                return asker_->records()->search_view(now, number);
            }));
            if (view.answered == count) return;
            if (std::chrono::steady_clock::now() > deadline) give_up("the nodes do not all answer");
        }
    }

    host::TemporaryFolder folder_;
    Faces faces_;
    std::size_t filled_ = 0;
    std::vector<host::ChildProcess> others_;
    std::unique_ptr<host::EmbeddedNode> asker_;
};

double median_ms(std::size_t size, std::size_t each) {
    Site site(size, each);
    Faces asked;
    std::vector<double> took;
    for (int query = 0; query < queries; ++query) {
        took.push_back(site.search({.like = asked.next(), .count = 10}, size * each));
        std::this_thread::sleep_for(between);
    }
    std::ranges::nth_element(took, took.begin() + queries / 2);
    return took[queries / 2];
}

}  // namespace

void mesh_search_workloads(Report& report) {
    if (!report.wants("records_search_loopback")) return;
    const double ten = median_ms(nodes, entries_each);
    const Workload search{.name = "records_search_loopback",
                          .unit = "ms",
                          .peer = "one_node_with_all",
                          .better = Better::lower,
                          .rounds = 1};
    report.compare(search, [&] { return ten; }, [] { return median_ms(1, nodes * entries_each); });
    Workload target = search;
    target.name = "records_search_loopback_target";
    report.against_target(target, 10, [&] { return ten; });
}

}  // namespace meshchain::bench
