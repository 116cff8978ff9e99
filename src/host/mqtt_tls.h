#pragma once
// What an MQTT client trusts: TLS 1.2 or later, a chain to an authority, and the broker's own name.
// Made by ourselves because libmosquitto is given an address, so that it never waits for a name
// service, and would check and tell the broker that address in place of the name.
//
// Errors: open() names the file, what is wrong with it and what to do.

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"

struct ssl_ctx_st;  // OpenSSL's context

namespace meshchain::host {

class MqttTls {
public:
    /// `host` is a name or an address. `authority` is a file in PEM; empty: what the system trusts.
    /// Errors: not_found and others of os_error, malformed (no certificate in it), io.
    static std::expected<std::unique_ptr<MqttTls>, base::Error> open(
        const std::string& host, const std::filesystem::path& authority);
    ~MqttTls();
    MqttTls(const MqttTls&) = delete;
    MqttTls& operator=(const MqttTls&) = delete;

    /// Borrowed; used by connections that end before this object.
    ssl_ctx_st* native() const { return context_; }

private:
    MqttTls() = default;

    ssl_ctx_st* context_ = nullptr;
    std::string name_;  ///< empty for an address
};

/// Whether the connection has bytes that are decrypted but not read.
bool has_pending(void* ssl);

}  // namespace meshchain::host
