// Which candidates are served: the allowance of errors that the promise rests on, and the threshold that makes the most
// of it. spec.md has the formulas and the proof.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "cache/outcomes.h"

namespace attar::cache {

/// Errors allowed so far, and what exploration has charged for those that were probably served.
class Allowance {
 public:
  /// error: δ, in (0, 1).
  explicit Allowance(double error) noexcept : error_(error) {}

  /// What may still be charged at prompt `number`, counted from 1.
  [[nodiscard]] double left(std::uint64_t number) const noexcept {
    return error_ * static_cast<double>(number) - charged_;
  }
  void charge(double amount) noexcept { charged_ += amount; }
  void give_back(double amount) noexcept { charged_ -= amount; }

  [[nodiscard]] double error() const noexcept { return error_; }
  [[nodiscard]] double charged() const noexcept { return charged_; }
  void set_error(double error) noexcept { error_ = error; }

 private:
  double error_;
  double charged_ = 0;
};

/// How many of the last prompts had candidates of which log odds, and with what risk.
class RiskTable {
 public:
  static constexpr std::size_t bins = 80;
  struct Bin {
    double count = 0, risk = 0;
  };

  /// Every prompt, before its candidate, if it has one.
  void begin_prompt() noexcept;
  void add(double log_odds, double risk) noexcept;
  /// The risks, a prompt, of serving this candidate and all that are as probable or more.
  [[nodiscard]] double risk_from(double log_odds, double risk) const noexcept;

  [[nodiscard]] double prompts() const noexcept { return prompts_; }
  [[nodiscard]] const std::array<Bin, bins>& table() const noexcept { return bins_; }
  void restore(double prompts, const std::array<Bin, bins>& table) noexcept {
    prompts_ = prompts;
    bins_ = table;
  }

 private:
  double prompts_ = 0;
  std::array<Bin, bins> bins_{};
};

/// Whether a candidate may be served, and if so the probability that it is explored instead.
struct Decision {
  bool may_serve = false;
  double explore = 1;
  double charge = 0;  ///< (1 − explore) / explore: what an error counts where it is explored
};

/// For prompt `number`, counted from 1.
[[nodiscard]] Decision decide(const Allowance& allowance, const RiskTable& risks, const Belief& belief,
                              std::uint64_t number) noexcept;

/// The coin of a prompt, uniform in [0, 1).
[[nodiscard]] double coin(std::uint64_t seed, std::uint64_t number) noexcept;

/// A neighbour whose gates are open.
struct Neighbour {
  std::uint64_t answer = 0;
  double similarity = 0;
};

inline constexpr std::size_t neighbours_asked = 16;

/// What the model sees of a candidate, which is the first of the neighbours (best first, at least one), among `entries`
/// cached prompts.
[[nodiscard]] Features features_of(std::span<const Neighbour> neighbours, std::uint64_t entries) noexcept;

}  // namespace attar::cache
