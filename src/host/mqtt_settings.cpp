#include "host/mqtt_settings.h"

#include "base/utf8.h"
#include "host/backoff.h"
#include "node/radio_config.h"

namespace meshchain::host {
namespace {

constexpr std::size_t secret_bytes_max = 1'024;

std::unexpected<base::Error> refuse(std::string what, std::string advice) {
    return base::failure(base::Errc::invalid_argument, std::move(what), "mqtt", std::move(advice));
}

std::expected<void, base::Error> check_root(const std::string& root) {
    const std::string_view fault = node::root_fault(root);
    if (fault.empty()) return {};
    const std::string shown =
        base::is_displayable(root) ? "\"" + root + "\"" : "of unprintable characters";
    return refuse("root topic " + shown + " " + std::string(fault),
                  "use that of the gateways, such as msh or msh/EU_868");
}

}  // namespace

std::expected<void, base::Error> check_mqtt(const MqttOptions& options) {
    if (!node::is_broker_host(options.host)) {
        // A link with a password in it is not repeated either.
        const bool is_shown =
            base::is_displayable(options.host) && options.host.find('@') == std::string::npos;
        return refuse("host \"" + (is_shown ? options.host : "") + "\" is no name or address",
                      "write it without mqtt:// and without the port, which has a setting of its "
                      "own");
    }
    if (options.port == 0) return refuse("port 0", "use 1883, or 8883 with TLS");
    if (options.user.empty() && !options.password.empty()) {
        return refuse("a password without a user", "name the user, or leave both out");
    }
    // The texts are not repeated: one of them is a secret.
    if (options.user.size() > secret_bytes_max || options.password.size() > secret_bytes_max ||
        options.user.find('\0') != std::string::npos ||
        options.password.find('\0') != std::string::npos ||
        !base::is_utf8(base::as_bytes(options.user))) {
        return refuse("a user or password that MQTT cannot carry",
                      "use at most 1,024 bytes of UTF-8 without zeros");
    }
    if (!options.tls && !options.authority.empty()) {
        return refuse("an authority, but no TLS", "switch TLS on, or name no authority");
    }
    if (options.keep_alive < std::chrono::seconds(5) ||
        options.keep_alive > std::chrono::hours(1)) {
        return refuse("a keep-alive out of range", "choose 5 seconds to an hour");
    }
    if (options.unsent_max == 0) {
        return refuse("no packet may wait for the broker, so that none could be sent",
                      "let at least 1 wait; 8 by default");
    }
    MESH_CHECK(check_pauses(options.retry_min, options.retry_max, "mqtt"));
    return check_root(options.root);
}

}  // namespace meshchain::host
