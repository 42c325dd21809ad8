// Plain text and Markdown, line by line.
#include <algorithm>
#include <optional>
#include <vector>

#include "text/chunk/cuts.h"
#include "text/chunk/outline.h"

namespace attar::text::chunking {
namespace {

constexpr std::uint32_t widest_wrapped = 160, narrowest_wrapped = 40;  // bytes of a line
constexpr std::uint32_t longest_caption = 100;

struct Mark {
  std::uint8_t level = 0;
  std::uint32_t begin = 0, end = 0;  // the heading's words
};

std::uint32_t run_of(char c, std::string_view text) noexcept {
  const std::size_t other = text.find_first_not_of(c);
  return static_cast<std::uint32_t>(std::min(other, text.size()));
}

// "## Words ##".
std::optional<Mark> hash_heading(std::string_view text, const Line& line) noexcept {
  const std::string_view own = line.in(text);
  const std::uint32_t level = run_of('#', own);
  if (line.indent > 3 || level == 0 || level > 6 || (level < own.size() && !is_blank(own[level]))) return std::nullopt;
  const std::uint32_t begin = skip_blanks(text, line.text + level, line.end);
  std::uint32_t end = line.end;
  while (end > begin && text[end - 1] == '#') --end;
  if (end > begin && !is_blank(text[end - 1])) end = line.end;
  while (end > begin && is_blank(text[end - 1])) --end;
  return Mark{static_cast<std::uint8_t>(level), begin, end};
}

// "== Words ==", with or without spaces between the signs.
std::optional<Mark> wiki_heading(std::string_view text, const Line& line) noexcept {
  constexpr std::uint32_t longest = 200;
  if (text[line.text] != '=' || text[line.end - 1] != '=' || line.width() > longest) return std::nullopt;
  std::uint32_t begin = line.text, end = line.end;
  int before = 0, after = 0;
  for (; begin < end && (text[begin] == '=' || text[begin] == ' '); ++begin) before += text[begin] == '=' ? 1 : 0;
  for (; end > begin && (text[end - 1] == '=' || text[end - 1] == ' '); --end) after += text[end - 1] == '=' ? 1 : 0;
  if (begin == end || before != after || before > 6) return std::nullopt;
  return Mark{static_cast<std::uint8_t>(before), begin, end};
}

// A line of nothing but one of these signs, and spaces.
bool is_rule(std::string_view own) noexcept {
  const char sign = own.front();
  if (sign != '-' && sign != '*' && sign != '_') return false;
  std::uint32_t signs = 0;
  for (const char c : own) {
    if (c != sign && !is_blank(c)) return false;
    signs += c == sign ? 1 : 0;
  }
  return signs >= 3;
}

bool is_item(std::string_view own, bool in_paragraph) noexcept {
  constexpr std::size_t most_digits = 9;
  std::size_t mark = 0;
  if (own[0] == '-' || own[0] == '*' || own[0] == '+') mark = 1;
  if (own.starts_with("\u2022")) mark = 3;
  if (is_digit(own[0])) {
    while (mark < own.size() && mark <= most_digits && is_digit(own[mark])) ++mark;
    const bool numbered = mark <= most_digits && mark < own.size() && (own[mark] == '.' || own[mark] == ')');
    if (!numbered || (in_paragraph && own.substr(0, mark) != "1")) return false;
    ++mark;
  }
  return mark != 0 && mark < own.size() && is_blank(own[mark]);
}

bool ends_sentence(char c) noexcept { return c == '.' || c == '!' || c == '?'; }

class ProseReader {
 public:
  ProseReader(std::string_view text, bool markdown) : text_(text), markdown_(markdown), cased_(has_case(text)) {}

  Outline read() {
    for (std::uint32_t at = 0; at < text_.size();) {
      const Line line = read_line(text_, at);
      take(line);
      at = line.next;
    }
    const auto end = static_cast<std::uint32_t>(text_.size());
    if (fence_size_ != 0) out_.regions.push_back({fence_begin_, end});
    end_block();
    close_items(0, end);
    close_scopes(1, end);
    finish(out_);
    return std::move(out_);
  }

 private:
  struct Item {
    std::uint32_t indent = 0;
    std::uint32_t list = 0, begin = 0;  // where its list and it begin
  };

  void take(const Line& line) {
    if (fence_size_ != 0) return take_fenced(line);
    if (line.blank()) {
      end_block();
      blank_ = true;
      return;
    }
    if (markdown_ && take_markdown(line)) return;
    take_text(line);
  }

