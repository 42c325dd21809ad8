#include "data/documents/html.h"

#include <fmt/format.h>
#include <libxml/HTMLparser.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "data/documents/markup.h"
#include "data/documents/names.h"

namespace attar::data {
namespace {

using Break = MarkupWriter::Break;

constexpr std::size_t deepest = 1000;
constexpr std::size_t most_attributes = 1024;
constexpr std::size_t deepest_list = 8;  // beyond, items stand no further in

enum class Element : std::uint8_t {
  text,  ///< says nothing of its own: span, em, a …
  block,
  line,
  line_break,
  term,  ///< what a list describes
  heading,
  list,
  item,
  row,
  cell,
  fence,
  title,
  dropped,
};

constexpr std::array elements = std::to_array<std::pair<std::string_view, Element>>({
    {"address", Element::block},    {"article", Element::block},    {"aside", Element::block},
    {"blockquote", Element::block}, {"body", Element::block},       {"br", Element::line_break},
    {"button", Element::dropped},   {"caption", Element::block},    {"center", Element::block},
    {"datalist", Element::dropped}, {"dd", Element::line},          {"details", Element::block},
    {"dir", Element::list},         {"div", Element::block},        {"dl", Element::block},
    {"dt", Element::term},          {"fieldset", Element::block},   {"figcaption", Element::block},
    {"figure", Element::block},     {"footer", Element::block},     {"form", Element::block},
    {"h1", Element::heading},       {"h2", Element::heading},       {"h3", Element::heading},
    {"h4", Element::heading},       {"h5", Element::heading},       {"h6", Element::heading},
    {"header", Element::block},     {"hr", Element::block},         {"iframe", Element::dropped},
    {"legend", Element::line},      {"li", Element::item},          {"listing", Element::fence},
    {"main", Element::block},       {"math", Element::dropped},     {"menu", Element::list},
    {"nav", Element::dropped},      {"noscript", Element::dropped}, {"ol", Element::list},
    {"p", Element::block},          {"pre", Element::fence},        {"script", Element::dropped},
    {"section", Element::block},    {"select", Element::dropped},   {"style", Element::dropped},
    {"summary", Element::line},     {"svg", Element::dropped},      {"table", Element::block},
    {"td", Element::cell},          {"template", Element::dropped}, {"textarea", Element::dropped},
    {"th", Element::cell},          {"title", Element::title},      {"tr", Element::row},
    {"ul", Element::list},          {"xmp", Element::fence},
});
static_assert(std::ranges::is_sorted(elements, {}, &std::pair<std::string_view, Element>::first));

Element element_of(std::string_view name) {
  const auto found = std::ranges::lower_bound(elements, name, {}, &std::pair<std::string_view, Element>::first);
  return found != elements.end() && found->first == name ? found->second : Element::text;
}

std::string_view view_of(const xmlChar* text) noexcept {
  return text == nullptr ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(text));
}

/// What a page hides by an element's own attributes, and the links that some generators put behind headings.
bool is_hidden(std::string_view name, const xmlChar** attributes) {
  for (; attributes != nullptr && *attributes != nullptr; attributes += 2) {
    const std::string_view key = view_of(attributes[0]), value = view_of(attributes[1]);
    if (key == "hidden" && value != "until-found") return true;
    if (key == "aria-hidden" && value == "true") return true;
    if (key == "class" && name == "a" && value.find("headerlink") != std::string_view::npos) return true;
    if (key == "style") {
      std::string style = lowered(value);
      std::erase(style, ' ');
      if (style.find("display:none") != std::string::npos) return true;
    }
  }
  return false;
}

/// Takes the events of the parser.
class Page {
 public:
  explicit Page(xmlParserCtxt* parser) : parser_(parser) {}

  void start(std::string_view name, const xmlChar** attributes) {
    if (++depth_ > deepest) {
      too_deep_ = true;
      xmlStopParser(parser_);
    }
    if (dropped_at_ != 0) return;
    const Element element = element_of(name);
    if (element == Element::dropped || is_hidden(name, attributes)) {
      dropped_at_ = depth_;
      return;
    }
    if (in_fence_) {
      if (element == Element::line_break) out_.verbatim("\n");
      return;
    }
    switch (element) {
      case Element::block:
      case Element::term: start_block(Break::block); return;
      case Element::line:
      case Element::row: start_block(Break::line); break;
      case Element::line_break: out_.separate(heading_ ? Break::space : Break::line); return;
      case Element::heading: start_heading(static_cast<std::size_t>(name[1] - '0')); return;
      case Element::list:
        start_block(lists_ == 0 ? Break::block : Break::line);
        ++lists_;
        return;
      case Element::item: start_item(); return;
      case Element::cell: start_cell(); return;
      case Element::fence: in_fence_ = true; return;
      case Element::title: in_title_ = titles_++ == 0; return;
      case Element::text:
      case Element::dropped: return;
    }
    if (element == Element::row) {
      row_begin_ = out_.size();
      cell_is_fresh_ = false;
    }
  }

  void end(std::string_view name) {
    const std::size_t depth = depth_;
    if (depth_ > 0) --depth_;
    if (dropped_at_ != 0) {
      if (depth <= dropped_at_) dropped_at_ = 0;
      return;
    }
    const Element element = element_of(name);
    if (in_fence_ && element != Element::fence) return;
    switch (element) {
      case Element::block: out_.separate(Break::block); return;
      case Element::line:
      case Element::term:
      case Element::row: out_.separate(Break::line); return;
      case Element::heading:
        heading_ = false;
        out_.lead("");
        out_.separate(Break::block);
        return;
      case Element::list:
        if (lists_ > 0) --lists_;
        out_.indent(2 * std::min(lists_, deepest_list));
        out_.separate(lists_ == 0 ? Break::block : Break::line);
        return;
      case Element::item:
        out_.lead("");
        out_.separate(Break::line);
        return;
      case Element::cell: out_.settle(); return;
      case Element::fence:
        in_fence_ = false;
        out_.close_fence();
        return;
      case Element::title: in_title_ = false; return;
      case Element::line_break:
      case Element::text:
      case Element::dropped: return;
    }
  }

