// The documents that hold a query's terms, best first. spec.md, "Formulas".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "codec/topk.h"
#include "index/lexical/reader.h"

namespace attar::index::lexical {

struct SearchOptions {
  std::uint32_t k = 10;
  std::span<const std::uint64_t> allowed = {};  ///< bit d of word d/64; empty: all documents
  std::span<const std::uint32_t> also = {};     ///< documents, ascending, whose scores are wanted whatever they are
};

struct SearchTimes {
  std::uint64_t blocks = 0;  ///< that hold a term
  std::uint64_t scored = 0;  ///< of these, scored
};

/// The k best documents of those that hold a term of the query, scores above 0, and after them those of `also` that
/// hold one and are none of the best; terms in the order of the query, each as often as it stands there.
[[nodiscard]] Result<std::vector<codec::Hit>> search(const LexicalIndex& index, std::span<const std::string_view> terms,
                                                     const SearchOptions& options, SearchTimes* times = nullptr);

/// Bit d of word d/64: document d holds every one of the terms. All documents where there is no term.
[[nodiscard]] Result<std::vector<std::uint64_t>> documents_with_all(const LexicalIndex& index,
                                                                    std::span<const std::string_view> terms);

}  // namespace attar::index::lexical
