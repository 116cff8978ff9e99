#pragma once
// An accepted TCP connection with TLS as an HttpStream. For .cpp files only: it includes asio.

#include <boost/asio/ip/tcp.hpp>

#include "host/http_stream.h"
#include "host/tls_context.h"

namespace meshchain::host {

/// `context` outlives the stream.
std::unique_ptr<HttpStream> make_tls_stream(boost::asio::ip::tcp::socket socket,
                                            TlsContext& context);

}  // namespace meshchain::host
