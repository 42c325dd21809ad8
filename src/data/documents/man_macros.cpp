#include "data/documents/man_macros.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>
#include <vector>

namespace attar::data {
namespace {

// In the order of their groups; found by a search through all, which takes less than reading a line.
constexpr std::array entries = std::to_array<Entry>({
    {"if", Macro::conditional},
    {"ie", Macro::conditional},
    {"el", Macro::otherwise},
    {"ds", Macro::define_string},
    {"de", Macro::skip_to_dots},
    {"de1", Macro::skip_to_dots},
    {"am", Macro::skip_to_dots},
    {"ig", Macro::skip_to_dots},
    {"so", Macro::leads_to},
    {"br", Macro::line},
    {"sp", Macro::block},
    {"Sp", Macro::block},
    {"TS", Macro::table},
    {"EQ", Macro::equation},
    {"PS", Macro::picture},

    {"TH", Macro::title},
    {"SH", Macro::section},
    {"SS", Macro::subsection},
    {"PP", Macro::paragraph},
    {"P", Macro::paragraph},
    {"LP", Macro::paragraph},
    {"HP", Macro::paragraph},
    {"TP", Macro::tagged},
    {"TQ", Macro::tagged_too},
    {"IP", Macro::item},
    {"B", Macro::words},
    {"I", Macro::words},
    {"SM", Macro::words},
    {"SB", Macro::words},
    {"R", Macro::words},
    {"CW", Macro::words},
    {"BR", Macro::together},
    {"BI", Macro::together},
    {"IB", Macro::together},
    {"IR", Macro::together},
    {"RB", Macro::together},
    {"RI", Macro::together},
    {"nf", Macro::fence},
    {"EX", Macro::fence},
    {"Vb", Macro::fence},
    {"fi", Macro::fence_end},
    {"EE", Macro::fence_end},
    {"Ve", Macro::fence_end},
    {"RS", Macro::inset},
    {"RE", Macro::inset_end},
    {"UR", Macro::link},
    {"MT", Macro::link},
    {"UE", Macro::link_end},
    {"URL", Macro::link_whole},
    {"MTO", Macro::link_whole},
    {"ZN", Macro::together},
    {"PN", Macro::together},
    {"ME", Macro::link_end},
    {"SY", Macro::synopsis},
    {"YS", Macro::line},
    {"OP", Macro::option, "[", "]"},

    {"Dt", Macro::title},
    {"Sh", Macro::section},
    {"Ss", Macro::subsection},
    {"Pp", Macro::paragraph},
    {"Lp", Macro::paragraph},
    {"Bl", Macro::list},
    {"It", Macro::list_item},
    {"El", Macro::list_end},
    {"Bd", Macro::display},
    {"Ed", Macro::display_end},
    {"D1", Macro::one_line},
    {"Dl", Macro::one_line},
    {"Nd", Macro::description},
    {"Ex", Macro::exit_status},

    {"Fl", Macro::flag},
    {"Cm", Macro::inline_words},
    {"Ic", Macro::inline_words},
    {"Ar", Macro::argument},
    {"Xr", Macro::reference},
    {"Nm", Macro::name},
    {"Fn", Macro::function},
    {"Fo", Macro::function_open},
    {"Fc", Macro::close, ")"},
    {"Op", Macro::enclose, "[", "]"},
    {"Aq", Macro::enclose, "<", ">"},
    {"Bq", Macro::enclose, "[", "]"},
    {"Brq", Macro::enclose, "{", "}"},
    {"Pq", Macro::enclose, "(", ")"},
    {"Dq", Macro::enclose, "“", "”"},
    {"Qq", Macro::enclose, "\"", "\""},
    {"Sq", Macro::enclose, "'", "'"},
    {"Ql", Macro::enclose, "'", "'"},
    {"Oo", Macro::open, "["},
    {"Ao", Macro::open, "<"},
    {"Bo", Macro::open, "["},
    {"Bro", Macro::open, "{"},
    {"Po", Macro::open, "("},
    {"Do", Macro::open, "“"},
    {"Qo", Macro::open, "\""},
    {"So", Macro::open, "'"},
    {"Oc", Macro::close, "]"},
    {"Ac", Macro::close, ">"},
    {"Bc", Macro::close, "]"},
    {"Brc", Macro::close, "}"},
    {"Pc", Macro::close, ")"},
    {"Dc", Macro::close, "”"},
    {"Qc", Macro::close, "\""},
    {"Sc", Macro::close, "'"},
    {"Ns", Macro::glue},
    {"Ap", Macro::apostrophe},
    {"Ta", Macro::column},
    {"Xo", Macro::item_open},
    {"Xc", Macro::item_close},
    {"Em", Macro::inline_words},
    {"Sy", Macro::inline_words},
    {"No", Macro::inline_words},
    {"Li", Macro::inline_words},
    {"Pa", Macro::inline_words},
    {"Ev", Macro::inline_words},
    {"Va", Macro::inline_words},
    {"Vt", Macro::inline_words},
    {"Ft", Macro::inline_words},
    {"Fa", Macro::inline_words},
    {"Fd", Macro::inline_words},
    {"Er", Macro::inline_words},
    {"Dv", Macro::inline_words},
    {"An", Macro::inline_words},
    {"Lk", Macro::inline_words},
    {"Mt", Macro::inline_words},
    {"St", Macro::inline_words},
    {"Tn", Macro::inline_words},
    {"Ad", Macro::inline_words},
    {"Ms", Macro::inline_words},
    {"Cd", Macro::inline_words},
    {"In", Macro::enclose, "#include <", ">"},
    {"At", Macro::inline_words, "AT&T UNIX"},
    {"Bx", Macro::inline_words, "BSD"},
    {"Bsx", Macro::inline_words, "BSD/OS"},
    {"Fx", Macro::inline_words, "FreeBSD"},
    {"Nx", Macro::inline_words, "NetBSD"},
    {"Ox", Macro::inline_words, "OpenBSD"},
    {"Dx", Macro::inline_words, "DragonFly"},
    {"Ux", Macro::inline_words, "UNIX"},
    {"%A", Macro::inline_words},
    {"%B", Macro::inline_words},
    {"%D", Macro::inline_words},
    {"%I", Macro::inline_words},
    {"%J", Macro::inline_words},
    {"%N", Macro::inline_words},
    {"%O", Macro::inline_words},
    {"%P", Macro::inline_words},
    {"%R", Macro::inline_words},
    {"%T", Macro::inline_words},
    {"%U", Macro::inline_words},
    {"%V", Macro::inline_words},
});

bool closes(std::string_view word) noexcept {
  return word.size() == 1 && std::string_view(".,:;)]?!|").find(word[0]) != std::string_view::npos && word != "|";
}
bool opens(std::string_view word) noexcept { return word == "(" || word == "["; }

/// A line of mdoc's macros, which may call each other: ".Op Fl f Ar file ." is "[-f file]."
class MdocLine {
 public:
  MdocLine(std::span<const std::string> words, std::string& page_name) : words_(words), page_name_(page_name) {}

