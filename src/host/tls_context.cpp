#include "host/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cerrno>

#include "base/bytes.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

using base::Errc;

constexpr char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2

/// What OpenSSL says last; empties its queue, which is the thread's.
std::string openssl_reason() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char* const reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "unknown error";
}

std::expected<struct ::stat, base::Error> status_of(const std::filesystem::path& path) {
    struct ::stat status{};
    if (::stat(path.c_str(), &status) == 0) return status;
    return std::unexpected(os_error(errno, "read", path));
}

std::expected<void, base::Error> check_key_file(const std::filesystem::path& key) {
    MESH_TRY(const auto status, status_of(key));
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
    return base::failure(Errc::unauthorized, "the TLS key may be read by others", key.string(),
                         "chmod 600 " + key.string());
}

/// An encrypted key would have to be asked for on a terminal that a node does not have.
int no_passphrase(char*, int, int, void*) { return 0; }

std::expected<void, base::Error> load(SSL_CTX* context, const std::filesystem::path& certificate,
                                      const std::filesystem::path& key) {
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
        return base::failure(Errc::malformed, "no certificate: " + openssl_reason(),
                             certificate.string(), "name a file in PEM in api.tls_certificate");
    }
    ERR_clear_error();
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
        const auto last = ERR_peek_last_error();
        if (ERR_GET_LIB(last) == ERR_LIB_X509 &&
            ERR_GET_REASON(last) == X509_R_KEY_VALUES_MISMATCH) {
            ERR_clear_error();
            return base::failure(Errc::invalid_argument,
                                 "the TLS key does not belong to the certificate", key.string(),
                                 "name the key that " + certificate.string() + " was made with");
        }
        return base::failure(Errc::malformed, "no key: " + openssl_reason(), key.string(),
                             "name an unencrypted file in PEM in api.tls_key");
    }
    if (SSL_CTX_check_private_key(context) == 1) return {};
    return base::failure(Errc::invalid_argument,
                         "the TLS key does not belong to the certificate: " + openssl_reason(),
                         key.string(),
                         "name the key that " + certificate.string() + " was made with");
}

void harden(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, ciphers);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
}

}  // namespace

TlsContext::TlsContext()
    : context_(std::make_unique<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server)) {
}
TlsContext::~TlsContext() = default;

std::expected<std::unique_ptr<TlsContext>, base::Error> TlsContext::open(
    const std::filesystem::path& certificate, const std::filesystem::path& key) {
    MESH_CHECK(status_of(certificate));
    MESH_CHECK(check_key_file(key));
    std::unique_ptr<TlsContext> made(new TlsContext);
    SSL_CTX* const context = made->context_->native_handle();
    harden(context);
    MESH_CHECK(load(context, certificate, key));
    made->fingerprint_ = fingerprint_of(SSL_CTX_get0_certificate(context));
    return made;
}

bool TlsContext::is_host(std::string_view name) const {
    const bool bracketed = name.starts_with('[') && name.ends_with(']');
    const std::string plain(bracketed ? name.substr(1, name.size() - 2) : name);
    boost::system::error_code no_address;
    boost::asio::ip::make_address(plain, no_address);
    if (!no_address) return true;
    return X509_check_host(SSL_CTX_get0_certificate(context_->native_handle()), plain.data(),
                           plain.size(), 0, nullptr) == 1;
}

std::string fingerprint_of(const x509_st* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    X509_digest(certificate, EVP_sha256(), digest.data(), &size);
    return "sha256:" + base::to_hex(std::as_bytes(std::span(digest).first(size)));
}

}  // namespace meshchain::host
