// What an input says again: lines of one template, and units that stand word for word earlier.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/context/unit.h"

namespace attar::text::context {

/// A line's hash without its variables: runs of digits, and hexadecimal words of at least eight signs, groups of UUIDs
/// among them. Lines of one template differ in these alone.
[[nodiscard]] std::uint64_t template_hash(std::string_view line) noexcept;
/// A line's variables, in order.
[[nodiscard]] std::vector<std::string_view> variables(std::string_view line);

/// Sets `group` of a log's lines that share a template with an earlier one, and of that one itself; and `repeated` of
/// other units of at least 40 bytes that stand word for word earlier.
void find_alike(Document& document);

/// In words, how the lines of a group differ from the first: until when, and the values that a variable takes, where it
/// has a name: "until 16:14:02.511; status 200 404; len 1874..1910". At most `most` bytes; empty where there is
/// nothing to tell. `lines`: all of the group, in order.
[[nodiscard]] std::string differences(const std::vector<std::string_view>& lines, std::size_t most);

}  // namespace attar::text::context
