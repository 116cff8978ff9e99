// What a node answers over HTTP while it makes its blocks: a real process, one client that asks for
// the status on one kept connection, request after request; beside it a server made of Beast alone
// that answers as many constant bytes.

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fstream>
#include <thread>

#include "bench/workloads.h"
#include "host/api_client.h"
#include "host/asio_address.h"
#include "host/child_process.h"
#include "host/file.h"
#include "host/json_document.h"
#include "host/node_setup.h"
#include "host/system_entropy.h"
#include "host/system_wall_clock.h"
#include "host/temporary_folder.h"

namespace meshchain::bench {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t coins = 400;
constexpr auto slot_time = 1s;
constexpr auto pay_every = 200ms;
constexpr auto load_time = 3s;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "api bench: %s\n", why.c_str());
    std::exit(1);
}

template <class T>
T must(std::expected<T, base::Error> result) {
    if (!result) give_up(base::sentence(result.error()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// The only validator of a chain with slots of one second, which we pay on ourselves.
class PaidNode {
public:
    PaidNode() {
        const host::DataFolder folder(root());
        must(host::make_folder(folder.root()));
        const node::Keys keys = must(host::load_or_make_keys(folder, entropy_));
        const crypto::PublicKey identity = keys.identity.public_key();
        genesis_.start = host::SystemWallClock().read();
        genesis_.block_time_ms =
            static_cast<std::uint32_t>(std::chrono::milliseconds(slot_time).count());
        genesis_.rank_delay_ms = 300;
        genesis_.validators.push_back({identity, keys.validating->public_key(), identity, {100}});
        for (std::size_t i = 0; i < coins; ++i) {
            genesis_.allocations.push_back({owner_.public_key(), {1000}});
        }
        ledger::sort_canonically(genesis_);
        node::NodeConfig config;
        config.role = wire::Role::validator;
        config.network.listen = node::ipv4({127, 0, 0, 1}, 0);
        config.network.multicast = false;
        must(host::write_node(folder, genesis_, keys, config));
        const auto program = host::own_program().parent_path() / "meshchain";
        process_.emplace(must(host::ChildProcess::start(
            {.program = program, .arguments = {"node", "run", "--data", root().string()}})));
        const auto deadline = Clock::now() + 30s;
        while (!client_) {
            auto client = host::ApiClient::of_folder(root());
            if (client && client->get("/v1/status")) client_ = *std::move(client);
            if (Clock::now() > deadline) give_up("the node did not start");
            std::this_thread::sleep_for(10ms);
        }
        token_ = std::string(base::as_text(must(host::read_file(folder.api_token(), 1024))));
        token_.pop_back();
    }

    std::string status_request() const {
        return "GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token_ +
               "\r\n\r\n";
    }
    base::LinkAddress address() const { return client_->address(); }
    const host::ApiClient& client() const { return *client_; }

    /// Spends one coin of genesis, so that the next slot has something to put in its block.
    void pay() {
        const wire::ChainId chain = ledger::chain_id(genesis_);
        wire::TransactionBody body;
        body.inputs = {{{{chain}, next_coin_++}, {1000}}};
        body.fee = *wire::fee_code_for({100});
        body.outputs = {{owner_.public_key(), {1000 - body.fee.amount().units}}};
        const auto elapsed = host::SystemWallClock().read() - genesis_.start;
        body.expiry.units =
            static_cast<std::uint32_t>(elapsed / slot_time) / wire::Expiry::slots_per_unit + 5;
        const auto signature = owner_.sign(wire::preimage(chain, body));
        const wire::Transaction transaction{std::move(body), {signature}};
        const auto bytes = wire::encode(wire::WireTransaction(transaction));
        must(client_->post("/v1/transactions", {{"transaction", base::to_hex(bytes)}}));
    }

private:
    std::filesystem::path root() const { return folder_.path() / "node"; }

    host::TemporaryFolder folder_;
    host::SystemEntropy entropy_;
    crypto::SigningKey owner_ = crypto::SigningKey::from_seed({std::byte{7}});
    ledger::Genesis genesis_;
    std::optional<host::ChildProcess> process_;
    std::optional<host::ApiClient> client_;
    std::string token_;
    std::uint16_t next_coin_ = 0;
};

/// Asks on one connection until the time is over; thousands of answers a second.
double ask_for(const base::LinkAddress& address, const std::string& request, Clock::duration time) {
    asio::io_context io;
    tcp::socket socket(io);
    socket.connect(host::to_endpoint<tcp::endpoint>(address));
    socket.set_option(tcp::no_delay(true));
    std::string input(64 * 1024, '\0');
    const auto exchange = [&] {
        asio::write(socket, asio::buffer(request));
        std::size_t filled = 0;
        std::size_t whole = 0;
        while (whole == 0 || filled < whole) {
            filled += socket.read_some(asio::buffer(input) + filled);
            const std::string_view text(input.data(), filled);
            const std::size_t end = text.find("\r\n\r\n");
            if (end == std::string_view::npos) continue;
            const std::size_t at = text.find("Content-Length: ");
            whole = end + 4 + std::strtoul(input.c_str() + at + 16, nullptr, 10);
        }
        if (!input.starts_with("HTTP/1.1 200")) give_up("the answer was " + input.substr(0, 40));
    };
    exchange();
    std::size_t answers = 0;
    const auto start = Clock::now();
    while (Clock::now() - start < time) {
        for (int i = 0; i < 64; ++i) exchange();
        answers += 64;
    }
    return static_cast<double>(answers) /
           std::chrono::duration<double>(Clock::now() - start).count() / 1000;
}

/// Beast's own example of a server, answering a constant.
class BareServer {
public:
    explicit BareServer(std::size_t body_bytes) : body_(body_bytes, 'x') {
        accept();
        thread_ = std::thread([this] { io_.run(); });
    }
    ~BareServer() {
        io_.stop();
        thread_.join();
    }
    base::LinkAddress address() const { return host::to_link_address(acceptor_.local_endpoint()); }

private:
    struct Session : std::enable_shared_from_this<Session> {
        Session(tcp::socket socket, const std::string& text)
            : stream(std::move(socket)), body(text) {}
        void read() {
            request = {};
            http::async_read(stream, buffer, request,
                             [self = shared_from_this()](beast::error_code error, std::size_t) {
                                 if (!error) self->respond();
                             });
        }
        void respond() {
            response = {};
            response.set(http::field::content_type, "application/json");
            response.keep_alive(request.keep_alive());
            response.body() = body;
            response.prepare_payload();
            http::async_write(stream, response,
                              [self = shared_from_this()](beast::error_code error, std::size_t) {
                                  if (!error) self->read();
                              });
        }
        beast::tcp_stream stream;
        const std::string& body;
        beast::flat_buffer buffer;
        http::request<http::string_body> request;
        http::response<http::string_body> response;
    };

    void accept() {
        acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
            if (error) return;
            socket.set_option(tcp::no_delay(true));
            std::make_shared<Session>(std::move(socket), body_)->read();
            accept();
        });
    }

    asio::io_context io_{1};
    tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    std::string body_;
    std::thread thread_;
};

/// Percent of the slots from the first to the last of `heights` that have a block.
double slots_with_block(const host::ApiClient& client, std::uint64_t first, std::uint64_t last) {
    std::uint64_t blocks = 0;
    std::uint64_t from_slot = 0;
    std::uint64_t to_slot = 0;
    for (std::uint64_t height = first; height <= last; ++height) {
        const auto block = must(client.get("/v1/blocks/" + std::to_string(height)));
        const std::uint64_t slot = block.at("header").at("slot");
        if (blocks++ == 0) from_slot = slot;
        to_slot = slot;
    }
    if (blocks < 2) give_up("the node made no blocks");
    return 100.0 * static_cast<double>(blocks) / static_cast<double>(to_slot - from_slot + 1);
}

}  // namespace

