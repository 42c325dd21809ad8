#include "data/documents/pdf.h"

#ifdef ATTAR_PDF
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>

#include <exception>
#include <limits>
#include <memory>

#include "data/documents/names.h"
#endif

namespace attar::data {

#ifdef ATTAR_PDF

namespace {

constexpr int most_pages = 100'000;

std::string utf8(const poppler::ustring& text) {
  const poppler::byte_array bytes = text.to_utf8();
  return {bytes.begin(), bytes.end()};
}

/// Poppler may throw, as where memory is short.
Result<Rendered> read_pages(std::string_view file, std::uint64_t most) {
  // It prints what it finds wrong unless someone takes it.
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  const std::unique_ptr<poppler::document> document(
      poppler::document::load_from_raw_data(file.data(), static_cast<int>(file.size())));
  if (!document) return fail(ErrorCode::invalid_data, "is no PDF that can be read");
  if (document->is_locked()) return fail(ErrorCode::unsupported, "is a PDF that needs a password");
  if (document->pages() > most_pages) return fail(ErrorCode::over_limit, "is a PDF of too many pages");
  Rendered out{.title = std::string(trimmed(utf8(document->get_title()))), .text = {}};
  for (int i = 0; i < document->pages(); ++i) {
    const std::unique_ptr<poppler::page> page(document->create_page(i));
    if (!page) continue;
    const std::string text = utf8(page->text());
    // A page ends in a form feed.
    const std::string_view shown = trimmed(text);
    if (shown.empty()) continue;
    if (out.text.size() + shown.size() > most) return fail(ErrorCode::over_limit, "is a PDF of too much text");
    if (!out.text.empty()) out.text += "\n\n";
    out.text += shown;
  }
  return out;
}

}  // namespace

bool reads_pdf() noexcept { return true; }

Result<Rendered> render_pdf(std::string_view file, std::uint64_t most) {
  if (file.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::over_limit, "is too large for a PDF");
  try {
    return read_pages(file, most);
  } catch (const std::exception& error) {
    return fail(ErrorCode::invalid_data, std::string("is no PDF that can be read: ") + error.what());
  }
}

#else

bool reads_pdf() noexcept { return false; }

Result<Rendered> render_pdf(std::string_view, std::uint64_t) {
  return fail(ErrorCode::unsupported,
              "is a PDF, which this build does not read; install libpoppler-cpp-dev and build with ATTAR_PDF");
}

#endif

}  // namespace attar::data
