#include "host/node_store.h"

#include <algorithm>

#include "host/argon2_kdf.h"
#include "host/file_region.h"
#include "host/sqlite_store.h"
#include "host/store_key.h"
#include "host/system_entropy.h"
#include "kv/flash_log.h"
#include "kv/sealed_region.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using Opened = std::expected<std::unique_ptr<kv::Store>, base::Error>;

/// Who only reads is not held to it.
kv::StoreOptions options_of(const node::NodeConfig& config, StoreMode mode) {
    const bool writes = mode != StoreMode::read_only;
    return {node::node_tables, writes ? std::uint64_t{config.store_quota_mb} << 20 : 0};
}

Opened open_sqlite(const std::filesystem::path& path, const node::NodeConfig& config,
                   StoreMode mode) {
    using Mode = SqliteOptions::Mode;
    const Mode modes[] = {Mode::create_if_absent, Mode::must_exist, Mode::read_only};
    MESH_TRY(auto store, SqliteStore::open(path, options_of(config, mode),
                                           {.mode = modes[static_cast<std::size_t>(mode)]}));
    return Opened(std::move(store));
}

using Region = std::expected<std::unique_ptr<base::Region>, base::Error>;

/// The file itself, or what its key makes of it.
Region unsealed(const DataFolder& folder, const node::NodeConfig& config,
                std::unique_ptr<FileRegion> file, StoreMode mode) {
    if (config.store_encryption == node::StoreEncryption::none) {
        if (!has_store_key(folder, config)) return file;
        return base::failure(base::Errc::invalid_argument, "the store is encrypted",
                             folder.store(config).string(),
                             "set store.encryption to what it was made with");
    }
    Argon2Kdf kdf;
    auto entropy = std::make_unique<SystemEntropy>();
    const StoreKeyDoors doors{.kdf = kdf, .entropy = *entropy};
    const bool is_new =
        mode == StoreMode::create_if_absent && file->is_blank() && !has_store_key(folder, config);
    MESH_TRY(auto key, is_new ? make_store_key(doors, folder, config)
                              : load_store_key(doors, folder, config));
    MESH_TRY(std::unique_ptr<base::Region> region,
             kv::SealedRegion::open(std::move(file), std::move(key), std::move(entropy), {}));
    return region;
}

FileRegion::Options region_options(const node::NodeConfig& config, StoreMode mode) {
    using Mode = FileRegion::Mode;
    const Mode modes[] = {Mode::create_if_absent, Mode::must_exist, Mode::read_only};
    return {.mode = modes[static_cast<std::size_t>(mode)],
            .size_bytes = std::uint64_t{config.store_size_mb} << 20};
}

Opened open_flash_log(const DataFolder& folder, const node::NodeConfig& config, StoreMode mode);

/// The file of the store, grown to its configured size. Before that it is read as it is: zeros
/// behind a log that was cut short would hide the cut, and a file that is no log is not ours.
std::expected<std::unique_ptr<FileRegion>, base::Error> open_file(const DataFolder& folder,
                                                                  const node::NodeConfig& config,
                                                                  StoreMode mode) {
    FileRegion::Options options = region_options(config, mode);
    const auto path = folder.store(config);
    MESH_TRY(auto file, FileRegion::open(path, options));
    const bool is_small = file->size_bytes() < options.size_bytes;
    if (mode == StoreMode::read_only || file->is_blank() || !is_small) return file;
    file.reset();
    MESH_CHECK(open_flash_log(folder, config, StoreMode::read_only));
    options.grows = true;
    return FileRegion::open(path, options);
}

Opened open_flash_log(const DataFolder& folder, const node::NodeConfig& config, StoreMode mode) {
    const auto path = folder.store(config);
    MESH_TRY(auto file, open_file(folder, config, mode));
    const bool is_new = mode == StoreMode::create_if_absent && file->is_blank();
    MESH_TRY(auto region, unsealed(folder, config, std::move(file), mode));
    if (is_new) MESH_CHECK(kv::FlashLog::format(*region));
    kv::FlashLogOptions options;
    options.read_only = mode == StoreMode::read_only;
    auto store = kv::FlashLog::open(std::move(region), options_of(config, mode), options);
    if (store) return Opened(*std::move(store));
    base::Error error = std::move(store).error();
    if (error.code == base::Errc::not_found) {
        const bool is_sealed = config.store_encryption != node::StoreEncryption::none;
        error = {base::Errc::corrupt,
                 is_sealed ? "this is no flash log that the key opens" : "this is no flash log", "",
                 is_sealed ? "put back the key that belongs to this store"
                           : "set store.engine to what the store was made with"};
    }
    if (error.code == base::Errc::invalid_argument) {
        error = {base::Errc::corrupt, "no flash log is so small: it was cut short, or is none", "",
                 "restore it, or make a new node"};
    }
    error.where = path.string();
    return std::unexpected(std::move(error));
}

}  // namespace

Opened open_node_store(const DataFolder& folder, const node::NodeConfig& config, StoreMode mode) {
    MESH_CHECK(node::validate(config));
    return config.store_engine == node::StoreEngine::sqlite
               ? open_sqlite(folder.store(config), config, mode)
               : open_flash_log(folder, config, mode);
}

std::expected<Compaction, base::Error> compact_node_store(const DataFolder& folder,
                                                          const node::NodeConfig& config) {
    MESH_TRY(const auto store, open_node_store(folder, config, StoreMode::must_exist));
    Compaction result;
    if (config.store_engine == node::StoreEngine::sqlite) {
        auto& sqlite = static_cast<SqliteStore&>(*store);
        result.bytes_before = sqlite.file_bytes();
        MESH_CHECK(sqlite.compact());
        result.bytes_after = sqlite.file_bytes();
    } else {
        constexpr std::uint32_t step_bytes = 1 << 20;
        auto& log = static_cast<kv::FlashLog&>(*store);
        const auto taken = [&] {
            const kv::FlashLogFigures figures = log.figures();
            const std::uint64_t segment = figures.region_bytes / std::max(figures.segments, 1U);
            return (figures.segments - figures.segments_free) * segment;
        };
        result.bytes_before = taken();
        for (bool goes_on = true; goes_on;) {
            MESH_TRY(goes_on, log.collect(step_bytes));
        }
        result.bytes_after = taken();
        MESH_CHECK(log.close());
    }
    return result;
}

}  // namespace meshchain::host
