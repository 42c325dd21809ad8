// The part of a text that shows best why it was found.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/words/words.h"

namespace attar::text {

/// Bytes [begin, end) of a text.
struct Stretch {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  friend bool operator==(const Stretch&, const Stretch&) = default;
};

struct Snippet {
  Stretch shown;
  std::vector<Stretch> marks;  ///< words of `shown` that are the query's, ascending
};

/// A term of the query, and how much it tells: rarer terms more.
struct WeighedTerm {
  std::string term;
  float weight = 1;
};

/// The stretch of whole words, at most `most_bytes` long (a word that is longer is shown whole), whose terms weigh
/// most, each counted once; of equal ones the first. Without a term of the query: where the text begins. Text of less
/// than 4 GiB.
[[nodiscard]] Snippet snippet(std::string_view text, std::span<const WeighedTerm> terms, std::uint32_t most_bytes,
                              WordSplitter& splitter);

}  // namespace attar::text
