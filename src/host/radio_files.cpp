#include "host/radio_files.h"

#include <sys/stat.h>

#include <algorithm>

#include "host/mqtt_tls.h"
#include "host/passphrase.h"

namespace meshchain::host {
namespace {

namespace fs = std::filesystem;

/// What would wait for a writer, or never end, is not even opened.
std::expected<void, base::Error> check_kind(const fs::path& path) {
    std::error_code unknown;  // then reading says why
    const fs::file_status status = fs::status(path, unknown);
    if (unknown || !fs::exists(status) || fs::is_regular_file(status)) return {};
    return base::failure(base::Errc::invalid_argument, "this is no file", "",
                         "name a file that holds nothing else");
}

std::expected<void, base::Error> check_password(const fs::path& path) {
    MESH_CHECK(check_kind(path));
    MESH_TRY(const Secret password, read_passphrase_from_file(path));
    if (std::ranges::count(password.bytes(), std::byte{0}) == 0) return {};
    return base::failure(base::Errc::invalid_argument, "a password that MQTT cannot carry", "",
                         "use one without zeros");
}

std::expected<void, base::Error> check_authority(const std::string& host, const fs::path& path) {
    MESH_CHECK(check_kind(path));
    MESH_CHECK(MqttTls::open(host, path));
    return {};
}

/// By whatever names, links included; false where one is not there.
bool is_same_file(const std::string& one, const std::string& other) {
    struct stat first{};
    struct stat second{};
    if (::stat(one.c_str(), &first) != 0 || ::stat(other.c_str(), &second) != 0) return false;
    if (S_ISCHR(first.st_mode) && S_ISCHR(second.st_mode)) return first.st_rdev == second.st_rdev;
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

class Search {
public:
    Search(const std::vector<node::RadioConfig>& radios, const fs::path& folder)
        : radios_(radios), folder_(folder) {}

    void look_at(std::size_t index) {
        const node::RadioConfig& radio = radios_[index];
        const std::string field = "radios[" + std::to_string(index) + "]";
        if (const auto* mqtt = std::get_if<node::MqttRadio>(&radio.door)) {
            const fs::path password = folder_ / mqtt->password_path;
            const fs::path authority = folder_ / mqtt->authority_path;
            if (!mqtt->password_path.empty()) {
                note(check_password(password), field + ".mqtt.password_path", password);
            }
            if (!mqtt->authority_path.empty()) {
                note(check_authority(mqtt->host, authority), field + ".mqtt.authority_path",
                     authority);
            }
        }
        if (const auto* serial = std::get_if<node::SerialRadio>(&radio.door)) {
            look_for_same(*serial, index, field);
        }
    }
    std::vector<base::Error> take() { return std::move(found_); }

private:
    void note(std::expected<void, base::Error> result, std::string field, const fs::path& path) {
        if (result) return;
        base::Error error = std::move(result).error();
        found_.push_back(
            {error.code, path.string() + ": " + error.what, std::move(field), error.advice});
    }
    void look_for_same(const node::SerialRadio& serial, std::size_t index,
                       const std::string& field) {
        for (std::size_t before = 0; before < index; ++before) {
            const auto* other = std::get_if<node::SerialRadio>(&radios_[before].door);
            if (other == nullptr || !is_same_file(other->path, serial.path)) continue;
            found_.push_back({base::Errc::invalid_argument,
                              serial.path + " is the radio of radios[" + std::to_string(before) +
                                  "], " + other->path,
                              field, "name each radio once, as both would spend its air"});
            return;
        }
    }

    const std::vector<node::RadioConfig>& radios_;
    const fs::path& folder_;
    std::vector<base::Error> found_;
};

}  // namespace

std::vector<base::Error> radio_file_problems(const std::vector<node::RadioConfig>& radios,
                                             const fs::path& folder) {
    Search search(radios, folder);
    for (std::size_t i = 0; i < radios.size(); ++i) search.look_at(i);
    return search.take();
}

}  // namespace meshchain::host
