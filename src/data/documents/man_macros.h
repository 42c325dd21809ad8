// The macros of manual pages, man(7) and mdoc(7): what each does, and what a line of mdoc's says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace attar::data {

/// What a macro or request does.
enum class Macro : std::uint8_t {
  none,
  // requests of roff
  conditional,
  otherwise,
  define_string,
  skip_to_dots,
  leads_to,
  line,
  block,
  table,
  equation,
  picture,
  // man(7)
  title,
  section,
  subsection,
  paragraph,
  tagged,
  tagged_too,
  item,
  words,
  together,
  fence,
  fence_end,
  inset,
  inset_end,
  link,
  link_end,
  link_whole,  ///< the address, what is shown, and what follows: Asciidoctor's
  synopsis,
  option,
  // mdoc(7), blocks
  list,
  list_item,
  list_end,
  display,
  display_end,
  one_line,
  description,
  exit_status,
  // mdoc(7), within lines
  flag,
  argument,
  reference,
  name,
  function,
  function_open,
  enclose,
  open,
  close,
  glue,
  apostrophe,
  inline_words,
  column,
  item_open,
  item_close,
};

/// A macro by its name.
struct Entry {
  std::string_view name;
  Macro macro;
  std::string_view first = {}, second = {};  ///< what encloses, or words put in front
};

/// `Macro::none` for a name that is not known.
[[nodiscard]] const Entry& entry_of(std::string_view name);

/// Macros of mdoc that stand within lines, and may be called there.
[[nodiscard]] constexpr bool is_inline(Macro macro) noexcept { return macro >= Macro::flag; }

/// Words put together as mdoc does: blanks between, but not around delimiters and where they are glued.
class Joined {
 public:
  void add(std::string_view word) {
    if (!glued_ && !text_.empty()) text_ += ' ';
    text_ += word;
    glued_ = false;
  }
  void glue() noexcept { glued_ = true; }
  void open(std::string_view mark) {
    add(mark);
    glue();
  }
  void close(std::string_view mark) {
    glue();
    add(mark);
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  [[nodiscard]] bool glued() const noexcept { return glued_ && !text_.empty(); }

 private:
  std::string text_;
  bool glued_ = false;
};

/// Words of a line of mdoc, macros among them that may call each other: "Op Fl f Ar file ." is "[-f file].".
/// `page_name` is what Nm stands for; the first Nm with a word sets it.
[[nodiscard]] Joined mdoc_line(std::span<const std::string> words, std::string& page_name);

}  // namespace attar::data
