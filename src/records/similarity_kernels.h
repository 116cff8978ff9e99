#pragma once
// The loops of similarity search that touch every record, for whichever vector instructions the
// processor turns out to have. All are integer arithmetic: every processor gives the same result.
//
// Ownership: spans are read or filled before the call returns.
// Limits:    sums of products fit 32 bits, because a query's values are at most query_value_max.

#include <array>
#include <cstdint>
#include <span>

#include "records/embedding.h"

namespace meshchain::records {

/// Vector loads across cache lines cost up to 40 % of a scan.
inline constexpr std::size_t cache_line = 64;

struct alignas(cache_line) EmbeddingRow {
    std::array<std::int8_t, Embedding::dimensions> values;
};

/// What refines the numbers of a row (embedding.h): two fifths a byte, raised by fifths_max, number
/// i in the low half of byte i, number 256 + i in its high half.
struct alignas(cache_line) FifthsRow {
    static constexpr std::size_t pairs = Embedding::dimensions / 2;

    std::array<std::uint8_t, pairs> values;
};

/// A query is held finer than the rows, so that only theirs is rounding that a search suffers.
/// 14 bits are what three Hadamard transforms (one_bit_code.h) leave room for in 32.
inline constexpr int query_value_max = 8191;

struct alignas(cache_line) QueryRow {
    std::array<std::int16_t, Embedding::dimensions> values;
};

inline constexpr std::size_t code_bytes = Embedding::dimensions / 8;
inline constexpr std::size_t rows_a_block = 64;

/// The one-bit codes of 64 rows, byte by byte: `columns[b]` has byte b of each, row r at
/// `code_column(r)`. So one vector holds the same byte of many rows.
struct alignas(cache_line) CodeBlock {
    std::array<std::array<std::uint8_t, rows_a_block>, code_bytes> columns;
};

/// The first 32 rows at even places, the others between them: the even and the odd bytes of a
/// vector are summed apart, and each sum is then one of rows that follow each other.
constexpr std::size_t code_column(std::size_t row) {
    return row < rows_a_block / 2 ? 2 * row : 2 * row - rows_a_block + 1;
}

/// One number for each row of a block.
struct alignas(cache_line) RowNumbers {
    std::array<std::int16_t, rows_a_block> values{};
};

/// For every four dimensions and each of the 16 codes that they may have, what these add to a
/// score: the magnitudes of the query's numbers whose signs agree with the code's.
struct alignas(cache_line) ScoreTable {
    static constexpr int entry_max = 60;  ///< the sum of four of them fits a byte

    std::array<std::array<std::uint8_t, 16>, 2 * code_bytes> entries;
    std::int16_t magnitudes = 0;  ///< the sum of all: the score of a row that agrees everywhere
};

/// Writes the sum of products of `query` with each row.
void dot_products(const QueryRow& query, std::span<const EmbeddingRow> rows,
                  std::span<std::int32_t> out);

/// The same for the rows at these slots; each must be below rows.size().
void dot_products_at(const QueryRow& query, std::span<const EmbeddingRow> rows,
                     std::span<const std::uint32_t> slots, std::span<std::int32_t> out);

/// The same for what refines the rows: sums of products of `query` with their fifths.
void fifth_products_at(const QueryRow& query, std::span<const FifthsRow> rows,
                       std::span<const std::uint32_t> slots, std::span<std::int32_t> out);

/// Writes the score of each row: twice what agrees less what does not, times the row's correction,
/// which is a number of 15 bits behind the point.
void code_scores(const ScoreTable& table, std::span<const CodeBlock> blocks,
                 std::span<const RowNumbers> corrections, std::span<RowNumbers> out);

/// How many scores are `low` or more.
std::size_t count_scores(std::span<const RowNumbers> scores, std::int16_t low);

/// Writes the rows whose scores are at least `low` and below `high`, in order, and returns how many
/// there are. Asserts that `out` has room for them.
std::size_t find_scores(std::span<const RowNumbers> scores, std::int16_t low, std::int16_t high,
                        std::span<std::uint32_t> out);

}  // namespace meshchain::records
