#pragma once
// The bytes of one connection to a radio, over TCP or a serial port. A new one for each attempt.
//
// Ownership: what is under way keeps it alive. close() ends all of it; what was asked for is then
//            reported at most once more. What is read into lives until then.
// Threads:   that of the io_context. Nothing is reported within the call that asks for it.
// Errors:    say what cannot be reached or opened, why and what to do.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/error.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

struct TcpRadio {
    std::string host;  ///< a name or an address
    std::uint16_t port = 4403;
};

struct SerialRadio {
    std::string path;  ///< "/dev/ttyUSB0"; better one of /dev/serial/by-id, which stays the same
    unsigned baud = 115'200;
};

class RadioPort {
public:
    virtual ~RadioPort() = default;
    /// Errors: unavailable, not_found, unauthorized, locked, invalid_argument, io.
    virtual void open(std::function<void(std::optional<base::Error>)> opened) = 0;
    /// 0: the other side is gone.
    virtual void read(std::span<std::byte> into, std::function<void(std::size_t)> done) = 0;
    /// All of it. False: the other side is gone.
    virtual void write(base::Buffer bytes, std::function<void(bool)> done) = 0;
    virtual void close() = 0;
};

std::shared_ptr<RadioPort> make_tcp_port(boost::asio::io_context& context, TcpRadio radio);
/// Nobody else has it meanwhile, as far as they ask (flock, TIOCEXCL).
std::shared_ptr<RadioPort> make_serial_port(boost::asio::io_context& context, SerialRadio radio);

}  // namespace meshchain::host
