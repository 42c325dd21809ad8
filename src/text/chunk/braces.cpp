// Program text in braces, line by line.
#include <algorithm>
#include <array>
#include <vector>

#include "text/chunk/cuts.h"
#include "text/chunk/outline.h"
#include "text/chunk/skipper.h"

namespace attar::text::chunking {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

constexpr std::array<std::string_view, 17> containers = {
    "class", "struct", "union",  "enum",   "interface", "trait",     "impl",    "namespace", "module",
    "mod",   "object", "record", "extern", "protocol",  "extension", "package", "contract"};
constexpr std::array<std::string_view, 16> control = {"if",     "for",    "foreach", "while",       "switch",  "match",
                                                      "do",     "else",   "try",     "catch",       "finally", "loop",
                                                      "return", "unsafe", "with",    "synchronized"};
constexpr std::array<std::string_view, 3> going_on = {"else", "catch", "finally"};

enum class Declares : std::uint8_t { nothing, function, container };

template <class List>
bool holds(const List& list, std::string_view word) noexcept {
  return std::ranges::find(list, word) != list.end();
}

// What the text before an opening brace declares. Template parameters and arguments in parentheses are passed over.
Declares declares(std::string_view header) noexcept {
  if (holds(control, first_name(header))) return Declares::nothing;
  int angles = 0;
  for (std::size_t at = 0; at < header.size();) {
    const std::string_view word = first_name(header.substr(at));
    if (angles == 0 && holds(containers, word)) return Declares::container;
    const char c = header[at];
    if (word.empty() && angles == 0 && c == '(' && !header.substr(0, at).ends_with("pub")) return Declares::function;
    if (c == '<') ++angles;
    if (c == '>' && angles > 0) --angles;
    at += std::max<std::size_t>(word.size(), 1);
  }
  return Declares::nothing;
}

class BraceReader {
 public:
  explicit BraceReader(std::string_view text) : text_(text), skipper_(text, Quoting::braces) {}

  Outline read() {
    for (std::uint32_t at = 0; at < text_.size();) {
      const Line line = read_line(text_, at);
      take(line);
      at = line.next;
    }
    for (const Brace& brace : braces_)
      if (brace.scope != none) out_.scopes[brace.scope].end = static_cast<std::uint32_t>(text_.size());
    finish(out_);
    return std::move(out_);
  }

 private:
  struct Brace {
    std::uint32_t begin = 0;   // of its statement
    std::uint32_t parens = 0;  // open around it since the brace before
    std::size_t scope = none;  // of out_.scopes
    bool container = false;
  };

  void take(const Line& line) {
    if (line.blank()) {
      blank_ = true;
      if (fresh_) has_lead_ = false;  // a comment above a blank line stands for itself
      return;
    }
    out_.pieces.push_back({line.begin, cost(line)});
    blank_ = false;
    read_code(line);
  }

  // The cost of a cut before a line; notes where statements begin.
  [[nodiscard]] float cost(const Line& line) {
    const std::string_view own = line.in(text_);
    if (line.begin < skipped_to_) return blank_ ? seam::introduced : seam::inside_statement;
    if (own.front() == '}' || own.front() == ')' || own.front() == ']') return seam::closing;
    if (!fresh_ || own.front() == '{' || holds(going_on, first_name(own)))
      return blank_ ? seam::introduced : seam::inside_statement;
    const bool attached = has_lead_;
    if (!has_lead_) statement_ = line.begin;
    has_lead_ = leads(own);
    if (!has_lead_) code_ = line.text;
    return attached ? seam::attached : between_statements();
  }

  // Comments and attributes belong to what follows them.
  [[nodiscard]] static bool leads(std::string_view own) noexcept {
    if (own.starts_with("//") || own.starts_with("/*") || own.starts_with("#[")) return true;
    return (own.starts_with("[[") && own.ends_with(']')) || (own.front() == '@' && !own.ends_with('{')) ||
           (own.starts_with("template") && own.ends_with('>'));
  }

