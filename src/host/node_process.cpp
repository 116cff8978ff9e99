#include "host/node_process.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <optional>

#include "crypto/identity.h"
#include "host/api.h"
#include "host/argon2_kdf.h"
#include "host/config_json.h"
#include "host/data_folder.h"
#include "host/file.h"
#include "host/file_lock.h"
#include "host/kodikon_link.h"
#include "host/log_sink.h"
#include "host/marked_store.h"
#include "host/node_keys.h"
#include "host/node_setup.h"
#include "host/node_store.h"
#include "host/radio_links.h"
#include "host/radio_mirror.h"
#include "host/record_events.h"
#include "host/store_copying.h"
#include "host/store_room.h"
#include "host/store_salvage.h"
#include "host/system_entropy.h"
#include "host/system_time_source.h"
#include "host/system_wall_clock.h"
#include "host/thread_pool_verifier.h"
#include "host/udp_link.h"
#include "host/wallet_unlocker.h"
#include "mesh/ip_frames.h"
#include "node/tables.h"
#include "wallet/key_file.h"

namespace meshchain::host {
namespace {

using Result = std::expected<void, base::Error>;

constexpr std::size_t token_bytes = 32;
/// A store up to this size is verified whole at each start, which takes well under a second.
constexpr std::uint64_t verified_at_start_bytes_max = 64 * 1024 * 1024;
/// Requests are answered for so long before the node is stepped again, however many wait.
constexpr auto api_turn = std::chrono::milliseconds(5);
constexpr auto farewell = std::chrono::seconds(1);  ///< for answers still on their way

/// Where a program on this machine finds what listens on `address`.
base::LinkAddress reachable(base::LinkAddress address) {
    if (address.host == node::ipv4({}, 0).host || address.host == base::LinkAddress{}.host) {
        address.host = node::ipv4({127, 0, 0, 1}, 0).host;
    }
    return address;
}

/// Paths are relative to the data folder unless absolute.
std::optional<HttpServer::TlsFiles> tls_files(const std::filesystem::path& root,
                                              const node::ApiConfig& api) {
    if (api.tls_certificate.empty()) return std::nullopt;
    return HttpServer::TlsFiles{root / api.tls_certificate, root / api.tls_key};
}

std::uint32_t random_number(base::Entropy& entropy) {
    std::array<std::byte, 4> bytes;
    entropy.fill(bytes);
    return base::Reader(bytes).u32();
}

std::string random_token(base::Entropy& entropy) {
    std::array<std::byte, token_bytes> bytes;
    entropy.fill(bytes);
    return base::to_hex(bytes);
}

}  // namespace

/// Members in the order in which they are opened; they close in the reverse.
struct NodeProcess::Parts {
    Parts(const std::filesystem::path& root, const Options& options_in)
        : folder(root), options(options_in) {}

    Result open_folder();
    Result open_store();
    Result accept_age(const StoreMark& mark, kv::Store& inner);
    Result open_node();
    Result open_records(const crypto::SigningKey& identity);
    Result open_mirror();
    Result open_kodikon();
    void wake();
    std::string ways_text() const;
    Result open_wallet();
    Result open_api();
    Result open();
    Result begin();
    void await_signals();
    base::Now now();
    void advance();
    void advance_if_due();
    void handle_change();
    void arm_timer();
    void request_stop(std::string_view why);
    void remove_api_files();
    Result close();

