#pragma once
// One connection to an SQLite database and its prepared statements.
//
// Ownership: a statement belongs to its connection and goes before it.
// Threads:   one at a time for a connection and its statements; connections are independent.
// Errors:    what SQLite reports, as an Error naming path, cause and remedy: full, io, corrupt,
//            locked, unauthorized, not_found, invalid_argument, unavailable.

#include <sqlite3.h>

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace meshchain::host {

class SqliteConnection;

class SqliteStatement {
public:
    SqliteStatement() = default;

    explicit operator bool() const { return statement_ != nullptr; }
    /// Parameters count from 1; the bytes must stay until reset().
    void bind(int parameter, base::Bytes value);
    void bind(int parameter, std::int64_t value);
    /// True when a row is there, false after the last.
    std::expected<bool, base::Error> step();
    /// Columns count from 0; borrowed until the next step or reset.
    base::Bytes bytes(int column) const;
    std::int64_t integer(int column) const {
        return sqlite3_column_int64(statement_.get(), column);
    }
    /// Lets go of row and parameters: until then a read holds its lock.
    void reset();
    /// Steps to the end and resets.
    std::expected<void, base::Error> run();

private:
    friend class SqliteConnection;

    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };

    SqliteConnection* connection_ = nullptr;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteConnection {
public:
    /// `flags`: SQLITE_OPEN_READONLY, or READWRITE with or without CREATE.
    static std::expected<std::unique_ptr<SqliteConnection>, base::Error> open(
        const std::filesystem::path& path, int flags);

    /// To read one that nobody else has open until this is gone, which is the caller's to see to:
    /// makes no file beside it and writes nothing, so it also works on a full disk.
    static std::expected<std::unique_ptr<SqliteConnection>, base::Error> open_alone(
        const std::filesystem::path& path);

    std::expected<SqliteStatement, base::Error> prepare(const std::string& sql);
    /// Runs statements that give no rows, or whose rows do not matter.
    std::expected<void, base::Error> run(const std::string& sql);
    /// The first column of the first row.
    std::expected<std::int64_t, base::Error> integer(const std::string& sql);
    std::expected<std::string, base::Error> text(const std::string& sql);

    /// Writes what is in the write-ahead log to it once more, and syncs it. A sync that failed in a
    /// former process may have left on the medium less than the system shows from memory; whatever
    /// is appended or moved into the database would then be lost or mixed up with the next power
    /// cut. Only for the one writer.
    std::expected<void, base::Error> write_log_again();
    /// The log of which a sync failed must not be moved into the database: see above.
    void keep_log_at_close();

    /// Whether a transaction is open.
    bool in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }
    /// Of the last failure: an SQLITE_ code without its extension.
    int last_code() const { return sqlite3_errcode(database_.get()) & 0xff; }
    base::Error last_error() const;
    const std::filesystem::path& path() const { return path_; }

private:
    struct Close {
        void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
    };

    explicit SqliteConnection(std::filesystem::path path) : path_(std::move(path)) {}

    static std::expected<std::unique_ptr<SqliteConnection>, base::Error> open(
        const std::filesystem::path& path, int flags, bool is_immutable);

    std::filesystem::path path_;
    std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace meshchain::host