  // ---- headings, rules and fences

  bool take_markdown(const Line& line) {
    const std::string_view own = line.in(text_);
    switch (own.front()) {
      case '#':
        if (const auto mark = hash_heading(text_, line)) return take_heading(*mark, line.begin);
        return false;
      case '=':
        if (underlines(own)) return take_underlined(1);
        if (const auto mark = wiki_heading(text_, line)) return take_heading(*mark, line.begin);
        return false;
      case '`':
      case '~': return open_fence(line, own);
      case '-':
        if (underlines(own)) return take_underlined(2);
        return take_rule(line, own);
      case '*':
      case '_': return take_rule(line, own);
      default: return false;
    }
  }

  [[nodiscard]] bool underlines(std::string_view own) const noexcept {
    return block_.size() == 1 && own.size() >= 2 && run_of(own.front(), own) == own.size() && !block_is_item_ &&
           block_.front().width() < 2 * longest_caption;
  }

  bool take_underlined(std::uint8_t level) {
    const Line line = block_.front();
    block_.clear();
    return take_heading({level, line.text, line.end}, line.begin);
  }

  bool take_heading(const Mark& mark, std::uint32_t begin) {
    end_block();
    close_items(0, begin);
    close_scopes(mark.level, begin);
    out_.pieces.push_back(
        {begin,
         std::min(between(false), seam::heading_outermost + seam::heading_step * static_cast<float>(mark.level - 1)),
         mark.level});
    open_scopes_.push_back(out_.scopes.size());
    out_.scopes.push_back({{mark.begin, mark.end, mark.level}, begin, begin});
    start_anew();
    return true;
  }

  // Scopes of this level and deeper ones end.
  void close_scopes(std::uint32_t level, std::uint32_t at) {
    while (!open_scopes_.empty() && out_.scopes[open_scopes_.back()].heading.level >= level) {
      out_.scopes[open_scopes_.back()].end = at;
      open_scopes_.pop_back();
    }
  }

  bool take_rule(const Line& line, std::string_view own) {
    if (!is_rule(own)) return false;
    end_block();
    close_items(0, line.begin);
    start_anew();
    after_rule_ = true;
    return true;
  }

  bool open_fence(const Line& line, std::string_view own) {
    const std::uint32_t size = run_of(own.front(), own);
    if (size < 3 || (own.front() == '`' && own.find('`', size) != std::string_view::npos)) return false;
    end_block();
    close_items(line.indent, line.begin);
    out_.pieces.push_back({line.begin, between(true)});
    start_anew();
    fence_ = own.front();
    fence_size_ = size;
    fence_begin_ = line.begin;
    fence_line_ = 0;
    return true;
  }

  void take_fenced(const Line& line) {
    if (line.blank()) {
      blank_ = true;
      return;
    }
    const std::string_view own = line.in(text_);
    const bool closes = own.front() == fence_ && own.size() >= fence_size_ && run_of(fence_, own) == own.size();
    const float step = line.indent == 0 ? 0.0F : seam::block;
    const float cost = closes               ? seam::closing
                       : fence_line_++ == 0 ? seam::attached
                       : blank_             ? seam::line + step
                                            : seam::sentence + 2 * step;
    out_.pieces.push_back({line.begin, cost});
    start_anew();
    if (!closes) return;
    out_.regions.push_back({fence_begin_, line.next});
    fence_size_ = 0;
  }

  // ---- paragraphs, lists and tables

  void take_text(const Line& line) {
    if (is_item(line.in(text_), !block_.empty() && !block_is_item_) && !is_row_pair(line)) {
      end_block();
      open_item(line);
      block_is_item_ = true;
    } else if (block_.empty()) {
      if (blank_ || items_.empty()) close_items(line.indent, line.begin);
      block_seam_ = between(false);
    }
    block_.push_back(line);
  }

  [[nodiscard]] bool is_row(const Line& line) const noexcept {
    return line.in(text_).find('|') != std::string_view::npos;
  }
  // A row of a table may begin like an item.
  [[nodiscard]] bool is_row_pair(const Line& line) const noexcept {
    if (!is_row(line) || line.next >= text_.size()) return false;
    return (!block_.empty() && is_row(block_.back())) || is_row(read_line(text_, line.next));
  }

  void open_item(const Line& line) {
    std::uint32_t list = line.begin;
    bool first = true;
    close_items(line.indent + 1, line.begin);
    if (!items_.empty() && items_.back().indent + 1 >= line.indent) {
      list = items_.back().list;
      first = false;
      close_item(line.begin);
    }
    items_.push_back({line.indent, list, line.begin});
    const auto depth = static_cast<float>(std::min<std::size_t>(items_.size(), 4));
    block_seam_ = first && items_.size() == 1 ? between(true) : seam::item + seam::item_step * depth;
  }

