#pragma once
// A flash and a log so small that short histories do everything. Only tests and fuzzers include it.

#include <algorithm>

#include "crypto/heap_secret_memory.h"
#include "kv/flash_log.h"
#include "kv/memory_region.h"
#include "kv/sealed_region.h"
#include "kv/test_tables.h"

namespace meshchain::kv::test_flash {

using test_history::blocks;
using test_history::coins;
using test_history::tables;

/// So little of everything that a few dozen batches merge, collect and open segments.
inline constexpr FlashLogOptions cramped{.memory_entries = 40,
                                         .fences = 4,
                                         .cached_pages = 1,
                                         .cached_places = 16,
                                         .buffer_bytes = 1024,
                                         .collect_bytes = 512,
                                         .far_bytes = 512,
                                         .merged_at_once = 64};
inline constexpr std::uint32_t segment_bytes = 4096;

inline MemoryFlash::Options small_flash(bool erase_keeps_content = false) {
    return {.sectors = 112,
            .sector_bytes = 1024,
            .program_bytes = erase_keeps_content ? 64u : 16u,
            .erase_keeps_content = erase_keeps_content};
}

/// The same under encryption, in frames of one sector.
inline constexpr SealedRegion::Shape small_frames{
    .unit_bytes = 64, .frame_bytes = 1024, .buffer_bytes = 512};

inline MemoryFlash::Options small_sealed_flash(bool erase_keeps_content = false) {
    MemoryFlash::Options options = small_flash(erase_keeps_content);
    options.sectors = erase_keeps_content ? 256 : 150;
    return options;
}

/// Predictable, so that a test can be repeated.
class SeededEntropy final : public base::Entropy {
public:
    explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}
    void fill(base::MutableBytes out) override {
        for (std::byte& byte : out) byte = static_cast<std::byte>(random_.next());
    }

private:
    base::Random random_;
};

/// `key` is the first byte of the key.
inline std::expected<std::unique_ptr<SealedRegion>, base::Error> seal_region(
    std::unique_ptr<base::Region> beneath, std::uint64_t seed, std::byte key = std::byte{1},
    const SealedRegion::Shape& shape = small_frames) {
    static crypto::HeapSecretMemory memory;
    base::SecretBuffer secret(memory, crypto::seal_key_bytes);
    std::ranges::fill(secret.bytes(), std::byte{0});
    secret.bytes().front() = key;
    return SealedRegion::open(std::move(beneath), std::move(secret),
                              std::make_unique<SeededEntropy>(seed), shape);
}

}  // namespace meshchain::kv::test_flash
