// JSON: elements and members, arrays of like objects as a header and rows, long strings as the sentences in them.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/chunk/outline.h"
#include "text/context/readers.h"

namespace attar::text::context {
namespace {

constexpr std::uint32_t whole_bytes = 160;  // a value of so many is not taken apart
constexpr std::uint32_t long_string = 320;  // bytes from which a string is read as sentences
constexpr std::size_t least_rows = 3;       // of a folded array
constexpr int deepest_json = 200;

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct Value {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t key_begin = 0, key_end = 0;  ///< of a member, with its quotes; empty for elements
};

// Finds where values end; checks brackets, strings and separators, not the words between them.
class Scanner {
 public:
  Scanner(std::string_view text, std::uint32_t end) noexcept : text_(text.substr(0, end)) {}

  [[nodiscard]] std::uint32_t skip_blank(std::uint32_t at) const noexcept {
    while (at < text_.size() && is_blank(text_[at])) ++at;
    return at;
  }

  // Behind the value at `at`; nothing where it is none.
  [[nodiscard]] std::optional<std::uint32_t> value(std::uint32_t at) const {
    std::string open;
    do {
      at = skip_blank(at);
      if (at >= text_.size()) return std::nullopt;
      const char c = text_[at];
      if (c == '{' || c == '[') {
        open += c == '{' ? '}' : ']';
        if (open.size() > deepest_json) return std::nullopt;
        at = skip_blank(at + 1);
        if (at < text_.size() && text_[at] == open.back()) {
          open.pop_back();
          ++at;
        } else {
          if (open.back() == '}' && !key(at)) return std::nullopt;
          continue;
        }
      } else {
        const auto end = scalar(at);
        if (!end) return std::nullopt;
        at = *end;
      }
      // A value ended: behind it come a comma and the next one, or closing brackets.
      while (!open.empty()) {
        at = skip_blank(at);
        if (at >= text_.size()) return std::nullopt;
        if (text_[at] == ',') {
          at = skip_blank(at + 1);
          if (open.back() == '}' && !key(at)) return std::nullopt;
          break;
        }
        if (text_[at] != open.back()) return std::nullopt;
        open.pop_back();
        ++at;
      }
    } while (!open.empty());
    return at;
  }

  // The same where nothing but white space follows.
  [[nodiscard]] std::optional<std::uint32_t> whole_value(std::uint32_t at) const {
    const auto out = value(at);
    return out && skip_blank(*out) == text_.size() ? out : std::nullopt;
  }

  // The items of the container at `at`, which is well-formed.
  [[nodiscard]] std::vector<Value> items(std::uint32_t at) const {
    std::vector<Value> out;
    const char closing = text_[at] == '{' ? '}' : ']';
    at = skip_blank(at + 1);
    while (text_[at] != closing) {
      Value item;
      if (closing == '}') {
        item.key_begin = at;
        item.key_end = *scalar(at);
        at = skip_blank(skip_blank(item.key_end) + 1);
      }
      item.begin = at;
      item.end = *value(at);
      out.push_back(item);
      at = skip_blank(item.end);
      if (text_[at] == ',') at = skip_blank(at + 1);
    }
    return out;
  }

 private:
  // A key and its colon.
  [[nodiscard]] bool key(std::uint32_t& at) const noexcept {
    if (at >= text_.size() || text_[at] != '"') return false;
    const auto end = scalar(at);
    if (!end) return false;
    at = skip_blank(*end);
    if (at >= text_.size() || text_[at] != ':') return false;
    ++at;
    return true;
  }

  [[nodiscard]] std::optional<std::uint32_t> scalar(std::uint32_t at) const noexcept {
    if (text_[at] == '"') {
      for (std::size_t i = text_.find_first_of("\"\\", at + 1); i < text_.size(); i = text_.find_first_of("\"\\", i)) {
        if (text_[i] == '"') return static_cast<std::uint32_t>(i + 1);
        i += 2;
      }
      return std::nullopt;
    }
    const std::size_t end = std::min(text_.find_first_of(" \t\r\n,:]}[{\"", at), text_.size());
    const std::string_view word = text_.substr(at, end - at);
    if (word == "true" || word == "false" || word == "null") return static_cast<std::uint32_t>(end);
    if (word.empty() || word.find_first_not_of("+-.0123456789eE") != std::string_view::npos ||
        word.find_first_of("0123456789") == std::string_view::npos)
      return std::nullopt;
    return static_cast<std::uint32_t>(end);
  }

