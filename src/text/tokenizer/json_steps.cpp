#include "text/tokenizer/json_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "data/input_file.h"

namespace attar::text::json {
namespace {

using data::in_quotes;

constexpr int most_nested = 8;

template <class T, std::size_t Count>
using Table = std::array<std::pair<std::string_view, T>, Count>;

template <class T, std::size_t Count>
std::optional<T> look_up(const Table<T, Count>& table, std::string_view name) {
  for (const auto& [key, value] : table)
    if (key == name) return value;
  return std::nullopt;
}

constexpr Table<Form, 4> forms = {{{"NFC", Form::nfc}, {"NFD", Form::nfd}, {"NFKC", Form::nfkc}, {"NFKD", Form::nfkd}}};
constexpr Table<Behavior, 5> behaviors = {{{"Isolated", Behavior::isolated},
                                           {"Removed", Behavior::removed},
                                           {"MergedWithPrevious", Behavior::merged_with_previous},
                                           {"MergedWithNext", Behavior::merged_with_next},
                                           {"Contiguous", Behavior::contiguous}}};

std::unexpected<Error> bad(std::string_view type, std::string_view what) {
  return fail(ErrorCode::invalid_data, fmt::format("has a {} {}", type, what));
}

// The elements of a Sequence, each given to `read`.
template <class Read>
Status for_each(Element object, std::string_view key, int nested, const Read& read) {
  simdjson::dom::array items;
  if (nested == most_nested) return bad("Sequence", "nested too deep");
  if (object.at_key(key).get(items) != simdjson::SUCCESS) return bad("Sequence", "without its members");
  for (const Element item : items) ATTAR_TRY(read(item));
  return {};
}

Status read_normalizer(Element object, std::vector<StepPointer>& out, int nested) {
  const std::string_view type = text_at(object, "type");
  if (type == "Sequence")
    return for_each(object, "normalizers", nested,
                    [&](Element item) { return read_normalizer(item, out, nested + 1); });
  if (const auto form = look_up(forms, type)) {
    ATTAR_ASSIGN(StepPointer step, make_form(*form));
    out.push_back(std::move(step));
    return {};
  }
  if (type == "Prepend") {
    out.push_back(make_prepend(text_at(object, "prepend"), false));
    return {};
  }
  const auto pattern = find(object, "pattern");
  const std::string_view what = pattern ? text_at(*pattern, "String") : std::string_view{};
  if (type == "Replace" && !what.empty()) {
    out.push_back(make_replace(what, text_at(object, "content")));
    return {};
  }
  return fail(ErrorCode::unsupported,
              fmt::format("has a normalizer {}; Attar reads NFC, NFD, NFKC, NFKD, Prepend, Replace of a string, and "
                          "Sequence of these",
                          in_quotes(type)));
}

Status read_split(Element object, Splits& out) {
  const auto behavior = look_up(behaviors, text_at(object, "behavior"));
  const auto pattern = find(object, "pattern");
  if (!behavior || !pattern) return bad("Split", "without a pattern or with a behavior that is none");
  const bool invert = truth_at(object, "invert", false);
  if (const std::string_view separator = text_at(*pattern, "String"); !separator.empty()) {
    out.steps.push_back(make_string_split(separator, *behavior, invert));
    return {};
  }
  const std::string_view regex = text_at(*pattern, "Regex");
  if (regex.empty()) return bad("Split", "whose pattern is neither a String nor a Regex");
  ATTAR_ASSIGN(StepPointer step, make_regex_split(regex, *behavior, invert));
  out.steps.push_back(std::move(step));
  return {};
}

void read_byte_level(Element object, Splits& out) {
  if (truth_at(object, "add_prefix_space", true)) out.steps.push_back(make_prepend(" ", true));
  if (truth_at(object, "use_regex", true)) out.steps.push_back(make_scan(Pattern::gpt2));
  out.bytes = true;
}

Status read_metaspace(Element object, Splits& out) {
  const std::string_view blank = text_at(object, "replacement"), scheme = text_at(object, "prepend_scheme");
  if (blank.empty()) return bad("Metaspace", "without a replacement");
  const bool never = scheme.empty() ? !truth_at(object, "add_prefix_space", true) : scheme == "never";
  if (!never && !scheme.empty() && scheme != "always")
    return fail(
        ErrorCode::unsupported,
        fmt::format("has a Metaspace with prepend_scheme = {}; Attar reads always and never", in_quotes(scheme)));
  out.steps.push_back(make_replace(" ", blank));
  if (!never) out.steps.push_back(make_prepend(blank, true));
  if (truth_at(object, "split", true)) out.steps.push_back(make_string_split(blank, Behavior::merged_with_next, false));
  return {};
}

Status read_pre_tokenizer(Element object, Splits& out, int nested) {
  const std::string_view type = text_at(object, "type");
  if (out.bytes)
    return fail(ErrorCode::unsupported, fmt::format("has a pre-tokenizer {} behind ByteLevel", in_quotes(type)));
  if (type == "Sequence")
    return for_each(object, "pretokenizers", nested,
                    [&](Element item) { return read_pre_tokenizer(item, out, nested + 1); });
  if (type == "Split") return read_split(object, out);
  if (type == "Metaspace") return read_metaspace(object, out);
  if (type == "ByteLevel") {
    read_byte_level(object, out);
    return {};
  }
  if (type == "Digits") {
    out.steps.push_back(make_digits(truth_at(object, "individual_digits", false)));
    return {};
  }
  return fail(ErrorCode::unsupported,
              fmt::format("has a pre-tokenizer {}; Attar reads ByteLevel, Split, Digits, Metaspace, and Sequence of "
                          "these",
                          in_quotes(type)));
}

}  // namespace

std::optional<Element> find(Element object, std::string_view key) {
  Element out;
  if (object.at_key(key).get(out) != simdjson::SUCCESS || out.is_null()) return std::nullopt;
  return out;
}

std::string_view text_at(Element object, std::string_view key) {
  std::string_view out;
  const auto found = find(object, key);
  return found && found->get(out) == simdjson::SUCCESS ? out : std::string_view{};
}

bool truth_at(Element object, std::string_view key, bool otherwise) {
  bool out = otherwise;
  const auto found = find(object, key);
  return found && found->get(out) == simdjson::SUCCESS ? out : otherwise;
}

Status read_normalizer(Element object, std::vector<StepPointer>& out) { return read_normalizer(object, out, 0); }

Status read_pre_tokenizer(Element object, Splits& out) { return read_pre_tokenizer(object, out, 0); }

}  // namespace attar::text::json
