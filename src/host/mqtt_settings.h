#pragma once
// Whether settings for MQTT can work at all, before anything is tried.

#include <expected>

#include "host/mqtt_link.h"

namespace meshchain::host {

/// Errors: invalid_argument (which setting, what is wrong with it and what to do).
std::expected<void, base::Error> check_mqtt(const MqttOptions& options);

}  // namespace meshchain::host
