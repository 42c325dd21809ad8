// What counts the tokens of a part.
#pragma once

#include <cstddef>
#include <string_view>

namespace attar::text {

/// Const calls are safe from many threads.
class TokenModel {
 public:
  virtual ~TokenModel() = default;
  /// Tokens of a part, UTF-8 and not empty.
  [[nodiscard]] virtual std::size_t count(std::string_view part) const = 0;
};

}  // namespace attar::text
