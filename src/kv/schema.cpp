#include "kv/schema.h"

#include <algorithm>
#include <array>
#include <string>

namespace meshchain::kv {
namespace {

bool is_lower(char letter) { return letter >= 'a' && letter <= 'z'; }
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

bool is_table_name(std::string_view name) {
    if (name.empty() || name.size() > table_name_bytes_max || !is_lower(name.front())) return false;
    return std::ranges::all_of(
        name, [](char letter) { return is_lower(letter) || is_digit(letter) || letter == '_'; });
}

std::unexpected<base::Error> refused(const TableInfo& info, std::string_view why) {
    return base::failure(base::Errc::invalid_argument,
                         "table " + std::to_string(index_of(info.table)) + " \"" +
                             std::string(info.name) + "\": " + std::string(why),
                         "kv schema");
}

}  // namespace

std::expected<void, base::Error> check_tables(std::span<const TableInfo> tables) {
    std::array<std::string_view, tables_max> names{};
    for (const TableInfo& info : tables) {
        if (index_of(info.table) >= tables_max) return refused(info, "number out of range");
        if (!is_table_name(info.name)) return refused(info, "name must match [a-z][a-z0-9_]*");
        if (!names[index_of(info.table)].empty()) return refused(info, "number used twice");
        if (std::ranges::find(names, info.name) != names.end()) {
            return refused(info, "name used twice");
        }
        names[index_of(info.table)] = info.name;
    }
    return {};
}

std::expected<void, base::Error> check_stored_table(const TableInfo& stored,
                                                    std::span<const TableInfo> declared) {
    for (const TableInfo& info : declared) {
        if ((info.table == stored.table) == (info.name == stored.name)) continue;
        return base::failure(
            base::Errc::conflict,
            "stored table " + std::to_string(index_of(stored.table)) + " \"" +
                std::string(stored.name) + "\" is declared as " +
                std::to_string(index_of(info.table)) + " \"" + std::string(info.name) + "\"",
            "kv schema", "open the store with the version of the program that wrote it");
    }
    return {};
}

}  // namespace meshchain::kv
