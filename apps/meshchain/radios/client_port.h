#pragma once
// The TCP port of a radio. As the firmware has it, the newest client is served and any other one
// is hung up on.
//
// Ownership: borrows the io_context and what the functions refer to, which outlive it.
// Threads:   the io_context's one.
// Limits:    one client; reads no more of it before it has taken what it was sent.

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <expected>
#include <functional>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"

namespace meshchain::app {

class ClientPort {
public:
    struct Radio {
        std::function<void()> handle_open;
        std::function<void(base::Bytes)> handle_bytes;
        std::function<base::Buffer()> poll_bytes;
    };
    /// Port 0: any that is free. Errors: unavailable (the port cannot be had, with the reason).
    static std::expected<std::unique_ptr<ClientPort>, base::Error> open(
        boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& at, Radio radio);

    boost::asio::ip::tcp::endpoint address() const { return acceptor_.local_endpoint(); }
    /// Sends what the radio has for its client.
    void flush();

private:
    struct Client {
        explicit Client(boost::asio::ip::tcp::socket opened) : socket(std::move(opened)) {}

        boost::asio::ip::tcp::socket socket;
        std::array<std::byte, 4'096> buffer{};
        base::Buffer writing;
        bool is_reading = false;
    };

    ClientPort(boost::asio::io_context& context, Radio radio)
        : acceptor_(context), pause_(context), radio_(std::move(radio)) {}
    void accept();
    void accept_later();
    void read();
    void hang_up();

    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    Radio radio_;
    std::shared_ptr<Client> client_;
};

}  // namespace meshchain::app
