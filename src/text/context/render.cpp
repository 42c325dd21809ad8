#include "text/context/render.h"

#include <algorithm>
#include <string_view>

namespace attar::text::context {
namespace {

constexpr std::string_view blanks = " \t\r\n";

// White space at a unit's end: of several empty lines one is left.
std::string_view squeezed(std::string_view space) noexcept {
  return std::ranges::count(space, '\n') > 2 && space.find_first_not_of("\r\n") == std::string_view::npos
             ? (space.starts_with("\r\n") ? "\r\n\r\n" : "\n\n")
             : space;
}

class Renderer {
 public:
  Renderer(const Document& document, const std::vector<bool>& kept, const Differences& differences)
      : document_(document), kept_(kept), differences_(differences), printed_(document.units.size()) {}

  Rendering render() {
    const auto units = static_cast<std::uint32_t>(document_.units.size());
    for (std::uint32_t at = 0; at < units;) {
      if (kept_[at]) {
        show(at++);
        continue;
      }
      std::uint32_t end = at;
      while (end < units && !kept_[end]) ++end;
      mark(at, end);
      at = end;
    }
    return std::move(out_);
  }

 private:
  void show(std::uint32_t at) {
    const Unit& unit = document_.units[at];
    separate(unit);
    const std::string_view shown = document_.shown(unit);
    const std::size_t end = shown.find_last_not_of(blanks) + 1;  // 0 where all is blank
    out_.text += shown.substr(0, end);
    out_.text += squeezed(shown.substr(end));
    if (unit.group == at) mark_group(at);
  }

  // Commas between the items of a JSON container.
  void separate(const Unit& unit) {
    if (!unit.item) return;
    if (printed_[unit.parent]) out_.text += ',';
    printed_[unit.parent] = true;
  }

  void mark_group(std::uint32_t first) {
    std::uint32_t others = 0;
    for (std::uint32_t i = first; i != none; i = document_.units[i].next_alike) others += kept_[i] ? 0 : 1;
    if (others == 0) return;
    if (!out_.text.ends_with('\n')) out_.text += '\n';
    out_.text += group_mark(document_, first, others, differences_ ? differences_(first) : std::string_view{});
    out_.text += '\n';
    out_.groups.push_back({.first = first, .count = others, .group = true});
  }

  // Lines whose like is shown are told of there.
  [[nodiscard]] bool told(std::uint32_t at) const noexcept {
    const std::uint32_t first = document_.units[at].group;
    return first != none && first != at && kept_[first];
  }

  void mark(std::uint32_t begin, std::uint32_t end) {
    bool all_told = true;
    for (std::uint32_t i = begin; i < end && all_told; ++i) all_told = told(i);
    if (all_told) return;
    const Cut cut{.first = begin, .count = end - begin};
    const Unit& first = document_.units[begin];
    const Unit& last = document_.units[end - 1];
    separate(first);
    const bool json = first.kind == Kind::json && first.folded != none;
    const std::string_view bytes = document_.text.substr(first.begin, last.end - first.begin);
    const std::size_t lead = std::min(bytes.find_first_not_of(blanks), bytes.size());
    const std::size_t tail = bytes.find_last_not_of(blanks) + 1;
    if (!json) out_.text += first.style == MarkStyle::statement ? indentation(bytes) : bytes.substr(0, lead);
    out_.text += mark_of(document_, cut);
    if (!json && tail > lead) out_.text += squeezed(bytes.substr(tail));
    out_.runs.push_back(cut);
  }

  // Of the first statement: comments before it may stand anywhere.
  [[nodiscard]] static std::string_view indentation(std::string_view lines) noexcept {
    const std::size_t found = first_statement(lines);
    const std::size_t text =
        found == std::string_view::npos ? std::min(lines.find_first_not_of(blanks), lines.size()) : found;
    const std::size_t feed = text == 0 ? std::string_view::npos : lines.rfind('\n', text - 1);
    const std::size_t begin = feed == std::string_view::npos ? 0 : feed + 1;
    return lines.substr(begin, text - begin);
  }

  const Document& document_;
  const std::vector<bool>& kept_;
  const Differences& differences_;
  std::vector<bool> printed_;  // by opener: an item of it stands there already
  Rendering out_;
};

}  // namespace

Rendering render(const Document& document, const std::vector<bool>& kept, const Differences& differences) {
  return Renderer(document, kept, differences).render();
}

}  // namespace attar::text::context
