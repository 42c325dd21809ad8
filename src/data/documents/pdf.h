// The text of a PDF, in builds that have poppler.
#pragma once

#include <cstdint>
#include <string_view>

#include "attar/result.h"
#include "data/documents/markup.h"

namespace attar::data {

/// Whether this build reads PDF (ATTAR_PDF).
[[nodiscard]] bool reads_pdf() noexcept;

/// The text of the pages, a blank line between, and the title that the document states. `unsupported` in builds without
/// poppler and for documents that need a password, `over_limit` for text of more than `most` bytes.
[[nodiscard]] Result<Rendered> render_pdf(std::string_view file, std::uint64_t most);

}  // namespace attar::data
