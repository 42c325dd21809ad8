// Blocks of text written as Markdown: what HTML and manual pages become.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace attar::data {

/// What a reader that changes its input makes of it.
struct Rendered {
  std::string title;  ///< "" for none
  std::string text;
};

/// Puts words into lines and blocks. What separates them is kept back until text follows, so that nothing separates at
/// the ends, and blocks never by more than one blank line.
class MarkupWriter {
 public:
  enum class Break : std::uint8_t { none, space, line, block };

  /// Words, with runs of blanks (and no-break spaces) as one; soft hyphens are dropped.
  void words(std::string_view text);
  /// At least this much between what was and what follows.
  void separate(Break at_least) noexcept;
  /// " | " in the place of what is kept back.
  void cell() noexcept;
  /// Forgets what is kept back, but for a cell.
  void settle() noexcept;
  /// What the next line begins with, instead of blanks: "## ", "  - ". It is dropped when another comes before any
  /// text.
  void lead(std::string_view mark);
  [[nodiscard]] bool has_lead() const noexcept { return !lead_.empty(); }
  /// Lines that follow stand so many blanks further in.
  void indent(std::size_t blanks) noexcept { indent_ = blanks; }

  /// Text as it is, to stand between fences.
  void verbatim(std::string_view text);
  /// Writes what verbatim() gathered, as a block of its own.
  void close_fence();

  /// Bytes written so far.
  [[nodiscard]] std::size_t size() const noexcept { return out_.size(); }
  [[nodiscard]] const std::string& text() const noexcept { return out_; }

 private:
  void begin();

  std::string out_;
  std::string lead_;
  std::string fenced_;
  Break break_ = Break::none;
  bool cell_ = false;
  std::size_t indent_ = 0;
};

}  // namespace attar::data
