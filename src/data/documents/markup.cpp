#include "data/documents/markup.h"

#include <algorithm>
#include <utility>

#include "data/documents/names.h"

namespace attar::data {
namespace {

constexpr std::string_view no_break_space = "\xc2\xa0";
constexpr std::string_view soft_hyphen = "\xc2\xad";
constexpr std::string_view stops = " \t\r\n\f\v\xc2";

}  // namespace

void MarkupWriter::words(std::string_view text) {
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find_first_of(stops), text.size());
    if (plain > 0) {
      begin();
      out_ += text.substr(0, plain);
      text.remove_prefix(plain);
    } else if (text.starts_with(soft_hyphen)) {
      text.remove_prefix(soft_hyphen.size());
    } else if (text.starts_with(no_break_space)) {
      separate(Break::space);
      text.remove_prefix(no_break_space.size());
    } else if (text.front() == '\xc2') {
      const std::size_t character = std::min<std::size_t>(2, text.size());
      begin();
      out_ += text.substr(0, character);
      text.remove_prefix(character);
    } else {
      separate(Break::space);
      text.remove_prefix(1);
    }
  }
}

void MarkupWriter::verbatim(std::string_view text) { fenced_ += text; }

void MarkupWriter::separate(Break at_least) noexcept { break_ = std::max(break_, at_least); }

void MarkupWriter::cell() noexcept {
  cell_ = true;
  break_ = Break::none;
  lead_.clear();
}

void MarkupWriter::settle() noexcept {
  break_ = Break::none;
  lead_.clear();
}

void MarkupWriter::lead(std::string_view mark) {
  lead_ = mark;
  cell_ = false;
}

void MarkupWriter::close_fence() {
  std::string_view text = fenced_;
  // Without lines that are blank at its start, and without blanks at its end.
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos) {
    const std::size_t line = text.substr(0, first).rfind('\n');
    if (line != std::string_view::npos) text.remove_prefix(line + 1);
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    // Longer than every run of backticks within.
    std::size_t longest = 2, run = 0;
    for (const char c : text) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
    const std::string fence(longest + 1, '`');
    if (!out_.empty()) out_ += "\n\n";
    out_.append(fence).append("\n").append(text).append("\n").append(fence);
    settle();
    cell_ = false;
    separate(Break::block);
  }
  fenced_.clear();
}

void MarkupWriter::begin() {
  const bool starts_line = out_.empty() || (!cell_ && break_ >= Break::line);
  if (!out_.empty()) {
    if (cell_) {
      out_ += " | ";
    } else if (break_ == Break::space) {
      out_ += ' ';
    } else if (break_ != Break::none) {
      out_ += break_ == Break::line ? "\n" : "\n\n";
    }
  }
  if (starts_line && lead_.empty()) out_.append(indent_, ' ');
  if (starts_line) out_ += lead_;
  settle();
  cell_ = false;
}

}  // namespace attar::data
