// What a question's words ask for (a person, a time, a place, a quantity), and whether a text holds such a thing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attar::text::context {

/// Questions in English; of others nothing is expected.
class Expectation {
 public:
  enum class Kind : std::uint8_t { nothing, name, time, quantity };

  Expectation() = default;
  explicit Expectation(std::string_view question);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// +1: the text holds such a thing, which the question does not name; -1: it does not; 0: nothing is expected.
  [[nodiscard]] int fit(std::string_view text) const;

 private:
  [[nodiscard]] bool has_new_name(std::string_view text) const;

  Kind kind_ = Kind::nothing;
  std::vector<std::string> known_;  // the question's words, in small letters
};

}  // namespace attar::text::context
