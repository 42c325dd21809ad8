#include "text/context/parse.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/documents/kinds.h"
#include "text/context/readers.h"

namespace attar::text::context {
namespace {

constexpr int most_level = 1000;  // of what stands below headings of any level

constexpr std::array<std::pair<std::string_view, Kind>, 8> names = {{{"prose", Kind::prose},
                                                                     {"markdown", Kind::markdown},
                                                                     {"code", Kind::code},
                                                                     {"diff", Kind::diff},
                                                                     {"json", Kind::json},
                                                                     {"log", Kind::log},
                                                                     {"grep", Kind::grep},
                                                                     {"table", Kind::table}}};

std::string_view lower_ending(std::string_view name) noexcept {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

// The first lines of a text without kind: how many begin as events of logs, or as lines of grep's, or hold commas
// alike.
class Looks {
 public:
  explicit Looks(std::string_view text) {
    constexpr int looked_at = 200;
    bool fenced = false;
    for (std::uint32_t at = 0; at < text.size() && lines_ < looked_at;) {
      const std::uint32_t next = line_end(text, at, static_cast<std::uint32_t>(text.size()));
      const std::string_view line = text.substr(at, next - at);
      at = next;
      if (line.starts_with("```")) {
        fenced = !fenced;
        ++marked_;
      }
      if (fenced || line.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
      ++lines_;
      if (line.starts_with(' ') || line.starts_with('\t'))
        ++indented_;
      else if (begins_event(line))
        ++events_;
      if (looks_like_grep(line)) ++found_;
      if (line.starts_with("diff --git ") || line.starts_with("@@ -") || line.starts_with("+++ ")) ++diff_;
      if (is_heading(line) || line.starts_with("- ") || line.starts_with("* ") || line.starts_with("|")) ++marked_;
      separators(line);
    }
  }

  [[nodiscard]] Kind kind() const noexcept {
    if (diff_ >= 2) return Kind::diff;
    if (lines_ >= 3 && found_ * 10 >= lines_ * 8) return Kind::grep;
    if (lines_ >= 3 && events_ * 10 >= (lines_ - indented_) * 7 && events_ * 3 >= lines_) return Kind::log;
    if (lines_ >= 4 && even_ && separators_ >= 2) return Kind::table;
    return marked_ > 0 ? Kind::markdown : Kind::prose;
  }

 private:
  [[nodiscard]] static bool is_heading(std::string_view line) noexcept {
    const std::size_t signs = std::min(line.find_first_not_of('#'), line.size());
    return signs >= 1 && signs <= 6 && signs < line.size() && line[signs] == ' ';
  }
  // Not any word before a colon and a number: a path has a dot or a slash, and no brackets.
  [[nodiscard]] static bool looks_like_grep(std::string_view line) noexcept {
    const std::string_view path = grep_path(line);
    return path.find_first_of("\"[({") == std::string_view::npos && path.find_first_of("./") != std::string_view::npos;
  }
  void separators(std::string_view line) {
    const auto commas = std::ranges::count(line, ','), tabs = std::ranges::count(line, '\t');
    const auto own = std::max(commas, tabs);
    if (lines_ == 1)
      separators_ = own;
    else if (own != separators_)
      even_ = false;
  }

  int lines_ = 0, indented_ = 0, events_ = 0, found_ = 0, diff_ = 0, marked_ = 0;
  std::ptrdiff_t separators_ = 0;
  bool even_ = true;
};

// By the name, where it tells, else by the bytes.
Kind kind_of_text(std::string_view text, std::string_view name, const std::optional<data::Format>& format,
                  std::string_view language) {
  const std::string_view ending = lower_ending(name);
  if (language == "diff") return Kind::diff;
  if (format && format->kind == data::DocumentKind::code && language != "json") return Kind::code;
  if (format && format->kind == data::DocumentKind::markdown) return Kind::markdown;
  if (ending == "csv" || ending == "tsv") return Kind::table;
  if (ending == "log") return Kind::log;
  return is_json(text) ? Kind::json : Looks(text).kind();
}

Stretch whole(std::string_view text, const ParseOptions& options) {
  Stretch out{.kind = Kind::prose, .begin = 0, .end = static_cast<std::uint32_t>(text.size())};
  const auto format = data::format_of_name(options.name);
  if (format) out.language = format->language;
  out.kind = options.kind ? *options.kind : kind_of_text(text, options.name, format, out.language);
  return out;
}

// ```python: the language that a fence names.
std::string_view fence_language(std::string_view line) noexcept {
  std::string_view name = line.substr(std::min(line.find_first_not_of('`'), line.size()));
  name = name.substr(0, name.find_first_of(" \t\r\n{"));
  return name;
}

Stretch inside_fence(std::string_view text, std::uint32_t begin, std::uint32_t end, std::string_view language) {
  const std::string_view own = text.substr(begin, end - begin);
  Stretch out{.kind = Kind::code, .begin = begin, .end = end, .language = language};
  if (language == "py" || language == "python3") out.language = "python";
  if (language == "js" || language == "ts" || language == "jsx" || language == "tsx") out.language = "javascript";
  if (language == "c++") out.language = "cpp";
  if (language == "rs") out.language = "rust";
  if (language == "diff" || language == "patch") out.kind = Kind::diff;
  if (language == "json" && is_json(own)) out.kind = Kind::json;
  if (language == "log" || (language.empty() && Looks(own).kind() == Kind::log)) out.kind = Kind::log;
  return out;
}

// Markdown and prose hold other kinds: in fences, and in runs of lines that are those of a log.
class Mixed {
 public:
  Mixed(std::string_view text, Kind kind) : text_(text), kind_(kind), end_(static_cast<std::uint32_t>(text.size())) {}

  std::vector<Stretch> find() {
    while (at_ < end_) {
      const std::uint32_t next = line_end(text_, at_, end_);
      const std::string_view line = text_.substr(at_, next - at_);
      if (kind_ == Kind::markdown && line.starts_with("```") && fence(line, next)) continue;
      if (log(line)) continue;
      at_ = next;
    }
    close(end_);
    return std::move(out_);
  }

 private:
  void close(std::uint32_t end) {
    if (begin_ < end) out_.push_back({.kind = kind_, .begin = begin_, .end = end});
    begin_ = end;
  }

  bool fence(std::string_view line, std::uint32_t inside) {
    const std::size_t signs = line.find_first_not_of('`');
    const std::string closing = "\n" + std::string(line.substr(0, signs == std::string_view::npos ? 3 : signs));
    const std::size_t found = text_.find(closing, inside - 1);
    if (found == std::string_view::npos) return false;
    const auto end = static_cast<std::uint32_t>(found + 1);
    Stretch stretch = inside_fence(text_, inside, end, fence_language(line));
    close(at_);
    stretch.begin = at_;
    stretch.end = begin_ = at_ = behind_blank_lines(line_end(text_, end, end_));
    stretch.fenced = true;
    out_.push_back(stretch);
    return true;
  }

  [[nodiscard]] std::uint32_t behind_blank_lines(std::uint32_t at) const noexcept {
    while (at < end_ && (text_[at] == '\n' || text_[at] == '\r')) ++at;
    return at;
  }

  bool log(std::string_view first) {
    constexpr int least_lines = 4;
    if (!begins_event(first) || !first.ends_with('\n')) return false;
    int lines = 0;
    std::uint32_t at = at_;
    while (at < end_) {
      const std::uint32_t next = line_end(text_, at, end_);
      const std::string_view line = text_.substr(at, next - at);
      const bool more = lines > 0 && (line.starts_with(' ') || line.starts_with('\t')) && line.size() > 2;
      if (!begins_event(line) && !more) break;
      lines += more ? 0 : 1;
      at = next;
    }
    if (lines < least_lines) return false;
    close(at_);
    out_.push_back({.kind = Kind::log, .begin = at_, .end = at});
    begin_ = at_ = at;
    return true;
  }

  std::string_view text_;
  Kind kind_;
  std::uint32_t end_, begin_ = 0, at_ = 0;
  std::vector<Stretch> out_;
};

void read(Reading& reading, const Stretch& stretch);

// The lines of a fence around what is between them.
void read_fenced(Reading& reading, Stretch stretch) {
  const std::string_view text = reading.document.text.substr(0, stretch.end);
  const std::uint32_t inside = line_end(text, stretch.begin, stretch.end);
  const auto closing = static_cast<std::uint32_t>(text.rfind("\n```") + 1);
  ++reading.paragraphs;
  reading.add(Kind::markdown, Noun::line, stretch.begin, inside).role = Role::opener;
  const std::uint32_t opener = reading.next() - 1;
  const auto headings = reading.headings;
  reading.headings.push_back({opener, most_level});
  const std::uint32_t end = stretch.end;
  stretch.begin = inside;
  stretch.end = std::max(closing, inside);
  stretch.fenced = false;
  if (stretch.begin < stretch.end) read(reading, stretch);
  reading.headings = headings;
  reading.add(Kind::markdown, Noun::line, stretch.end, end, opener).role = Role::closer;
}

void read(Reading& reading, const Stretch& stretch) {
  if (stretch.fenced) return read_fenced(reading, stretch);
  switch (stretch.kind) {
    case Kind::prose: return read_prose(reading, stretch.begin, stretch.end, false);
    case Kind::markdown: return read_prose(reading, stretch.begin, stretch.end, true);
    case Kind::code: return read_code(reading, stretch);
    case Kind::diff: return read_diff(reading, stretch.begin, stretch.end);
    case Kind::log: return read_log(reading, stretch.begin, stretch.end);
    case Kind::grep: return read_grep(reading, stretch.begin, stretch.end);
    case Kind::table: return read_table(reading, stretch.begin, stretch.end);
    case Kind::json:
      if (!read_json(reading, stretch.begin, stretch.end)) read_prose(reading, stretch.begin, stretch.end, false);
      return;
  }
}

}  // namespace

Unit& Reading::add(Kind kind, Noun noun, std::uint32_t begin, std::uint32_t end, std::uint32_t parent) {
  document.units.push_back({.begin = begin,
                            .end = end,
                            .parent = parent == none ? heading() : parent,
                            .paragraph = paragraphs,
                            .noun = noun,
                            .kind = kind});
  return document.units.back();
}

std::optional<Kind> kind_of(std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name, &std::pair<std::string_view, Kind>::first);
  if (found == names.end()) return std::nullopt;
  return found->second;
}

std::string_view kind_name(Kind kind) noexcept { return names[static_cast<std::size_t>(kind)].first; }

std::vector<Stretch> find_stretches(std::string_view text, const ParseOptions& options) {
  const Stretch all = whole(text, options);
  if (text.empty()) return {};
  if (options.kind || (all.kind != Kind::markdown && all.kind != Kind::prose)) return {all};
  return Mixed(text, all.kind).find();
}

Document parse(std::string_view text, const ParseOptions& options) {
  Reading reading{.document = {.text = text}};
  for (const Stretch& stretch : find_stretches(text, options)) read(reading, stretch);
  return std::move(reading.document);
}

}  // namespace attar::text::context
