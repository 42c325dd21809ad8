// The grammar of conditions on attributes: text to a tree. What its fields and values mean, the columns say.
//
//   condition  = conjunction { "or" conjunction }          keywords in any case
//   conjunction = negation { "and" negation }
//   negation   = "not" negation | "(" condition ")" | comparison
//   comparison = field ( "=" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ) value
//              | field [ "not" ] "between" value "and" value
//              | field [ "not" ] "in" "(" value { "," value } ")"
//              | field [ "not" ] "like" text | field [ "not" ] "contains" text
//              | field "is" [ "not" ] "null"
//   field      = name | "any ""name"""        value = number | 'text' | "true" | "false"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "attar/result.h"

namespace attar::filter {

inline constexpr std::size_t most_where_bytes = 1u << 20;
inline constexpr unsigned most_where_depth = 100;

struct Literal {
  std::variant<bool, std::int64_t, double, std::string> value;
  std::size_t at = 0;  ///< byte in the text

  friend bool operator==(const Literal& a, const Literal& b) { return a.value == b.value; }
};

enum class Comparator : std::uint8_t {
  equal,
  unequal,
  less,
  at_most,
  more,
  at_least,
  between,
  in,
  like,
  contains,
  is_null
};

struct Comparison {
  std::string field;
  std::size_t at = 0;  ///< byte in the text
  Comparator comparator = Comparator::equal;
  bool negated = false;                ///< "not between", "not in", "not like", "not contains", "is not null"
  std::vector<Literal> operands = {};  ///< as many as the comparator takes
};

struct Condition {
  enum class Kind : std::uint8_t { comparison, negation, conjunction, disjunction };
  Kind kind = Kind::comparison;
  Comparison comparison = {};
  std::vector<Condition> parts = {};  ///< one of a negation, two or more of "and" and "or"
};

/// `invalid_argument` names the place and what was expected there.
[[nodiscard]] Result<Condition> parse_where(std::string_view text);

/// One text for all ways of writing a condition: keywords in lower case, names in quotes, parts and lists in order.
[[nodiscard]] std::string canonical_text(const Condition& condition);

/// An error about the byte `at` of a condition.
[[nodiscard]] std::unexpected<Error> where_error(std::string_view text, std::size_t at, std::string_view message);

/// True where `text` is like the pattern: % stands for any characters, _ for one, \ before either for itself.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern) noexcept;
/// What a pattern begins with before its first % or _; `whole` says that only one % follows.
struct LikePrefix {
  std::string text;
  bool whole = false;
};
[[nodiscard]] LikePrefix prefix_of(std::string_view pattern);

}  // namespace attar::filter
