#pragma once
// A node's store that notes beside itself how far it has come (host/store_marker.h): before
// anything that its key signed can leave the node, at its opening and its end, and once a minute
// while anything is committed.
//
// Ownership: owns the store.
// Time:      one small write and sync more for a commit that changes what the key has signed.
// Errors:    beside those of the store: when such a note fails, the commit is of unknown outcome
//            (is_read_only), as what it stores must not leave. Where a full disk has no room for
//            the note at the opening, the store serves and takes no commit until it has (full).

#include <functional>
#include <memory>

#include "base/time.h"
#include "host/store_marker.h"

namespace meshchain::host {

class MarkedStore final : public kv::Store {
public:
    using Clock = std::function<base::Instant()>;

    static std::expected<std::unique_ptr<MarkedStore>, base::Error> open(
        const DataFolder& folder, const node::NodeConfig& config, std::unique_ptr<kv::Store> store,
        Clock clock);

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
    std::expected<void, base::Error> commit(const kv::Batch& batch) override;
    bool is_read_only() const override { return has_failed_ || store_->is_read_only(); }
    std::expected<std::unique_ptr<kv::View>, base::Error> snapshot() override {
        return store_->snapshot();
    }
    kv::Quota quota() const override { return store_->quota(); }
    kv::Stats stats() const override { return store_->stats(); }
    std::uint64_t sequence() const override { return store_->sequence(); }
    std::expected<void, base::Error> verify() override { return store_->verify(); }
    std::expected<void, base::Error> close() override;

private:
    MarkedStore(DataFolder folder, std::unique_ptr<kv::Store> store, StoreMark mark, Clock clock)
        : folder_(std::move(folder)),
          store_(std::move(store)),
          mark_(mark),
          clock_(std::move(clock)),
          noted_(clock_()) {}

    std::expected<void, base::Error> note_opening();

    std::expected<void, base::Error> note();

    DataFolder folder_;
    std::unique_ptr<kv::Store> store_;
    std::optional<StoreMarkerFile> file_;  ///< none while the disk has no room for it
    StoreMark mark_;
    Clock clock_;
    base::Instant noted_;
    bool has_failed_ = false;
};

}  // namespace meshchain::host
