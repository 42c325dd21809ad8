#include "filter/where.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace attar::filter {
namespace {

struct Token {
  enum class Kind : std::uint8_t { end, word, name, text, number, symbol };
  Kind kind = Kind::end;
  std::size_t at = 0;
  std::string text = {};  ///< quotes and their escapes resolved
};

bool is_word_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<Token> next() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
    Token out{.at = at_};
    if (at_ == text_.size()) return out;
    const char c = text_[at_];
    if (c == '\'' || c == '"') {
      out.kind = c == '"' ? Token::Kind::name : Token::Kind::text;
      ATTAR_ASSIGN(out.text, quoted(c));
      return out;
    }
    const bool sign =
        (c == '-' || c == '+') && at_ + 1 < text_.size() && (is_digit(text_[at_ + 1]) || text_[at_ + 1] == '.');
    if (sign || is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
      out.kind = Token::Kind::number;
      out.text = number();
      return out;
    }
    if (is_word_byte(c) && c != '-') {
      const std::size_t begin = at_;
      while (at_ < text_.size() && is_word_byte(text_[at_])) ++at_;
      out.kind = Token::Kind::word;
      out.text = text_.substr(begin, at_ - begin);
      return out;
    }
    for (const std::string_view symbol : {"<=", ">=", "<>", "!=", "==", "<", ">", "=", "(", ")", ","})
      if (text_.substr(at_).starts_with(symbol)) {
        at_ += symbol.size();
        out.kind = Token::Kind::symbol;
        out.text = symbol;
        return out;
      }
    return where_error(text_, at_, "this character has no meaning here; texts stand in 'single quotes'");
  }

 private:
  Result<std::string> quoted(char quote) {
    const std::size_t begin = at_++;
    std::string out;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] != quote) {
        out += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == quote) {
        out += quote;
        ++at_;
      } else {
        ++at_;
        return out;
      }
    }
    return where_error(text_, begin, fmt::format("this quote does not end; close it with {}", quote));
  }

  std::string number() {
    const std::size_t begin = at_++;
    while (at_ < text_.size()) {
      const char c = text_[at_], before = text_[at_ - 1];
      const bool sign_of_exponent = (c == '-' || c == '+') && (before == 'e' || before == 'E');
      if (!is_digit(c) && c != '.' && c != 'e' && c != 'E' && !sign_of_exponent) break;
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), lexer_(text) {}

  Result<Condition> run() {
    ATTAR_TRY(advance());
    ATTAR_ASSIGN(Condition out, disjunction(0));
    if (token_.kind != Token::Kind::end) return expected("\"and\", \"or\" or the end");
    return out;
  }

 private:
  Status advance() {
    ATTAR_ASSIGN(token_, lexer_.next());
    return {};
  }

  std::unexpected<Error> expected(std::string_view what) const {
    return where_error(text_, token_.at, fmt::format("expected {}", what));
  }

  bool is_keyword(std::string_view word) const {
    return token_.kind == Token::Kind::word && lowered(token_.text) == word;
  }
  bool is_symbol(std::string_view symbol) const { return token_.kind == Token::Kind::symbol && token_.text == symbol; }

  Result<bool> take_keyword(std::string_view word) {
    if (!is_keyword(word)) return false;
    ATTAR_TRY(advance());
    return true;
  }

  Status need_symbol(std::string_view symbol, std::string_view what) {
    return is_symbol(symbol) ? advance() : expected(what);
  }

  // "a or b or c" with parts of the next level; a single part is itself.
  template <class Next>
  Result<Condition> joined(Condition::Kind kind, std::string_view word, Next next) {
    ATTAR_ASSIGN(Condition first, next());
    if (!is_keyword(word)) return first;
    Condition out{.kind = kind};
    out.parts.push_back(std::move(first));
    while (is_keyword(word)) {
      ATTAR_TRY(advance());
      ATTAR_ASSIGN(Condition part, next());
      out.parts.push_back(std::move(part));
    }
    return out;
  }

  Result<Condition> disjunction(unsigned depth) {
    if (depth > most_where_depth)
      return where_error(text_, token_.at, fmt::format("more than {} conditions are nested", most_where_depth));
    return joined(Condition::Kind::disjunction, "or",
                  [&] { return joined(Condition::Kind::conjunction, "and", [&] { return negation(depth); }); });
  }

  Result<Condition> negation(unsigned depth) {
    bool negated = false;
    while (is_keyword("not")) {
      ATTAR_TRY(advance());
      negated = !negated;
    }
    ATTAR_ASSIGN(Condition inner, primary(depth));
    if (!negated) return inner;
    Condition out{.kind = Condition::Kind::negation};
    out.parts.push_back(std::move(inner));
    return out;
  }

  Result<Condition> primary(unsigned depth) {
    if (is_symbol("(")) {
      ATTAR_TRY(advance());
      ATTAR_ASSIGN(Condition inner, disjunction(depth + 1));
      ATTAR_TRY(need_symbol(")", "\"and\", \"or\" or a closing parenthesis"));
      return inner;
    }
    Condition out;
    ATTAR_ASSIGN(out.comparison, comparison());
    return out;
  }

  Result<Comparison> comparison() {
    if (token_.kind != Token::Kind::word && token_.kind != Token::Kind::name)
      return expected("a field's name, \"not\" or an opening parenthesis");
    Comparison out{.field = token_.text, .at = token_.at};
    ATTAR_TRY(advance());
    if (token_.kind == Token::Kind::symbol) {
      ATTAR_TRY(compare(out));
      return out;
    }
    ATTAR_ASSIGN(const bool is, take_keyword("is"));
    if (is) {
      ATTAR_ASSIGN(out.negated, take_keyword("not"));
      if (!is_keyword("null")) return expected("\"null\"");
      out.comparator = Comparator::is_null;
      ATTAR_TRY(advance());
      return out;
    }
    ATTAR_ASSIGN(out.negated, take_keyword("not"));
    ATTAR_TRY(word_comparison(out));
    return out;
  }

  Status compare(Comparison& out) {
    static constexpr std::pair<std::string_view, Comparator> symbols[] = {
        {"=", Comparator::equal},    {"==", Comparator::equal},   {"!=", Comparator::unequal},
        {"<>", Comparator::unequal}, {"<", Comparator::less},     {"<=", Comparator::at_most},
        {">", Comparator::more},     {">=", Comparator::at_least}};
    const auto* const it =
        std::ranges::find(symbols, std::string_view(token_.text), [](const auto& pair) { return pair.first; });
    if (it == std::end(symbols)) return expected(comparisons);
    out.comparator = it->second;
    ATTAR_TRY(advance());
    return operand(out);
  }

  Status word_comparison(Comparison& out) {
    const std::string word = token_.kind == Token::Kind::word ? lowered(token_.text) : "";
    if (word == "between") {
      out.comparator = Comparator::between;
      ATTAR_TRY(advance());
      ATTAR_TRY(operand(out));
      if (!is_keyword("and")) return expected("\"and\" and the second bound");
      ATTAR_TRY(advance());
      return operand(out);
    }
    if (word == "in") {
      out.comparator = Comparator::in;
      ATTAR_TRY(advance());
      return list(out);
    }
    if (word != "like" && word != "contains")
      return expected(out.negated ? "between, in, like or contains" : comparisons);
    out.comparator = word == "like" ? Comparator::like : Comparator::contains;
    ATTAR_TRY(advance());
    if (token_.kind != Token::Kind::text) return expected("a text in 'single quotes'");
    return operand(out);
  }

  Status list(Comparison& out) {
    ATTAR_TRY(need_symbol("(", "a list such as ('a', 'b')"));
    ATTAR_TRY(operand(out));
    while (is_symbol(",")) {
      ATTAR_TRY(advance());
      ATTAR_TRY(operand(out));
    }
    return need_symbol(")", "a comma or a closing parenthesis");
  }

  Status operand(Comparison& out) {
    Literal literal{.value = false, .at = token_.at};
    if (token_.kind == Token::Kind::text) {
      literal.value = token_.text;
    } else if (token_.kind == Token::Kind::number) {
      const auto number = number_of(token_.text);
      if (!number) return expected("a number that can be read, such as 5, -2.5 or 1e6");
      literal.value = *number;
    } else if (is_keyword("true") || is_keyword("false")) {
      literal.value = is_keyword("true");
    } else if (is_keyword("null")) {
      return expected("a value; whether there is none asks \"is null\"");
    } else {
      return expected("a value, such as 5, 'text', '2024-05-01' or true");
    }
    out.operands.push_back(std::move(literal));
    return advance();
  }

  static std::optional<std::variant<bool, std::int64_t, double, std::string>> number_of(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t whole = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (error == std::errc{} && end == text.data() + text.size()) return whole;
    double real = 0;
    std::tie(end, error) = [&] {
      const auto read = std::from_chars(text.data(), text.data() + text.size(), real);
      return std::pair(read.ptr, read.ec);
    }();
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return real;
  }

  static constexpr std::string_view comparisons =
      "a comparison: =, !=, <, <=, >, >=, between, in, like, contains or is null";

  std::string_view text_;
  Lexer lexer_;
  Token token_;
};

