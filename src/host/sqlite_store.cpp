#include "host/sqlite_store.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/assert.h"
#include "host/file.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

using std::filesystem::path;

/// flock on a file of its own: on the database it would drop SQLite's own locks when closed.
std::expected<FileDescriptor, base::Error> lock_out_others(const path& store) {
    const path name = store.string() + ".lock";
    FileDescriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return std::unexpected(os_error(errno, "lock the store", name));
    while (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return std::unexpected(os_error(errno, "lock the store", name));
        return base::failure(base::Errc::locked, "the store is open in another process or place",
                             store.string(), "stop the node that uses it first");
    }
    return file;
}

std::expected<void, base::Error> check_exists(const path& store) {
    std::error_code ignored;
    if (!std::filesystem::exists(store, ignored)) {
        return base::failure(base::Errc::not_found, "there is no store", store.string(),
                             "check the path, or make a new node");
    }
    if (std::filesystem::is_regular_file(store, ignored) &&
        std::filesystem::file_size(store, ignored) == 0) {
        return base::failure(base::Errc::corrupt, "the store is empty: its content is lost",
                             store.string(), "restore it, or make a new node");
    }
    return {};
}

/// SQLite gives the files beside a database its mode, and leaves that to the umask; but whom its
/// owner pays is nobody else's business. A path that cannot be is SQLite's to report.
///
/// It syncs the folder for its logs, but not for a new database.
std::expected<void, base::Error> create_private(const path& store) {
    const FileDescriptor file(::open(store.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.valid()) return {};
    return sync_folder_of(store);
}

bool is_of_the_medium(const base::Error& error) {
    using base::Errc;
    return error.code == Errc::full || error.code == Errc::io || error.code == Errc::not_found ||
           error.code == Errc::unauthorized;
}

/// A snapshot of a store that nobody changes is the store.
class UnchangedView final : public kv::View {
public:
    UnchangedView(kv::View& store, std::uint64_t& open_snapshots)
        : store_(&store), open_snapshots_(&open_snapshots) {
        ++*open_snapshots_;
    }
    ~UnchangedView() override { --*open_snapshots_; }
    UnchangedView(const UnchangedView&) = delete;
    UnchangedView& operator=(const UnchangedView&) = delete;

    std::expected<bool, base::Error> get_into(kv::Table table, base::Bytes key,
                                              base::Buffer& value) override {
        return store_->get_into(table, key, value);
    }
    std::expected<std::size_t, base::Error> scan(const kv::Range& range,
                                                 kv::Visitor visit) override {
        return store_->scan(range, visit);
    }
    std::expected<std::uint64_t, base::Error> count(kv::Table table) override {
        return store_->count(table);
    }

private:
    kv::View* store_;
    std::uint64_t* open_snapshots_;
};

/// A snapshot in the store's own thread, counted by it.
class SqliteSnapshot final : public kv::View {
public:
    SqliteSnapshot(std::unique_ptr<SqliteReader> reader, std::uint64_t& open_snapshots)
        : reader_(std::move(reader)), open_snapshots_(&open_snapshots) {
        ++*open_snapshots_;
    }
    ~SqliteSnapshot() override { --*open_snapshots_; }
    SqliteSnapshot(const SqliteSnapshot&) = delete;
    SqliteSnapshot& operator=(const SqliteSnapshot&) = delete;

    std::expected<bool, base::Error> get_into(kv::Table table, base::Bytes key,
                                              base::Buffer& value) override {
        return reader_->get_into(table, key, value);
    }
    std::expected<std::size_t, base::Error> scan(const kv::Range& range,
                                                 kv::Visitor visit) override {
        return reader_->scan(range, visit);
    }
    std::expected<std::uint64_t, base::Error> count(kv::Table table) override {
        return reader_->count(table);
    }

private:
    std::unique_ptr<SqliteReader> reader_;
    std::uint64_t* open_snapshots_;
};

}  // namespace

std::expected<std::unique_ptr<SqliteStore>, base::Error> SqliteStore::open(
    const path& path, const kv::StoreOptions& options, const SqliteOptions& sqlite_options) {
    MESH_CHECK(kv::check_tables(options.tables));
    std::unique_ptr<SqliteStore> store(new SqliteStore(path, options));
    MESH_CHECK(store->start(options.tables, sqlite_options));
    return store;
}

std::expected<void, base::Error> SqliteStore::start(std::span<const kv::TableInfo> tables,
                                                    const SqliteOptions& options) {
    read_only_ = options.mode == SqliteOptions::Mode::read_only;
    if (options.mode != SqliteOptions::Mode::create_if_absent) MESH_CHECK(check_exists(path_));
    if (!read_only_) {
        MESH_TRY(lock_, lock_out_others(path_));
        MESH_CHECK(create_private(path_));
    }
    const int flags =
        read_only_ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    auto opened = SqliteConnection::open(path_, flags);
    std::expected<void, base::Error> connected;
    if (opened) {
        connection_ = *std::move(opened);
        connected = connect(tables, options);
    } else {
        connected = std::unexpected(std::move(opened).error());
    }
    if (connected || !read_only_ || !is_of_the_medium(connected.error())) return connected;
    return connect_alone(tables, options) ? std::expected<void, base::Error>() : connected;
}

