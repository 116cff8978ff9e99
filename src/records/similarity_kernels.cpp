#include "records/similarity_kernels.h"

#include <bit>

#include "base/assert.h"

// Compiles this file once for each set of vector instructions.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "records/similarity_kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace meshchain::records::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t dimensions = Embedding::dimensions;

std::int32_t dot_product(const QueryRow& query, const EmbeddingRow& row) {
    const hn::CappedTag<std::int16_t, 32> words;
    const hn::Rebind<std::int8_t, decltype(words)> bytes;
    const hn::RepartitionToWide<decltype(words)> sums;
    const std::size_t step = hn::Lanes(words);
    // Four sums, lest each addition waits for the one before it.
    auto even = hn::Zero(sums);
    auto odd = hn::Zero(sums);
    auto even_rest = hn::Zero(sums);
    auto odd_rest = hn::Zero(sums);
    for (std::size_t i = 0; i < dimensions; i += 2 * step) {
        const auto first = hn::PromoteTo(words, hn::Load(bytes, row.values.data() + i));
        const auto second = hn::PromoteTo(words, hn::Load(bytes, row.values.data() + i + step));
        even = hn::ReorderWidenMulAccumulate(sums, first, hn::Load(words, query.values.data() + i),
                                             even, even_rest);
        odd = hn::ReorderWidenMulAccumulate(
            sums, second, hn::Load(words, query.values.data() + i + step), odd, odd_rest);
    }
    const auto all = hn::Add(hn::Add(even, odd), hn::Add(even_rest, odd_rest));
    return hn::GetLane(hn::SumOfLanes(sums, all));
}

std::int32_t fifth_product(const QueryRow& query, const FifthsRow& row) {
    const hn::CappedTag<std::int16_t, 32> words;
    const hn::Rebind<std::uint8_t, decltype(words)> bytes;
    const hn::RepartitionToWide<decltype(words)> sums;
    const auto low_half = hn::Set(bytes, 0x0F);
    const auto raised = hn::Set(words, std::int16_t{Embedding::fifths_max});
    const auto fifths = [&](auto halves)
                            HWY_ATTR { return hn::Sub(hn::PromoteTo(words, halves), raised); };
    auto sum = hn::Zero(sums);
    auto rest = hn::Zero(sums);
    for (std::size_t i = 0; i < FifthsRow::pairs; i += hn::Lanes(words)) {
        const auto pairs = hn::Load(bytes, row.values.data() + i);
        const std::int16_t* const first = query.values.data() + i;
        sum = hn::ReorderWidenMulAccumulate(sums, fifths(hn::And(pairs, low_half)),
                                            hn::Load(words, first), sum, rest);
        sum = hn::ReorderWidenMulAccumulate(sums, fifths(hn::ShiftRight<4>(pairs)),
                                            hn::Load(words, first + FifthsRow::pairs), sum, rest);
    }
    return hn::GetLane(hn::SumOfLanes(sums, hn::Add(sum, rest)));
}

template <class Row>
void prefetch(const Row& row) {
    for (std::size_t i = 0; i < row.values.size(); i += cache_line) {
        hwy::Prefetch(row.values.data() + i);
    }
}

void dot_products_range(const QueryRow& query, const EmbeddingRow* rows, std::size_t count,
                        std::int32_t* out) {
    for (std::size_t i = 0; i < count; ++i) out[i] = dot_product(query, rows[i]);
}

template <class Row, class Product>
void products_slots(const Row* rows, const std::uint32_t* slots, std::size_t count,
                    Product&& product, std::int32_t* out) {
    // Rows far apart come at the memory's latency unless several are on their way at once.
    constexpr std::size_t ahead = 4;
    for (std::size_t i = 0; i < count && i < ahead; ++i) prefetch(rows[slots[i]]);
    for (std::size_t i = 0; i < count; ++i) {
        if (i + ahead < count) prefetch(rows[slots[i + ahead]]);
        out[i] = product(rows[slots[i]]);
    }
}

