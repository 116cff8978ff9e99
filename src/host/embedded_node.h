#pragma once
// A whole node inside another program (row J7), on a thread of its own: open a data folder, start,
// pay, send and hear messages, stop. docs/guide/embedding.md leads through it.
//
// A program with a loop of its own, or another way to store and to send, uses node::Node directly.
//
// Threads:   open, subscribe, node() and start() in one thread. From then on every other function
//            from any; each waits for the node's thread. Services, and the functions given to
//            subscribe and call, run on the node's thread: they must not wait for anybody.
// Ownership: services outlive this.
// Errors:    closed, when the node has stopped; otherwise those of the function of node::Node.

#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "host/event_inbox.h"
#include "host/node_process.h"

namespace meshchain::host {

class EmbeddedNode {
public:
    struct Options {
        std::vector<wire::Service*> services = {};
        /// Kinds of records of its own, 128 to 239: they are shared as ours are.
        std::vector<records::KindRule> record_kinds = {};
        bool api = false;  ///< serve the HTTP API too, as `meshchain node run` does
    };

    /// Locks the folder and makes the node, which does not run yet.
    /// Errors: those of NodeProcess::open and records::KindRules::with; invalid_argument (a service
    /// with a message type that is not an application's).
    static std::expected<std::unique_ptr<EmbeddedNode>, base::Error> open(
        const std::filesystem::path& folder, const Options& options);
    static std::expected<std::unique_ptr<EmbeddedNode>, base::Error> open(
        const std::filesystem::path& folder) {
        return open(folder, Options());
    }
    /// Stops it.
    ~EmbeddedNode();

    /// Calls `handler` on the node's thread at every such event. Before start.
    /// Errors: full, invalid_argument.
    std::expected<void, base::Error> subscribe(
        runtime::EventType type, std::function<void(const runtime::Event& event)> handler);
    /// The node itself. Before start, and on the node's thread.
    node::Node& node() { return process_->node(); }
    /// Its shared records, likewise; nothing where they are not enabled.
    records::RecordService* records() { return process_->records(); }
    /// Where peers reach it.
    base::LinkAddress link_address() const { return process_->link_address(); }

    /// Once. Errors: those of node::Node::start.
    std::expected<void, base::Error> start();
    /// Returns when the node has stopped and its folder is free. Not on the node's thread.
    /// Errors: those of closing the store.
    std::expected<void, base::Error> stop();
    bool is_running() const;

    /// Runs `work` on the node's thread and returns its result, a std::expected with base::Error.
    template <class Work>
    std::invoke_result_t<Work, node::Node&, base::Now> call(Work work) {
        using Result = std::invoke_result_t<Work, node::Node&, base::Now>;
        if (std::this_thread::get_id() == thread_.get_id()) return work(node(), process_->now());
        std::promise<Result> promise;
        std::future<Result> result = promise.get_future();
        run_on_thread([&](const base::Error* closed) {
            if (closed != nullptr) return promise.set_value(std::unexpected(*closed));
            promise.set_value(work(node(), process_->now()));
        });
        return result.get();
    }

    std::expected<node::StatusView, base::Error> status();
    std::expected<std::vector<node::PeerView>, base::Error> peers();
    std::expected<node::TransactionView, base::Error> transaction(const wire::Txid& txid);
    /// Of the wallet file in the folder. Not on the node's thread, which this waits for.
    /// Errors: those of WalletUnlocker::unlock.
    std::expected<void, base::Error> unlock_wallet(std::string_view passphrase);
    /// Errors: those of node::Node::pay.
    std::expected<node::PaymentView, base::Error> pay(const crypto::PublicKey& payee,
                                                      wire::Amount amount,
                                                      std::optional<wire::FeeCode> fee = {});
    /// A message of one of the services. Returns for how many peers it left.
    /// Errors: those of node::Node::send.
    std::expected<std::size_t, base::Error> send(wire::Outgoing message);
    /// Leaves an event for those who subscribed, without waiting. False, when too many wait.
    bool post(const runtime::Event& event) { return inbox_.post(event); }

private:
    /// Called once: with nothing on the node's thread, or with an Error when that has ended.
    using Task = std::function<void(const base::Error* closed)>;

    EmbeddedNode() = default;
    void run_on_thread(Task task);
    void run_tasks();
    void wake();
    void drain_events();
    void run();

    std::unique_ptr<NodeProcess> process_;
    std::deque<std::function<void(const runtime::Event&)>> handlers_;
    EventInbox inbox_{[this] { wake(); }};

    mutable std::mutex mutex_;
    std::deque<Task> tasks_;
    bool running_ = false;
    std::expected<void, base::Error> ending_;
    std::thread thread_;
};

}  // namespace meshchain::host
