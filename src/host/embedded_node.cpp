#include "host/embedded_node.h"

#include <algorithm>

namespace meshchain::host {
namespace {

base::Error not_running() {
    return {base::Errc::closed, "the node does not run", "embedded node", "start it, or a new one"};
}

/// The numbers below are the protocol's own: one taken today would clash with a later version.
std::expected<void, base::Error> check_types(const wire::Service& service) {
    for (const wire::MessageRule& rule : service.rules()) {
        if (wire::is_application_type(rule.type)) continue;
        return base::failure(base::Errc::invalid_argument,
                             "message type " + std::to_string(static_cast<unsigned>(rule.type)) +
                                 " is the protocol's own",
                             "service " + std::string(service.name()),
                             "choose a number from " +
                                 std::to_string(wire::application_types_from) + " to " +
                                 std::to_string(wire::application_types_to));
    }
    return {};
}

}  // namespace

std::expected<std::unique_ptr<EmbeddedNode>, base::Error> EmbeddedNode::open(
    const std::filesystem::path& folder, const Options& options) {
    for (const wire::Service* service : options.services) MESH_CHECK(check_types(*service));
    std::unique_ptr<EmbeddedNode> node(new EmbeddedNode());
    NodeProcess::Options process;
    process.services = options.services;
    process.record_kinds = options.record_kinds;
    process.api = options.api;
    process.signals = false;
    MESH_TRY(node->process_, NodeProcess::open(folder, process));
    return node;
}

EmbeddedNode::~EmbeddedNode() { static_cast<void>(stop()); }

std::expected<void, base::Error> EmbeddedNode::subscribe(
    runtime::EventType type, std::function<void(const runtime::Event& event)> handler) {
    // The loop keeps a pointer; the deque keeps what it points to where it is.
    auto* const kept = &handlers_.emplace_back(std::move(handler));
    const auto added = node().events().register_handler(
        type, [kept](base::Instant, const runtime::Event& event) { (*kept)(event); });
    if (added) return {};
    handlers_.pop_back();
    return std::unexpected(added.error());
}

std::expected<void, base::Error> EmbeddedNode::start() {
    MESH_CHECK(process_->begin());
    running_ = true;
    process_->post([this] { drain_events(); });  // those posted before
    thread_ = std::thread([this] { run(); });
    return {};
}

void EmbeddedNode::run() {
    auto ending = process_->run();
    std::deque<Task> left;
    {
        const std::lock_guard lock(mutex_);
        running_ = false;
        ending_ = std::move(ending);
        left.swap(tasks_);
    }
    const base::Error closed = not_running();
    for (const Task& task : left) task(&closed);
}

std::expected<void, base::Error> EmbeddedNode::stop() {
    if (!thread_.joinable()) return {};
    process_->post([this] { process_->request_stop("asked to"); });
    thread_.join();
    return ending_;
}

bool EmbeddedNode::is_running() const {
    const std::lock_guard lock(mutex_);
    return running_;
}

void EmbeddedNode::run_on_thread(Task task) {
    {
        const std::lock_guard lock(mutex_);
        if (running_) {
            tasks_.push_back(std::move(task));
            process_->post([this] { run_tasks(); });
            return;
        }
    }
    const base::Error closed = not_running();
    task(&closed);
}

void EmbeddedNode::run_tasks() {
    std::deque<Task> taken;
    {
        const std::lock_guard lock(mutex_);
        taken.swap(tasks_);
    }
    for (const Task& task : taken) task(nullptr);
}

void EmbeddedNode::wake() {
    const std::lock_guard lock(mutex_);
    if (running_) process_->post([this] { drain_events(); });
}

/// What finds the loop's queue full waits for the step that makes room.
void EmbeddedNode::drain_events() {
    if (inbox_.drain(node().events())) process_->post([this] { drain_events(); });
}

std::expected<node::StatusView, base::Error> EmbeddedNode::status() {
    return call([](node::Node& node, base::Now now) {
        return std::expected<node::StatusView, base::Error>(node.status(now));
    });
}

std::expected<std::vector<node::PeerView>, base::Error> EmbeddedNode::peers() {
    return call([](node::Node& node, base::Now now) {
        return std::expected<std::vector<node::PeerView>, base::Error>(node.peers(now));
    });
}

std::expected<node::TransactionView, base::Error> EmbeddedNode::transaction(
    const wire::Txid& txid) {
    return call([&](node::Node& node, base::Now) { return node.transaction(txid); });
}

std::expected<void, base::Error> EmbeddedNode::unlock_wallet(std::string_view passphrase) {
    using Result = WalletUnlocker::Result;
    auto promise = std::make_shared<std::promise<Result>>();
    std::future<Result> result = promise->get_future();
    const Result begun = call([&](node::Node&, base::Now) -> Result {
        process_->unlocker().unlock(
            {.typed = Secret::copy_of(base::as_bytes(passphrase))},
            [promise](Result outcome) { promise->set_value(std::move(outcome)); });
        return {};
    });
    MESH_CHECK(begun);
    promise.reset();  // a node that stops before the answer drops the other one
    try {
        return result.get();
    } catch (const std::future_error&) {
        return std::unexpected(not_running());
    }
}

std::expected<node::PaymentView, base::Error> EmbeddedNode::pay(const crypto::PublicKey& payee,
                                                                wire::Amount amount,
                                                                std::optional<wire::FeeCode> fee) {
    return call([&](node::Node& node, base::Now now) { return node.pay(now, payee, amount, fee); });
}

std::expected<std::size_t, base::Error> EmbeddedNode::send(wire::Outgoing message) {
    return call([&](node::Node& node, base::Now now) { return node.send(now, message); });
}

}  // namespace meshchain::host
