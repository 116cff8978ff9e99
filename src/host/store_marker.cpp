#include "host/store_marker.h"

#include "host/file.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

constexpr std::string_view content =
    "This folder has a store. Without it the node refuses to start; see `meshchain doctor`.\n";

}  // namespace

std::expected<bool, base::Error> read_store_marker(const DataFolder& folder) {
    const auto bytes = read_file(folder.store_marker(), 1024);
    if (bytes) return true;
    if (bytes.error().code == base::Errc::not_found) return false;
    return std::unexpected(bytes.error());
}

std::expected<void, base::Error> write_store_marker(const DataFolder& folder) {
    if (std::filesystem::exists(folder.store_marker())) return {};
    return write_file(folder.store_marker(), base::as_bytes(content));
}

std::expected<void, base::Error> check_store_marker(const DataFolder& folder, kv::Store& store) {
    MESH_TRY(const bool marked, read_store_marker(folder));
    if (!marked) return {};
    for (const kv::TableInfo& table : node::node_tables) {
        MESH_TRY(const std::uint64_t entries, store.count(table.table));
        if (entries > 0) return {};
    }
    return base::failure(base::Errc::not_found, "the store holds nothing, and it once did",
                         folder.root().string(), empty_store_advice);
}

bool is_empty_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error || size == 0;
}

}  // namespace meshchain::host
