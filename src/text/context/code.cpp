// Source code: signatures over the statements of their bodies, so that what is left of it still parses.
#include <algorithm>
#include <array>
#include <ranges>
#include <string_view>
#include <vector>

#include "text/chunk/cuts.h"
#include "text/chunk/skipper.h"
#include "text/context/readers.h"

namespace attar::text::context {
namespace {

using chunking::Quoting;
using chunking::Skipper;

constexpr std::uint32_t whole_lines = 5;  // a statement of so many lines is not taken apart
constexpr int deepest = 60;

constexpr std::array<std::string_view, 3> by_indentation = {"python", "cython", "starlark"};
constexpr std::array<std::string_view, 23> by_braces = {
    "c",    "cpp", "csharp",   "css",  "cuda",  "d",     "dart",       "go",  "groovy", "java", "javascript", "kotlin",
    "objc", "php", "protobuf", "rust", "scala", "swift", "typescript", "zig", "glsl",   "hlsl", "solidity"};

std::uint32_t lines_of(std::string_view text) noexcept {
  return static_cast<std::uint32_t>(std::ranges::count(text, '\n'));
}

// ---- languages whose blocks stand in braces -------------------------------------------------------------------------

class BraceUnits {
 public:
  BraceUnits(Reading& reading, std::uint32_t begin, std::uint32_t end)
      : reading_(reading),
        text_(reading.document.text.substr(0, end)),
        skipper_(text_, Quoting::braces),
        begin_(begin),
        end_(end) {}

  void read() { block(begin_, end_, none, 0); }

 private:
  struct Statement {
    std::uint32_t end = 0;
    // Of its braces at its own level, each with the place behind the opening one and that of the closing one.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> blocks = {};
  };

  // The statements of [at, end).
  void block(std::uint32_t at, std::uint32_t end, std::uint32_t parent, int depth) {
    const bool list = parent != none && is_list(at, end);
    while (at < end) {
      const Statement statement = next_statement(at, end, list);
      const std::string_view own = text_.substr(at, statement.end - at);
      if (depth == 0) ++reading_.paragraphs;
      if (statement.blocks.empty() || lines_of(own) <= whole_lines || depth >= deepest)
        put(Role::leaf, at, statement.end, parent);
      else
        take_apart(at, statement, parent, depth);
      at = statement.end;
    }
  }

  void take_apart(std::uint32_t at, const Statement& statement, std::uint32_t parent, int depth) {
    const std::uint32_t head = reading_.next();
    for (const auto& [inside, closing] : statement.blocks) {
      const std::uint32_t body = std::min(line_end(text_, inside, closing), closing);
      const bool same_line = text_.substr(inside, body - inside).find_first_not_of(" \t\r\n") != std::string_view::npos;
      const std::uint32_t from = same_line ? inside : body;
      put(reading_.next() == head ? Role::opener : Role::closer, at, from, reading_.next() == head ? parent : head);
      // The white space before the closing brace belongs to what closes.
      std::uint32_t to = closing;
      while (to > from && (text_[to - 1] == ' ' || text_[to - 1] == '\t')) --to;
      block(from, to, head, depth + 1);
      at = to;
    }
    put(Role::closer, at, statement.end, head);
  }

  // Whether commas part what stands in braces, as in initializers and enumerations: nothing in them ends with a
  // semicolon, or with a brace that no comma follows.
  bool is_list(std::uint32_t at, std::uint32_t end) {
    int open = 0;
    while (at < end) {
      const Skipper::Found found = skipper_.skip(at, line_end(text_, at, end));
      if (found.end != at) {
        at = found.end;
        continue;
      }
      const char c = text_[at++];
      if (c == '(' || c == '[' || c == '{') ++open;
      if (c == ')' || c == ']' || c == '}') --open;
      if (open > 0) continue;
      if (c == ';') return false;
      const std::uint32_t next = chunking::skip_blanks(text_, at, end);
      if (c == '}' && next < end && !continues(at, end)) return false;
    }
    return true;
  }

  // From `at` to behind its semicolon or last brace, in a list to behind its comma, with the rest of the line.
  Statement next_statement(std::uint32_t at, std::uint32_t end, bool list) {
    Statement out;
    int round = 0, braces = 0;
    bool content = false;
    for (std::uint32_t i = at; i < end;) {
      const char c = text_[i];
      const bool outside = braces == 0 && round == 0;
      if (c == '#' && !content) return {directive(i, end)};
      const Skipper::Found found = skipper_.skip(i, line_end(text_, i, end));
      if (found.end != i) {
        i = std::min(found.end, end);
        // A comment of its own is a statement of its own.
        if (found.comment && !content) return {behind(i, end)};
        content = content || !found.comment;
        continue;
      }
      ++i;
      content = content || !chunking::is_blank(c);
      if (c == '(' || c == '[') ++round;
      if ((c == ')' || c == ']') && round > 0) --round;
      if (c == '{' && outside) out.blocks.emplace_back(i, 0);
      if (c == '{') ++braces;
      if (c == '}' && braces > 0 && --braces == 0 && round == 0) {
        if (!out.blocks.empty()) out.blocks.back().second = i - 1;
        if (!continues(i, end)) return {behind(i, end), std::move(out.blocks)};
      }
      if ((c == ';' || (c == ',' && list)) && outside) return {behind(i, end), std::move(out.blocks)};
    }
    if (braces > 0) out.blocks.clear();  // what nothing closes stays in one piece
    out.end = end;
    return out;
  }

