#include "meshchain/radios/client_port.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace meshchain::app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto accept_pause = std::chrono::milliseconds(100);

}  // namespace

std::expected<std::unique_ptr<ClientPort>, base::Error> ClientPort::open(asio::io_context& context,
                                                                         const tcp::endpoint& at,
                                                                         Radio radio) {
    std::unique_ptr<ClientPort> port(new ClientPort(context, std::move(radio)));
    error_code error;
    port->acceptor_.open(at.protocol(), error);
    if (!error) port->acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) port->acceptor_.bind(at, error);
    if (!error) port->acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (error) {
        return base::failure(
            base::Errc::unavailable, "port " + std::to_string(at.port()) + ": " + error.message(),
            "simulated radio", "choose another with --listen, or 0 for any that is free");
    }
    port->accept();
    return port;
}

void ClientPort::accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (error) return accept_later();
        hang_up();
        client_ = std::make_shared<Client>(std::move(socket));
        radio_.handle_open();
        read();
        accept();
    });
}

/// What makes accepting fail, no descriptors being left, would make it fail again at once.
void ClientPort::accept_later() {
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](const error_code& error) {
        if (!error) accept();
    });
}

void ClientPort::read() {
    if (client_->is_reading || !client_->writing.empty()) return;
    client_->is_reading = true;
    client_->socket.async_read_some(
        asio::buffer(client_->buffer),
        [this, client = client_](const error_code& error, std::size_t bytes) {
            if (client != client_) return;
            if (error) return hang_up();
            client->is_reading = false;
            radio_.handle_bytes(base::Bytes(client->buffer).first(bytes));
            flush();
            read();
        });
}

void ClientPort::flush() {
    if (!client_ || !client_->writing.empty()) return;
    client_->writing = radio_.poll_bytes();
    if (client_->writing.empty()) return;
    asio::async_write(client_->socket, asio::buffer(client_->writing),
                      [this, client = client_](const error_code& error, std::size_t) {
                          if (client != client_) return;
                          if (error) return hang_up();
                          client->writing.clear();
                          flush();
                          read();
                      });
}

void ClientPort::hang_up() {
    if (!client_) return;
    error_code ignored;
    client_->socket.close(ignored);
    client_.reset();
}

}  // namespace meshchain::app