/// The files with which readers and a writer keep out of each other's way cannot be made, as on a
/// full disk. Where there is no writer, none are needed.
std::expected<void, base::Error> SqliteStore::connect_alone(std::span<const kv::TableInfo> tables,
                                                            const SqliteOptions& options) {
    release();
    MESH_TRY(lock_, lock_out_others(path_));
    is_alone_ = true;
    MESH_TRY(connection_, SqliteConnection::open_alone(path_));
    return connect(tables, options);
}

std::expected<void, base::Error> SqliteStore::connect(std::span<const kv::TableInfo> tables,
                                                      const SqliteOptions& options) {
    MESH_CHECK(configure(options));
    if (!read_only_) {
        MESH_TRY(const std::int64_t objects,
                 connection_->integer("SELECT count(*) FROM sqlite_schema"));
        MESH_TRY(const std::int64_t id, connection_->integer("PRAGMA application_id"));
        if (objects == 0 && id == 0) MESH_CHECK(SqliteTables::create(*connection_));
    }
    MESH_CHECK(SqliteTables::check(*connection_, tables));
    if (!read_only_) {
        MESH_CHECK(SqliteTables::migrate(*connection_));
        MESH_CHECK(SqliteTables::add_missing(*connection_, tables));
    }
    names_ = names_of(tables);
    tables_ = std::make_unique<SqliteTables>(*connection_, names_, stats_);
    MESH_TRY(sequence_, tables_->sequence());
    MESH_TRY(begin_read_, connection_->prepare("BEGIN"));
    if (!read_only_) MESH_CHECK(prepare_commit());
    return {};
}