std::string quoted_text(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

std::string literal_text(const Literal& literal) {
  if (const auto* truth = std::get_if<bool>(&literal.value)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&literal.value)) return fmt::to_string(*whole);
  if (const auto* real = std::get_if<double>(&literal.value)) return fmt::to_string(*real);
  return quoted_text(std::get<std::string>(literal.value), '\'');
}

std::string comparison_text(const Comparison& comparison) {
  static constexpr std::string_view words[] = {
      "=", "!=", "<", "<=", ">", ">=", "between", "in", "like", "contains", "null"};
  const std::string field = quoted_text(comparison.field, '"');
  const std::string_view negation = comparison.negated ? "not " : "";
  if (comparison.comparator == Comparator::is_null) return fmt::format("{} is {}null", field, negation);
  std::vector<std::string> operands;
  operands.reserve(comparison.operands.size());
  for (const Literal& literal : comparison.operands) operands.push_back(literal_text(literal));
  if (comparison.comparator == Comparator::in) {
    std::ranges::sort(operands);
    const auto rest = std::ranges::unique(operands);
    operands.erase(rest.begin(), rest.end());
  }
  const std::string_view word = words[static_cast<std::size_t>(comparison.comparator)];
  if (comparison.comparator == Comparator::in)
    return fmt::format("{} {}in ({})", field, negation, fmt::join(operands, ", "));
  return fmt::format("{} {}{} {}", field, negation, word, fmt::join(operands, " and "));
}

}  // namespace

