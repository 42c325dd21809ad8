// Gathers the terms of documents into a lexical section.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attar/result.h"
#include "index/lexical/formula.h"

namespace attar::index::lexical {

inline constexpr std::uint16_t wire_version = 1;
inline constexpr std::size_t most_term_bytes = 65'535;

/// What a file holds of an index.
struct Sections {
  std::vector<std::byte> lexical;
  std::vector<std::byte> terms;  ///< in the form of an ids section
};

/// Memory: nine bytes for each document and term that it holds, and the terms.
class Builder {
 public:
  explicit Builder(Parameters parameters = {}) : parameters_(parameters) {}

  /// The terms of the next document, in any order, repeated as often as they stand there; none may be longer than
  /// most_term_bytes.
  [[nodiscard]] Status add(std::span<const std::string_view> terms);
  [[nodiscard]] std::uint32_t documents() const noexcept { return static_cast<std::uint32_t>(lengths_.size()); }

  /// `invalid_data` without a document.
  [[nodiscard]] Result<Sections> finish() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  [[nodiscard]] Result<std::uint32_t> number_of(std::string_view term);

  Parameters parameters_;
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> numbers_;
  std::vector<std::uint64_t> lengths_;  // by document
  // Of each document and each of its terms, in the documents' order.
  std::vector<std::uint32_t> terms_, in_;
  std::vector<std::uint8_t> counts_;
  std::vector<std::uint32_t> present_;  // terms of the document being added
};

}  // namespace attar::index::lexical