  [[nodiscard]] float between_statements() const noexcept {
    constexpr float deeper = 0.12F, in_container = 0.03F, definition = -0.15F;
    const auto depth = static_cast<float>(std::min<std::size_t>(braces_.size() - containers_, 5));
    const auto around = static_cast<float>(std::min<std::size_t>(containers_, 5));
    const float base = !blank_ ? seam::sentence : braces_.size() == containers_ ? definition : seam::paragraph;
    return std::min(base + deeper * depth + in_container * around, seam::inside_statement);
  }

  void read_code(const Line& line) {
    char last = '\0';  // of the line, comments left out
    std::uint32_t at = std::max(line.text, std::min(skipped_to_, line.end));
    while (at < line.end) {
      const char c = text_[at];
      const Skipper::Found found = skipper_.skip(at, line.end);
      if (found.end > at) {
        if (!found.comment) last = c;
        skipped_to_ = at = found.end;
        continue;
      }
      take_bracket(c, at, line);
      if (!is_blank(c)) last = c;
      ++at;
    }
    // A line of comments alone changes nothing.
    if (last != '\0')
      fresh_ = parens_ == 0 && (ends_statement(last) || has_lead_ || (text_[line.text] == '#' && last != '\\'));
  }

  [[nodiscard]] bool ends_statement(char last) const noexcept {
    if (last == ',') return braces_.size() > containers_;  // members of a literal
    return is_name(last) || std::string_view(":;{})]\"'`").find(last) != std::string_view::npos;
  }

  void take_bracket(char c, std::uint32_t at, const Line& line) {
    switch (c) {
      case '{': return open(at);
      case '}': return close(at, line);
      case '(':
      case '[': ++parens_; return;
      case ')':
      case ']': parens_ -= parens_ > 0 ? 1 : 0; return;
      default: return;
    }
  }

  void open(std::uint32_t at) {
    constexpr std::uint32_t longest = 200;
    Brace brace{.begin = statement_, .parens = parens_};
    if (braces_.size() == containers_ && containers_ < most_headings && code_ < at) {
      const std::string_view header = text_.substr(code_, std::min(at - code_, longest));
      const Declares found = declares(header);
      brace.container = found == Declares::container;
      if (found != Declares::nothing) brace.scope = add_scope(at);
    }
    containers_ += brace.container ? 1 : 0;
    parens_ = 0;
    has_lead_ = false;
    braces_.push_back(brace);
  }

  // The first line of what is declared, as far as its brace.
  std::size_t add_scope(std::uint32_t brace) {
    std::uint32_t end = std::min(read_line(text_, code_).end, brace);
    end = whole_code_points(text_, code_, std::min(end, code_ + 160));
    while (end > code_ && is_blank(text_[end - 1])) --end;
    const auto level = static_cast<std::uint32_t>(containers_ + 1);
    out_.scopes.push_back({{code_, end, level}, statement_, statement_});
    return out_.scopes.size() - 1;
  }

  void close(std::uint32_t at, const Line& line) {
    if (braces_.empty()) return;
    const Brace brace = braces_.back();
    braces_.pop_back();
    containers_ -= brace.container ? 1 : 0;
    parens_ = brace.parens;
    // For what goes on on this line: "} else {".
    statement_ = brace.begin;
    code_ = skip_blanks(text_, at + 1, line.end);
    has_lead_ = false;
    out_.regions.push_back({brace.begin, line.next});
    if (brace.scope != none) out_.scopes[brace.scope].end = line.next;
  }

  std::string_view text_;
  Skipper skipper_;
  Outline out_;

  std::vector<Brace> braces_;
  std::size_t containers_ = 0;  // of braces_; they are the outermost
  std::uint32_t parens_ = 0;
  std::uint32_t skipped_to_ = 0;            // the end of the last string or comment
  std::uint32_t statement_ = 0, code_ = 0;  // where the statement begins, with and without what leads it
  bool fresh_ = true;                       // a statement may begin
  bool has_lead_ = false, blank_ = false;   // directly above the line
};

}  // namespace

Outline outline_braces(std::string_view text) { return BraceReader(text).read(); }

}  // namespace attar::text::chunking
