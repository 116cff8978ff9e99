#include "host/node_store.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "host/argon2_kdf.h"
#include "host/file_region.h"
#include "host/locked_memory.h"
#include "host/sqlite_store.h"
#include "host/store_key.h"
#include "host/store_salvage.h"
#include "host/system_entropy.h"
#include "kv/flash_log.h"
#include "kv/sealed_region.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

using Opened = std::expected<std::unique_ptr<kv::Store>, base::Error>;

bool only_reads(StoreMode mode) {
    return mode == StoreMode::read_only || mode == StoreMode::salvage;
}

/// Who only reads is not held to it.
kv::StoreOptions options_of(const node::NodeConfig& config, StoreMode mode) {
    return {node::node_tables, !only_reads(mode) ? std::uint64_t{config.store_quota_mb} << 20 : 0};
}

bool is_flash_log(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, flash_log_head.size()> head{};
    file.read(head.data(), head.size());
    return file && std::string_view(head.data(), head.size()) == flash_log_head;
}

Opened open_sqlite(const std::filesystem::path& path, const node::NodeConfig& config,
                   StoreMode mode) {
    using Mode = SqliteOptions::Mode;
    const Mode modes[] = {Mode::create_if_absent, Mode::must_exist, Mode::read_only,
                          Mode::read_only};
    auto store = SqliteStore::open(path, options_of(config, mode),
                                   {.mode = modes[static_cast<std::size_t>(mode)]});
    if (store) return Opened(*std::move(store));
    base::Error error = std::move(store).error();
    if (error.code == base::Errc::corrupt && is_flash_log(path)) error.advice = other_engine_advice;
    return std::unexpected(std::move(error));
}

/// A flash log in a file, opened step by step: the key of an encrypted one is asked for once.
class FlashLogFile {
public:
    FlashLogFile(const DataFolder& folder, const node::NodeConfig& config)
        : folder_(&folder), config_(&config), path_(folder.store(config)) {}

    Opened open(StoreMode mode);

private:
    using File = std::expected<std::unique_ptr<FileRegion>, base::Error>;
    using Region = std::expected<std::unique_ptr<base::Region>, base::Error>;

    bool is_sealed() const { return config_->store_encryption != node::StoreEncryption::none; }
    FileRegion::Options region_options(StoreMode mode) const;
    File open_file(StoreMode mode);
    std::expected<void, base::Error> find_key(bool is_new);
    Region unseal(std::unique_ptr<FileRegion> file, bool is_new);
    Opened open(std::unique_ptr<base::Region> region, StoreMode mode) const;

    const DataFolder* folder_;
    const node::NodeConfig* config_;
    std::filesystem::path path_;
    std::optional<base::SecretBuffer> key_;
};

FileRegion::Options FlashLogFile::region_options(StoreMode mode) const {
    using Mode = FileRegion::Mode;
    const Mode modes[] = {Mode::create_if_absent, Mode::must_exist, Mode::read_only,
                          Mode::read_only};
    return {.mode = modes[static_cast<std::size_t>(mode)],
            .size_bytes = std::uint64_t{config_->store_size_mb} << 20};
}

std::expected<void, base::Error> FlashLogFile::find_key(bool is_new) {
    if (key_) return {};
    Argon2Kdf kdf;
    SystemEntropy entropy;
    const StoreKeyDoors doors{.kdf = kdf, .entropy = entropy};
    MESH_TRY(key_, is_new && !has_store_key(*folder_, *config_)
                       ? make_store_key(doors, *folder_, *config_)
                       : load_store_key(doors, *folder_, *config_));
    return {};
}

/// The file itself, or what its key makes of it.
FlashLogFile::Region FlashLogFile::unseal(std::unique_ptr<FileRegion> file, bool is_new) {
    if (!is_sealed()) {
        if (!has_store_key(*folder_, *config_)) return file;
        return base::failure(base::Errc::invalid_argument, "the store is encrypted", path_.string(),
                             "set store.encryption to what it was made with");
    }
    MESH_CHECK(find_key(is_new));
    base::SecretBuffer key(secret_memory(), std::as_const(*key_).bytes());
    MESH_TRY(std::unique_ptr<base::Region> region,
             kv::SealedRegion::open(std::move(file), std::move(key),
                                    std::make_unique<SystemEntropy>(), {}));
    return region;
}

/// The file of the store, grown to its configured size. Before that it is read as it is: zeros
/// behind a log that was cut short would hide the cut, and a file that is no log is not ours.
FlashLogFile::File FlashLogFile::open_file(StoreMode mode) {
    FileRegion::Options options = region_options(mode);
    MESH_TRY(auto file, FileRegion::open(path_, options));
    const bool is_small = file->size_bytes() < options.size_bytes;
    if (only_reads(mode) || file->is_blank() || !is_small) return file;
    MESH_TRY(auto region, unseal(std::move(file), false));
    MESH_CHECK(open(std::move(region), StoreMode::read_only));
    options.grows = true;
    return FileRegion::open(path_, options);
}

Opened FlashLogFile::open(StoreMode mode) {
    MESH_TRY(auto file, open_file(mode));
    const bool is_new = mode == StoreMode::create_if_absent && file->is_blank();
    MESH_TRY(auto region, unseal(std::move(file), is_new));
    if (is_new) MESH_CHECK(kv::FlashLog::format(*region));
    return open(std::move(region), mode);
}

Opened FlashLogFile::open(std::unique_ptr<base::Region> region, StoreMode mode) const {
    kv::FlashLogOptions options;
    options.read_only = only_reads(mode);
    options.ends_at_damage = mode == StoreMode::salvage;
    auto store = kv::FlashLog::open(std::move(region), options_of(*config_, mode), options);
    if (store) return Opened(*std::move(store));
    base::Error error = std::move(store).error();
    if (error.code == base::Errc::corrupt) error.advice = salvage_advice;
    if (error.code == base::Errc::not_found) {
        error = {base::Errc::corrupt,
                 is_sealed() ? "this is no flash log that the key opens" : "this is no flash log",
                 "",
                 is_sealed() ? "put back the key that belongs to this store" : other_engine_advice};
    }
    if (error.code == base::Errc::invalid_argument) {
        error = {base::Errc::corrupt, "no flash log is so small: it was cut short, or is none", "",
                 "restore it, or make a new node"};
    }
    error.where = path_.string();
    return std::unexpected(std::move(error));
}

}  // namespace

Opened open_node_store(const DataFolder& folder, const node::NodeConfig& config, StoreMode mode) {
    MESH_CHECK(node::validate(config));
    return config.store_engine == node::StoreEngine::sqlite
               ? open_sqlite(folder.store(config), config, mode)
               : FlashLogFile(folder, config).open(mode);
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
        // What was moved away is given back with the index, and the index of before with the next.
        for (int i = 0; i < 2; ++i) MESH_CHECK(log.checkpoint());
        result.bytes_after = taken();
        MESH_CHECK(log.close());
    }
    return result;
}

}  // namespace meshchain::host
