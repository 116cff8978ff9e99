#include "host/store_marker.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "host/file.h"
#include "host/os_error.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

base::Buffer content_of(const StoreMark& mark, std::uint64_t turn) {
    base::Buffer content(store_marker_bytes);
    const StoreMarkBytes slot = encode(mark, turn);
    for (const std::size_t at : {std::size_t{0}, store_mark_distance}) {
        std::ranges::copy(slot, base::MutableBytes(content).subspan(at).begin());
    }
    return content;
}

std::expected<bool, base::Error> holds_something(kv::Store& store) {
    for (const kv::TableInfo& table : node::node_tables) {
        MESH_TRY(const std::uint64_t entries, store.count(table.table));
        if (entries > 0) return true;
    }
    return false;
}

crypto::Hash name_of(const node::NodeConfig& config) {
    return crypto::hash(base::as_bytes(config.storage_path));
}

std::unexpected<base::Error> older(const DataFolder& folder, const node::NodeConfig& config,
                                   const std::string& what) {
    return base::failure(base::Errc::stale, "the store is older than this node was: " + what,
                         folder.store(config).string(), older_store_advice);
}

}  // namespace

std::expected<std::optional<StoreMark>, base::Error> read_store_marker(const DataFolder& folder) {
    const auto bytes = read_file(folder.store_marker(), store_marker_bytes);
    if (!bytes && bytes.error().code == base::Errc::not_found) return std::nullopt;
    if (!bytes) return std::unexpected(bytes.error());
    auto found = parse_store_marker(*bytes);
    if (found) return found->mark;
    found.error().where = folder.store_marker().string();
    return std::unexpected(std::move(found).error());
}

std::expected<void, base::Error> write_store_marker(const DataFolder& folder,
                                                    const StoreMark& mark) {
    return write_file(folder.store_marker(), content_of(mark, 0));
}

std::expected<StoreMark, base::Error> mark_of(const DataFolder& folder,
                                              const node::NodeConfig& config, kv::Store& store) {
    StoreMark mark{.store = name_of(config), .sequence = store.sequence(), .last_signed = {}};
    MESH_TRY(const auto record, consensus::VoteStore::read_record(store, node::tables::consensus));
    if (record) mark.last_signed = signed_by(*record);
    const auto noted = read_store_marker(folder);
    if (!noted || !*noted) return mark;
    // 0: what it shows may not be durable yet, what it has signed included.
    if (mark.sequence == 0) {
        if ((*noted)->store == mark.store) mark.sequence = (*noted)->sequence;
        mark.last_signed = (*noted)->last_signed;
    } else {
        mark.last_signed = newest((*noted)->last_signed, mark.last_signed);
    }
    return mark;
}

std::expected<void, base::Error> check_not_empty(const DataFolder& folder, kv::Store& store) {
    MESH_TRY(const bool holds, holds_something(store));
    if (holds) return {};
    return base::failure(base::Errc::not_found, "the store holds nothing, and it once did",
                         folder.root().string(), empty_store_advice);
}

std::expected<void, base::Error> check_not_older(const StoreMark& mark, const DataFolder& folder,
                                                 const node::NodeConfig& config, kv::Store& store) {
    MESH_TRY(const bool holds, holds_something(store));
    if (!holds) return {};
    MESH_TRY(const auto record, consensus::VoteStore::read_record(store, node::tables::consensus));
    // A wait without a round gets it at this start; one with a round may long be over.
    if (record && record->waiting && !record->waiting_beyond) return {};
    const std::uint64_t sequence = store.sequence();
    if (mark.store == name_of(config) && sequence > 0 && sequence < mark.sequence) {
        return older(folder, config,
                     "it ends with commit " + std::to_string(sequence) + ", and commit " +
                         std::to_string(mark.sequence) + " was on the disk");
    }
    // Also of a store under another name: the key is the same.
    const auto& last = mark.last_signed;
    if (!record || !last || record->key != last->key) return {};
    // Rounds and slots of one history rise together; a restored key may go on with a lower slot.
    const wire::Round reach = record->waiting ? *record->waiting_beyond : record->last_round;
    if (std::pair(reach, record->last_block_slot) >= std::pair(last->round, last->block_slot)) {
        return {};
    }
    return older(folder, config,
                 "it knows what its key signed up to round " +
                     std::to_string(record->last_round.value) + " and slot " +
                     std::to_string(record->last_block_slot.value) +
                     ", and the key has signed round " + std::to_string(last->round.value) +
                     " and slot " + std::to_string(last->block_slot.value));
}

std::expected<void, base::Error> check_store_marker(const std::optional<StoreMark>& mark,
                                                    const DataFolder& folder,
                                                    const node::NodeConfig& config,
                                                    kv::Store& store) {
    if (!mark) return {};
    MESH_CHECK(check_not_empty(folder, store));
    return check_not_older(*mark, folder, config, store);
}

std::expected<StoreMarkerFile, base::Error> StoreMarkerFile::open(const DataFolder& folder,
                                                                  const StoreMark& mark) {
    const auto path = folder.store_marker();
    const auto bytes = read_file(path, store_marker_bytes);
    const auto found = bytes ? parse_store_marker(*bytes)
                             : std::expected<NumberedMark, base::Error>(NumberedMark{});
    std::error_code ignored;
    if (!bytes || !found || bytes->size() != store_marker_bytes ||
        std::filesystem::is_symlink(path, ignored)) {
        MESH_CHECK(write_store_marker(folder, mark));
    }
    FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.valid()) return std::unexpected(os_error(errno, "write", path));
    StoreMarkerFile opened(path, std::move(file), found ? found->turn : 0);
    MESH_CHECK(opened.write(mark));
    return opened;
}

std::expected<void, base::Error> StoreMarkerFile::write(const StoreMark& mark) {
    const StoreMarkBytes slot = encode(mark, turn_ + 1);
    const auto at = static_cast<off_t>((turn_ + 1) % 2 * store_mark_distance);
    const ssize_t written = ::pwrite(file_.number(), slot.data(), slot.size(), at);
    if (written != static_cast<ssize_t>(slot.size())) {
        return std::unexpected(os_error(written < 0 ? errno : EIO, "write", path_));
    }
    if (::fdatasync(file_.number()) != 0) return std::unexpected(os_error(errno, "write", path_));
    ++turn_;  // only now: a slot that failed is written again, and the good one left alone
    return {};
}

bool is_empty_file(const std::filesystem::path& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    return error || size == 0;
}

}  // namespace meshchain::host
