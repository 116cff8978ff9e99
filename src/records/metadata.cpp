#include "records/metadata.h"

#include <algorithm>

namespace meshchain::records {
namespace {

/// Where the string that begins at `at` with a quote ends, one behind its closing quote; npos if it
/// does not.
std::size_t end_of_string(std::string_view text, std::size_t at) {
    for (std::size_t i = at + 1; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            return i + 1;
        }
    }
    return std::string_view::npos;
}

/// Where the plain value at `at` ends; npos if there is none.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    if (at < text.size() && text[at] == '"') return end_of_string(text, at);
    const std::size_t end = std::min(text.find_first_of(",}]{[\": ", at), text.size());
    return end == at ? std::string_view::npos : end;
}

/// Where the member whose name begins at `at` ends; npos if none with a plain value does.
std::size_t end_of_member(std::string_view text, std::size_t at) {
    const std::size_t colon = end_of_string(text, at);
    if (colon >= text.size() || text[colon] != ':') return std::string_view::npos;
    return end_of_value(text, colon + 1);
}

}  // namespace

std::vector<std::string_view> metadata_members(std::string_view metadata, std::size_t count_max) {
    std::vector<std::string_view> members;
    std::size_t at = 0;
    while (at < metadata.size() && members.size() < count_max) {
        if (metadata[at] != '"') {
            ++at;
            continue;
        }
        const std::size_t end = end_of_member(metadata, at);
        if (end != std::string_view::npos) {
            if (end - at <= metadata_member_bytes_max) {
                members.push_back(metadata.substr(at, end - at));
            }
            at = end;
            continue;
        }
        const std::size_t behind = end_of_string(metadata, at);
        if (behind == std::string_view::npos) break;
        at = behind;
    }
    return members;
}

bool is_metadata_member(std::string_view text) {
    return !text.empty() && text.front() == '"' && text.size() <= metadata_member_bytes_max &&
           end_of_member(text, 0) == text.size();
}

}  // namespace meshchain::records
