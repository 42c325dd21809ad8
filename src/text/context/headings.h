// The headings of an input, and where its text names them: a link from one part to another.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/words/words.h"

namespace attar::text::context {

/// A term's hash.
[[nodiscard]] std::uint64_t term_hash(std::string_view term) noexcept;

class Headings {
 public:
  /// The index of a heading, which is new or was added before. What stands in brackets at its end does not belong to
  /// its name; one that does not tell, of function words alone, is never named, nor are names beyond the 64th that
  /// begin with the same term. The bytes outlive the headings.
  [[nodiscard]] std::uint32_t add(std::string_view heading, bool tells, WordSplitter& splitter);
  [[nodiscard]] bool knows(std::string_view heading) const noexcept { return known_.contains(heading); }

  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
  /// Appends those that stand in the words of `text` from `at` on, begun with that word. A name of one word that is
  /// written with a capital or a digit must be written so here as well: "Apple" is not named by "an apple".
  void named_at(std::span<const std::uint64_t> terms, std::size_t at, bool marked,
                std::vector<std::uint32_t>& out) const;
  /// Whether the terms hold the heading's name.
  [[nodiscard]] bool within(std::uint32_t heading, std::span<const std::uint64_t> terms) const noexcept;

 private:
  struct Name {
    std::vector<std::uint64_t> terms = {};
    bool marked = false;
  };
  [[nodiscard]] static bool begins(const Name& name, std::span<const std::uint64_t> terms, std::size_t at) noexcept;

  std::vector<Name> names_;
  std::unordered_map<std::string_view, std::uint32_t> known_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_first_;  // term of a name
};

/// Whether a word is written as names are: with a capital or a digit.
[[nodiscard]] bool is_marked(std::string_view word) noexcept;

}  // namespace attar::text::context
