// What keeps a prompt from being served another one's answer however near they are: negation, numbers, units, names.
// spec.md has the rules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attar::cache {

enum class Gate : std::uint8_t { none, negation, number, unit, name };

/// "negation", "number" …; "none".
[[nodiscard]] std::string_view gate_name(Gate gate) noexcept;

/// What the gates look at in a prompt.
struct Marks {
  struct Word {
    std::string text;  ///< folded
    bool name = false;
  };
  std::uint32_t negations = 0;
  std::vector<std::string> numbers;  ///< in order
  std::vector<std::string> units;    ///< in order, by one name each
  std::vector<Word> words;           ///< in order
};

[[nodiscard]] Marks read_marks(std::string_view prompt);

/// The first gate that is shut between two prompts, in the order of the enumeration.
[[nodiscard]] Gate gate_between(const Marks& a, const Marks& b);

}  // namespace attar::cache