  std::string_view text_;
};

// Without the white space outside of strings.
std::string minified(std::string_view value) {
  std::string out;
  for (std::size_t at = 0; at < value.size();) {
    if (value[at] == '"') {
      std::size_t end = at + 1;
      while (value[end] != '"') end += value[end] == '\\' ? 2 : 1;
      out += value.substr(at, end + 1 - at);
      at = end + 1;
    } else {
      if (!is_blank(value[at])) out += value[at];
      ++at;
    }
  }
  return out;
}

// Where a value's units go: the bytes that they cover beside its own, and what they are below.
struct Slot {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t parent = none;
  char bracket = 0;   ///< of the container: items of objects are marked otherwise than those of arrays
  bool last = false;  ///< of its container
};

class JsonUnits {
 public:
  JsonUnits(Reading& reading, std::uint32_t end)
      : reading_(reading), text_(reading.document.text), scanner_(text_, end) {}

  void value(const Value& value, const Slot& slot, int depth) {
    const char first = text_[value.begin];
    const std::uint32_t size = value.end - value.begin;
    if (first == '"' && size > long_string)
      string(value, slot);
    else if ((first == '{' || first == '[') && size > whole_bytes && depth < deepest_json)
      container(value, slot, depth);
    else
      put(Role::leaf, slot, key_of(value) + minified(bytes(value)));
  }

 private:
  void container(const Value& whole, const Slot& slot, int depth) {
    const std::vector<Value> items = scanner_.items(whole.begin);
    const char bracket = text_[whole.begin];
    const auto columns = bracket == '{' ? std::nullopt : like_objects(items);
    const std::uint32_t opener = reading_.next();
    const std::uint32_t inside = items.empty() ? whole.end - 1 : start(items.front());
    std::string head = key_of(whole) + bracket;
    if (columns) {
      head = key_of(whole) + "{\"columns\":[";
      for (std::size_t i = 0; i < columns->size(); ++i) head += (i == 0 ? "" : ",") + std::string((*columns)[i]);
      head += "],\"rows\":[";
    }
    put(Role::opener, {slot.begin, inside, slot.parent, slot.bracket, false}, std::move(head));
    std::uint32_t next = inside;
    for (std::size_t i = 0; i < items.size(); ++i) {
      next = i + 1 < items.size() ? start(items[i + 1]) : scanner_.skip_blank(items[i].end);
      const Slot place{start(items[i]), next, opener, bracket, i + 1 == items.size()};
      if (columns)
        put(Role::leaf, place, row(items[i]));
      else
        value(items[i], place, depth + 1);
    }
    put(Role::closer, {next, slot.end, opener, 0, false}, columns ? "]}" : std::string(1, text_[whole.end - 1]));
    if (is_message(items) && (slot.last || instructs(items)))
      for (std::uint32_t i = opener; i < reading_.next(); ++i) reading_.document.units[i].latest = true;
  }

  // Messages of a conversation have a role; the last of them, and instructions, matter whatever is asked.
  [[nodiscard]] bool is_message(const std::vector<Value>& items) const noexcept {
    return std::ranges::any_of(items, [&](const Value& item) { return item.key_end != 0 && key(item) == "\"role\""; });
  }
  [[nodiscard]] bool instructs(const std::vector<Value>& items) const noexcept {
    return std::ranges::any_of(items, [&](const Value& item) {
      return key(item) == "\"role\"" && (bytes(item) == "\"system\"" || bytes(item) == "\"developer\"");
    });
  }

  [[nodiscard]] std::string row(const Value& object) const {
    std::string out = "[";
    for (const Value& member : scanner_.items(object.begin))
      out += (out.size() == 1 ? "" : ",") + minified(bytes(member));
    return out + "]";
  }