    DataFolder folder;
    Options options;
    std::optional<FileLock> lock;
    node::NodeConfig config;
    std::optional<ledger::Genesis> genesis;
    std::unique_ptr<StderrLog> sink;
    base::Log log;
    SystemEntropy entropy;
    SystemWallClock wall_clock;
    SystemTimeSource time_source;
    Argon2Kdf kdf;
    ThreadPoolVerifier verifier{ThreadPoolVerifier::usual_helpers()};
    boost::asio::io_context io{1};
    std::unique_ptr<kv::Store> store;
    std::unique_ptr<UdpLink> link;
    std::unique_ptr<mesh::IpFrames> frames;
    std::unique_ptr<RadioLinks> radios;
    std::optional<EventStream> events;
    std::unique_ptr<records::RecordService> records;
    std::unique_ptr<KodikonLink> kodikon;
    std::unique_ptr<node::Node> node;
    std::optional<RecordEvents> record_events;
    std::optional<RadioMirror> mirror;
    boost::asio::steady_timer timer{io};
    boost::asio::signal_set signals{io};
    std::optional<WalletUnlocker> unlocker;
    StatusText status_text;
    std::optional<ApiDoors> api_doors;
    std::unique_ptr<HttpServer> api;
    base::Instant due{};      ///< of the next step, and
    base::Instant stepped{};  ///< when the last one began
    bool running = false;
    bool wakes = false;  ///< a step is posted for what records brought
    bool stopping = false;
};

base::Now NodeProcess::Parts::now() {
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    return {base::Instant(std::chrono::duration_cast<base::Duration>(steady)), wall_clock.read()};
}

Result NodeProcess::Parts::open_folder() {
    MESH_TRY(lock, FileLock::acquire(folder.root()));
    remove_leftovers(folder.root());
    MESH_TRY(config, load_config(folder.config()));
    sink = std::make_unique<StderrLog>(config.log);
    log = base::Log(sink.get(), "host");
    MESH_TRY(genesis, load_genesis(folder.genesis()));
    return {};
}

/// A store that was there once must be there again, and no older.
Result NodeProcess::Parts::open_store() {
    const auto path = folder.store(config);
    MESH_TRY(const auto mark, read_store_marker(folder));
    const bool must_exist = mark && !options.accept_empty_store;
    use_room(path);
    auto opened = open_node_store(folder, config,
                                  must_exist ? StoreMode::must_exist : StoreMode::create_if_absent);
    if (!opened && must_exist && is_empty_file(path)) opened.error().advice = empty_store_advice;
    MESH_TRY(std::unique_ptr<kv::Store> inner, std::move(opened));
    if (must_exist) MESH_CHECK(check_not_empty(folder, *inner));
    if (mark) MESH_CHECK(accept_age(*mark, *inner));
    MESH_TRY(store,
             MarkedStore::open(folder, config, std::move(inner), [this] { return now().instant; }));
    return {};
}

/// The key of a store that is older counts as restored: before the mark is, so that a crash between
/// them asks again.
Result NodeProcess::Parts::accept_age(const StoreMark& mark, kv::Store& inner) {
    auto checked = check_not_older(mark, folder, config, inner);
    if (checked || checked.error().code != base::Errc::stale) return checked;
    if (!options.accept_older_store) return checked;
    log.warning(base::sentence(checked.error()) + "; goes on from there, as asked to");
    MESH_CHECK(mark_restored(inner));
    return {};
}

Result NodeProcess::Parts::open_node() {
    MESH_TRY(node::Keys keys, load_node_keys(folder.node_keys()));
    MESH_CHECK(open_store());
    // Damage in a row that nothing reads yet is found now rather than in the middle of a payment.
    if (store->quota().used_bytes <= verified_at_start_bytes_max) {
        auto sound = store->verify();
        if (!sound && sound.error().code == base::Errc::corrupt) {
            sound.error().advice = salvage_advice;
        }
        MESH_CHECK(sound);
    }
    if (config.network.enabled) {
        MESH_TRY(link, UdpLink::open(io, udp_options(config.network)));
        frames = std::make_unique<mesh::IpFrames>(*link);
    }
    MESH_TRY(radios, RadioLinks::open(config.radios,
                                      {.io = io,
                                       .store = *store,
                                       .entropy = entropy,
                                       .folder = folder.root(),
                                       .node_name = config.node_name,
                                       .identity = keys.identity.public_key(),
                                       .log = log,
                                       .role = config.role},
                                      base::Random(random_number(entropy)), now()));
    node::Doors doors{*store, frames.get(), entropy, kdf, sink.get(), &time_source};
    doors.verifier = &verifier;
    doors.services = options.services;
    doors.airs = radios->airs();
    if (config.records.enabled) {
        MESH_CHECK(open_records(keys.identity));
        doors.services.push_back(records.get());
    } else if (!options.record_kinds.empty()) {
        return base::failure(base::Errc::invalid_argument, "kinds of records without records",
                             "records.enabled", "set it to true in config.json");
    }
    MESH_TRY(node, node::Node::create(config, *genesis, std::move(keys), doors, now()));
    if (records) {
        records->attach(node->neighbourhood());
        record_events.emplace(*node, records->store().self(), [this] { wake(); });
        records->add_observer(*record_events);
    }
    MESH_CHECK(open_mirror());
    events.emplace(random_number(entropy));
    MESH_CHECK(follow_events(*node, *events, wall_clock));
    return {};
}

Result NodeProcess::Parts::open_records(const crypto::SigningKey& identity) {
    MESH_TRY(const auto kinds, records::KindRules::with(options.record_kinds));
    records::RecordService::Options of_records{.store = {.table = node::tables::records,
                                                         .chain = ledger::chain_id(*genesis),
                                                         .kinds = kinds},
                                               .receipts = node::tables::receipts};
    for (const std::string& name : config.network.segments) {
        of_records.store.segments.push_back(wire::segment_id(ledger::chain_id(*genesis), name));
    }
    of_records.store.limits.records_max = config.records.capacity;
    of_records.store.limits.bytes_max = std::uint64_t{config.records.size_mb} << 20;
    of_records.embeddings_max = config.records.capacity;
    std::array<std::byte, 8> seed;
    entropy.fill(seed);
    MESH_TRY(records, records::RecordService::open(*store, of_records, identity,
                                                   base::Random(base::Reader(seed).u64()), now()));
    return {};
}

Result NodeProcess::Parts::open_mirror() {
    mirror.emplace(
        RadioMirror::Doors{.radios = *radios,
                           .node = *node,
                           .node_name = config.node_name,
                           .self = records ? records->store().self() : crypto::PublicKey{}});
    if (records && mirror->is_wanted()) records->add_observer(*mirror);
    return mirror->follow_payments();
}

Result NodeProcess::Parts::open_kodikon() {
    if (!config.kodikon.enabled) return {};
    if (!records) {
        return base::failure(base::Errc::invalid_argument, "a bridge for records without records",
                             "kodikon.enabled", "set records.enabled to true as well");
    }
    MESH_TRY(kodikon,
             KodikonLink::open(io, config.kodikon, *records, [this] { return now(); }, log));
    return {};
}

/// One step for however many records came by another way than the node's own links.
void NodeProcess::Parts::wake() {
    if (std::exchange(wakes, true)) return;
    boost::asio::post(io, [this] {
        wakes = false;
        advance();
    });
}

/// A node without a wallet file simply has none.
Result NodeProcess::Parts::open_wallet() {
    const auto path = folder.wallet(config);
    if (!std::filesystem::exists(path)) return {};
    MESH_TRY(const base::Buffer sealed, read_file(path, wallet::KeyFile::bytes_max));
    auto opened = node->open_wallet(now(), sealed);
    const bool is_form = !opened && opened.error().code == base::Errc::malformed;
    if (is_form) return std::unexpected(WalletFiles::of(folder, config).of_file(opened.error()));
    return opened;
}

Result NodeProcess::Parts::open_api() {
    const std::string token = random_token(entropy);
    MESH_TRY(api, HttpServer::listen(io,
                                     {.address = config.api.address,
                                      .token = token,
                                      .tls = tls_files(folder.root(), config.api),
                                      .before_work = [this] { advance_if_due(); }},
                                     log.for_module("api")));
    api_doors.emplace(
        ApiDoors{.node = *node,
                 .unlocker = &*unlocker,
                 .events = *events,
                 .status = status_text,
                 .server = *api,
                 .radios = *radios,
                 .records = records.get(),
                 .kodikon = kodikon.get(),
                 .now = [this] { return now(); },
                 .after_change = [this] { handle_change(); },
                 .stop = [this] { boost::asio::post(io, [this] { request_stop("asked to"); }); }});
    add_api_routes(*api, *api_doors);
    api->start();
    // The address last: who finds it must find the token and certificate that go with it.
    MESH_CHECK(write_transient_file(folder.api_token(), base::as_bytes(token + "\n")));
    if (const std::string fingerprint = api->fingerprint(); !fingerprint.empty()) {
        MESH_CHECK(
            write_transient_file(folder.api_certificate(), base::as_bytes(fingerprint + "\n")));
    }
    const std::string address = base::to_string(reachable(api->address()));
    return write_transient_file(folder.api_address(), base::as_bytes(address + "\n"));
}

Result NodeProcess::Parts::open() {
    MESH_CHECK(open_folder());
    remove_api_files();  // of a node that was killed
    MESH_CHECK(open_node());
    return open_wallet();
}

Result NodeProcess::Parts::begin() {
    MESH_CHECK(node->start(now()));
    running = true;
    unlocker.emplace(WalletUnlocker::Doors{io, *node, kdf, entropy, [this] { return now(); }, log},
                     WalletFiles::of(folder, config));
    MESH_CHECK(open_kodikon());
    if (options.api) MESH_CHECK(open_api());
    if (link) link->on_readable([this] { advance(); });
    radios->on_activity([this] { advance(); });
    if (options.signals) await_signals();
    log.info("node " + node->status(now()).node_id + " listens on " + ways_text() +
             (api ? ", API on " + base::to_string(api->address()) : ""));
    if (config.store_engine == node::StoreEngine::sqlite) keep_room(folder.store(config));
    advance();
    return {};
}

/// Where others reach the node.
std::string NodeProcess::Parts::ways_text() const {
    std::string text = link ? base::to_string(link->local_address()) : "";
    for (std::size_t i = 0; i < radios->size(); ++i) {
        text += (text.empty() ? "" : ", ") + radios->place(i);
    }
    return text;
}

void NodeProcess::Parts::await_signals() {
    signals.add(SIGINT);
    signals.add(SIGTERM);
    signals.async_wait([this](boost::system::error_code error, int number) {
        if (!error) request_stop(number == SIGINT ? "interrupted" : "terminated");
    });
}

void NodeProcess::Parts::advance() {
    if (!running) return;
    stepped = now().instant;
    node->step(now());
    mirror->note_step(now());
    radios->note_step(now());
    arm_timer();
    status_text.forget();
    events->wake();
}

/// A request changed something, which may have to be sent.
void NodeProcess::Parts::handle_change() {
    status_text.forget();
    advance();
}

/// Consensus and link go before requests: no crowd of these delays a step by more than a turn and
/// the one request under way.
void NodeProcess::Parts::advance_if_due() {
    const base::Instant at = now().instant;
    if (at >= due || at - stepped >= api_turn) advance();
}

void NodeProcess::Parts::arm_timer() {
    const base::Now at = now();
    due = node->poll_timeout(at);
    if (due == base::never) {
        timer.cancel();
        return;
    }
    timer.expires_after(std::max(base::Duration::zero(), due - at.instant));
    timer.async_wait([this](boost::system::error_code error) {
        if (!error) advance();
    });
}

void NodeProcess::Parts::request_stop(std::string_view why) {
    if (stopping) return;
    stopping = true;
    log.info("stopping: " + std::string(why));
    remove_api_files();
    if (api) api->stop();
    if (running) node->stop(now());
    running = false;
    timer.cancel();
    signals.cancel();
    if (link) link->close();
    if (radios) radios->close(now());
}

/// Their room is kept for the next start, which may find none.
void NodeProcess::Parts::remove_api_files() {
    for (const auto& file : {folder.api_address(), folder.api_token(), folder.api_certificate()}) {
        set_aside(file);
    }
}

Result NodeProcess::Parts::close() {
    request_stop("start failed");
    api.reset();
    unlocker.reset();
    node.reset();
    kodikon.reset();
    records.reset();
    radios.reset();
    Result result;
    const bool needs_room = store && config.store_engine == node::StoreEngine::sqlite;
    if (store) result = store->close();
    store.reset();
    if (needs_room) keep_room(folder.store(config));
    if (lock && log.wants(base::LogLevel::info)) log.info("stopped");
    lock.reset();
    return result;
}

NodeProcess::NodeProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

NodeProcess::~NodeProcess() {
    if (parts_->lock) static_cast<void>(parts_->close());
}

std::expected<std::unique_ptr<NodeProcess>, base::Error> NodeProcess::open(
    const std::filesystem::path& folder, const Options& options) {
    // Its destructor closes, in reverse, whatever a failing step leaves open.
    std::unique_ptr<NodeProcess> process(new NodeProcess(std::make_unique<Parts>(folder, options)));
    MESH_CHECK(process->parts_->open());
    return process;
}

Result NodeProcess::begin() { return parts_->begin(); }

std::expected<std::unique_ptr<NodeProcess>, base::Error> NodeProcess::start(
    const std::filesystem::path& folder, const Options& options) {
    MESH_TRY(auto process, open(folder, options));
    MESH_CHECK(process->begin());
    return process;
}

Result NodeProcess::run() {
    while (!parts_->stopping) parts_->io.run_one();
    parts_->io.run_for(farewell);
    return parts_->close();
}

void NodeProcess::post(std::function<void()> work) {
    boost::asio::post(parts_->io, [parts = parts_.get(), work = std::move(work)] {
        work();
        parts->advance();
    });
}

void NodeProcess::request_stop(std::string_view why) { parts_->request_stop(why); }
records::RecordService* NodeProcess::records() { return parts_->records.get(); }
node::Node& NodeProcess::node() { return *parts_->node; }
WalletUnlocker& NodeProcess::unlocker() { return *parts_->unlocker; }
base::Now NodeProcess::now() const { return parts_->now(); }

base::LinkAddress NodeProcess::api_address() const { return parts_->api->address(); }
base::LinkAddress NodeProcess::link_address() const {
    return parts_->link ? parts_->link->local_address() : base::LinkAddress{};
}

}  // namespace meshchain::host
