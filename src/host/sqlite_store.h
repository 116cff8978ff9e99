#pragma once
// SQLite as a kv engine: write-ahead log, synchronous=FULL, one writer.
//
// A file `<path>.lock` keeps a second writer out, in this process or another. After a kill or a
// power cut the next open recovers by itself.
//
// Errors: beside those of kv::Store, with path, cause and remedy: locked, corrupt (no store, or
//         damaged), wrong_version, conflict (tables renumbered), unauthorized, not_found, full, io.
// Format: docs/formats/kv-sqlite.md

#include "host/file_descriptor.h"
#include "host/sqlite_reader.h"
#include "host/sqlite_tables.h"

namespace meshchain::host {

struct SqliteOptions {
    enum class Mode : std::uint8_t {
        create_if_absent,
        must_exist,  ///< a missing or empty file is an Error: nothing is lost in silence
        /// As must_exist; takes no lock, so it also opens beside a writer. On a full disk only
        /// where there is none, and then keeps them out.
        read_only,
    };
    enum class Durability : std::uint8_t {
        full,  ///< commit returns when the medium has it
        off,   ///< survives the process, not a power cut: for tests and benchmarks
    };

    /// Of pages in memory. Keys are hashes, so a commit touches pages all over the file: those that
    /// are not held are read from the system for every one.
    static constexpr std::uint64_t cache_bytes_usual = 32 << 20;

    Mode mode = Mode::create_if_absent;
    Durability durability = Durability::full;
    /// Of the log, before a commit moves them into the database.
    std::uint32_t checkpoint_pages = 8000;
    std::uint64_t cache_bytes = cache_bytes_usual;
};

class SqliteStore final : public kv::Store {
public:
    static std::expected<std::unique_ptr<SqliteStore>, base::Error> open(
        const std::filesystem::path& path, const kv::StoreOptions& options,
        const SqliteOptions& sqlite_options = {});
    /// Asserts that no snapshot is left.
    ~SqliteStore() override;
    SqliteStore(const SqliteStore&) = delete;
    SqliteStore& operator=(const SqliteStore&) = delete;

    std::expected<bool, base::Error> get_into(kv::Table table, base::Bytes key,
                                              base::Buffer& value) override;
    std::expected<std::size_t, base::Error> scan(const kv::Range& range,
                                                 kv::Visitor visit) override;
    std::expected<std::uint64_t, base::Error> count(kv::Table table) override;
    std::expected<void, base::Error> commit(const kv::Batch& batch) override;
    bool is_read_only() const override { return read_only_; }
    std::expected<std::unique_ptr<kv::View>, base::Error> snapshot() override;
    kv::Quota quota() const override;
    kv::Stats stats() const override { return stats_; }
    /// What the opening found is durable as well, or this is 0 until a commit returns.
    std::uint64_t sequence() const override {
        return connection_ == nullptr || is_log_in_doubt_ ? 0 : sequence_;
    }
    std::expected<void, base::Error> verify() override;
    std::expected<void, base::Error> close() override;

    /// Writes the database anew without its free pages. Needs as much room again meanwhile.
    /// Errors: full, io (nothing has changed), locked (a snapshot is open), unavailable, closed.
    std::expected<void, base::Error> compact();
    std::uint64_t file_bytes() const;

    /// For a thread that is not the owner's; hand it over and use it there alone.
    std::expected<std::unique_ptr<SqliteReader>, base::Error> open_reader() const;

private:
    SqliteStore(std::filesystem::path path, const kv::StoreOptions& options)
        : path_(std::move(path)), quota_bytes_(options.quota_bytes) {}

    std::expected<void, base::Error> start(std::span<const kv::TableInfo> tables,
                                           const SqliteOptions& options);
    std::expected<void, base::Error> connect(std::span<const kv::TableInfo> tables,
                                             const SqliteOptions& options);
    std::expected<void, base::Error> connect_alone(std::span<const kv::TableInfo> tables,
                                                   const SqliteOptions& options);
    std::expected<void, base::Error> configure(const SqliteOptions& options);
    std::expected<void, base::Error> prepare_commit();
    std::expected<void, base::Error> check_open() const;
    std::expected<void, base::Error> begin_read();
    std::expected<void, base::Error> end_read();
    std::expected<void, base::Error> check_commit(const kv::Batch& batch) const;
    std::expected<void, base::Error> write(const kv::Batch& batch);
    void roll_back();
    void release();

    std::filesystem::path path_;
    std::uint64_t quota_bytes_;
    kv::Stats stats_;
    FileDescriptor lock_;
    std::unique_ptr<SqliteConnection> connection_;  ///< none when closed
    std::unique_ptr<SqliteTables> tables_;
    SqliteStatement begin_read_;
    SqliteStatement begin_;
    SqliteStatement commit_;
    TableNames names_;
    std::uint64_t page_bytes_ = 0;
    std::uint64_t sequence_ = 0;
    bool read_only_ = false;
    bool is_alone_ = false;         ///< read only, and nobody can write meanwhile
    bool is_log_in_doubt_ = false;  ///< write_log_again() failed when the store was opened
};

}  // namespace meshchain::host
