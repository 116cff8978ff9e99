#pragma once
// A store whose medium fails when told to: a wrapper for tests and the simulator.
//
// Ownership: borrows the inner store, which outlives it.

#include "kv/store.h"

namespace meshchain::kv {

enum class CommitFault : std::uint8_t {
    refused,          ///< io, and nothing has changed; the next commit works
    no_room,          ///< full, and nothing has changed; the next commit works
    unknown_absent,   ///< outcome unknown, in truth nothing was written; read-only from now on
    unknown_present,  ///< outcome unknown, in truth the batch is durable; read-only from now on
};

class FaultyStore final : public Store {
public:
    explicit FaultyStore(Store& inner) : inner_(&inner) {}

    /// The commit after `sound` more that succeed meets the fault, once.
    void fail_commit(std::uint64_t sound, CommitFault fault);
    /// Every commit meets `no_room` while it is so, and quota() says that nothing is left.
    void set_full(bool full) { is_full_ = full; }
    /// Every commit meets `no_room` and quota() knows nothing of it, as on a full disk.
    void set_no_room(bool no_room) { has_no_room_ = no_room; }
    /// The get or scan after `sound` more meets `code` (io or corrupt), once.
    void fail_read(std::uint64_t sound, base::Errc code);

    std::expected<bool, base::Error> get_into(Table table, base::Bytes key,
                                              base::Buffer& value) override;
    std::expected<std::size_t, base::Error> scan(const Range& range, Visitor visit) override;
    std::expected<std::uint64_t, base::Error> count(Table table) override;
    std::expected<void, base::Error> commit(const Batch& batch) override;
    bool is_read_only() const override { return read_only_ || inner_->is_read_only(); }
    std::expected<std::unique_ptr<View>, base::Error> snapshot() override;
    Quota quota() const override;
    Stats stats() const override {
        Stats stats = inner_->stats();
        stats.commits_failed += failed_;
        return stats;
    }
    std::uint64_t sequence() const override { return inner_->sequence(); }
    std::expected<void, base::Error> verify() override { return inner_->verify(); }
    std::expected<void, base::Error> close() override { return inner_->close(); }

private:
    template <class Fault>
    struct Planned {
        std::uint64_t sound;
        Fault fault;
    };

    /// Counts one operation; the fault when its turn has come.
    std::expected<void, base::Error> commit_faulty(const Batch& batch);
    template <class Fault>
    static std::optional<Fault> turn(std::optional<Planned<Fault>>& planned);
    std::expected<void, base::Error> check_read();
    /// Until the store is opened again, reads go on as if the doubtful commit had not happened.
    View& visible() { return before_ ? *before_ : *inner_; }

    Store* inner_;
    std::optional<Planned<CommitFault>> commit_fault_;
    std::optional<Planned<base::Errc>> read_fault_;
    std::unique_ptr<View> before_;
    std::uint64_t failed_ = 0;  ///< commits that the inner store has not seen
    bool is_full_ = false;
    bool has_no_room_ = false;
    bool read_only_ = false;
};

}  // namespace meshchain::kv
