#pragma once
// Metadata of entries as a search sees it (row G3): which members its JSON has, by the text of
// each, as `"colour":"blue"`.
//
// Only members with a plain value (text, number, true, false, null) count, however deep they are,
// and only as JSON without white space between its parts has them; the interfaces write it so.
// Metadata that is no JSON has no members, and is no error.
//
// Ownership: the text outlives what is returned.

#include <string_view>
#include <vector>

namespace meshchain::records {

inline constexpr std::size_t metadata_member_bytes_max = 128;

/// In order, at most `count_max`; none longer than metadata_member_bytes_max.
std::vector<std::string_view> metadata_members(std::string_view metadata, std::size_t count_max);

/// Whether `text` is one member and nothing else.
bool is_metadata_member(std::string_view text);

}  // namespace meshchain::records
