#pragma once
// The ordered engine in memory: for unit tests, the simulator, and as the model against which
// other engines are compared.
//
// The medium outlives the store as a disk outlives a process: dropping the store is a crash, and
// opening another on the same medium is the restart. Every commit is durable in it at once;
// faults are a wrapper (kv/faulty_store.h).
//
// Format: none; each entry has a checksum all the same, so that damage can be tested.

#include <array>
#include <map>
#include <memory>
#include <string>

#include "kv/byte_order.h"
#include "kv/store.h"

namespace meshchain::kv {

class MemoryMedium {
public:
    /// Inverts one bit of a stored value without mending its checksum, as a failing disk would.
    /// Asserts that the entry exists and has that bit.
    void flip_bit(Table table, base::Bytes key, std::size_t bit);

    std::uint64_t used_bytes() const { return used_bytes_; }

private:
    friend class MemoryStore;
    friend class MemoryView;

    struct Entry {
        base::Buffer value;
        std::uint32_t checksum;
    };
    using Entries = std::map<base::Buffer, Entry, ByteOrder>;
    /// Shared with the snapshots that see this state; copied before a change when shared.
    struct StoredTable {
        std::string name;
        std::shared_ptr<Entries> entries;
    };

    Entries& writable(Table table);

    std::array<StoredTable, tables_max> tables_;
    std::uint64_t used_bytes_ = 0;
    std::uint64_t sequence_ = 0;
    bool in_use_ = false;
};

class MemoryStore final : public Store {
public:
    /// Errors: those of check_tables and check_stored_table; locked (another store is open on the
    /// medium).
    static std::expected<std::unique_ptr<MemoryStore>, base::Error> open(
        std::shared_ptr<MemoryMedium> medium, const StoreOptions& options);
    /// Asserts that no snapshot is left.
    ~MemoryStore() override;
    MemoryStore(const MemoryStore&) = delete;
    MemoryStore& operator=(const MemoryStore&) = delete;

    std::expected<bool, base::Error> get_into(Table table, base::Bytes key,
                                              base::Buffer& value) override;
    std::expected<std::size_t, base::Error> scan(const Range& range, Visitor visit) override;
    std::expected<std::uint64_t, base::Error> count(Table table) override;
    std::expected<void, base::Error> commit(const Batch& batch) override;
    bool is_read_only() const override { return false; }
    std::expected<std::unique_ptr<View>, base::Error> snapshot() override;
    Quota quota() const override;
    Stats stats() const override { return stats_; }
    std::uint64_t sequence() const override { return open_ ? medium_->sequence_ : 0; }
    std::expected<void, base::Error> verify() override;
    std::expected<void, base::Error> close() override;

private:
    friend class MemoryView;

    MemoryStore(std::shared_ptr<MemoryMedium> medium, const StoreOptions& options);

    std::expected<void, base::Error> check_open() const;
    std::expected<void, base::Error> check_commit(const Batch& batch) const;
    void check_declared(Table table) const;
    void apply(const Batch::Operation& operation);

    std::shared_ptr<MemoryMedium> medium_;
    std::array<bool, tables_max> declared_{};
    std::uint64_t quota_bytes_;
    Stats stats_;
    bool open_ = true;
};

/// A store on a medium of its own, for tests that need nothing else. Asserts on bad tables.
std::unique_ptr<MemoryStore> make_memory_store(std::span<const TableInfo> tables);

}  // namespace meshchain::kv
