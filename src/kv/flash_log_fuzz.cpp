// What a medium may hold after damage or in a stranger's hands: a log with bytes written over, read
// by everything that reads. Nothing crashes, and what a look-up gives is what a scan gives.
//
// Input: which image (even: closed, odd: as a power cut leaves it), then patches: offset (u16 and a
// high byte, wrapped into the image), length (u8), bytes.

#include <algorithm>
#include <map>

#include "base/assert.h"
#include "base/cursor.h"
#include "kv/test_flash_shape.h"

namespace meshchain::kv {
namespace {

using test_flash::cramped;
using test_flash::segment_bytes;
using test_flash::small_flash;
using test_flash::tables;

base::Buffer text(std::uint64_t number, std::size_t bytes) {
    const std::string digits = std::to_string(number) + ":";
    base::Buffer all;
    while (all.size() < bytes) {
        const base::Bytes more = base::as_bytes(digits);
        all.insert(all.end(), more.begin(), more.end());
    }
    all.resize(bytes);
    return all;
}

/// A log with runs, collected segments, near and far values, and entries that are not merged yet.
base::Buffer make_image(bool is_closed) {
    const auto flash = std::make_shared<MemoryFlash>(small_flash());
    MESH_ASSERT(FlashLog::format(**MemoryRegion::open(flash), segment_bytes).has_value());
    auto store = *FlashLog::open(*MemoryRegion::open(flash), {.tables = tables}, cramped);
    for (std::uint64_t i = 0; i < 120; ++i) {
        Batch batch;
        batch.put(Table{1}, text(i, 8), text(i, 60 + i * 37 % 600));
        batch.put(Table{0}, text(i % 50, 12), text(i, 40));
        if (i >= 20) batch.erase(Table{1}, text(i - 20, 8));
        MESH_ASSERT(store->commit(batch).has_value());
    }
    if (is_closed) MESH_ASSERT(store->close().has_value());
    const base::MutableBytes bytes = flash->bytes();
    return {bytes.begin(), bytes.end()};
}

void read_everything(FlashLog& log) {
    for (const TableInfo& info : tables) {
        std::map<base::Buffer, base::Buffer> seen;
        const auto scanned = log.scan({info.table}, [&](base::Bytes key, base::Bytes value) {
            const base::Buffer copy(key.begin(), key.end());
            MESH_ASSERT(seen.empty() || seen.rbegin()->first < copy);
            seen.emplace(copy, base::Buffer(value.begin(), value.end()));
            return seen.size() < 1000;
        });
        MESH_ASSERT(!scanned || *scanned == seen.size());
        base::Buffer value;
        for (const auto& [key, expected] : seen) {
            const auto found = log.get_into(info.table, key, value);
            MESH_ASSERT(!found || (*found && value == expected));
        }
        static_cast<void>(log.count(info.table));
    }
    static_cast<void>(log.verify());
    static_cast<void>(log.figures());
}

}  // namespace
}  // namespace meshchain::kv

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    static const base::Buffer images[] = {kv::make_image(true), kv::make_image(false)};
    base::Reader in(std::as_bytes(std::span(data, size)));
    const base::Buffer& image = images[in.u8() % 2];
    const auto flash = std::make_shared<kv::MemoryFlash>(kv::small_flash());
    std::ranges::copy(image, flash->bytes().begin());
    while (in.remaining() > 4) {
        std::size_t at = in.u16() + (std::size_t{in.u8()} << 16);
        const std::size_t length = in.u8();
        const base::Bytes patch = in.take(std::min(length, in.remaining()));
        for (const std::byte byte : patch) flash->bytes()[at++ % image.size()] = byte;
    }
    kv::FlashLogOptions options = kv::cramped;
    options.read_only = true;
    auto log = kv::FlashLog::open(*kv::MemoryRegion::open(flash), {.tables = kv::tables}, options);
    if (log) kv::read_everything(**log);
    return 0;
}

/// Each reads a whole medium.
extern "C" std::uint64_t fuzz_replay_mutations() { return 2'000; }
