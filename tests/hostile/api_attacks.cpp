// Attacks on the API, by TCP.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <string>

#include "host/asio_address.h"
#include "hostile/attacks.h"

namespace meshchain::tests {
namespace {

using boost::asio::ip::tcp;

class Connection {
public:
    explicit Connection(const base::LinkAddress& api) {
        boost::system::error_code error;
        socket_.connect({boost::asio::ip::address_v4::loopback(), api.port}, error);
    }
    void send(std::string_view bytes) {
        boost::system::error_code error;
        boost::asio::write(socket_, boost::asio::buffer(bytes), error);
    }
    /// Whether the server does what was asked. Ends our side, so that it must answer or close.
    bool is_let_in() {
        std::string answer;
        boost::system::error_code error;
        socket_.shutdown(tcp::socket::shutdown_send, error);
        boost::asio::read(socket_, boost::asio::dynamic_buffer(answer), error);
        return answer.starts_with("HTTP/1.1 2");
    }

private:
    boost::asio::io_context io_;
    tcp::socket socket_{io_};
};

std::string request(std::string_view method, std::string_view target, std::string_view headers) {
    return std::string(method) + " " + std::string(target) +
           " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + std::string(headers) + "\r\n";
}

void half_open_connections(const Target& target, std::stop_token stop) {
    std::deque<Connection> open;
    while (!stop.stop_requested()) {
        open.emplace_back(target.api);
        if (open.size() > 300) open.pop_front();
    }
}

/// A request line and then a header, a byte at a time and never its end.
void slow_senders(const Target& target, std::stop_token stop) {
    std::deque<Connection> slow;
    for (int i = 0; i < 50; ++i) {
        slow.emplace_back(target.api);
        slow.back().send("GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ");
    }
    while (!stop.stop_requested()) {
        slow.pop_front();
        slow.emplace_back(target.api);
        slow.back().send("GET /v1/status HTTP/1.1\r\nX-");
        for (Connection& connection : slow) connection.send("a");
    }
}

void huge_bodies(const Target& target, std::stop_token stop) {
    const std::string megabyte(1024 * 1024, 'x');
    while (!stop.stop_requested()) {
        Connection announced(target.api);
        announced.send(request("POST", "/v1/payments", "Content-Length: 1000000000000\r\n"));
        announced.send(megabyte);
        Connection headers(target.api);
        headers.send("GET /v1/status HTTP/1.1\r\nX-Long: " + megabyte);
        Connection line(target.api);
        line.send("GET /" + megabyte);
    }
}

void path_tricks(const Target& target, std::stop_token stop) {
    constexpr std::array<std::string_view, 6> paths{
        "/v1/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//v1//status",
        "/v1/status%00.json",         "/v1/blocks/..%2f..%2f",     "http://elsewhere/v1/status"};
    while (!stop.stop_requested()) {
        for (const std::string_view path : paths) {
            Connection connection(target.api);
            connection.send(request("GET", path, ""));
            if (connection.is_let_in()) ++*target.let_in;
        }
    }
}

void token_guessing(const Target& target, std::stop_token stop) {
    std::uint64_t guess = 0;
    while (!stop.stop_requested()) {
        Connection connection(target.api);
        connection.send(request("GET", "/v1/status",
                                "Authorization: Bearer " + std::to_string(guess++) + "\r\n"));
        if (connection.is_let_in()) ++*target.let_in;
    }
}

}  // namespace

const std::array<Attack, 5> api_attacks{{
    {"half-open connections", half_open_connections},
    {"slow senders", slow_senders},
    {"huge bodies", huge_bodies},
    {"path tricks", path_tricks},
    {"token guessing", token_guessing},
}};

}  // namespace meshchain::tests
