// A manual page as text with its structure in Markdown.
#pragma once

#include <string_view>

#include "attar/result.h"
#include "data/documents/markup.h"

namespace attar::data {

/// `page` is UTF-8, in the macros of man(7) or mdoc(7). Takes time linear in it. `invalid_data` for a page that only
/// leads to another, `over_limit` where the text is much larger than the page.
[[nodiscard]] Result<Rendered> render_man(std::string_view page);

}  // namespace attar::data
