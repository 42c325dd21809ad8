// Context compression. Three bytes choose the kind, the budget and whether there is a question; the rest is the text.
// Units must follow one another and hold every byte, the text must fit and be no longer, and marks must give back what
// they stand for.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "text/context/alike.h"
#include "text/context/compress.h"
#include "text/context/parse.h"

namespace {

using namespace attar;
using namespace attar::text::context;

void require(bool holds) {
  if (!holds) std::abort();
}

// The last one leaves the kind open.
std::optional<Kind> kind_of(std::uint8_t byte) {
  constexpr std::uint8_t kinds = 8;
  if (byte % (kinds + 1) == kinds) return std::nullopt;
  return static_cast<Kind>(byte % (kinds + 1));
}

std::string_view name_of(std::uint8_t byte) {
  constexpr std::array<std::string_view, 6> names = {"", "a.py", "a.cpp", "a.md", "a.json", "a.csv"};
  return names[byte % names.size()];
}

void check(const Document& document) {
  std::uint32_t at = 0;
  for (std::uint32_t i = 0; i < document.units.size(); ++i) {
    const Unit& unit = document.units[i];
    require(unit.begin == at && unit.end >= at);
    at = unit.end;
    require(unit.parent == none || (unit.parent < i && document.units[unit.parent].role == Role::opener));
    require(unit.role != Role::closer || unit.parent != none);
    require(unit.folded == none || unit.folded < document.texts.size());
  }
  require(at == document.text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  static const text::StaticEncoder* const table = *text::embedded_encoder();
  static const auto tokenizer = *text::open_tokenizer("");
  const std::string_view input(reinterpret_cast<const char*>(data) + 4, size - 4);
  const ParseOptions options{.kind = kind_of(data[0]), .name = name_of(data[1])};
  Document document = parse(input, options);
  check(document);
  find_alike(document);

  const Input given{.name = options.name, .text = input, .title = {}, .kind = options.kind};
  const std::uint64_t all = tokenizer->count(input);
  Request request{.budget = all * data[2] / 256, .question = data[3] % 2 == 0 ? "" : "what failed at 12:30, and why?"};
  if (data[3] % 4 > 1) request.demanded = {{{input.size() / 2, input.size() / 2 + 1}}};
  const auto made = Compressor(*table, *tokenizer).compress(std::span(&given, 1), request);
  if (!made) {
    require(made.error().code == ErrorCode::goal_unreachable);
    return 0;
  }
  require(made->tokens <= request.budget && tokenizer->count(made->text) == made->tokens &&
          made->text.size() <= input.size());
  for (const CutTold& cut : made->cuts) {
    require(made->text.find(cut.id) != std::string::npos);
    const auto found = find_cut(document, cut.id);
    require(found.has_value() && found->group == cut.group);
    if (!cut.group) require(bytes_of(document, *found) == input.substr(cut.span.begin, cut.span.end - cut.span.begin));
  }
  return 0;
}
