#include "host/mqtt_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/ip/address.hpp>

#include "host/file.h"

namespace meshchain::host {
namespace {

constexpr std::size_t authority_bytes_max = 1'000'000;

std::unexpected<base::Error> no_tls_for(const char* what) {
    return base::failure(base::Errc::io, std::string("OpenSSL refuses ") + what, "mqtt",
                         "check the OpenSSL that is installed");
}

std::expected<void, base::Error> trust(SSL_CTX* context, const std::filesystem::path& authority) {
    if (authority.empty()) {
        if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
        return no_tls_for("the system's authorities");
    }
    MESH_CHECK(read_file(authority, authority_bytes_max));
    if (SSL_CTX_load_verify_file(context, authority.c_str()) == 1) return {};
    return base::failure(base::Errc::malformed, "no certificate in PEM", authority.string(),
                         "name the file that the broker's administrator gives out as its CA");
}

/// Before the first byte leaves: which name we want, or none where it is an address.
void name_server(const SSL* ssl, int where, int) {
    if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
    const auto* name = static_cast<const std::string*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    // OpenSSL copies it.
    char* const wanted = name->empty() ? nullptr : const_cast<char*>(name->c_str());
    SSL_set_tlsext_host_name(const_cast<SSL*>(ssl), wanted);
}

}  // namespace

std::expected<std::unique_ptr<MqttTls>, base::Error> MqttTls::open(
    const std::string& host, const std::filesystem::path& authority) {
    std::unique_ptr<MqttTls> tls(new MqttTls);
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    if (context == nullptr) return no_tls_for("TLS");
    tls->context_ = context;
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return no_tls_for("TLS 1.2");
    MESH_CHECK(trust(context, authority));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM* const wanted = SSL_CTX_get0_param(context);
    boost::system::error_code no_address;
    boost::asio::ip::make_address(host, no_address);
    if (no_address) tls->name_ = host;
    const int set = no_address ? X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size())
                               : X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
    if (set != 1) return no_tls_for("the broker's name");
    SSL_CTX_set_app_data(context, &tls->name_);
    SSL_CTX_set_info_callback(context, name_server);
    // libmosquitto writes from buffers that it may move between two tries.
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

MqttTls::~MqttTls() { SSL_CTX_free(context_); }

bool has_pending(void* ssl) { return ssl != nullptr && SSL_pending(static_cast<SSL*>(ssl)) > 0; }

}  // namespace meshchain::host
