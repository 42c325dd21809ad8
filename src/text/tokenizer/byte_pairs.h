// Byte pair encoding: neighbours merged by rank. spec.md has the rules.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "attar/result.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/vocabulary.h"

namespace attar::text {

/// Two tokens by their numbers, and the token that they make. Of lesser ranks first.
struct Merge {
  std::uint32_t left, right, rank, made;
};

struct PairOptions {
  /// Units are bytes; else code points.
  bool bytes = true;
  /// A part that is a token counts as one, whatever merges would make of it.
  bool whole_first = false;
  bool byte_fallback = false;
  bool fuse_unknown = false;
  std::uint32_t unknown = Vocabulary::none;  ///< none: units without a token count nothing
};

class BytePairs final : public TokenModel {
 public:
  /// Of a pair that stands twice the last counts. `over_limit` above 2²² pairs.
  [[nodiscard]] static Result<std::unique_ptr<BytePairs>> make(Vocabulary tokens, std::span<const Merge> merges,
                                                               const PairOptions& options);
  /// Every two tokens that joined are a token, by that token's rank. Ranks by the order in which tokens were added.
  [[nodiscard]] static Result<std::vector<Merge>> pairs_of(const Vocabulary& tokens,
                                                           std::span<const std::uint32_t> ranks);

  [[nodiscard]] std::size_t count(std::string_view part) const override;

 private:
  struct Row;
  struct Slot {
    std::uint64_t pair = 0;
    std::uint32_t rank = 0, made = Vocabulary::none;  // none: empty
  };

  BytePairs(Vocabulary tokens, const PairOptions& options) : tokens_(std::move(tokens)), options_(options) {}
  void put(const Merge& merge);
  [[nodiscard]] const Slot* find(std::uint32_t left, std::uint32_t right) const noexcept;
  [[nodiscard]] std::uint32_t rank_of(std::uint32_t left, std::uint32_t right) const noexcept;
  [[nodiscard]] std::size_t count_anew(std::string_view part) const;
  void read_units(std::string_view part, Row& row) const;
  void read_fallback(std::string_view unit, Row& row, bool& in_unknown) const;
  [[nodiscard]] std::size_t merge_in_a_row(Row& row) const;
  [[nodiscard]] std::size_t merge_by_heap(Row& row) const;

  Vocabulary tokens_;
  PairOptions options_;
  std::uint64_t identity_ = 0;  // of these merges: what is remembered of others is forgotten
  std::vector<Slot> slots_;
  std::array<std::uint32_t, 256> byte_units_{};     // numbers of the tokens of single bytes (of ASCII, for code points)
  std::array<std::uint32_t, 256> byte_fallback_{};  // numbers of <0x00> … <0xFF>
};

}  // namespace attar::text
