#include "host/store_tools.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/resource_guard.h"
#include "consensus/vote_store.h"
#include "host/file.h"
#include "host/file_descriptor.h"
#include "host/file_lock.h"
#include "host/node_keys.h"
#include "host/os_error.h"
#include "host/store_copying.h"
#include "host/store_marker.h"
#include "host/store_replacing.h"
#include "node/tables.h"

namespace meshchain::host {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using Result = std::expected<void, base::Error>;

Result check_absent(const fs::path& path) {
    if (!fs::exists(path)) return {};
    return base::failure(Errc::exists, "there is a file of that name", path.string(),
                         "choose another name, or remove it");
}

/// Bytes to a new file, for its owner alone, in place of what an earlier try may have left.
class NewFile {
public:
    static std::expected<NewFile, base::Error> create(const fs::path& path) {
        ::unlink(path.c_str());
        FileDescriptor file(
            ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file.valid()) return std::unexpected(os_error(errno, "write", path));
        return NewFile(path, std::move(file));
    }
    Result write(base::Bytes bytes) {
        while (!bytes.empty()) {
            const ssize_t count = ::write(file_.number(), bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return std::unexpected(os_error(errno, "write", path_));
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
        return {};
    }
    Result sync() {
        if (::fsync(file_.number()) == 0) return {};
        return std::unexpected(os_error(errno, "write", path_));
    }

private:
    NewFile(fs::path path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

    fs::path path_;
    FileDescriptor file_;
};

/// Enough of a file to tell what it is.
std::expected<base::Buffer, base::Error> read_head(const fs::path& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return std::unexpected(os_error(errno, "read", path));
    base::Buffer head(64);
    const ssize_t got = ::read(file.number(), head.data(), head.size());
    if (got < 0) return std::unexpected(os_error(errno, "read", path));
    head.resize(static_cast<std::size_t>(got));
    return head;
}

StoreExportReader::Source source_of(const FileDescriptor& file, const fs::path& path) {
    return [&file, &path](base::MutableBytes out) -> std::expected<std::size_t, base::Error> {
        std::size_t done = 0;
        while (done < out.size()) {
            const ssize_t got = ::read(file.number(), out.data() + done, out.size() - done);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return std::unexpected(os_error(errno, "read", path));
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    };
}

ExportHead head_of(const StoreTip& tip) {
    ExportHead head{.chain = tip.chain, .tip = tip.hash, .height = tip.height, .tables = {}};
    for (const kv::TableInfo& info : node::node_tables) {
        head.tables.push_back({info.table, std::string(info.name)});
    }
    std::ranges::sort(head.tables, {}, &ExportHead::Table::table);
    return head;
}

/// A read-only store whose tip and whose entries are of one state, though a node writes meanwhile.
struct Frozen {
    std::unique_ptr<kv::Store> store;
    std::unique_ptr<kv::View> view;
    StoreTip tip;
};

std::expected<Frozen, base::Error> freeze(const NodeHome& home) {
    MESH_TRY(auto store, open_node_store(home.folder, home.config, StoreMode::read_only));
    for (;;) {
        MESH_TRY(const StoreTip tip, tip_of(*store, home.genesis));
        MESH_TRY(auto view, store->snapshot());
        MESH_TRY(const StoreTip same, tip_of(*store, home.genesis));
        if (tip.hash == same.hash) return Frozen{std::move(store), std::move(view), tip};
    }
}

/// Everything that this node's key signed, as stored.
std::expected<base::Buffer, base::Error> signed_so_far(kv::View& view) {
    base::Buffer all;
    MESH_CHECK(view.scan({node::tables::consensus}, [&](base::Bytes key, base::Bytes value) {
        all.insert(all.end(), key.begin(), key.end());
        all.insert(all.end(), value.begin(), value.end());
        return true;
    }));
    return all;
}

/// Whether what `copy` knows of the key's signatures is all that this folder knows.
bool is_newest(const NodeHome& home, kv::Store& copy) {
    const auto mark = read_store_marker(home.folder);
    const auto current = open_node_store(home.folder, home.config, StoreMode::read_only);
    if (!mark || !current) return false;
    if (!check_store_marker(*mark, home.folder, home.config, **current)) return false;
    const auto ours = signed_so_far(**current);
    const auto theirs = signed_so_far(copy);
    return ours && theirs && *ours == *theirs;
}

Result expect_tip(kv::Store& store, const NodeHome& home, const StoreTip& expected) {
    MESH_CHECK(store.verify());
    if (expected.height == 0) return {};
    MESH_TRY(const StoreTip found, tip_of(store, home.genesis));
    if (found.hash == expected.hash) return {};
    return base::failure(Errc::corrupt, "the copy has another tip", "store", "copy it again");
}

/// Reads the stream into `store`, which is empty.
std::expected<StoreCopy, base::Error> fill(kv::Store& store, const NodeHome& home,
                                           const fs::path& from) {
    const FileDescriptor file(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return std::unexpected(os_error(errno, "read", from));
    StoreFiller filler(store);
    StoreCopy copy;
    StoreExportReader reader{
        .source = source_of(file, from),
        .on_head = [&](const ExportHead& head) -> Result {
            copy.tip = {head.chain, head.tip, head.height};
            if (head.chain != ledger::chain_id(home.genesis)) {
                return base::failure(Errc::wrong_chain, "the export is of another chain",
                                     from.string(), "import it into a node of that genesis");
            }
            if (head.tables == head_of(copy.tip).tables) return {};
            return base::failure(Errc::wrong_version, "the export has other tables", from.string(),
                                 "use the program that wrote it");
        },
        .on_entry = [&](kv::Table table, base::Bytes key,
                        base::Bytes value) { return filler.put(table, key, value); }};
    auto end = reader.run();
    if (!end && end.error().where == "store export") end.error().where = from.string();
    if (!end) return std::unexpected(std::move(end).error());
    MESH_CHECK(filler.flush());
    copy.entries = end->entries;
    copy.fingerprint = end->fingerprint;
    return copy;
}

/// Which engine wrote the file; nothing if none did.
std::optional<node::StoreEngine> engine_of(base::Bytes head, const fs::path& path) {
    if (base::as_text(head).starts_with("SQLite format 3")) return node::StoreEngine::sqlite;
    if (base::as_text(head).starts_with(flash_log_head)) return node::StoreEngine::flashlog;
    if (fs::exists(path.string() + ".key")) return node::StoreEngine::flashlog;
    return std::nullopt;
}

/// Reads a backup into `store`, which is empty.
std::expected<StoreCopy, base::Error> fill_from_backup(kv::Store& store, const NodeHome& home,
                                                       const fs::path& from,
                                                       node::StoreEngine engine) {
    node::NodeConfig config = home.config;
    config.storage_path = fs::absolute(from).string();
    config.store_engine = engine;
    if (!fs::exists(config.storage_path + ".key")) {
        config.store_encryption = node::StoreEncryption::none;
    }
    MESH_TRY(const auto backup, open_node_store(home.folder, config, StoreMode::read_only));
    StoreCopy copy;
    MESH_TRY(copy.tip, tip_of(*backup, home.genesis));
    StoreFiller filler(store);
    MESH_CHECK(for_each_entry(*backup, [&](kv::Table table, base::Bytes key, base::Bytes value) {
        return filler.put(table, key, value);
    }));
    MESH_CHECK(filler.flush());
    copy.entries = filler.entries();
    return copy;
}

std::expected<StoreCopy, base::Error> fill_from(kv::Store& store, const NodeHome& home,
                                                const fs::path& from) {
    MESH_TRY(const base::Buffer head, read_head(from));
    const auto engine = engine_of(head, from);
    return engine ? fill_from_backup(store, home, from, *engine) : fill(store, home, from);
}

/// A store without what this node's key has signed would not start, and should not.
Result expect_own_record(kv::Store& store, const NodeHome& home, const fs::path& from) {
    const auto keys = load_node_keys(home.folder.node_keys());
    MESH_TRY(const auto content, consensus::VoteStore(store, node::tables::consensus).load());
    if (!keys || !keys->validating || !content.record) return {};
    if (content.record->key == keys->validating->public_key()) return {};
    return base::failure(Errc::invalid_argument, "it holds what another node's key has signed",
                         from.string(),
                         "import what this node exported; a new node takes the state of others "
                         "with sync.start set to snapshot");
}

}  // namespace

std::expected<Compaction, base::Error> compact_store(const fs::path& root) {
    MESH_TRY(const FileLock lock, FileLock::acquire(root));
    MESH_TRY(const NodeHome home, read_home(root));
    return compact_node_store(home.folder, home.config);
}

std::expected<StoreCopy, base::Error> export_store(const fs::path& root, const fs::path& to,
                                                   const TurnOptions& turn) {
    MESH_TRY(const FileDescriptor in_turn, wait_for_turn(to, turn));
    MESH_CHECK(check_absent(to));
    MESH_TRY(const NodeHome home, read_home(root));
    MESH_TRY(const Frozen frozen, freeze(home));
    const fs::path part = to.string() + ".part";
    MESH_TRY(NewFile file, NewFile::create(part));
    base::ResourceGuard remove_part([&] { ::unlink(part.c_str()); });
    StoreExportWriter writer([&](base::Bytes bytes) { return file.write(bytes); });
    MESH_CHECK(writer.begin(head_of(frozen.tip)));
    MESH_CHECK(
        for_each_entry(*frozen.view, [&](kv::Table table, base::Bytes key, base::Bytes value) {
            return writer.put(table, key, value);
        }));
    MESH_TRY(const ExportEnd end, writer.finish());
    MESH_CHECK(file.sync());
    MESH_CHECK(move_file(part, to, IfExists::refuse));
    remove_part.dismiss();
    return StoreCopy{.tip = frozen.tip,
                     .entries = end.entries,
                     .fingerprint = end.fingerprint,
                     .path = to,
                     .old_path = {}};
}

std::expected<StoreCopy, base::Error> backup_store(const fs::path& root, const fs::path& to,
                                                   const TurnOptions& turn) {
    MESH_TRY(const FileDescriptor in_turn, wait_for_turn(to, turn));
    MESH_CHECK(check_absent(to));
    MESH_TRY(const NodeHome home, read_home(root));
    MESH_TRY(const Frozen frozen, freeze(home));
    StoreCopy result{.tip = frozen.tip, .path = to, .old_path = {}};
    node::NodeConfig config = home.config;
    const fs::path part = fs::absolute(to).string() + ".part";
    config.storage_path = part.string();
    remove_store(part);
    base::ResourceGuard remove_part([&] { remove_store(part); });
    {
        MESH_TRY(auto copy, open_node_store(home.folder, config, StoreMode::create_if_absent));
        StoreFiller filler(*copy);
        MESH_CHECK(
            for_each_entry(*frozen.view, [&](kv::Table table, base::Bytes key, base::Bytes value) {
                return filler.put(table, key, value);
            }));
        MESH_CHECK(filler.flush());
        result.entries = filler.entries();
        MESH_TRY(result.key_waits, mark_restored(*copy));
        MESH_CHECK(expect_tip(*copy, home, frozen.tip));
        MESH_CHECK(copy->close());
    }
    // SQLite closes without a word where it cannot move its log into the file that is kept.
    if (fs::exists(part.string() + "-wal")) {
        return base::failure(Errc::io, "the copy could not be finished", to.string(),
                             "check the disk, and copy it again");
    }
    if (fs::exists(part.string() + ".key")) {
        result.key_path = to.string() + ".key";
        MESH_CHECK(move_file(part.string() + ".key", result.key_path, IfExists::refuse));
    }
    MESH_CHECK(move_file(part, to, IfExists::refuse));
    return result;
}

std::expected<StoreCopy, base::Error> import_store(const fs::path& root, const fs::path& from,
                                                   const ImportOptions& options) {
    MESH_TRY(const FileLock lock, FileLock::acquire(root));
    MESH_TRY(const NodeHome home, read_home(root));
    node::NodeConfig config = home.config;
    config.store_engine = options.engine.value_or(config.store_engine);
    config.store_size_mb = options.size_mb.value_or(config.store_size_mb);
    StoreCopy copy;
    MESH_TRY(const ReplacedStore replaced,
             replace_store(home, std::move(config), [&](kv::Store& store) -> Result {
                 MESH_TRY(copy, fill_from(store, home, from));
                 MESH_CHECK(expect_own_record(store, home, from));
                 if (!is_newest(home, store)) {
                     MESH_TRY(copy.key_waits, mark_restored(store));
                 }
                 return expect_tip(store, home, copy.tip);
             }));
    copy.path = replaced.path;
    copy.old_path = replaced.old_path;
    return copy;
}

}  // namespace meshchain::host
