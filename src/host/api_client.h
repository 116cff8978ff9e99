#pragma once
// Asks the node that runs in a data folder, by the address, token and certificate it left there. A
// folder with copies of these three files, or an authority's PEM as the last, reaches a node on
// another machine.
//
// Errors: closed (no node runs in that folder), unauthorized (another machine without TLS), those
// of HttpClient, and whatever the node
//         answered, code and words unchanged.

#include <expected>
#include <filesystem>
#include <string_view>

#include "host/http_client.h"
#include "host/json.h"

namespace meshchain::host {

class ApiClient {
public:
    static std::expected<ApiClient, base::Error> of_folder(
        const std::filesystem::path& folder, base::Duration timeout = std::chrono::seconds(30));

    std::expected<Json, base::Error> get(std::string_view target) const;
    std::expected<Json, base::Error> post(std::string_view target, const Json& body) const;

    const base::LinkAddress& address() const { return address_; }

private:
    ApiClient(const HttpClient::Options& options, std::filesystem::path folder)
        : http_(options), address_(options.address), folder_(std::move(folder)) {}
    std::expected<Json, base::Error> ask(std::string_view method, std::string_view target,
                                         std::string_view body) const;

    HttpClient http_;
    base::LinkAddress address_;
    std::filesystem::path folder_;
};

}  // namespace meshchain::host
