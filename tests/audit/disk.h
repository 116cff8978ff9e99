#pragma once
// For the tests of the audit: media of both engines that lose power and fail when told to, with a
// chain on them, and a story of blocks whose every state is known.

#include "chain/test_history.h"
#include "host/sqlite_store.h"
#include "host/temporary_folder.h"
#include "host/test_fault_vfs.h"
#include "kv/flash_log.h"
#include "kv/memory_region.h"

namespace meshchain::tests::audit {

using chain::ChainStore;
using chain::test::Dump;
using chain::test::History;

enum class Engine : std::uint8_t { sqlite, flash_log };
std::string name_of(const testing::TestParamInfo<Engine>& engine);

/// What outlives a process. Dropping the store without closing it is a crash.
class Disk {
public:
    enum class Fault : std::uint8_t { full, write_fails, sync_fails, read_fails };

    virtual ~Disk() = default;
    virtual std::expected<std::unique_ptr<kv::Store>, base::Error> open(
        std::uint64_t quota_bytes = 0) = 0;
    /// At the step of the medium (write, sync, erasure …) after `steps` more.
    virtual void cut_power_after(std::uint64_t steps) = 0;
    /// Nothing is open. What was not synced is there, missing or torn.
    virtual void power_on(base::Random& random) = 0;
    virtual std::uint64_t steps() const = 0;
    /// The next such call meets it.
    virtual void fail(Fault fault) = 0;
    virtual void mend() = 0;
    /// Nothing is open. Inverts a bit of every copy of `content`, at byte `at` of it; returns how
    /// many copies there were.
    virtual std::size_t damage(base::Bytes content, std::size_t at) = 0;

    static std::unique_ptr<Disk> make(Engine engine);
};

/// A chain on a disk, opened.
struct Opened {
    std::unique_ptr<kv::Store> store;
    std::unique_ptr<ChainStore> chain;
};
std::expected<Opened, base::Error> open_chain(Disk& disk, const ledger::Genesis& genesis);

/// Blocks that are applied, a reorganisation three deep, and more blocks: with what is in the
/// tables after each step, by a store in memory whose history the book of History has checked.
class Story {
public:
    explicit Story(std::uint64_t seed);

    struct Step {
        std::optional<History::Made> apply;  ///< nothing: the tip is taken back
        chain::Tip tip;                      ///< afterwards
        Dump rows;                           ///< afterwards
    };

    const ledger::Genesis& genesis() const { return genesis_; }
    /// After genesis, then after each step.
    const std::vector<Step>& steps() const { return steps_; }
    static std::expected<void, base::Error> perform(ChainStore& chain, const Step& step);
    /// All steps, until one fails; returns how many were acknowledged.
    std::size_t perform_all(Disk& disk) const;

private:
    void note(const History& history, std::optional<History::Made> made, const Dump& rows);

    ledger::Genesis genesis_;
    std::vector<Step> steps_;
};

/// Every block names transactions that are found in it, and every transaction of the index is in
/// the block that it names: as many rows on both sides.
void expect_index_and_blocks_agree(Opened& opened);

}  // namespace meshchain::tests::audit
