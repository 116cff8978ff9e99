#include "host/sqlite_connection.h"

#include <algorithm>
#include <cerrno>

#include "base/assert.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

struct Cause {
    base::Errc code;
    std::string_view advice;
};

Cause cause_of(int code) {
    using base::Errc;
    switch (code) {
        case SQLITE_FULL: return {Errc::full, "free some space on the disk, or prune"};
        case SQLITE_CORRUPT:
            return {Errc::corrupt, "the file is damaged; restore it or let the node fetch anew"};
        case SQLITE_NOTADB:
            return {Errc::corrupt,
                    "this is no store, or its first page is damaged; check the path"};
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return {Errc::locked, "another program has the file open; stop it"};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return {Errc::unauthorized, "check who owns the file and its folder, and permissions"};
        case SQLITE_CANTOPEN:
            return {Errc::not_found, "check that the path exists and is no folder"};
        case SQLITE_NOMEM: return {Errc::unavailable, "not enough memory"};
        case SQLITE_TOOBIG: return {Errc::too_large, ""};
        default: return {Errc::io, "check the disk and the system's log"};
    }
}

/// SQLite keeps the errno of what it could not do with the file system; that tells more.
bool told_by_errno(int code, int number) {
    // Of a file that is open it is no longer true, but left over from looking for another.
    if (code == SQLITE_IOERR && number == ENOENT) return false;
    return number != 0 && (code == SQLITE_CANTOPEN || code == SQLITE_IOERR || code == SQLITE_PERM);
}

/// A database without a log in a folder that cannot be written, such as a backup on a read-only
/// medium: nobody writes it, and the files that coordinate with writers cannot be made.
bool cannot_change(const std::filesystem::path& path) {
    std::error_code ignored;
    if (std::filesystem::exists(path.string() + "-wal", ignored)) return false;
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    sqlite3_vfs* const files = sqlite3_vfs_find(nullptr);
    int writable = 0;
    const int code = files->xAccess(files, folder.c_str(), SQLITE_ACCESS_READWRITE, &writable);
    return code == SQLITE_OK && writable == 0;
}

std::string immutable_uri(const std::filesystem::path& path) {
    std::string uri = "file:";
    for (const char letter : path.string()) {
        const bool is_special = letter == '%' || letter == '?' || letter == '#';
        if (is_special) {
            uri += '%' + base::to_hex(base::as_bytes(std::string_view(&letter, 1)));
        } else {
            uri += letter;
        }
    }
    return uri + "?immutable=1";
}

}  // namespace

base::Error SqliteConnection::last_error() const {
    const int code = last_code();
    const int number = sqlite3_system_errno(database_.get());
    if (told_by_errno(code, number)) return os_error(number, "use the store", path_);
    const auto [errc, advice] = cause_of(code);
    return {errc, std::string("SQLite: ") + sqlite3_errmsg(database_.get()), path_.string(),
            std::string(advice)};
}

std::expected<std::unique_ptr<SqliteConnection>, base::Error> SqliteConnection::open(
    const std::filesystem::path& path, int flags) {
    return open(path, flags, flags == SQLITE_OPEN_READONLY && cannot_change(path));
}

