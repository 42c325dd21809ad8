// Program text and data by indentation, line by line.
#include <algorithm>
#include <array>
#include <vector>

#include "text/chunk/cuts.h"
#include "text/chunk/outline.h"
#include "text/chunk/skipper.h"

namespace attar::text::chunking {
namespace {

constexpr std::size_t no_scope = static_cast<std::size_t>(-1);
constexpr std::array<std::string_view, 4> colon_going_on = {"else", "elif", "except", "finally"};
constexpr std::array<std::string_view, 3> definitions = {"def", "class", "async"};
constexpr std::array<std::string_view, 5> colon_control = {"else", "try", "finally", "except", "lambda"};

bool defines(std::string_view own) noexcept {
  return std::ranges::find(definitions, first_name(own)) != definitions.end();
}

// "key:" of a mapping whose values follow, deeper.
bool is_key(std::string_view own) noexcept {
  if (!own.ends_with(':') || std::ranges::find(colon_control, first_name(own)) != colon_control.end()) return false;
  const std::string_view key = own.substr(0, own.size() - 1);
  return !key.empty() && key.find_first_of(" \t([{,:") == std::string_view::npos;
}

class IndentationReader {
 public:
  explicit IndentationReader(std::string_view text) : text_(text), skipper_(text, Quoting::indentation) {}

  Outline read() {
    for (std::uint32_t at = 0; at < text_.size();) {
      const Line line = read_line(text_, at);
      if (line.blank()) {
        blank_ = true;
      } else {
        out_.pieces.push_back({line.begin, cost(line)});
        blank_ = false;
        read_code(line);
      }
      at = line.next;
    }
    close(0, static_cast<std::uint32_t>(text_.size()));
    finish(out_);
    return std::move(out_);
  }

 private:
  struct Statement {
    std::uint32_t indent = 0;
    std::uint32_t begin = 0;
    std::size_t scope = no_scope;  // of out_.scopes
  };

  // The cost of a cut before a line; opens and closes statements.
  [[nodiscard]] float cost(const Line& line) {
    const std::string_view own = line.in(text_);
    const float inside = blank_ ? seam::introduced : seam::inside_statement;
    if (line.begin < skipped_to_) return inside;
    const bool closer = own.front() == ')' || own.front() == ']' || own.front() == '}';
    if (closer) return seam::closing;
    if (parens_ > 0 && !open_.empty() && line.indent > open_.back().indent) return inside;
    if (goes_on_) return inside;
    parens_ = 0;
    if (std::ranges::find(colon_going_on, first_name(own)) != colon_going_on.end()) {
      close(line.indent + 1, line.begin);
      return seam::attached;
    }
    const bool attached = has_lead_ && line.indent == lead_indent_ && !blank_;
    const std::uint32_t begin = attached ? lead_ : line.begin;
    close(line.indent, begin);
    const float found = attached ? seam::attached : between_statements(own);
    has_lead_ = own.front() == '#' || own.front() == '@';
    if (has_lead_) {
      lead_ = begin;
      lead_indent_ = line.indent;
    } else {
      open(line, begin, own);
    }
    return found;
  }

  [[nodiscard]] float between_statements(std::string_view own) const noexcept {
    constexpr float deeper = 0.12F, definition = -0.15F;
    const auto depth = static_cast<float>(std::min<std::size_t>(open_.size(), 5));
    const bool defined = defines(own) || own.front() == '@';
    const float base = !blank_ ? seam::sentence : defined && open_.size() <= 1 ? definition : seam::paragraph;
    return std::min(base + deeper * depth, seam::inside_statement);
  }

  void open(const Line& line, std::uint32_t begin, std::string_view own) {
    Statement statement{.indent = line.indent, .begin = begin};
    if (scopes_ < most_headings && (defines(own) || is_key(own))) {
      const std::uint32_t limit = std::min(line.end, line.text + 160);
      std::uint32_t end = whole_code_points(text_, line.text, limit);
      if (end == line.end && text_[end - 1] == ':') --end;
      statement.scope = out_.scopes.size();
      out_.scopes.push_back({{line.text, end, static_cast<std::uint32_t>(++scopes_)}, begin, begin});
    }
    open_.push_back(statement);
  }

  // Statements that are not less indented end.
  void close(std::uint32_t indent, std::uint32_t at) {
    while (!open_.empty() && open_.back().indent >= indent) {
      const Statement& last = open_.back();
      out_.regions.push_back({last.begin, at});
      if (last.scope != no_scope) {
        out_.scopes[last.scope].end = at;
        --scopes_;
      }
      open_.pop_back();
    }
  }

  void read_code(const Line& line) {
    std::uint32_t at = std::max(line.text, std::min(skipped_to_, line.end));
    while (at < line.end) {
      const char c = text_[at];
      const std::uint32_t after = skipper_.skip(at, line.end).end;
      if (after > at) {
        skipped_to_ = at = after;
        continue;
      }
      if (c == '(' || c == '[' || c == '{') ++parens_;
      if (c == ')' || c == ']' || c == '}') parens_ -= parens_ > 0 ? 1 : 0;
      ++at;
    }
    goes_on_ = text_[line.end - 1] == '\\' && skipped_to_ < line.end;
  }

  std::string_view text_;
  Skipper skipper_;
  Outline out_;

  std::vector<Statement> open_;  // each more indented than the one before
  std::size_t scopes_ = 0;       // of open_
  std::uint32_t parens_ = 0;
  std::uint32_t skipped_to_ = 0;              // the end of the last string or comment
  std::uint32_t lead_ = 0, lead_indent_ = 0;  // where comments and decorators above the line begin
  bool has_lead_ = false, blank_ = false, goes_on_ = false;
};

}  // namespace

Outline outline_indentation(std::string_view text) { return IndentationReader(text).read(); }

}  // namespace attar::text::chunking