  void characters(std::string_view text) {
    if (dropped_at_ != 0) return;
    if (in_title_) {
      title_ += text;
    } else if (in_fence_) {
      out_.verbatim(text);
    } else {
      if (heading_ && headings_ == 1) first_heading_ += text;
      if (cell_is_fresh_ && !trimmed(text).empty()) cell_is_fresh_ = false;
      out_.words(text);
    }
  }

  [[nodiscard]] bool too_deep() const noexcept { return too_deep_; }

  [[nodiscard]] Rendered rendered() const {
    MarkupWriter title;
    title.words(trimmed(title_).empty() ? first_heading_ : title_);
    return {.title = title.text(), .text = out_.text()};
  }

 private:
  /// A block that an item or a cell begins with stands on the line of its mark.
  void start_block(Break before) {
    if (!out_.has_lead() && !cell_is_fresh_) out_.separate(before);
  }

  void start_heading(std::size_t level) {
    heading_ = true;
    ++headings_;
    cell_is_fresh_ = false;
    out_.separate(Break::block);
    out_.lead(std::string(level, '#') + " ");
  }

  void start_item() {
    const std::size_t level = std::clamp<std::size_t>(lists_, 1, deepest_list);
    cell_is_fresh_ = false;
    out_.separate(Break::line);
    out_.lead(std::string(2 * (level - 1), ' ') + "- ");
    out_.indent(2 * level);
  }

  void start_cell() {
    if (out_.size() > row_begin_) {
      out_.cell();
    } else {
      out_.separate(Break::line);
    }
    cell_is_fresh_ = true;
  }

  xmlParserCtxt* parser_;
  MarkupWriter out_;
  std::string title_, first_heading_;
  std::size_t depth_ = 0;
  std::size_t dropped_at_ = 0;  ///< the depth of the element that is left out; 0: none
  std::size_t lists_ = 0;
  std::size_t titles_ = 0, headings_ = 0;
  std::size_t row_begin_ = 0;
  bool heading_ = false, in_title_ = false, in_fence_ = false, cell_is_fresh_ = false, too_deep_ = false;
};

Page& page_of(void* context) { return *static_cast<Page*>(context); }

xmlSAXHandler handler() {
  xmlSAXHandler out{};
  out.initialized = XML_SAX2_MAGIC;
  out.startElement = [](void* context, const xmlChar* name, const xmlChar** attributes) {
    page_of(context).start(view_of(name), attributes);
  };
  out.endElement = [](void* context, const xmlChar* name) { page_of(context).end(view_of(name)); };
  out.characters = [](void* context, const xmlChar* text, int size) {
    page_of(context).characters({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)});
  };
  out.ignorableWhitespace = out.characters;
  // The library prints what no handler takes.
  out.serror = [](void*, xmlErrorPtr) {};
  return out;
}

/// The parser compares each attribute of an element with all others, so that their number must have a bound.
bool has_endless_tag(std::string_view html) {
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  const auto is_letter = [](char c) { return lower_ascii(c) >= 'a' && lower_ascii(c) <= 'z'; };
  std::size_t at = 0;
  const auto skip = [&](auto&& holds) {
    while (at < html.size() && holds(html[at])) ++at;
  };
  const auto in_word = [&](char c) { return !is_blank(c) && c != '>'; };
  while ((at = html.find('<', at)) != std::string_view::npos) {
    if (++at == html.size() || !is_letter(html[at])) continue;
    const std::string_view name = html.substr(at, 7);
    skip(in_word);
    skip(is_blank);
    bool named = false;
    for (std::size_t count = 0; at < html.size() && html[at] != '>'; skip(is_blank)) {
      if (html[at] != '=') {
        skip([&](char c) { return in_word(c) && c != '='; });
        named = true;
        if (++count > most_attributes) return true;
        continue;
      }
      ++at;
      if (named) skip(is_blank);
      if (named && at < html.size() && (html[at] == '"' || html[at] == '\'')) {
        const std::size_t end = html.find(html[at], at + 1);
        at = end == std::string_view::npos ? html.size() : end + 1;
      } else {
        skip(in_word);
      }
      named = false;
    }
    // What a script compares is no tag.
    if (equal_ascii(name.substr(0, 6), "script")) at = std::min(html.find("</", at), html.size());
  }
  return false;
}

}  // namespace

Result<Rendered> render_html(std::string_view html) {
  static const bool initialized = (xmlInitParser(), true);
  if (!initialized || html.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::over_limit, "is too large for a page of HTML");
  if (has_endless_tag(html))
    return fail(ErrorCode::over_limit, fmt::format("has an element of more than {} attributes", most_attributes));
  const std::unique_ptr<xmlParserCtxt, decltype([](xmlParserCtxt* p) { htmlFreeParserCtxt(p); })> parser(
      htmlNewParserCtxt());
  if (!parser) return fail(ErrorCode::over_limit, "cannot be parsed: memory is short");
  *parser->sax = handler();
  Page page(parser.get());
  parser->userData = &page;
  htmlCtxtReadMemory(parser.get(), html.data(), static_cast<int>(html.size()), nullptr, "UTF-8",
                     HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
  if (page.too_deep())
    return fail(ErrorCode::over_limit, fmt::format("has more than {} elements within each other", deepest));
  return page.rendered();
}

}  // namespace attar::data
