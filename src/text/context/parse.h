// A document to its units: which kinds it holds, and each kind's own reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/context/unit.h"

namespace attar::text::context {

/// By a word that a user says or a file's ending: "prose", "markdown", "code" … Nothing for another word.
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name) noexcept;
[[nodiscard]] std::string_view kind_name(Kind kind) noexcept;

struct ParseOptions {
  std::optional<Kind> kind = std::nullopt;  ///< of the whole document; nothing: found by itself
  std::string_view name = {};               ///< the file's, whose ending tells of its kind
};

/// The stretches of a text of less than 4 GiB, in order and without gaps.
[[nodiscard]] std::vector<Stretch> find_stretches(std::string_view text, const ParseOptions& options);

/// The units of a text of less than 4 GiB; the bytes outlive them. The same for the same bytes and options, always.
[[nodiscard]] Document parse(std::string_view text, const ParseOptions& options);

}  // namespace attar::text::context
