#include "meshchain/embedding_file.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "host/file.h"
#include "host/json_document.h"

namespace meshchain::app {
namespace {

using host::Json;

constexpr std::size_t dimensions = 512;
constexpr std::size_t file_bytes_max = 64 * 1024;

base::Error wrong(base::Errc code, std::string what, const std::filesystem::path& path) {
    return {code, std::move(what), path.string(),
            "write 512 finite numbers: 2,048 bytes of float32, little-endian, or a JSON list"};
}

float float_at(base::Bytes bytes) {
    std::uint32_t bits = 0;
    for (std::size_t i = sizeof bits; i-- > 0;) {
        bits = bits << 8 | std::to_integer<std::uint32_t>(bytes[i]);
    }
    return std::bit_cast<float>(bits);
}

/// JSON has no control characters but these, and a list of numbers nothing outside ASCII.
bool is_text(base::Bytes bytes) {
    return std::ranges::all_of(bytes, [](std::byte byte) {
        const auto c = std::to_integer<unsigned>(byte);
        return c == '\t' || c == '\r' || c == '\n' || (c >= 0x20 && c < 0x7f);
    });
}

std::expected<Json, base::Error> read_floats(base::Bytes bytes, const std::filesystem::path& path) {
    if (bytes.size() % sizeof(float) != 0) {
        return std::unexpected(wrong(
            base::Errc::malformed,
            std::to_string(bytes.size()) + " bytes, neither text nor whole float32 numbers", path));
    }
    const std::size_t count = bytes.size() / sizeof(float);
    if (count != dimensions) {
        return std::unexpected(wrong(
            base::Errc::invalid_argument,
            std::to_string(count) + " float32 numbers, not " + std::to_string(dimensions), path));
    }
    Json numbers = Json::array();
    for (std::size_t i = 0; i < count; ++i) {
        const float value = float_at(bytes.subspan(sizeof(float) * i, sizeof(float)));
        if (!std::isfinite(value)) {
            return std::unexpected(wrong(base::Errc::invalid_argument,
                                         "value " + std::to_string(i + 1) + " of " +
                                             std::to_string(count) + " is " +
                                             (std::isnan(value) ? "NaN" : "infinite"),
                                         path));
        }
        numbers.push_back(value);
    }
    return numbers;
}

}  // namespace

std::expected<Json, base::Error> read_embedding(const std::filesystem::path& path) {
    MESH_TRY(const base::Buffer bytes, host::read_file(path, file_bytes_max));
    if (is_text(bytes)) return host::parse_json(base::as_text(bytes), path.string());
    return read_floats(bytes, path);
}

}  // namespace meshchain::app