std::expected<void, base::Error> SqliteStore::configure(const SqliteOptions& options) {
    MESH_TRY(const std::int64_t page_bytes, connection_->integer("PRAGMA page_size"));
    page_bytes_ = static_cast<std::uint64_t>(page_bytes);
    MESH_CHECK(
        connection_->run("PRAGMA cache_size = -" + std::to_string(options.cache_bytes / 1024)));
    if (read_only_) return {};
    const bool full = options.durability == SqliteOptions::Durability::full;
    MESH_CHECK(connection_->run(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF"));
    // Read first: the pragma that sets the mode would write to a file that is not ours.
    MESH_TRY(const std::int64_t id, connection_->integer("PRAGMA application_id"));
    MESH_TRY(const std::int64_t pages, connection_->integer("PRAGMA page_count"));
    if (id != SqliteTables::application_id && pages > 1) return {};
    MESH_TRY(const std::string journal, connection_->text("PRAGMA journal_mode = WAL"));
    if (journal != "wal") {
        return base::failure(base::Errc::unsupported,
                             "SQLite keeps journal mode \"" + journal + "\" instead of WAL",
                             path_.string(), "use a local file system");
    }
    // The log is kept and written again from its start, so that a commit seldom grows a file; it
    // shrinks to this after a long-lived snapshot has made it grow.
    MESH_CHECK(
        connection_->run("PRAGMA wal_autocheckpoint = " + std::to_string(options.checkpoint_pages) +
                         "; PRAGMA journal_size_limit = 67108864;"));
    is_log_in_doubt_ = !connection_->write_log_again().has_value();
    const kv::Quota limit{.limit_bytes = quota_bytes_};
    if (quota_bytes_ == 0) return {};
    const std::uint64_t most = (quota_bytes_ + limit.reserve_bytes()) / page_bytes_ + 1;
    return connection_->run("PRAGMA max_page_count = " + std::to_string(most));
}

std::expected<void, base::Error> SqliteStore::prepare_commit() {
    MESH_TRY(begin_, connection_->prepare("BEGIN IMMEDIATE"));
    MESH_TRY(commit_, connection_->prepare("COMMIT"));
    return {};
}

SqliteStore::~SqliteStore() {
    MESH_ASSERT(stats_.snapshots_open == 0);
    release();
}

void SqliteStore::release() {
    begin_read_ = {};
    commit_ = {};
    begin_ = {};
    tables_.reset();
    connection_.reset();
    lock_ = FileDescriptor();
}

std::expected<void, base::Error> SqliteStore::check_open() const {
    if (connection_ != nullptr) return {};
    return base::failure(base::Errc::closed, "the store is closed", path_.string());
}

/// Reads between two commits share one transaction: each of its own would lock the file and look
/// for a newer state, of which there is none, since only this store writes.
std::expected<void, base::Error> SqliteStore::begin_read() {
    MESH_CHECK(check_open());
    if (read_only_ || connection_->in_transaction()) return {};
    return begin_read_.run();
}

/// Before a commit, which then finds no reader of ours in the way of its checkpoint.
std::expected<void, base::Error> SqliteStore::end_read() {
    if (!connection_->in_transaction()) return {};
    return commit_.run();
}

std::expected<bool, base::Error> SqliteStore::get_into(kv::Table table, base::Bytes key,
                                                       base::Buffer& value) {
    MESH_CHECK(begin_read());
    return tables_->get_into(table, key, value);
}

std::expected<std::size_t, base::Error> SqliteStore::scan(const kv::Range& range,
                                                          kv::Visitor visit) {
    MESH_CHECK(begin_read());
    return tables_->scan(range, visit);
}

std::expected<std::uint64_t, base::Error> SqliteStore::count(kv::Table table) {
    MESH_CHECK(begin_read());
    return tables_->count(table);
}

std::expected<void, base::Error> SqliteStore::check_commit(const kv::Batch& batch) const {
    MESH_CHECK(check_open());
    if (read_only_) {
        return base::failure(base::Errc::unavailable, "the store is read-only", path_.string(),
                             "if a commit failed before, mend the disk and restart the node");
    }
    MESH_CHECK(batch.check());
    if (quota_bytes_ == 0) return {};
    return quota().check(batch);
}

std::expected<void, base::Error> SqliteStore::commit(const kv::Batch& batch) {
    auto done = check_commit(batch);
    if (done && !batch.empty()) done = write(batch);
    stats_.note_commit(batch, done.has_value());
    return done;
}

std::expected<void, base::Error> SqliteStore::write(const kv::Batch& batch) {
    MESH_CHECK(end_read());
    if (is_log_in_doubt_) MESH_CHECK(connection_->write_log_again());
    is_log_in_doubt_ = false;
    auto done = begin_.run();
    for (std::size_t i = 0; done && i < batch.size(); ++i) {
        done = tables_->apply(batch.operation(i));
    }
    if (done) done = tables_->set_sequence(sequence_ + 1);
    if (!done) {
        roll_back();
        return done;
    }
    done = commit_.run();
    if (done) {
        ++sequence_;
        return {};
    }
    // Without room or the lock, the record that makes the batch valid was not written. After any
    // other failure, above all of the sync, the log may hold it or not.
    const int code = connection_->last_code();
    if (code != SQLITE_FULL && code != SQLITE_BUSY) {
        read_only_ = true;
        connection_->keep_log_at_close();
        done.error().what += "; whether the commit is stored is unknown until a restart";
    }
    roll_back();
    return done;
}

void SqliteStore::roll_back() {
    // SQLite may have rolled back by itself. If it cannot, nothing more may be written after it.
    if (connection_->in_transaction()) (void)connection_->run("ROLLBACK");
    if (connection_->in_transaction()) read_only_ = true;
}

std::expected<std::unique_ptr<kv::View>, base::Error> SqliteStore::snapshot() {
    MESH_CHECK(check_open());
    if (stats_.snapshots_open >= kv::snapshots_max) {
        return base::failure(base::Errc::full,
                             std::to_string(kv::snapshots_max) + " snapshots are open",
                             path_.string(), "drop one first");
    }
    if (is_alone_) return std::make_unique<UnchangedView>(*this, stats_.snapshots_open);
    MESH_TRY(auto reader, open_reader());
    MESH_CHECK(reader->pin());
    return std::make_unique<SqliteSnapshot>(std::move(reader), stats_.snapshots_open);
}

std::expected<std::unique_ptr<SqliteReader>, base::Error> SqliteStore::open_reader() const {
    MESH_CHECK(check_open());
    return SqliteReader::open(path_, names_);
}

kv::Quota SqliteStore::quota() const {
    kv::Quota quota{.limit_bytes = quota_bytes_};
    if (connection_ == nullptr) return quota;
    const auto pages = connection_->integer("PRAGMA page_count");
    const auto unused = connection_->integer("PRAGMA freelist_count");
    if (!pages || !unused) return quota;
    quota.used_bytes = static_cast<std::uint64_t>(*pages - *unused) * page_bytes_;
    return quota;
}

std::expected<void, base::Error> SqliteStore::verify() {
    MESH_CHECK(check_open());
    return tables_->verify();
}

std::expected<void, base::Error> SqliteStore::compact() {
    MESH_CHECK(check_commit({}));
    if (stats_.snapshots_open > 0) {
        return base::failure(base::Errc::locked, "snapshots are open", path_.string(),
                             "drop them first");
    }
    MESH_CHECK(end_read());
    return connection_->run("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
}

std::uint64_t SqliteStore::file_bytes() const {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path_, error);
    return error ? 0 : bytes;
}

std::expected<void, base::Error> SqliteStore::close() {
    if (stats_.snapshots_open > 0) {
        return base::failure(base::Errc::locked,
                             std::to_string(stats_.snapshots_open) + " snapshots are open",
                             path_.string(), "drop them first");
    }
    release();
    return {};
}

}  // namespace meshchain::host
