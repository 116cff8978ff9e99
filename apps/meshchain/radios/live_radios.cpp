#include "meshchain/radios/live_radios.h"

#include "host/monotonic.h"

namespace meshchain::app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

base::Duration times(base::Duration duration, double factor) {
    return base::Duration(
        static_cast<std::int64_t>(static_cast<double>(duration.count()) * factor));
}

std::expected<void, base::Error> check_place(const sim::StreamRadios::Options& options,
                                             const tcp::endpoint& first, double speed) {
    MESH_CHECK(sim::StreamRadios::check(options));
    if (!(speed >= 0.01 && speed <= 1'000)) {
        return base::failure(base::Errc::invalid_argument, "a speed of " + std::to_string(speed),
                             "--speed", "choose 0.01 to 1000; 1 is real time");
    }
    if (!first.address().is_loopback()) {
        return base::failure(base::Errc::invalid_argument,
                             first.address().to_string() +
                                 " can be reached by others, and a radio obeys whoever connects",
                             "--listen", "choose an address of this machine alone: 127.0.0.1");
    }
    if (first.port() + options.radios - 1 > 65'535) {
        return base::failure(
            base::Errc::invalid_argument,
            "there are not enough ports from " + std::to_string(first.port()) + " on", "--listen",
            "begin with a lower one");
    }
    return {};
}

}  // namespace

LiveRadios::LiveRadios(asio::io_context& context, const sim::StreamRadios::Options& options,
                       double speed)
    : speed_(speed), started_(host::monotonic_now()), radios_(options), timer_(context) {}

LiveRadios::Opened LiveRadios::open(asio::io_context& context,
                                    const sim::StreamRadios::Options& options,
                                    const tcp::endpoint& first, double speed) {
    MESH_CHECK(check_place(options, first, speed));
    std::unique_ptr<LiveRadios> live(new LiveRadios(context, options, speed));
    MESH_CHECK(live->listen(context, first));
    live->go_on();
    return live;
}

std::expected<void, base::Error> LiveRadios::listen(asio::io_context& context,
                                                    const tcp::endpoint& first) {
    for (std::size_t i = 0; i < size(); ++i) {
        tcp::endpoint at = first;
        if (first.port() != 0) at.port(static_cast<std::uint16_t>(first.port() + i));
        MESH_TRY(auto port,
                 ClientPort::open(context, at,
                                  {.handle_open = [this, i] { radios_.handle_open(i); },
                                   .handle_bytes =
                                       [this, i](base::Bytes bytes) {
                                           radios_.handle_bytes(now(), i, bytes);
                                           go_on();
                                       },
                                   .poll_bytes = [this, i] { return radios_.poll_bytes(i); }}));
        ports_.push_back(std::move(port));
    }
    return {};
}

base::Instant LiveRadios::now() const {
    return base::Instant(times(host::monotonic_now() - started_, speed_));
}

void LiveRadios::go_on() {
    radios_.handle_timeout(now());
    for (const auto& port : ports_) port->flush();
    const base::Duration until = radios_.poll_timeout().time_since_epoch();
    timer_.expires_at(host::to_steady(started_ + times(until, 1 / speed_)));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) go_on();
    });
}

}  // namespace meshchain::app
