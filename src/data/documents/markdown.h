// What a Markdown file calls itself.
#pragma once

#include <string>
#include <string_view>

namespace attar::data {

/// `title` of the front matter, else the first heading, without marks of emphasis around it; "" for none. Reads no
/// further than the first heading.
[[nodiscard]] std::string markdown_title(std::string_view text);

}  // namespace attar::data
