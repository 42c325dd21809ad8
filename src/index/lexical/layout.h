// The parts of a lexical section. spec.md has the bytes.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "format/section.h"
#include "index/lexical/formula.h"

namespace attar::index::lexical {

inline constexpr std::uint64_t header_bytes = 64;
inline constexpr std::uint64_t group_terms = 64;  ///< that an entry of the index stands for: a group of an ids section
inline constexpr std::uint32_t most_documents = 0xffff'fffeu;

/// 1 where all documents are empty.
[[nodiscard]] double mean_length(std::uint64_t total, std::uint32_t documents) noexcept;

struct Header {
  std::uint32_t documents = 0;
  std::uint32_t terms = 0;
  Parameters parameters;
  std::uint64_t total_length = 0;
  std::uint64_t list_bytes = 0;
  std::uint64_t entry_bytes = 0;

  void write(base::ByteWriter& out) const;
  /// Verifies and checks the section's first bytes.
  [[nodiscard]] static Result<Header> read(const format::SectionReader& section);
};

/// Where the parts lie, from the section's start.
struct Layout {
  std::uint64_t codes = 0, index = 0, entries = 0, lists = 0, bytes = 0;

  /// `corrupt` where sizes overflow.
  [[nodiscard]] static Result<Layout> of(const Header& header);
};

}  // namespace attar::index::lexical