  // The keys, where all items are objects that have the same ones in the same order.
  [[nodiscard]] std::optional<std::vector<std::string_view>> like_objects(const std::vector<Value>& items) const {
    if (items.size() < least_rows) return std::nullopt;
    std::vector<std::string_view> keys;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (text_[items[i].begin] != '{') return std::nullopt;
      const std::vector<Value> members = scanner_.items(items[i].begin);
      if (i > 0 && members.size() != keys.size()) return std::nullopt;
      for (std::size_t k = 0; k < members.size(); ++k) {
        const std::string_view name = key(members[k]);
        if (members[k].end - members[k].begin > long_string) return std::nullopt;
        if (i == 0)
          keys.push_back(name);
        else if (keys[k] != name)
          return std::nullopt;
      }
    }
    if (keys.empty()) return std::nullopt;
    return keys;
  }

  // A long string: its quotes, and the sentences and lines between them, all as they stand.
  void string(const Value& value, const Slot& slot) {
    const std::uint32_t opener = reading_.next();
    put(Role::opener, {slot.begin, value.begin + 1, slot.parent, slot.bracket, false}, key_of(value) + "\"");
    const std::string_view inside = text_.substr(value.begin + 1, value.end - value.begin - 2);
    const chunking::Outline outline = chunking::outline_prose(inside, false);
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < outline.pieces.size(); ++i) {
      std::uint32_t next =
          i + 1 < outline.pieces.size() ? outline.pieces[i + 1].begin : static_cast<std::uint32_t>(inside.size());
      if (cuts_escape(inside, next) && i + 1 < outline.pieces.size()) continue;
      if (next == at) continue;
      if (i == 0 || outline.pieces[i].seam <= chunking::seam::long_line) ++reading_.paragraphs;
      reading_.add(Kind::json, Noun::sentence, value.begin + 1 + at, value.begin + 1 + next, opener);
      at = next;
    }
    put(Role::closer, {value.end - 1, slot.end, opener, 0, false}, "\"");
  }

  // Whether a cut before `at` would part a backslash from what it escapes, or the digits of \u00e9.
  [[nodiscard]] static bool cuts_escape(std::string_view text, std::uint32_t at) noexcept {
    const std::size_t from = at < 5 ? 0 : at - 5;
    for (std::size_t i = from; i < at; ++i) {
      if (text[i] != '\\') continue;
      std::size_t run = 1;
      while (run <= i && text[i - run] == '\\') ++run;
      if (run % 2 == 0) continue;
      const std::size_t size = i + 1 < text.size() && text[i + 1] == 'u' ? 6 : 2;
      if (i + size > at) return true;
    }
    return false;
  }

  [[nodiscard]] static std::uint32_t start(const Value& value) noexcept {
    return value.key_end != 0 ? value.key_begin : value.begin;
  }
  [[nodiscard]] std::string_view bytes(const Value& value) const noexcept {
    return text_.substr(value.begin, value.end - value.begin);
  }
  [[nodiscard]] std::string_view key(const Value& value) const noexcept {
    return text_.substr(value.key_begin, value.key_end - value.key_begin);
  }
  [[nodiscard]] std::string key_of(const Value& value) const {
    return value.key_end == 0 ? std::string{} : std::string(key(value)) + ":";
  }

  void put(Role role, const Slot& slot, std::string shown) {
    Unit& unit = reading_.add(Kind::json, Noun::member, slot.begin, slot.end, slot.parent);
    unit.role = role;
    unit.item = slot.bracket != 0;
    unit.style = slot.bracket == '{' ? MarkStyle::member : MarkStyle::element;
    unit.noun = slot.bracket == '{' ? Noun::member : Noun::row;
    fold(reading_, unit, std::move(shown));
  }

  Reading& reading_;
  std::string_view text_;
  Scanner scanner_;
};

}  // namespace

bool is_json(std::string_view text) {
  const Scanner scanner(text, static_cast<std::uint32_t>(text.size()));
  const std::uint32_t at = scanner.skip_blank(0);
  if (at >= text.size() || (text[at] != '{' && text[at] != '[')) return false;
  return scanner.whole_value(at).has_value();
}

bool read_json(Reading& reading, std::uint32_t begin, std::uint32_t end) {
  const Scanner scanner(reading.document.text, end);
  const std::uint32_t at = scanner.skip_blank(begin);
  const auto value_end = at < end ? scanner.whole_value(at) : std::nullopt;
  if (!value_end) return false;
  ++reading.paragraphs;
  JsonUnits(reading, end).value({.begin = at, .end = *value_end}, {begin, end, none, 0, false}, 0);
  return true;
}

}  // namespace attar::text::context
