// The patterns that cut a text before byte pairs are merged, as scanners. spec.md has the patterns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attar::text {

enum class Pattern : std::uint8_t { gpt2, cl100k, llama3, qwen2, o200k };

/// The end of the piece that begins at `at` < text.size(). `text` is UTF-8.
[[nodiscard]] std::size_t scan_piece(Pattern pattern, std::string_view text, std::size_t at) noexcept;

/// The scanner that cuts as a regular expression does, as files write it; nothing for one that is not known.
[[nodiscard]] std::optional<Pattern> pattern_of_regex(std::string_view regex);
/// By a name such as "cl100k_base".
[[nodiscard]] std::optional<Pattern> pattern_of_name(std::string_view name);
/// Those names, commas between.
[[nodiscard]] std::string pattern_names();

}  // namespace attar::text