  void close_item(std::uint32_t at) {
    out_.regions.push_back({items_.back().begin, at});
    items_.pop_back();
  }
  // Items and their lists that are not less indented end.
  void close_items(std::uint32_t indent, std::uint32_t at) {
    while (!items_.empty() && items_.back().indent >= indent) {
      out_.regions.push_back({items_.back().list, at});
      close_item(at);
    }
  }

  // The cost of a cut before a block that begins now; `announced`: a fence, list or table.
  [[nodiscard]] float between(bool announced) const noexcept {
    if (after_rule_) return seam::rule;
    if (announced && introduced_) return seam::introduced;
    return blank_ ? seam::paragraph : seam::block;
  }

  void start_anew() {
    blank_ = after_rule_ = introduced_ = block_is_item_ = false;
    block_.clear();
  }

  void end_block() {
    if (block_.empty()) return;
    float cost = block_seam_;
    for (std::size_t i = 0, end = 0; i < block_.size(); i = end) {
      const bool table = is_row(block_[i]) && i + 1 < block_.size() && is_row(block_[i + 1]);
      for (end = i + 1; end < block_.size() && is_row(block_[end]) == table; ++end)
        if (!table && end + 1 < block_.size() && is_row(block_[end]) && is_row(block_[end + 1])) break;
      if (table && cost >= seam::paragraph) cost = seam::introduced;  // what stands above a table tells of it
      table ? add_table(i, end, cost) : add_text(i, end, cost);
      cost = seam::block;
    }
    const Line last = block_.back();
    const char sign = text_[last.end - 1];
    const bool colon = last.in(text_).ends_with(':') || last.in(text_).ends_with(":.");
    const bool caption = block_.size() == 1 && last.width() < longest_caption && !ends_sentence(sign);
    start_anew();
    introduced_ = colon || caption;
  }

  void add_table(std::size_t begin, std::size_t end, float cost) {
    for (std::size_t i = begin; i < end; ++i)
      out_.pieces.push_back({block_[i].begin, i == begin ? cost : i == begin + 1 ? seam::attached : seam::row});
    out_.regions.push_back({block_[begin].begin, block_[end - 1].next});
  }

  void add_text(std::size_t begin, std::size_t end, float cost) {
    std::uint32_t width = 0;
    for (std::size_t i = begin; i < end; ++i) width = std::max(width, block_[i].width());
    for (std::size_t i = begin, next = 0; i < end; i = next) {
      for (next = i + 1; next < end && wraps(block_[next - 1], block_[next], width); ++next) {
      }
      add_sentences(block_[i].begin, block_[next - 1].next, cost);
      const bool wide = next < end && block_[next - 1].width() > widest_wrapped;
      cost = wide ? seam::long_line : seam::line;
    }
  }

  // Whether the line goes on in the next one, whose first word had no place in it.
  [[nodiscard]] bool wraps(const Line& line, const Line& next, std::uint32_t width) const noexcept {
    if (width > widest_wrapped || width < narrowest_wrapped) return false;
    std::uint32_t word = next.text;
    while (word < next.end && !is_blank(text_[word])) ++word;
    return line.width() + 1 + (word - next.text) > width;
  }

  void add_sentences(std::uint32_t begin, std::uint32_t end, float cost) {
    while (begin < end) {
      out_.pieces.push_back({begin, cost});
      const Cut cut = sentence_end(text_, begin, end, cased_);
      begin = cut.end;
      cost = cut.seam;
    }
  }

  std::string_view text_;
  bool markdown_, cased_;
  Outline out_;

  std::vector<Line> block_;  // lines of the paragraph, item or table that is being read
  float block_seam_ = 0;
  bool block_is_item_ = false;
  bool blank_ = false, after_rule_ = false, introduced_ = false;  // what stands before the next block

  std::vector<Item> items_;               // open ones, each more indented than the one before
  std::vector<std::size_t> open_scopes_;  // of out_.scopes, of rising levels
  char fence_ = '\0';
  std::uint32_t fence_size_ = 0, fence_begin_ = 0, fence_line_ = 0;  // size 0: none is open
};

}  // namespace

Outline outline_prose(std::string_view text, bool markdown) { return ProseReader(text, markdown).read(); }

}  // namespace attar::text::chunking