/// With a log, the index of it that readers and writers share is kept in memory: for who has the
/// database alone, which SQLite then makes sure of by a lock that only a writer can take.
std::expected<std::unique_ptr<SqliteConnection>, base::Error> SqliteConnection::open_alone(
    const std::filesystem::path& path) {
    std::error_code ignored;
    const std::string log = path.string() + "-wal";
    if (!std::filesystem::exists(log, ignored) || std::filesystem::file_size(log, ignored) == 0) {
        return open(path, SQLITE_OPEN_READONLY, true);
    }
    MESH_TRY(auto connection, open(path, SQLITE_OPEN_READWRITE, false));
    connection->keep_log_at_close();
    MESH_CHECK(connection->run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON;"));
    return connection;
}

std::expected<std::unique_ptr<SqliteConnection>, base::Error> SqliteConnection::open(
    const std::filesystem::path& path, int flags, bool is_immutable) {
    MESH_ASSERT(sqlite3_threadsafe() != 0);
    std::unique_ptr<SqliteConnection> connection(new SqliteConnection(path));
    sqlite3* database = nullptr;
    const std::string name = is_immutable ? immutable_uri(path) : path.string();
    const int code = sqlite3_open_v2(
        name.c_str(), &database, flags | SQLITE_OPEN_NOMUTEX | (is_immutable ? SQLITE_OPEN_URI : 0),
        nullptr);
    connection->database_.reset(database);
    if (database == nullptr) {
        return base::failure(base::Errc::unavailable, "not enough memory", path.string());
    }
    if (code != SQLITE_OK) return std::unexpected(connection->last_error());
    sqlite3_extended_result_codes(database, 1);
    sqlite3_busy_timeout(database, 1000);
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    MESH_CHECK(
        connection->run("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                        "PRAGMA temp_store = MEMORY;"));
    return connection;
}

std::expected<SqliteStatement, base::Error> SqliteConnection::prepare(const std::string& sql) {
    sqlite3_stmt* prepared = nullptr;
    const int code =
        sqlite3_prepare_v3(database_.get(), sql.c_str(), static_cast<int>(sql.size() + 1),
                           SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) return std::unexpected(last_error());
    SqliteStatement statement;
    statement.connection_ = this;
    statement.statement_.reset(prepared);
    return statement;
}

std::expected<void, base::Error> SqliteConnection::run(const std::string& sql) {
    if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
        return {};
    }
    return std::unexpected(last_error());
}

std::expected<std::int64_t, base::Error> SqliteConnection::integer(const std::string& sql) {
    MESH_TRY(SqliteStatement statement, prepare(sql));
    MESH_CHECK(statement.step());
    return statement.integer(0);
}

std::expected<std::string, base::Error> SqliteConnection::text(const std::string& sql) {
    MESH_TRY(SqliteStatement statement, prepare(sql));
    MESH_CHECK(statement.step());
    return std::string(base::as_text(statement.bytes(0)));
}

std::expected<void, base::Error> SqliteConnection::write_log_again() {
    constexpr sqlite3_int64 step_bytes = 64 * 1024;
    sqlite3_file* log = nullptr;
    sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log == nullptr || log->pMethods == nullptr) return {};
    sqlite3_int64 size = 0;
    int code = log->pMethods->xFileSize(log, &size);
    if (code == SQLITE_OK && size == 0) return {};
    base::Buffer bytes(static_cast<std::size_t>(std::min(size, step_bytes)));
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += step_bytes) {
        const int part = static_cast<int>(std::min(step_bytes, size - at));
        code = log->pMethods->xRead(log, bytes.data(), part, at);
        if (code == SQLITE_OK) code = log->pMethods->xWrite(log, bytes.data(), part, at);
    }
    if (code == SQLITE_OK) code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    if (code == SQLITE_OK) return {};
    keep_log_at_close();
    const auto [errc, advice] = cause_of(code & 0xff);
    return base::failure(errc, "cannot make sure of the log of a former run",
                         path_.string() + "-wal", std::string(advice));
}

void SqliteConnection::keep_log_at_close() {
    sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void SqliteStatement::bind(int parameter, base::Bytes value) {
    // A null pointer would bind NULL, where an empty value is meant.
    const void* data = value.empty() ? static_cast<const void*>("") : value.data();
    const int code =
        sqlite3_bind_blob64(statement_.get(), parameter, data, value.size(), SQLITE_STATIC);
    MESH_ASSERT(code == SQLITE_OK);
}

void SqliteStatement::bind(int parameter, std::int64_t value) {
    MESH_ASSERT(sqlite3_bind_int64(statement_.get(), parameter, value) == SQLITE_OK);
}

std::expected<bool, base::Error> SqliteStatement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return std::unexpected(connection_->last_error());
}

base::Bytes SqliteStatement::bytes(int column) const {
    const void* data = sqlite3_column_blob(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return {static_cast<const std::byte*>(data), size};
}

void SqliteStatement::reset() { sqlite3_reset(statement_.get()); }

std::expected<void, base::Error> SqliteStatement::run() {
    auto row = step();
    while (row && *row) row = step();
    reset();
    if (!row) return std::unexpected(std::move(row).error());
    return {};
}

}  // namespace meshchain::host
