#include "host/node_store.h"

#include "host/file_region.h"
#include "host/sqlite_store.h"
#include "kv/flash_log.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using Opened = std::expected<std::unique_ptr<kv::Store>, base::Error>;

Opened open_sqlite(const std::filesystem::path& path, StoreMode mode) {
    using Mode = SqliteOptions::Mode;
    const Mode modes[] = {Mode::create_if_absent, Mode::must_exist, Mode::read_only};
    MESH_TRY(auto store, SqliteStore::open(path, {.tables = node::node_tables},
                                           {.mode = modes[static_cast<std::size_t>(mode)]}));
    return Opened(std::move(store));
}

Opened open_flash_log(const std::filesystem::path& path, const node::NodeConfig& config,
                      StoreMode mode) {
    using Mode = FileRegion::Mode;
    const Mode modes[] = {Mode::create_if_absent, Mode::must_exist, Mode::read_only};
    MESH_TRY(auto region,
             FileRegion::open(path, {.mode = modes[static_cast<std::size_t>(mode)],
                                     .size_bytes = std::uint64_t{config.store_size_mb} << 20}));
    if (mode == StoreMode::create_if_absent && region->is_blank()) {
        MESH_CHECK(kv::FlashLog::format(*region));
    }
    kv::FlashLogOptions options;
    options.read_only = mode == StoreMode::read_only;
    auto store = kv::FlashLog::open(std::move(region), {.tables = node::node_tables}, options);
    if (store) return Opened(*std::move(store));
    base::Error error = std::move(store).error();
    if (error.code == base::Errc::not_found) {
        error = {base::Errc::corrupt, "this is no flash log", "",
                 "set store.engine to what the store was made with"};
    }
    error.where = path.string();
    return std::unexpected(std::move(error));
}

}  // namespace

Opened open_node_store(const DataFolder& folder, const node::NodeConfig& config, StoreMode mode) {
    const auto path = folder.store(config);
    return config.store_engine == node::StoreEngine::sqlite ? open_sqlite(path, mode)
                                                            : open_flash_log(path, config, mode);
}

}  // namespace meshchain::host
