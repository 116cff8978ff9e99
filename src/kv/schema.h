#pragma once
// The named tables of a store: a small fixed set, declared when it is opened.
//
// A table is known by its number in code and on a flash medium, by its name in SQLite; both are
// stored, so that a build that renumbers or renames a table is refused rather than misread.

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "kv/limits.h"

namespace meshchain::kv {

/// A table's number, 0 to tables_max - 1. Each application lists its own as constants.
enum class Table : std::uint8_t {};

constexpr std::size_t index_of(Table table) { return static_cast<std::size_t>(table); }

struct TableInfo {
    Table table;
    std::string_view name;  ///< [a-z][a-z0-9_]*, up to table_name_bytes_max
};

/// Errors: invalid_argument (a number or name out of range or given twice, with the name).
std::expected<void, base::Error> check_tables(std::span<const TableInfo> tables);

/// Compares a table of the store with what is declared: the same number under another name, or
/// the same name under another number. A stored table that is not declared is left alone.
/// Errors: conflict.
std::expected<void, base::Error> check_stored_table(const TableInfo& stored,
                                                    std::span<const TableInfo> declared);

}  // namespace meshchain::kv
