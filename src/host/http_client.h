#pragma once
// One request to a node's API, waited for. For commands and the demo, never for the node itself.
//
// Time:   at most Options::timeout for connecting, sending and receiving together.
// Errors: unavailable (nobody listens there), timeout, malformed (no HTTP), too_large (answer over
//         the limit), unauthorized (not the certificate that is trusted), io.

#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "base/link.h"
#include "base/time.h"
#include "host/http.h"

namespace meshchain::host {

/// Which server is believed over TLS: one certificate, or all that an authority signed for the
/// address. Exactly one of the two is set.
struct TlsTrust {
    std::string fingerprint;          ///< as TlsContext::fingerprint() writes it
    std::filesystem::path authority;  ///< PEM
};

/// For a value in a query: everything but letters, digits and -._~ as %XX (RFC 3986, section 2.1).
std::string percent_encoded(std::string_view text);

class HttpClient {
public:
    struct Options {
        base::LinkAddress address;
        std::string token;
        std::optional<TlsTrust> tls{};
        base::Duration timeout = std::chrono::seconds(10);
        std::size_t response_bytes_max = 4 * 1024 * 1024;
    };

    explicit HttpClient(Options options) : options_(std::move(options)) {}

    /// `target` is path and query, encoded. Any HTTP status is a response, not an Error.
    std::expected<HttpResponse, base::Error> send(std::string_view method, std::string_view target,
                                                  std::string_view body = {}) const;

private:
    Options options_;
};

}  // namespace meshchain::host