void dot_products_slots(const QueryRow& query, const EmbeddingRow* rows, const std::uint32_t* slots,
                        std::size_t count, std::int32_t* out) {
    const auto product = [&](const EmbeddingRow& row) HWY_ATTR { return dot_product(query, row); };
    products_slots(rows, slots, count, product, out);
}

void fifth_products_slots(const QueryRow& query, const FifthsRow* rows, const std::uint32_t* slots,
                          std::size_t count, std::int32_t* out) {
    const auto product = [&](const FifthsRow& row) HWY_ATTR { return fifth_product(query, row); };
    products_slots(rows, slots, count, product, out);
}

#if HWY_TARGET == HWY_SCALAR
void score_block(const ScoreTable& table, const CodeBlock& block, const RowNumbers& corrections,
                 RowNumbers& out) {
    for (std::size_t row = 0; row < rows_a_block; ++row) {
        int agreeing = 0;
        for (std::size_t b = 0; b < code_bytes; ++b) {
            const std::uint8_t code = block.columns[b][code_column(row)];
            agreeing += table.entries[2 * b][code & 0x0F] + table.entries[2 * b + 1][code >> 4];
        }
        const int difference = 4 * (2 * agreeing - table.magnitudes);
        const int rounded = (difference * corrections.values[row] + (1 << 14)) >> 15;
        out.values[row] = static_cast<std::int16_t>(rounded);
    }
}
#else
void score_block(const ScoreTable& table, const CodeBlock& block, const RowNumbers& corrections,
                 RowNumbers& out) {
    const hn::CappedTag<std::uint8_t, rows_a_block> bytes;
    const hn::RepartitionToWide<decltype(bytes)> words;
    const hn::RebindToSigned<decltype(words)> signed_words;
    const std::size_t step = hn::Lanes(bytes);
    const auto low_half = hn::Set(bytes, 0x0F);
    const auto all = hn::Set(signed_words, table.magnitudes);
    const auto entry = [&](std::size_t i, auto code) HWY_ATTR {
        return hn::TableLookupBytes(hn::LoadDup128(bytes, table.entries[i].data()), code);
    };
    const auto finish = [&](auto agreeing, std::size_t row) HWY_ATTR {
        const auto difference = hn::Sub(hn::ShiftLeft<1>(hn::BitCast(signed_words, agreeing)), all);
        const auto correction = hn::Load(signed_words, corrections.values.data() + row);
        hn::Store(hn::MulFixedPoint15(hn::ShiftLeft<2>(difference), correction), signed_words,
                  out.values.data() + row);
    };
    for (std::size_t place = 0; place < rows_a_block; place += step) {
        auto mixed = hn::Zero(words);
        auto odd = hn::Zero(words);
        for (std::size_t b = 0; b < code_bytes; b += 2) {
            const auto first = hn::Load(bytes, block.columns[b].data() + place);
            const auto second = hn::Load(bytes, block.columns[b + 1].data() + place);
            const auto sum = hn::Add(hn::Add(entry(2 * b, hn::And(first, low_half)),
                                             entry(2 * b + 1, hn::ShiftRight<4>(first))),
                                     hn::Add(entry(2 * b + 2, hn::And(second, low_half)),
                                             entry(2 * b + 3, hn::ShiftRight<4>(second))));
            const auto both = hn::BitCast(words, sum);
            mixed = hn::Add(mixed, both);
            odd = hn::Add(odd, hn::ShiftRight<8>(both));
        }
        finish(hn::Sub(mixed, hn::ShiftLeft<8>(odd)), place / 2);
        finish(odd, rows_a_block / 2 + place / 2);
    }
}
#endif

void score_blocks(const ScoreTable& table, const CodeBlock* blocks, std::size_t count,
                  const RowNumbers* corrections, RowNumbers* out) {
    for (std::size_t i = 0; i < count; ++i) score_block(table, blocks[i], corrections[i], out[i]);
}

