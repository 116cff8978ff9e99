#pragma once
// The certificate and key that the API shows over TLS, checked when they are loaded rather than
// when somebody connects.
//
// Errors: each names the file, what is wrong with it, and what to do.
// Limits: TLS 1.2 with forward secrecy and authenticated ciphers, or 1.3; no renegotiation, no
//         compression, no resumption.

#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace boost::asio::ssl {
class context;
}

struct x509_st;  // OpenSSL's certificate

namespace meshchain::host {

class TlsContext {
public:
    /// PEM files. Errors: not_found and others of os_error, unauthorized (the key is readable for
    /// others), malformed (no PEM, an encrypted key), invalid_argument (the key is another's).
    static std::expected<std::unique_ptr<TlsContext>, base::Error> open(
        const std::filesystem::path& certificate, const std::filesystem::path& key);
    ~TlsContext();

    /// Whether the certificate names this host, or it is an address, which no name service rebinds.
    bool is_host(std::string_view name) const;
    /// "sha256:" and the certificate's digest in hexadecimal.
    const std::string& fingerprint() const { return fingerprint_; }
    boost::asio::ssl::context& of_asio() const { return *context_; }

private:
    TlsContext();

    std::unique_ptr<boost::asio::ssl::context> context_;
    std::string fingerprint_;
};

/// As TlsContext::fingerprint() writes it.
std::string fingerprint_of(const x509_st* certificate);

}  // namespace meshchain::host
