#include "host/api_client.h"

#include "host/data_folder.h"
#include "host/file.h"
#include "host/json_document.h"
#include "node/config.h"

namespace meshchain::host {
namespace {

constexpr std::size_t certificate_bytes_max = 64 * 1024;

base::Error not_running(const std::filesystem::path& folder) {
    return {base::Errc::closed, "no node runs in this folder", folder.string(),
            "start it with `meshchain node run --data " + folder.string() +
                "`, or name another folder by --data"};
}

std::expected<std::string, base::Error> first_line(const std::filesystem::path& path) {
    MESH_TRY(const base::Buffer bytes, read_file(path, 1024));
    const std::string text(base::as_text(bytes));
    return text.substr(0, text.find('\n'));
}

/// A fingerprint, or the authorities that are trusted; nothing where the file is not there.
std::expected<std::optional<TlsTrust>, base::Error> trust_of(const std::filesystem::path& path) {
    const auto bytes = read_file(path, certificate_bytes_max);
    if (!bytes && bytes.error().code == base::Errc::not_found) return std::nullopt;
    if (!bytes) return std::unexpected(bytes.error());
    const std::string text(base::as_text(*bytes));
    if (!text.starts_with("sha256:")) return TlsTrust{.fingerprint = {}, .authority = path};
    return TlsTrust{.fingerprint = text.substr(0, text.find('\n')), .authority = {}};
}

}  // namespace

std::expected<ApiClient, base::Error> ApiClient::of_folder(const std::filesystem::path& folder,
                                                           base::Duration timeout) {
    const DataFolder files(folder);
    const auto address_text = first_line(files.api_address());
    const auto token = first_line(files.api_token());
    for (const auto* read : {&address_text, &token}) {
        if (*read) continue;
        if (read->error().code == base::Errc::not_found) {
            return std::unexpected(not_running(folder));
        }
        return std::unexpected(read->error());
    }
    MESH_TRY(const base::LinkAddress address, base::parse_link_address(*address_text));
    MESH_TRY(const auto trust, trust_of(files.api_certificate()));
    if (!trust && !node::is_loopback(address)) {
        return base::failure(base::Errc::unauthorized,
                             "the token would travel in the clear to " + *address_text,
                             folder.string(), "put the node's api.certificate there too");
    }
    return ApiClient({.address = address, .token = *token, .tls = trust, .timeout = timeout},
                     folder);
}

std::expected<Json, base::Error> ApiClient::ask(std::string_view method, std::string_view target,
                                                std::string_view body) const {
    auto response = http_.send(method, target, body);
    if (!response) {
        // What a killed node leaves behind: the files, and nobody who listens.
        const bool nobody = response.error().code == base::Errc::unavailable;
        return std::unexpected(nobody ? not_running(folder_) : response.error());
    }
    auto json = parse_json(response->body, "answer");
    // The health of a node that is ill comes with 503, and is an answer all the same.
    const bool is_error = response->status >= 300;
    if (is_error && (!json || !json->is_object() || json->contains("error"))) {
        return std::unexpected(parse_error_response(*response));
    }
    return json;
}

std::expected<Json, base::Error> ApiClient::get(std::string_view target) const {
    return ask("GET", target, {});
}
std::expected<Json, base::Error> ApiClient::post(std::string_view target, const Json& body) const {
    return ask("POST", target, to_line(body));
}

}  // namespace meshchain::host
