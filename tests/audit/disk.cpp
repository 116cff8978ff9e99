#include "audit/disk.h"

#include <fstream>

namespace meshchain::tests::audit {
namespace {

std::size_t flip_all(base::MutableBytes in, base::Bytes content, std::size_t at) {
    const std::string_view text = base::as_text(in);
    const std::string wanted(base::as_text(content));
    std::size_t found = 0;
    for (std::size_t place = text.find(wanted); place != text.npos;
         place = text.find(wanted, place + 1), ++found) {
        in[place + at] ^= std::byte{4};
    }
    return found;
}

class SqliteDisk final : public Disk {
public:
    std::expected<std::unique_ptr<kv::Store>, base::Error> open(std::uint64_t quota) override {
        return host::SqliteStore::open(path(),
                                       {.tables = chain::chain_tables, .quota_bytes = quota});
    }
    void cut_power_after(std::uint64_t steps) override { vfs_.cut_power_after(steps); }
    void power_on(base::Random& random) override { vfs_.power_on(random); }
    std::uint64_t steps() const override { return vfs_.steps(); }
    void fail(Fault fault) override {
        using Call = host::FaultVfs::Call;
        if (fault == Fault::full) vfs_.fail(Call::write, 0, SQLITE_FULL);
        if (fault == Fault::write_fails) vfs_.fail(Call::write, 0, SQLITE_IOERR_WRITE);
        if (fault == Fault::sync_fails) vfs_.fail(Call::sync, 0, SQLITE_IOERR_FSYNC);
        if (fault == Fault::read_fails) vfs_.fail(Call::read, 0, SQLITE_IOERR_READ);
    }
    void mend() override { vfs_.mend(); }
    std::size_t damage(base::Bytes content, std::size_t at) override {
        std::ifstream in(path(), std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(in), {}};
        const std::size_t found =
            flip_all(std::as_writable_bytes(std::span(text.data(), text.size())), content, at);
        std::ofstream(path(), std::ios::binary | std::ios::trunc) << text;
        return found;
    }

private:
    std::filesystem::path path() const { return folder_.path() / "store.db"; }

    host::TemporaryFolder folder_;
    host::FaultVfs vfs_;
};

class FlashDisk final : public Disk {
public:
    FlashDisk() {
        const auto region = kv::MemoryRegion::open(flash_);
        MESH_ASSERT(kv::FlashLog::format(**region, 64 * 1024).has_value());
    }
    std::expected<std::unique_ptr<kv::Store>, base::Error> open(std::uint64_t quota) override {
        MESH_TRY(auto region, kv::MemoryRegion::open(flash_));
        return kv::FlashLog::open(std::move(region),
                                  {.tables = chain::chain_tables, .quota_bytes = quota},
                                  kv::FlashLogOptions::device());
    }
    void cut_power_after(std::uint64_t steps) override { flash_->cut_power_after(steps); }
    void power_on(base::Random& random) override { flash_->power_on(random); }
    std::uint64_t steps() const override { return flash_->steps(); }
    void fail(Fault fault) override {
        using Step = kv::MemoryFlash::Step;
        if (fault == Fault::full) flash_->fail(Step::program, 0, base::Errc::full);
        if (fault == Fault::write_fails) flash_->fail(Step::program, 0, base::Errc::io);
        if (fault == Fault::sync_fails) flash_->fail(Step::sync, 0, base::Errc::io);
        if (fault == Fault::read_fails) flash_->fail(Step::read, 0, base::Errc::io);
    }
    void mend() override { flash_->mend(); }
    std::size_t damage(base::Bytes content, std::size_t at) override {
        return flip_all(flash_->bytes(), content, at);
    }

private:
    std::shared_ptr<kv::MemoryFlash> flash_ =
        std::make_shared<kv::MemoryFlash>(kv::MemoryFlash::Options{.sectors = 512});
};

}  // namespace

std::string name_of(const testing::TestParamInfo<Engine>& engine) {
    return engine.param == Engine::sqlite ? "Sqlite" : "FlashLog";
}

std::unique_ptr<Disk> Disk::make(Engine engine) {
    if (engine == Engine::sqlite) return std::make_unique<SqliteDisk>();
    return std::make_unique<FlashDisk>();
}

std::expected<Opened, base::Error> open_chain(Disk& disk, const ledger::Genesis& genesis) {
    Opened opened;
    MESH_TRY(opened.store, disk.open());
    MESH_TRY(opened.chain, ChainStore::open(*opened.store, genesis));
    return opened;
}

Story::Story(std::uint64_t seed) {
    History history(seed);
    genesis_ = history.genesis();
    note(history, {}, history.disk().dump());
    const auto apply = [&](std::size_t blocks) {
        for (; blocks > 0; --blocks) {
            history.apply();
            note(history, history.applied().back().made, history.disk().dump());
        }
    };
    apply(5);
    for (int i = 0; i < 3; ++i) {
        history.revert();
        note(history, {}, history.disk().dump());
    }
    apply(3);
    history.check();
}

void Story::note(const History& history, std::optional<History::Made> made, const Dump& rows) {
    chain::Tip tip{ledger::chain_id(genesis_), {}, {}};
    if (!history.applied().empty()) {
        const History::Made& last = history.applied().back().made;
        tip = {last.hash, last.block.header.height, last.block.header.slot};
    }
    steps_.push_back({std::move(made), tip, rows});
}

std::expected<void, base::Error> Story::perform(ChainStore& chain, const Step& step) {
    if (step.apply) return chain.apply(step.apply->hash, step.apply->block, step.apply->effects);
    MESH_CHECK(chain.revert());
    return {};
}

std::size_t Story::perform_all(Disk& disk) const {
    auto opened = open_chain(disk, genesis_);
    if (!opened) return 0;
    for (std::size_t i = 1; i < steps_.size(); ++i) {
        if (!perform(*opened->chain, steps_[i])) return i - 1;
    }
    return steps_.size() - 1;
}

void expect_index_and_blocks_agree(Opened& opened) {
    const ChainStore& chain = *opened.chain;
    std::uint64_t transactions = 0;
    for (std::uint32_t height = 1; height <= chain.tip().height.value; ++height) {
        const auto hash = chain.hash_at({height}).value();
        ASSERT_TRUE(hash.has_value()) << "a gap at " << height;
        const auto stored = chain.block(*hash).value();
        ASSERT_TRUE(stored.has_value()) << "a height without its block";
        const auto effects = chain.effects_of(*stored);
        ASSERT_TRUE(effects.has_value()) << base::sentence(effects.error());
        for (std::uint16_t i = 0; i < effects->transactions.size(); ++i, ++transactions) {
            const auto location = chain.find(effects->transactions[i].txid).value();
            ASSERT_TRUE(location.has_value()) << "a transaction that no index names";
            EXPECT_EQ(location->height.value, height);
            EXPECT_EQ(location->index, i);
        }
    }
    using namespace chain::tables;
    EXPECT_EQ(opened.store->count(chain::tables::transactions), transactions);
    EXPECT_EQ(opened.store->count(blocks), chain.tip().height.value);
    EXPECT_EQ(opened.store->count(undo), chain.tip().height.value);
    EXPECT_EQ(opened.store->count(heights), chain.tip().height.value + 1);
}

}  // namespace meshchain::tests::audit
