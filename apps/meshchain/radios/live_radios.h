#pragma once
// StreamRadios in real time, or a multiple of it, each on a TCP port of its own.
//
// Ownership: borrows the io_context, which outlives it and runs no more once this is destroyed.
// Threads:   the io_context's one.
// Limits:    those of sim::StreamRadios; loopback alone, for a radio obeys whoever connects.

#include <boost/asio/steady_timer.hpp>

#include "meshchain/radios/client_port.h"
#include "sim/stream_radios.h"

namespace meshchain::app {

class LiveRadios {
public:
    using Opened = std::expected<std::unique_ptr<LiveRadios>, base::Error>;
    /// On one port after the other from that of `first` on; port 0: any that are free.
    /// Errors: invalid_argument (says which option), unavailable (a port cannot be had).
    static Opened open(boost::asio::io_context& context, const sim::StreamRadios::Options& options,
                       const boost::asio::ip::tcp::endpoint& first, double speed);

    std::size_t size() const { return radios_.size(); }
    boost::asio::ip::tcp::endpoint address(std::size_t index) const {
        return ports_.at(index)->address();
    }

private:
    LiveRadios(boost::asio::io_context& context, const sim::StreamRadios::Options& options,
               double speed);

    std::expected<void, base::Error> listen(boost::asio::io_context& context,
                                            const boost::asio::ip::tcp::endpoint& first);
    /// The time on the air.
    base::Instant now() const;
    /// Does what is due, brings clients their news, and comes back for what is next.
    void go_on();

    double speed_;
    base::Instant started_;
    sim::StreamRadios radios_;
    std::vector<std::unique_ptr<ClientPort>> ports_;
    boost::asio::steady_timer timer_;
};

}  // namespace meshchain::app