  // Behind the statement that ends at `at`: the rest of its line where that is white space or a comment, and empty
  // lines.
  [[nodiscard]] std::uint32_t behind(std::uint32_t at, std::uint32_t end) const noexcept {
    const std::uint32_t next = line_end(text_, at, end);
    const std::string_view rest = text_.substr(at, next - at);
    const std::size_t first = rest.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && !rest.substr(first).starts_with("//")) return at;
    std::uint32_t out = at > 0 && text_[at - 1] == '\n' ? at : next;
    while (out < end) {
      const std::uint32_t after = line_end(text_, out, end);
      if (text_.substr(out, after - out).find_first_not_of(" \t\r\n") != std::string_view::npos) break;
      out = after;
    }
    return out;
  }

  [[nodiscard]] std::uint32_t directive(std::uint32_t at, std::uint32_t end) const noexcept {
    std::uint32_t next = line_end(text_, at, end);
    while (next < end && next >= at + 2 && text_[next - 2] == '\\') next = line_end(text_, next, end);
    return behind(next, end);
  }

  // Whether a closing brace is followed by what belongs to the same statement.
  [[nodiscard]] bool continues(std::uint32_t at, std::uint32_t end) const noexcept {
    const std::uint32_t next = chunking::skip_blanks(text_, at, end);
    if (next >= end) return false;
    const std::string_view rest = text_.substr(next, end - next);
    if (std::string_view(",;)].=(").find(rest.front()) != std::string_view::npos) return true;
    const std::string_view name = chunking::first_name(rest);
    constexpr std::array<std::string_view, 5> words = {"else", "catch", "finally", "while", "elif"};
    if (name == "while") return text_.substr(at, next - at).find('\n') == std::string_view::npos;  // do { } while
    return std::ranges::find(words, name) != words.end();
  }

  void put(Role role, std::uint32_t begin, std::uint32_t end, std::uint32_t parent) {
    if (begin == end) return;
    Unit& unit = reading_.add(Kind::code, Noun::line, begin, end, parent);
    unit.role = role;
    unit.style = MarkStyle::braces;
  }

  Reading& reading_;
  std::string_view text_;
  Skipper skipper_;
  std::uint32_t begin_, end_;
};

// ---- languages whose blocks are indented ----------------------------------------------------------------------------

struct LogicalLine {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t indent = 0;
  bool middle = false;  ///< else, elif, except, finally: goes on with the block's statement
  bool match = false;   ///< a match: nothing but cases may stand in its block, no mark among them
  bool comment = false;
  bool attaches = false;  ///< a decorator: belongs to the line after it
};

class IndentedUnits {
 public:
  IndentedUnits(Reading& reading, std::uint32_t begin, std::uint32_t end)
      : reading_(reading),
        text_(reading.document.text.substr(0, end)),
        skipper_(text_, Quoting::indentation),
        begin_(begin),
        end_(end) {}

  void read() {
    for (std::uint32_t at = begin_; at < end_;) {
      lines_.push_back(next_line(at));
      at = lines_.back().end;
    }
    place_comments();
    block(0, lines_.size(), none, 0);
  }

 private:
  // How far a comment is indented means nothing: it stands where the line after it does, and before an else with it.
  void place_comments() {
    std::vector<LogicalLine> out;
    for (LogicalLine line : std::views::reverse(lines_)) {
      if (line.comment && !out.empty()) {
        if (out.back().middle) {
          out.back().begin = line.begin;
          continue;
        }
        line.indent = out.back().indent;
      }
      out.push_back(line);
    }
    lines_.assign(out.rbegin(), out.rend());
  }

  void block(std::size_t first, std::size_t last, std::uint32_t parent, int depth) {
    while (first < last) {
      std::size_t head = first;
      while (head + 1 < last && lines_[head].attaches) ++head;
      const std::size_t after = statement_end(head, last);
      if (depth == 0) ++reading_.paragraphs;
      const std::uint32_t begin = lines_[first].begin, end = lines_[after - 1].end;
      if (after == head + 1 || lines_[head].match || lines_of(text_.substr(begin, end - begin)) <= whole_lines ||
          depth >= deepest)
        put(Role::leaf, begin, end, parent);
      else
        take_apart(first, head, after, parent, depth);
      first = after;
    }
  }

