// Sentences, list items and rows, with the headings over them.
#include <algorithm>
#include <string_view>

#include "text/chunk/cuts.h"
#include "text/chunk/outline.h"
#include "text/context/readers.h"

namespace attar::text::context {
namespace {

constexpr std::uint32_t longest = 1200;  // bytes of a unit; what is longer is cut at words

bool is_row(std::string_view piece) noexcept { return piece.starts_with('|'); }

// "|---|:--:|".
bool is_delimiter(std::string_view piece) noexcept {
  return is_row(piece) && piece.find('-') != std::string_view::npos &&
         piece.find_first_not_of("|-: \t\r\n") == std::string_view::npos;
}

class ProseUnits {
 public:
  ProseUnits(Reading& reading, std::uint32_t begin, std::uint32_t end, bool markdown)
      : reading_(reading),
        begin_(begin),
        text_(reading.document.text.substr(begin, end - begin)),
        kind_(markdown ? Kind::markdown : Kind::prose) {}

  void read() {
    const chunking::Outline outline = chunking::outline_prose(text_, kind_ == Kind::markdown);
    for (std::size_t i = 0; i < outline.pieces.size(); ++i) {
      const chunking::Piece& piece = outline.pieces[i];
      const auto end =
          i + 1 < outline.pieces.size() ? outline.pieces[i + 1].begin : static_cast<std::uint32_t>(text_.size());
      if (i == 0 || piece.seam <= chunking::seam::long_line) ++reading_.paragraphs;
      add(piece.begin, end, piece.heading);
    }
  }

 private:
  void add(std::uint32_t begin, std::uint32_t end, int level) {
    const std::string_view piece = text_.substr(begin, end - begin);
    if (level > 0) {
      while (!reading_.headings.empty() && reading_.headings.back().level >= level) reading_.headings.pop_back();
      Unit& unit = put(Noun::line, begin, end);
      unit.role = Role::opener;
      unit.heading = true;
      reading_.headings.push_back({reading_.next() - 1, level});
      table_ = none;
    } else if (is_row(piece)) {
      row(begin, end, piece);
    } else {
      table_ = none;
      for (std::uint32_t at = begin; at < end;) {
        const std::uint32_t cut = end - at <= longest ? end : word_after(at + longest, end);
        put(Noun::sentence, at, cut);
        at = cut;
      }
    }
  }

  // The first row of a table and the line under it stay where any row does.
  void row(std::uint32_t begin, std::uint32_t end, std::string_view piece) {
    const bool begins = table_ == none;
    Unit& unit = put(Noun::row, begin, end);
    if (begins) {
      unit.role = Role::opener;
      table_ = reading_.next() - 1;
      return;
    }
    unit.parent = table_;
    if (is_delimiter(piece)) unit.role = Role::closer;
  }

  [[nodiscard]] std::uint32_t word_after(std::uint32_t at, std::uint32_t end) const noexcept {
    const std::size_t blank = text_.substr(0, end).find_first_of(" \n\t", at);
    return blank == std::string_view::npos ? end : chunking::skip_blanks(text_, static_cast<std::uint32_t>(blank), end);
  }

  Unit& put(Noun noun, std::uint32_t begin, std::uint32_t end) {
    return reading_.add(kind_, noun, begin_ + begin, begin_ + end);
  }

  Reading& reading_;
  std::uint32_t begin_;
  std::string_view text_;
  Kind kind_;
  std::uint32_t table_ = none;
};

}  // namespace

void read_prose(Reading& reading, std::uint32_t begin, std::uint32_t end, bool markdown) {
  if (begin < end) ProseUnits(reading, begin, end, markdown).read();
}

}  // namespace attar::text::context