void api_workloads(Report& report) {
    if (!report.wants("api_status_requests") && !report.wants("api_slots_with_block")) return;
    PaidNode node;
    const auto height = [&] {
        return must(node.client().get("/v1/chain/tip")).at("height").get<std::uint64_t>();
    };
    std::atomic<bool> done = false;
    std::thread payer([&] {
        while (!done) {
            node.pay();
            std::this_thread::sleep_for(pay_every);
        }
    });
    while (height() < 1) std::this_thread::sleep_for(100ms);
    const std::uint64_t first = height();
    const std::size_t bytes = host::to_line(must(node.client().get("/v1/status"))).size();
    const BareServer bare(bytes);
    const auto ours = [&] { return ask_for(node.address(), node.status_request(), load_time); };
    const auto theirs = [&] { return ask_for(bare.address(), node.status_request(), load_time); };
    report.compare({"api_status_requests", "k/s", "beast-alone", Better::higher, 3}, ours, theirs);
    report.against_target({"api_status_requests_kept", "k/s", "", Better::higher, 3}, 10, ours);
    done = true;
    payer.join();
    const double slots = slots_with_block(node.client(), first, height());
    report.against_target({"api_slots_with_block", "percent", "", Better::higher, 1}, 100,
                          [slots] { return slots; });
}

}  // namespace meshchain::bench