  // The first line of the next statement: behind deeper lines, and those that go on with it.
  [[nodiscard]] std::size_t statement_end(std::size_t head, std::size_t last) const noexcept {
    std::size_t at = head + 1;
    while (at < last &&
           (lines_[at].indent > lines_[head].indent || (lines_[at].indent == lines_[head].indent && lines_[at].middle)))
      ++at;
    return at;
  }

  void take_apart(std::size_t first, std::size_t head, std::size_t after, std::uint32_t parent, int depth) {
    const std::uint32_t opener = reading_.next();
    put(Role::opener, lines_[first].begin, lines_[head].end, parent);
    for (std::size_t at = head + 1; at < after;) {
      std::size_t end = at;
      while (end < after && lines_[end].indent > lines_[head].indent) ++end;
      block(at, end, opener, depth + 1);
      if (end < after) put(Role::closer, lines_[end].begin, lines_[end].end, opener);
      at = end + 1;
    }
  }

  // A statement's line with those that brackets and strings join to it, and the empty ones behind it.
  LogicalLine next_line(std::uint32_t at) {
    LogicalLine out{.begin = at};
    std::uint32_t text = at;
    while (text < end_ && (text_[text] == ' ' || text_[text] == '\t')) {
      out.indent += text_[text] == '\t' ? 8 - out.indent % 8 : 1;
      ++text;
    }
    int round = 0;
    char last = '\n';
    std::uint32_t i = text;
    while (i < end_) {
      const char c = text_[i];
      if (c == '\n' && round == 0 && last != '\\') break;
      if (c == '#' && round == 0) {
        const std::uint32_t end = line_end(text_, i, end_);
        i = end > i && text_[end - 1] == '\n' ? end - 1 : end;
        continue;
      }
      const Skipper::Found found = skipper_.skip(i, line_end(text_, i, end_));
      if (found.end != i) {
        i = std::min(found.end, end_);
        if (!found.comment) last = '"';
        continue;
      }
      if (c == '(' || c == '[' || c == '{') ++round;
      if ((c == ')' || c == ']' || c == '}') && round > 0) --round;
      if (!chunking::is_blank(c)) last = c;
      if (c == '\n' && last == '\\') last = ' ';
      ++i;
    }
    out.end = i < end_ ? i + 1 : end_;
    while (out.end < end_) {
      const std::uint32_t next = line_end(text_, out.end, end_);
      if (text_.substr(out.end, next - out.end).find_first_not_of(" \t\r\n") != std::string_view::npos) break;
      out.end = next;
    }
    const std::string_view name = chunking::first_name(text_.substr(text, end_ - text));
    constexpr std::array<std::string_view, 4> middles = {"else", "elif", "except", "finally"};
    out.middle = std::ranges::find(middles, name) != middles.end();
    out.match = name == "match" && last == ':';
    out.comment = text < end_ && text_[text] == '#';
    out.attaches = text < end_ && text_[text] == '@';
    return out;
  }

  void put(Role role, std::uint32_t begin, std::uint32_t end, std::uint32_t parent) {
    if (begin == end) return;
    Unit& unit = reading_.add(Kind::code, Noun::line, begin, end, parent);
    unit.role = role;
    unit.style = MarkStyle::statement;
  }

  Reading& reading_;
  std::string_view text_;
  Skipper skipper_;
  std::uint32_t begin_, end_;
  std::vector<LogicalLine> lines_;
};

// ---- others: lines between empty ones -------------------------------------------------------------------------------

void read_lines(Reading& reading, std::uint32_t begin, std::uint32_t end) {
  const std::string_view text = reading.document.text;
  bool empty = true;
  for (std::uint32_t at = begin; at < end;) {
    const std::uint32_t next = line_end(text, at, end);
    if (empty) ++reading.paragraphs;
    empty = text.substr(at, next - at).find_first_not_of(" \t\r\n") == std::string_view::npos;
    reading.add(Kind::code, Noun::line, at, next).style = MarkStyle::hash;
    at = next;
  }
}

}  // namespace

void read_code(Reading& reading, const Stretch& stretch) {
  if (std::ranges::find(by_indentation, stretch.language) != by_indentation.end())
    IndentedUnits(reading, stretch.begin, stretch.end).read();
  else if (std::ranges::find(by_braces, stretch.language) != by_braces.end())
    BraceUnits(reading, stretch.begin, stretch.end).read();
  else
    read_lines(reading, stretch.begin, stretch.end);
}

}  // namespace attar::text::context
