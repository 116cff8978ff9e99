#pragma once
// The engine without a medium: an ordered map. The model that other engines are compared with,
// and what tests of other modules run on.
//
// Crash: `survivor()` copies what is committed, as another process would find it.

#include <map>
#include <string>

#include "kv/store.h"

namespace meshchain::kv {

class MemoryStore final : public Store {
public:
    using Contents = std::vector<std::map<base::Buffer, base::Buffer>>;

    explicit MemoryStore(std::size_t tables, std::uint64_t quota_bytes = UINT64_MAX);

    std::expected<std::optional<base::Buffer>, base::Error> get(Table table,
                                                                base::Bytes key) const override;
    std::expected<void, base::Error> scan(Table table, const Range& range,
                                          Visitor& visitor) const override;
    Limits limits() const override { return {}; }
    std::expected<void, base::Error> commit(const Batch& batch) override;
    std::expected<std::unique_ptr<Snapshot>, base::Error> snapshot() override;
    bool is_read_only() const override { return false; }
    Stats stats() const override;
    Quota quota() const override { return {used_bytes_, quota_bytes_}; }

    const Contents& contents() const { return contents_; }
    /// A store with the same committed contents.
    MemoryStore survivor() const;

private:
    class MemorySnapshot;

    std::expected<void, base::Error> check(const Batch& batch) const;
    void apply(const Batch::Operation& operation);

    Contents contents_;
    std::uint64_t quota_bytes_;
    std::uint64_t used_bytes_ = 0;
    mutable Stats stats_;
    std::shared_ptr<std::size_t> snapshots_alive_ = std::make_shared<std::size_t>(0);
};

}  // namespace meshchain::kv