std::unexpected<Error> where_error(std::string_view text, std::size_t at, std::string_view message) {
  constexpr std::size_t shown = 24;
  const std::string_view rest = text.substr(std::min(at, text.size()), shown);
  const std::string place =
      rest.empty() ? "at its end"
                   : fmt::format("at character {}, \"{}{}\"", at + 1, rest, at + rest.size() < text.size() ? "…" : "");
  return fail(ErrorCode::invalid_argument, fmt::format("the condition {}: {}", place, message));
}

Result<Condition> parse_where(std::string_view text) {
  if (text.size() > most_where_bytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the condition has {} bytes, at most {} are read", text.size(), most_where_bytes));
  return Parser(text).run();
}

std::string canonical_text(const Condition& condition) {
  if (condition.kind == Condition::Kind::comparison) return comparison_text(condition.comparison);
  std::vector<std::string> parts;
  parts.reserve(condition.parts.size());
  for (const Condition& part : condition.parts) parts.push_back(canonical_text(part));
  if (condition.kind == Condition::Kind::negation) return fmt::format("not ({})", parts.front());
  std::ranges::sort(parts);
  return fmt::format("({})", fmt::join(parts, condition.kind == Condition::Kind::conjunction ? " and " : " or "));
}

}  // namespace attar::filter