std::size_t count_at_least(const RowNumbers* scores, std::size_t blocks, std::int16_t low) {
    const hn::CappedTag<std::int16_t, rows_a_block> words;
    const auto limit = hn::Set(words, low);
    std::size_t below = 0;
    for (std::size_t block = 0; block < blocks; ++block) {
        const std::int16_t* const values = scores[block].values.data();
        for (std::size_t i = 0; i < rows_a_block; i += hn::Lanes(words)) {
            below += hn::CountTrue(words, hn::Lt(hn::Load(words, values + i), limit));
        }
    }
    return blocks * rows_a_block - below;
}

std::size_t find_between(const RowNumbers* scores, std::size_t blocks, std::int16_t low,
                         std::int16_t high, std::uint32_t* out) {
    const hn::CappedTag<std::int16_t, rows_a_block> words;
    const auto lower = hn::Set(words, low);
    const auto upper = hn::Set(words, high);
    std::size_t found = 0;
    for (std::size_t block = 0; block < blocks; ++block) {
        const std::int16_t* const values = scores[block].values.data();
        for (std::size_t i = 0; i < rows_a_block; i += hn::Lanes(words)) {
            const auto score = hn::Load(words, values + i);
            const auto wanted = hn::AndNot(hn::Lt(score, lower), hn::Lt(score, upper));
            if (hn::AllFalse(words, wanted)) continue;
            std::array<std::uint8_t, 8> bits{};
            const std::size_t bytes = hn::StoreMaskBits(words, wanted, bits.data());
            for (std::size_t byte = 0; byte < bytes; ++byte) {
                const std::size_t first = block * rows_a_block + i + 8 * byte;
                for (unsigned rest = bits[byte]; rest != 0; rest &= rest - 1) {
                    out[found++] =
                        static_cast<std::uint32_t>(first + std::size_t(std::countr_zero(rest)));
                }
            }
        }
    }
    return found;
}

}  // namespace meshchain::records::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace meshchain::records {

HWY_EXPORT(dot_products_range);
HWY_EXPORT(dot_products_slots);
HWY_EXPORT(fifth_products_slots);
HWY_EXPORT(score_blocks);
HWY_EXPORT(count_at_least);
HWY_EXPORT(find_between);

void dot_products(const QueryRow& query, std::span<const EmbeddingRow> rows,
                  std::span<std::int32_t> out) {
    MESH_ASSERT(out.size() >= rows.size());
    HWY_DYNAMIC_DISPATCH(dot_products_range)(query, rows.data(), rows.size(), out.data());
}

void dot_products_at(const QueryRow& query, std::span<const EmbeddingRow> rows,
                     std::span<const std::uint32_t> slots, std::span<std::int32_t> out) {
    MESH_ASSERT(out.size() >= slots.size());
    HWY_DYNAMIC_DISPATCH(dot_products_slots)
    (query, rows.data(), slots.data(), slots.size(), out.data());
}

void fifth_products_at(const QueryRow& query, std::span<const FifthsRow> rows,
                       std::span<const std::uint32_t> slots, std::span<std::int32_t> out) {
    MESH_ASSERT(out.size() >= slots.size());
    HWY_DYNAMIC_DISPATCH(fifth_products_slots)
    (query, rows.data(), slots.data(), slots.size(), out.data());
}

void code_scores(const ScoreTable& table, std::span<const CodeBlock> blocks,
                 std::span<const RowNumbers> corrections, std::span<RowNumbers> out) {
    MESH_ASSERT(corrections.size() == blocks.size() && out.size() == blocks.size());
    HWY_DYNAMIC_DISPATCH(score_blocks)
    (table, blocks.data(), blocks.size(), corrections.data(), out.data());
}

std::size_t count_scores(std::span<const RowNumbers> scores, std::int16_t low) {
    return HWY_DYNAMIC_DISPATCH(count_at_least)(scores.data(), scores.size(), low);
}

std::size_t find_scores(std::span<const RowNumbers> scores, std::int16_t low, std::int16_t high,
                        std::span<std::uint32_t> out) {
    const std::size_t found =
        HWY_DYNAMIC_DISPATCH(find_between)(scores.data(), scores.size(), low, high, out.data());
    MESH_ASSERT(found <= out.size());
    return found;
}

}  // namespace meshchain::records
#endif  // HWY_ONCE
