#pragma once
// What is wrong with a configuration, gathered: inside the module only.

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "base/utf8.h"
#include "node/radio_config.h"

namespace meshchain::node {

inline std::string ms_text(base::Duration duration) {
    return std::to_string(std::chrono::duration_cast<base::Milliseconds>(duration).count()) + " ms";
}

/// A value in an error: what no terminal may be given is not repeated, what is long is cut.
inline std::string quoted(std::string_view text) {
    if (!base::is_displayable(text)) return "this text";
    text = text.substr(0, 80);
    while (!base::is_displayable(text)) text.remove_suffix(1);
    return "'" + std::string(text) + "'";
}

/// Collects what is wrong; each check names its field once.
class Problems {
public:
    static constexpr std::size_t path_bytes_max = 4096;

    void add(std::string field, const std::string& value, const std::string& allowed) {
        found_.push_back({base::Errc::invalid_argument, value + " is not allowed", std::move(field),
                          "allowed: " + allowed});
    }
    void number(std::string field, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
        if (value >= low && value <= high) return;
        add(std::move(field), std::to_string(value),
            std::to_string(low) + " to " + std::to_string(high));
    }
    void duration(std::string field, base::Duration value, base::Duration low,
                  base::Duration high) {
        if (value >= low && value <= high) return;
        add(std::move(field), ms_text(value), ms_text(low) + " to " + ms_text(high));
    }
    void path(std::string field, const std::string& value) {
        if (!value.empty() && value.size() <= path_bytes_max && base::is_displayable(value)) return;
        add(std::move(field), quoted(value),
            "a path without control characters, of 1 to " + std::to_string(path_bytes_max) +
                " bytes");
    }
    std::vector<base::Error> take() { return std::move(found_); }

private:
    std::vector<base::Error> found_;
};

/// radio_config.cpp
void check_radios(const std::vector<RadioConfig>& radios, Problems& problems);

}  // namespace meshchain::node
