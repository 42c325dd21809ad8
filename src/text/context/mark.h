// Marks of what was cut, and the ids in them, from which the cut bytes are found again in the source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "attar/result.h"
#include "text/context/unit.h"

namespace attar::text::context {

/// Units [first, first + count) of a document; or, where `group`, all units of the group that `first` begins.
struct Cut {
  std::uint32_t first = 0, count = 0;
  bool group = false;

  friend bool operator==(const Cut&, const Cut&) = default;
};

/// The bytes of a cut, one part after the other.
[[nodiscard]] std::string bytes_of(const Document& document, const Cut& cut);

/// A short id, in small letters and digits, of a cut of a document: which units it covers, and a check of their bytes.
[[nodiscard]] std::string id_of(const Document& document, const Cut& cut);
/// The cut that an id names. `invalid_argument` where it is no id of this document: of another file, or of one that has
/// changed since.
[[nodiscard]] Result<Cut> find_cut(const Document& document, std::string_view id);

/// Where the first line of Python begins that is neither blank nor a comment, behind its indentation; npos: nowhere.
[[nodiscard]] std::size_t first_statement(std::string_view lines) noexcept;
/// "3 sentences", "1 line".
[[nodiscard]] std::string count_in_words(const Document& document, const Cut& cut);
/// The mark of a cut in the style of its first unit, without white space around it.
[[nodiscard]] std::string mark_of(const Document& document, const Cut& cut);
/// "[+36 alike, until 16:14:02 3f2a]" for a group of which `others` lines are not shown.
[[nodiscard]] std::string group_mark(const Document& document, std::uint32_t first, std::uint32_t others,
                                     std::string_view differences);

}  // namespace attar::text::context
