// Which units are kept: greedily by what they add a token, within a budget. spec.md has the objective.
#pragma once

#include <cstdint>
#include <queue>
#include <span>
#include <vector>

#include "text/context/unit.h"
#include "text/context/vocabulary.h"

namespace attar::text::context {

/// What a unit is worth and costs.
struct Worth {
  float relevance = 0;       ///< what it adds where none of its words is said yet; at least 0
  std::uint8_t tier = 0;     ///< units of a higher tier go first
  bool candidate = true;     ///< may be chosen for itself; others come with what is chosen below them
  bool run = true;           ///< a gap beside it is marked
  std::uint32_t tokens = 0;  ///< with those of a mark that always stands beside it
};

struct SelectionOptions {
  float novelty = 0.3F;           ///< 0 to 1: the share of a unit's worth that words said already take away
  std::uint32_t mark_tokens = 0;  ///< of the mark of a gap
  bool by_gain = false;           ///< the most worth goes first, whatever it costs; else the most worth a token
  /// By document, of its name, which stands where anything of it does; a document of which nothing is kept has no mark
  /// then. Empty: no names, and a mark where nothing is kept.
  std::vector<std::uint32_t> name_tokens = {};
};

/// The units of all documents, one after the other, are numbered through.
class Selection {
 public:
  /// All outlive the selection; `worths` and `vocabulary` are by number.
  Selection(std::span<const Document> documents, std::span<const Worth> worths, const Vocabulary& vocabulary,
            SelectionOptions options);

  [[nodiscard]] std::uint32_t number(std::size_t document, std::uint32_t unit) const noexcept {
    return bases_[document] + unit;
  }
  [[nodiscard]] bool kept(std::uint32_t number) const noexcept { return kept_[number]; }

  /// Keeps a unit with all that it must not be kept without.
  void keep(std::uint32_t number);
  /// Chooses units while the estimate of all tokens is at most `budget`.
  void fill(std::int64_t budget);
  /// Gives up the unit that was chosen last, with what only it needed; false where none is left.
  bool give_up();
  /// Tokens of what is kept and of the marks, estimated.
  [[nodiscard]] std::int64_t tokens() const noexcept { return tokens_; }
  /// What the units add up to that were chosen, each by what it added then.
  [[nodiscard]] double value() const noexcept { return value_; }

 private:
  struct Candidate {
    std::uint8_t tier = 0;
    double value = 0;  ///< gain, or gain a token
    std::uint32_t number = 0;

    friend bool operator<(const Candidate& a, const Candidate& b) noexcept {
      if (a.tier != b.tier) return a.tier < b.tier;
      if (a.value != b.value) return a.value < b.value;
      return a.number > b.number;  // of equal ones the first
    }
  };
  struct Step {
    std::vector<std::uint32_t> units = {};
    std::int64_t tokens = 0;
    double value = 0;
  };

  [[nodiscard]] double gain(std::uint32_t number) const noexcept;
  [[nodiscard]] std::int64_t cost(std::uint32_t number) const noexcept;
  [[nodiscard]] Candidate candidate(std::uint32_t number) const noexcept;
  [[nodiscard]] bool gap_at(std::int64_t number, std::uint32_t beside) const noexcept;
  [[nodiscard]] std::span<const std::uint32_t> below(std::uint32_t opener) const noexcept;
  Step take(std::uint32_t number);
  void say(std::uint32_t number, int by) noexcept;
  void close_gaps(std::int64_t budget);

  std::span<const Worth> worths_;
  const Vocabulary& vocabulary_;
  SelectionOptions options_;
  std::vector<std::uint32_t> bases_;             // by document
  std::vector<std::uint32_t> owners_;            // by number: the document
  std::vector<std::uint32_t> parents_;           // by number
  std::vector<bool> closes_;                     // by number
  std::vector<std::uint32_t> below_, below_at_;  // the numbers under each opener, one after the other
  std::vector<std::uint16_t> said_;              // by word: kept units that hold it
  std::vector<bool> kept_;
  std::vector<std::uint32_t> kept_of_;  // by document: kept units
  std::vector<Step> steps_;
  std::priority_queue<Candidate> queue_;
  std::int64_t tokens_ = 0;
  double value_ = 0;
};

}  // namespace attar::text::context
