// Which kind of document a file is: by its name, else by its first bytes. The table of spec.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "attar/result.h"
#include "data/documents/document.h"

namespace attar::data {

/// How rows of records stand in a file.
enum class RecordLayout : std::uint8_t { none, jsonl, csv, tsv };

struct Format {
  DocumentKind kind = DocumentKind::plain;
  RecordLayout layout = RecordLayout::none;  ///< of records
  std::string_view language = {};            ///< of code

  friend bool operator==(const Format&, const Format&) = default;
};

/// By the option `format`; `invalid_argument` for one that is not known, nothing for "auto".
[[nodiscard]] Result<std::optional<Format>> asked_format(std::string_view name);

/// The name without ".gz".
[[nodiscard]] std::string_view unpacked_name(std::string_view path) noexcept;

/// By the name; nothing where the first bytes must tell, a manual page's ending among it.
[[nodiscard]] std::optional<Format> format_of_name(std::string_view path);

/// By the first bytes of a file whose name tells nothing; `path` tells whether it may be a manual page.
[[nodiscard]] Format format_of_bytes(std::string_view path, std::string_view head);

}  // namespace attar::data
