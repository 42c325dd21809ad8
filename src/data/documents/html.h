// A page of HTML as text with its structure in Markdown.
#pragma once

#include <string_view>

#include "attar/result.h"
#include "data/documents/markup.h"

namespace attar::data {

/// `html` is UTF-8. Takes time linear in it, and no recursion; `over_limit` for elements nested too deep, or with too
/// many attributes: spec.md.
[[nodiscard]] Result<Rendered> render_html(std::string_view html);

}  // namespace attar::data
