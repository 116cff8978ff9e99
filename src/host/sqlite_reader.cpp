#include "host/sqlite_reader.h"

namespace meshchain::host {

std::expected<std::unique_ptr<SqliteReader>, base::Error> SqliteReader::open(
    const std::filesystem::path& path, TableNames names) {
    MESH_TRY(auto connection, SqliteConnection::open(path, SQLITE_OPEN_READONLY));
    return std::unique_ptr<SqliteReader>(new SqliteReader(std::move(connection), std::move(names)));
}

std::expected<void, base::Error> SqliteReader::pin() {
    if (connection_->in_transaction()) return {};
    // A transaction sees nothing before its first read.
    return connection_->run("BEGIN; SELECT 1 FROM kv_tables LIMIT 1;");
}

void SqliteReader::refresh() {
    // Ending a transaction that only read cannot fail in a way that matters to the next one.
    if (connection_->in_transaction()) (void)connection_->run("ROLLBACK");
}

std::expected<bool, base::Error> SqliteReader::get_into(kv::Table table, base::Bytes key,
                                                        base::Buffer& value) {
    value.clear();
    MESH_CHECK(pin());
    return tables_.get_into(table, key, value);
}

std::expected<std::size_t, base::Error> SqliteReader::scan(const kv::Range& range,
                                                           kv::Visitor visit) {
    MESH_CHECK(pin());
    return tables_.scan(range, visit);
}

std::expected<std::uint64_t, base::Error> SqliteReader::count(kv::Table table) {
    MESH_CHECK(pin());
    return tables_.count(table);
}

}  // namespace meshchain::host
