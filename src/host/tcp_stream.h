#pragma once
// An accepted TCP connection as an HttpStream. For .cpp files only: it includes asio.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "host/http_stream.h"

namespace meshchain::host {

/// `io` is the socket's, and outlives the stream.
std::unique_ptr<HttpStream> make_tcp_stream(boost::asio::io_context& io,
                                            boost::asio::ip::tcp::socket socket);

}  // namespace meshchain::host
