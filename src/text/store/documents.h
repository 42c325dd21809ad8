// Which rows of an artifact make a document. spec.md has the bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "attar/result.h"
#include "format/section.h"

namespace attar::text {

inline constexpr std::uint16_t documents_wire_version = 1;

/// The section's bytes; `counts`: rows of each document, none of them 0.
[[nodiscard]] std::vector<std::byte> pack_documents(std::span<const std::uint32_t> counts);

/// Rows [first, last) of a document.
struct DocumentRows {
  std::uint32_t document = 0;
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  [[nodiscard]] std::uint32_t size() const noexcept { return last - first; }
};

/// All of the section, read when it is opened; four bytes a document.
class Documents {
 public:
  /// `rows`: the schema's.
  [[nodiscard]] static Result<Documents> open(const format::SectionReader& section, std::uint64_t rows);

  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(ends_.size()); }
  /// `document` < size().
  [[nodiscard]] DocumentRows rows(std::uint32_t document) const noexcept {
    return {document, document == 0 ? 0 : ends_[document - 1], ends_[document]};
  }
  /// The document that a row belongs to; the row exists.
  [[nodiscard]] DocumentRows of(std::uint32_t row) const noexcept;

 private:
  std::vector<std::uint32_t> ends_;
};

}  // namespace attar::text