  Joined run() {
    std::size_t end = words_.size();
    while (end > 0 && closes(words_[end - 1])) --end;
    const auto tail = words_.subspan(end);
    words_ = words_.first(end);
    while (at_ < words_.size()) step();
    for (const std::string_view closer : std::views::reverse(closers_)) out_.close(closer);
    for (const std::string& mark : tail) out_.close(mark);
    return std::move(out_);
  }

 private:
  /// True where words of the present macro follow.
  [[nodiscard]] bool has_word() const {
    return at_ < words_.size() && !closes(words_[at_]) && !is_inline(entry_of(words_[at_]).macro);
  }

  void step() {
    const std::string& word = words_[at_++];
    const Entry& entry = entry_of(word);
    if (!is_inline(entry.macro)) {
      plain(word);
      return;
    }
    in_flags_ = false;
    switch (entry.macro) {
      case Macro::flag:
        in_flags_ = true;
        if (!has_word()) out_.add("-");
        return;
      case Macro::argument:
        if (!has_word()) out_.add("file ...");
        return;
      case Macro::reference:
        if (has_word()) out_.add(words_[at_++]);
        if (has_word()) out_.close("(" + words_[at_++] + ")");
        return;
      case Macro::name:
        if (!has_word())
          out_.add(page_name_);
        else if (page_name_.empty())
          page_name_ = words_[at_];
        return;
      case Macro::function: add_function(); return;
      case Macro::function_open:
        if (has_word()) out_.add(words_[at_++]);
        out_.close("(");
        out_.glue();
        return;
      case Macro::enclose:
        out_.open(entry.first);
        closers_.push_back(entry.second);
        return;
      case Macro::open: out_.open(entry.first); return;
      case Macro::close: out_.close(entry.first); return;
      case Macro::glue: out_.glue(); return;
      case Macro::apostrophe:
        out_.close("'");
        out_.glue();
        return;
      case Macro::column: out_.add("|"); return;
      default:
        if (!entry.first.empty()) out_.add(entry.first);
    }
  }

  void plain(const std::string& word) {
    if (closes(word)) {
      out_.close(word);
    } else if (opens(word)) {
      out_.open(word);
    } else {
      out_.add(in_flags_ ? "-" + word : word);
    }
  }

  void add_function() {
    if (!has_word()) return;
    std::string call = words_[at_++] + "(";
    for (bool first = true; has_word(); first = false) call += (first ? "" : ", ") + words_[at_++];
    out_.add(call + ")");
  }

  std::span<const std::string> words_;
  std::string& page_name_;
  std::size_t at_ = 0;
  bool in_flags_ = false;
  std::vector<std::string_view> closers_;
  Joined out_;
};

}  // namespace

const Entry& entry_of(std::string_view name) {
  static constexpr Entry unknown{{}, Macro::none};
  const auto found = std::ranges::find(entries, name, &Entry::name);
  return found == entries.end() ? unknown : *found;
}

Joined mdoc_line(std::span<const std::string> words, std::string& page_name) {
  return MdocLine(words, page_name).run();
}

}  // namespace attar::data
