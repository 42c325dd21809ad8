#include "data/documents/man.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/documents/man_macros.h"
#include "data/documents/markup.h"
#include "data/documents/names.h"
#include "data/documents/roff.h"

namespace attar::data {
namespace {

using Break = MarkupWriter::Break;

constexpr std::size_t deepest_indent = 16;

/// How "\{" and "\}" of a line add up.
int braces(std::string_view line) noexcept {
  int out = 0;
  for (std::size_t at = line.find('\\'); at != std::string_view::npos && at + 1 < line.size();
       at = line.find('\\', at + 2))
    out += line[at + 1] == '{' ? 1 : line[at + 1] == '}' ? -1 : 0;
  return out;
}

class ManPage {
 public:
  Result<Rendered> run(std::string_view page) {
    const std::size_t most = 4 * page.size() + (64 << 10);
    while (!page.empty()) {
      std::string_view line = page.substr(0, page.find('\n'));
      page.remove_prefix(std::min(line.size() + 1, page.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      read(line);
      if (out_.size() > most) return fail(ErrorCode::over_limit, "makes far more text than it is long");
    }
    end_fence();
    keep_name();
    if (out_.size() == 0 && !leads_to_.empty())
      return fail(ErrorCode::invalid_data, fmt::format("only leads to {}", leads_to_));
    return Rendered{.title = name_line_.empty() ? heading_ : name_line_, .text = out_.text()};
  }

 private:
  struct List {
    bool tagged = false, numbered = false, columns = false;
    bool within_item = false;
    std::uint64_t items = 0;
  };

  void read(std::string_view line) {
    if (!until_.empty()) {
      if (roff_request(line).name == until_) until_.clear();
      return;
    }
    if (open_braces_ > 0) {
      open_braces_ += braces(line);
      return;
    }
    line = without_roff_comment(line);
    if (table_ != Table::none) {
      read_table(line);
      return;
    }
    // What follows a condition that holds is a line again.
    for (std::optional<std::string_view> next = line; next;) {
      const RoffRequest request = roff_request(*next);
      if (next->starts_with('.') || next->starts_with('\'')) {
        next = request.name.empty() ? std::nullopt : obey(request);
      } else {
        const RoffLine found = roff_.resolve(*next);
        if (next->starts_with(' ')) separate(Break::line);
        text(found.text, found.joined);
        return;
      }
    }
  }

  /// Does what a request says; gives the line that a condition lets through.
  std::optional<std::string_view> obey(const RoffRequest& request) {
    const Entry& entry = entry_of(request.name);
    switch (entry.macro) {
      case Macro::none: return std::nullopt;
      case Macro::conditional: return judge(request);
      case Macro::otherwise: {
        const bool holds = !else_.empty() && !else_.back();
        if (!else_.empty()) else_.pop_back();
        return branch(holds, request.rest);
      }
      case Macro::define_string: define(request.rest); return std::nullopt;
      case Macro::skip_to_dots: {
        // ".de name end", ".ig end": up to ".end", or "..".
        const auto words = roff_arguments(request.rest);
        const std::size_t own = request.name == "ig" ? 0 : 1;
        until_ = words.size() > own ? words[own] : ".";
        return std::nullopt;
      }
      case Macro::leads_to: leads_to_ = trimmed(request.rest); return std::nullopt;
      case Macro::equation: until_ = "EN"; return std::nullopt;
      case Macro::picture: until_ = "PE"; return std::nullopt;
      case Macro::table:
        table_ = Table::options;
        separator_ = '\t';
        separate(Break::block);
        return std::nullopt;
      default: break;
    }
    std::vector<std::string> words = roff_arguments(request.rest);
    for (std::string& word : words) word = roff_.resolve(word).text;
    if (is_inline(entry.macro)) {
      inline_line(entry, request.name, words);
    } else if (entry.macro >= Macro::list) {
      mdoc_block(entry, words);
    } else {
      man_block(entry, words);
    }
    return std::nullopt;
  }

  // ---- conditions, strings ----

  std::optional<std::string_view> judge(const RoffRequest& request) {
    std::string_view rest = request.rest;
    bool negated = false;
    for (; rest.starts_with('!'); rest.remove_prefix(1)) negated = !negated;
    const std::string_view condition = rest.substr(0, condition_size(rest));
    rest.remove_prefix(condition.size());
    // We are nroff, and groff; other conditions are about paper and old printers.
    const bool holds = (condition == "n" || condition == "\\n(.g" || condition == "\\n[.g]") != negated;
    if (request.name == "ie" && else_.size() < most_nested) else_.push_back(holds);
    return branch(holds, rest);
  }

  static std::size_t condition_size(std::string_view rest) noexcept {
    if (rest.starts_with('\'') || rest.starts_with('"')) {  // 'one'other'
      const std::size_t middle = rest.find(rest.front(), 1);
      const std::size_t end = middle == std::string_view::npos ? middle : rest.find(rest.front(), middle + 1);
      return end == std::string_view::npos ? rest.size() : end + 1;
    }
    std::size_t at = 0;
    for (; at < rest.size() && rest[at] != ' ' && rest[at] != '\t'; ++at)
      if (rest.substr(at).starts_with("\\{")) break;
    return at;
  }

  std::optional<std::string_view> branch(bool holds, std::string_view rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    const bool block = rest.starts_with("\\{");
    if (block && !holds) open_braces_ = std::max(braces(rest), 0);
    if (block) rest.remove_prefix(2);
    if (!holds || rest.empty() || rest == "\\") return std::nullopt;
    return rest;
  }

  void define(std::string_view rest) {
    const std::string_view name = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (rest.starts_with('"')) rest.remove_prefix(1);  // which keeps blanks that follow
    // A definition is read twice, as its value and as text.
    std::string value;
    for (std::size_t at = 0; at < rest.size(); ++at) {
      value += rest[at];
      if (rest.substr(at).starts_with("\\\\")) ++at;
    }
    roff_.define(name, value);
  }

  // ---- text ----

  void text(std::string_view words, bool joined) {
    if (heading_level_ != 0) {
      heading(std::exchange(heading_level_, 0), words);
    } else if (fence_) {
      out_.verbatim(words);
      out_.verbatim("\n");
    } else if (tag_expected_) {
      tag_expected_ = false;
      if (!tag_goes_on_) begin_item("- ");
      tag_goes_on_ = false;
      tag(words);
    } else if (trimmed(words).empty()) {
      separate(Break::block);
    } else {
      if (colon_ && !item_open_) {
        out_.settle();
        if (!out_.text().ends_with(':')) out_.words(":");
        out_.separate(Break::space);
        colon_ = false;
      }
      out_.words(words);
      if (!joined) out_.separate(Break::space);
    }
  }

  /// A colon follows if text does.
  void tag(std::string_view words) {
    out_.words(words);
    colon_ = !trimmed(words).empty();
  }

  void separate(Break at_least) {
    if (at_least >= Break::line) colon_ = false;
    if (fence_ && at_least == Break::block) out_.verbatim("\n");
    out_.separate(at_least);
  }

  [[nodiscard]] std::size_t inset() const noexcept { return std::min(2 * insets_, deepest_indent); }

  void begin_item(std::string_view mark) {
    end_fence();
    separate(in_item_ ? Break::line : Break::block);
    out_.lead(std::string(inset(), ' ') + std::string(mark));
    out_.indent(inset() + 2);
    in_item_ = true;
  }

  void paragraph() {
    separate(Break::block);
    in_item_ = false;
    tag_expected_ = false;
    out_.indent(inset());
  }

  void end_fence() {
    if (std::exchange(fence_, false)) out_.close_fence();
  }

  void begin_fence() {
    separate(Break::block);
    fence_ = true;
    tag_expected_ = false;
  }

  void section(std::size_t level, std::string_view words) {
    end_fence();
    insets_ = 0;
    lists_.clear();
    paragraph();
    if (level == 2) keep_name();
    heading_level_ = level;
    if (!words.empty()) text(words, false);
  }

  void heading(std::size_t level, std::string_view words) {
    words = trimmed(words);
    if (words.empty()) return;
    out_.lead(std::string(level, '#') + " ");
    out_.words(words);
    separate(Break::block);
    in_synopsis_ = equal_ascii(words, "SYNOPSIS");
    if (equal_ascii(words, "NAME")) name_begin_ = out_.size();
  }

  /// The first paragraph under NAME is the title.
  void keep_name() {
    if (!name_begin_ || !name_line_.empty()) return;
    const std::string_view found = trimmed(std::string_view(out_.text()).substr(*name_begin_));
    MarkupWriter line;
    line.words(found.substr(0, found.find("\n\n")));
    name_line_ = line.text();
    name_begin_.reset();
  }

  // ---- man(7) ----

  static std::string join(std::span<const std::string> words, std::string_view between) {
    return fmt::format("{}", fmt::join(words, between));
  }

  void man_block(const Entry& entry, const std::vector<std::string>& words) {
    const std::string_view first = words.empty() ? std::string_view{} : std::string_view(words.front());
    switch (entry.macro) {
      case Macro::title:
        if (!words.empty()) heading_ = words.size() > 1 ? fmt::format("{}({})", first, words[1]) : std::string(first);
        return;
      case Macro::section: section(2, join(words, " ")); return;
      case Macro::subsection: section(3, join(words, " ")); return;
      case Macro::paragraph: paragraph(); return;
      case Macro::line: separate(Break::line); return;
      case Macro::block: separate(Break::block); return;
      case Macro::tagged: tag_expected_ = true; return;
      case Macro::tagged_too:
        if (colon_) {
          out_.words(", ");
          tag_goes_on_ = true;
        }
        tag_expected_ = true;
        return;
      case Macro::item: item(first); return;
      case Macro::words:
      case Macro::together:
        if (!words.empty()) text(join(words, entry.macro == Macro::words ? " " : ""), false);
        return;
      case Macro::fence: begin_fence(); return;
      case Macro::fence_end: end_fence(); return;
      case Macro::inset:
      case Macro::inset_end:
        separate(entry.macro == Macro::inset ? Break::line : Break::block);
        if (entry.macro == Macro::inset)
          ++insets_;
        else if (insets_ > 0)
          --insets_;
        in_item_ = false;
        out_.indent(inset());
        return;
      case Macro::link:
        link_ = first;
        link_begin_ = out_.size();
        return;
      case Macro::link_end:
        if (!link_.empty()) text(out_.size() == link_begin_ ? link_ : "<" + link_ + ">", true);
        link_.clear();
        text(std::string(first) + " ", false);
        return;
      case Macro::link_whole: {
        const std::string shown = words.size() > 1 ? words[1] : "";
        const std::string behind = words.size() > 2 ? words[2] : "";
        text(shown.empty() ? fmt::format("{}{}", first, behind) : fmt::format("{} <{}>{}", shown, first, behind),
             false);
        return;
      }
      case Macro::synopsis:
        separate(Break::line);
        text(first, false);
        return;
      case Macro::option: text("[" + join(words, " ") + "]", false); return;
      default: return;
    }
  }

  void item(std::string_view mark) {
    tag_expected_ = false;
    if (mark.empty()) {
      separate(Break::block);
      out_.indent(inset() + (in_item_ ? 2 : 0));
      return;
    }
    constexpr std::array bullets = std::to_array<std::string_view>({"•", "·", "*", "-", "o", "+", "○", "□"});
    const bool number = mark.find_first_not_of("0123456789.()") == std::string_view::npos;
    if (std::ranges::find(bullets, mark) != bullets.end()) {
      begin_item("- ");
    } else if (number) {
      begin_item(std::string(mark) + " ");
    } else {
      begin_item("- ");
      tag(mark);
    }
  }

  // ---- mdoc(7) ----

  void inline_line(const Entry& entry, std::string_view name, std::vector<std::string>& words) {
    if (entry.macro == Macro::item_close) {
      item_open_ = false;
      return;
    }
    if (entry.macro == Macro::name && in_synopsis_) separate(Break::line);
    if (entry.macro == Macro::glue || entry.macro == Macro::close) out_.settle();
    words.insert(words.begin(), std::string(name));
    const Joined line = mdoc_line(words, page_name_);
    if (!line.text().empty()) text(line.text(), line.glued());
  }

  void mdoc_block(const Entry& entry, const std::vector<std::string>& words) {
    const auto has = [&](std::string_view word) { return std::ranges::find(words, word) != words.end(); };
    switch (entry.macro) {
      case Macro::list:
        lists_.push_back({.tagged = !has("-bullet") && !has("-dash") && !has("-hyphen") && !has("-item"),
                          .numbered = has("-enum"),
                          .columns = has("-column"),
                          .within_item = in_item_});
        separate(Break::block);
        insets_ += in_item_ ? 1 : 0;
        in_item_ = false;
        return;
      case Macro::list_item:
        if (!lists_.empty()) list_item(lists_.back(), words);
        return;
      case Macro::list_end:
        if (lists_.empty()) return;
        separate(Break::block);
        in_item_ = lists_.back().within_item;
        if (in_item_ && insets_ > 0) --insets_;
        out_.indent(inset() + (in_item_ ? 2 : 0));
        lists_.pop_back();
        return;
      case Macro::display:
        displays_.push_back(has("-literal") || has("-unfilled"));
        separate(Break::block);
        if (displays_.back()) begin_fence();
        return;
      case Macro::display_end:
        if (!displays_.empty() && displays_.back()) end_fence();
        if (!displays_.empty()) displays_.pop_back();
        separate(Break::block);
        return;
      case Macro::one_line:
        separate(Break::block);
        text(mdoc_line(words, page_name_).text(), false);
        separate(Break::block);
        return;
      case Macro::description: text("- " + mdoc_line(words, page_name_).text(), false); return;
      case Macro::exit_status:
        text(fmt::format("The {} utility exits 0 on success, and >0 if an error occurs.", page_name_), false);
        return;
      default: return;
    }
  }

  void list_item(List& list, const std::vector<std::string>& words) {
    const std::string line = mdoc_line(words, page_name_).text();
    if (list.columns) {
      separate(Break::line);
      text(line, false);
      return;
    }
    begin_item(list.numbered ? fmt::format("{}. ", ++list.items) : "- ");
    if (list.tagged && !list.numbered) tag(line);
    item_open_ = std::ranges::find(words, "Xo") != words.end();
    if (item_open_) out_.separate(Break::space);
  }

  // ---- tbl(1) ----

  enum class Table : std::uint8_t { none, options, rows, cell };

  void read_table(std::string_view line) {
    const RoffRequest request = roff_request(line);
    if (request.name == "TE") {
      flush_row();
      table_ = Table::none;
      separate(Break::block);
    } else if (request.name == "T&") {
      table_ = Table::options;
    } else if (table_ == Table::options) {
      const std::size_t tab = line.find("tab");
      const std::size_t open = tab == std::string_view::npos ? tab : line.find('(', tab);
      // A separator that is one byte of several would cut characters in two.
      if (open != std::string_view::npos && open + 1 < line.size() && line.ends_with(';') &&
          static_cast<unsigned char>(line[open + 1]) < 0x80)
        separator_ = line[open + 1];
      if (trimmed(line).ends_with('.')) table_ = Table::rows;
    } else if (table_ == Table::cell) {
      if (!line.starts_with("T}")) {
        const bool font = is_word_macro(request.name);
        if (font || request.name.empty()) row_.back() += " " + roff_.resolve(font ? request.rest : line).text;
        return;
      }
      table_ = Table::rows;
      line.remove_prefix(2);
      if (line.starts_with(separator_)) line.remove_prefix(1);
      if (line.empty())
        flush_row();
      else
        add_cells(line);
    } else if (request.name.empty() && line.find_first_not_of("_=") != std::string_view::npos) {
      add_cells(line);
    }
  }

  static bool is_word_macro(std::string_view name) {
    const Macro macro = entry_of(name).macro;
    return macro == Macro::words || macro == Macro::together;
  }

  void add_cells(std::string_view line) {
    for (;;) {
      const std::size_t end = std::min(line.find(separator_), line.size());
      const std::string_view cell = line.substr(0, end);
      row_.push_back(roff_.resolve(cell).text);
      if (cell == "T{") {
        row_.back().clear();
        table_ = Table::cell;
        return;
      }
      if (end == line.size()) break;
      line.remove_prefix(end + 1);
    }
    flush_row();
  }

  void flush_row() {
    std::erase_if(row_, [](const std::string& cell) { return trimmed(cell).empty(); });
    if (!row_.empty()) {
      separate(Break::line);
      text(join(row_, " | "), false);
    }
    row_.clear();
  }

  static constexpr std::size_t most_nested = 1000;

  RoffText roff_;
  MarkupWriter out_;
  std::string heading_, name_line_, page_name_, leads_to_, link_;
  std::string until_;       ///< the request that ends what is left out; "" for none
  int open_braces_ = 0;     ///< of a condition that does not hold
  std::vector<bool> else_;  ///< whether each ".ie" that waits for its ".el" held
  std::optional<std::size_t> name_begin_;
  std::size_t link_begin_ = 0, insets_ = 0, heading_level_ = 0;
  std::vector<List> lists_;
  std::vector<bool> displays_;
  bool fence_ = false, tag_expected_ = false, tag_goes_on_ = false, colon_ = false, in_item_ = false,
       item_open_ = false, in_synopsis_ = false;
  Table table_ = Table::none;
  char separator_ = '\t';
  std::vector<std::string> row_;
};

}  // namespace

Result<Rendered> render_man(std::string_view page) { return ManPage().run(page); }

}  // namespace attar::data
