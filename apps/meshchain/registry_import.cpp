#include "meshchain/registry_import.h"

#include "host/json_document.h"

namespace meshchain::app {
namespace {

using host::Json;

constexpr std::size_t told_each = 100;

/// Again and again while the node is full.
std::expected<Json, base::Error> enter(const Json& entry, const ImportCount& count,
                                       const ImportDoors& doors) {
    base::Duration waited{};
    while (true) {
        auto answer = doors.post(entry);
        const bool is_full = !answer && answer.error().code == base::Errc::full;
        if (!is_full || waited >= import_patience) return answer;
        doors.tell(count, true);
        doors.sleep(import_pause);
        waited += import_pause;
    }
}

base::Error stopped(base::Error error, const ImportCount& count) {
    error.advice += (error.advice.empty() ? "" : "; ") + std::to_string(count.total()) +
                    " entries before it are in, and the same command goes on from there";
    return error;
}

}  // namespace

std::expected<ImportCount, base::Error> import_lines(std::string_view lines,
                                                     const std::string& name,
                                                     const ImportDoors& doors) {
    ImportCount count;
    for (std::size_t number = 1; !lines.empty(); ++number) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        const std::string where = name + ", line " + std::to_string(number);
        auto entry = host::parse_json(line, where);
        if (!entry) return std::unexpected(stopped(std::move(entry).error(), count));
        if (entry->is_object()) (*entry)["if_changed"] = true;
        auto answer = enter(*entry, count, doors);
        if (!answer) {
            answer.error().where = where + ", " + answer.error().where;
            return std::unexpected(stopped(std::move(answer).error(), count));
        }
        ++(answer->value("entered", true) ? count.entered : count.unchanged);
        if (count.total() % told_each == 0) doors.tell(count, false);
    }
    return count;
}

}  // namespace meshchain::app
