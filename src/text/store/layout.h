// Where the parts of a text section lie; spec.md.
#pragma once

#include <cstdint>

#include "attar/result.h"
#include "base/bytes.h"
#include "format/section.h"

namespace attar::text {

inline constexpr std::uint64_t texts_header_bytes = 32;
inline constexpr std::uint32_t most_dictionary_bytes = 1u << 20;
inline constexpr std::uint32_t most_content_bytes = 1u << 26;

struct TextsHeader {
  std::uint32_t pieces = 0;
  std::uint32_t groups = 0;
  std::uint64_t bytes = 0;  ///< of all pieces
  std::uint32_t dictionary_bytes = 0;
  std::uint32_t most_content = 0;  ///< bytes of a group's content

  void write(base::ByteWriter& out) const;
  /// Every field in its range.
  [[nodiscard]] static Result<TextsHeader> read(const format::SectionReader& section);
};

/// Offsets from the start of the section.
struct TextsLayout {
  std::uint64_t ends = 0;    ///< of frames, u64 a group
  std::uint64_t pieces = 0;  ///< before the end of each group, u32
  std::uint64_t frames = 0;

  [[nodiscard]] static TextsLayout of(const TextsHeader& header) noexcept;
  /// `truncated` where the section is shorter.
  [[nodiscard]] static Result<TextsLayout> of(const TextsHeader& header, const format::SectionReader& section);
};

}  // namespace attar::text
