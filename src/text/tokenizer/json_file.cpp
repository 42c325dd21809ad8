#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "data/input_file.h"
#include "text/tokenizer/byte_pairs.h"
#include "text/tokenizer/files.h"
#include "text/tokenizer/json_steps.h"
#include "text/unicode.h"

namespace attar::text {
namespace {

using data::in_quotes;
using json::Element;
using json::find;
using json::text_at;
using json::truth_at;

constexpr char32_t first_shifted = 0x100;  // where GPT-2's alphabet puts the bytes that are no visible characters
constexpr std::size_t shifted = 68;

constexpr bool is_visible(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

// The bytes that a token in GPT-2's alphabet stands for; nothing for one that has other characters.
std::optional<std::string> to_bytes(std::string_view token) {
  static const std::array<unsigned char, shifted> hidden = [] {
    std::array<unsigned char, shifted> out{};
    std::size_t count = 0;
    for (unsigned byte = 0; byte < 256; ++byte)
      if (!is_visible(byte)) out[count++] = static_cast<unsigned char>(byte);
    return out;
  }();
  std::string out;
  for (std::size_t at = 0; at < token.size();) {
    const char32_t c = next_code_point(token, at);
    if (c < 256 && is_visible(c))
      out.push_back(static_cast<char>(c));
    else if (c >= first_shifted && c < first_shifted + shifted)
      out.push_back(static_cast<char>(hidden[c - first_shifted]));
    else
      return std::nullopt;
  }
  return out;
}

std::unexpected<Error> too_large(std::string_view what) {
  return fail(ErrorCode::over_limit, fmt::format("has too many or too long {}: Attar reads {} tokens of {} bytes", what,
                                                 most_tokens, longest_token));
}

Result<simdjson::dom::object> vocabulary_of(Element model) {
  simdjson::dom::object out;
  const auto found = find(model, "vocab");
  if (!found || found->get(out) != simdjson::SUCCESS)
    return fail(ErrorCode::invalid_data, "has a model without a vocab of numbered tokens");
  if (out.size() > most_tokens) return too_large("tokens");
  return out;
}

// ---- byte pairs ----

// One list of merges in the making.
class PairReader {
 public:
  PairReader(Element model, bool bytes) : model_(model), bytes_(bytes) {}

  Result<std::unique_ptr<BytePairs>> read() {
    ATTAR_TRY(check());
    ATTAR_TRY(read_vocabulary());
    ATTAR_TRY(read_merges());
    PairOptions options{.bytes = bytes_,
                        .whole_first = truth_at(model_, "ignore_merges", false),
                        .byte_fallback = truth_at(model_, "byte_fallback", false),
                        .fuse_unknown = truth_at(model_, "fuse_unk", false)};
    if (const std::string_view unknown = text_at(model_, "unk_token"); !unknown.empty()) {
      options.unknown = names_.find(unknown);
      if (options.unknown == Vocabulary::none)
        return fail(ErrorCode::invalid_data,
                    fmt::format("has the unk_token {}, which its vocab lacks", in_quotes(unknown)));
    }
    return BytePairs::make(std::move(tokens_), merges_, options);
  }

 private:
  [[nodiscard]] Status check() const {
    double dropout = 0;
    if (const auto value = find(model_, "dropout"); value && value->get(dropout) == simdjson::SUCCESS && dropout != 0)
      return fail(ErrorCode::unsupported,
                  "has dropout, with which a text has no fixed number of tokens; set it to null");
    for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (const std::string_view value = text_at(model_, key); !value.empty())
        return fail(ErrorCode::unsupported, fmt::format("has {} = {}; Attar reads BPE without", key, in_quotes(value)));
    return {};
  }

  Status read_vocabulary() {
    ATTAR_ASSIGN(const simdjson::dom::object vocabulary, vocabulary_of(model_));
    std::uint32_t number = 0;
    for (const auto& [token, id] : vocabulary) {
      if (token.size() > longest_token) return too_large("tokens");
      names_.add(token, number);
      if (const auto bytes = bytes_ ? to_bytes(token) : std::optional<std::string>(token)) tokens_.add(*bytes, number);
      ++number;
    }
    return {};
  }

  Status read_merges() {
    simdjson::dom::array merges;
    const auto found = find(model_, "merges");
    if (!found || found->get(merges) != simdjson::SUCCESS)
      return fail(ErrorCode::invalid_data, "has BPE without merges");
    std::uint32_t rank = 0;
    for (const Element merge : merges) {
      const auto pair = pair_of(merge);
      if (!pair) return fail(ErrorCode::invalid_data, fmt::format("has a merge {} that is no pair", rank));
      if (pair->first.starts_with("#version")) continue;
      const std::uint32_t left = names_.find(pair->first), right = names_.find(pair->second);
      const std::uint32_t made = names_.find(std::string(pair->first).append(pair->second));
      if (left == Vocabulary::none || right == Vocabulary::none || made == Vocabulary::none)
        return fail(ErrorCode::invalid_data,
                    fmt::format("merges {} and {}, of which its vocab lacks one, or both joined",
                                in_quotes(pair->first), in_quotes(pair->second)));
      merges_.push_back({left, right, rank++, made});
    }
    return {};
  }

  static std::optional<std::pair<std::string_view, std::string_view>> pair_of(Element merge) {
    std::string_view text, left, right;
    if (merge.get(text) == simdjson::SUCCESS) {
      const std::size_t space = text.find(' ');
      if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) return std::nullopt;
      return std::pair(text.substr(0, space), text.substr(space + 1));
    }
    simdjson::dom::array pair;
    if (merge.get(pair) != simdjson::SUCCESS || pair.size() != 2) return std::nullopt;
    if (pair.at(0).get(left) != simdjson::SUCCESS || pair.at(1).get(right) != simdjson::SUCCESS) return std::nullopt;
    return std::pair(left, right);
  }

  Element model_;
  bool bytes_;
  Vocabulary names_, tokens_;  // as they are written, and as the bytes that they stand for
  std::vector<Merge> merges_;
};

Status read_byte_pairs(Element root, Element model, Pipeline& out) {
  if (const auto normalizer = find(root, "normalizer")) ATTAR_TRY(json::read_normalizer(*normalizer, out.normalizers));
  json::Splits splits;
  if (const auto splitter = find(root, "pre_tokenizer")) ATTAR_TRY(json::read_pre_tokenizer(*splitter, splits));
  out.splits = std::move(splits.steps);
  ATTAR_ASSIGN(out.model, PairReader(model, splits.bytes).read());
  return {};
}

// ---- WordPiece ----

// The rules that text/wordpiece has, and no others.
Status check_word_rules(Element root, Element model) {
  const auto refuse = [](std::string_view what) {
    return fail(ErrorCode::unsupported,
                fmt::format("has {}; Attar reads WordPiece as BERT's uncased models have it: BertNormalizer with "
                            "clean_text, handle_chinese_chars, lowercase and accents stripped, BertPreTokenizer, the "
                            "prefix ##, words of 100 characters, [UNK]",
                            what));
  };
  const auto normalizer = find(root, "normalizer"), splitter = find(root, "pre_tokenizer");
  if (!normalizer || text_at(*normalizer, "type") != "BertNormalizer") return refuse("another normalizer");
  if (!splitter || text_at(*splitter, "type") != "BertPreTokenizer") return refuse("another pre_tokenizer");
  for (const std::string_view key : {"clean_text", "handle_chinese_chars", "lowercase", "strip_accents"})
    if (!truth_at(*normalizer, key, true)) return refuse(fmt::format("{} = false", key));
  if (find(model, "continuing_subword_prefix") && text_at(model, "continuing_subword_prefix") != "##")
    return refuse("another continuing_subword_prefix");
  if (find(model, "unk_token") && text_at(model, "unk_token") != "[UNK]") return refuse("another unk_token");
  std::int64_t longest = 100;
  if (const auto value = find(model, "max_input_chars_per_word");
      value && (value->get(longest) != simdjson::SUCCESS || longest != 100))
    return refuse("another max_input_chars_per_word");
  return {};
}

Status read_words(Element root, Element model, Pipeline& out) {
  ATTAR_TRY(check_word_rules(root, model));
  ATTAR_ASSIGN(const simdjson::dom::object vocabulary, vocabulary_of(model));
  std::string lines;
  for (const auto& [token, id] : vocabulary) {
    if (token.find_first_of("\r\n") != std::string_view::npos)
      return fail(ErrorCode::invalid_data, fmt::format("has a token of two lines: {}", in_quotes(token)));
    lines.append(token).push_back('\n');
  }
  ATTAR_ASSIGN(WordPiece words, WordPiece::make(lines));
  out.model = make_word_model(std::move(words));
  out.joins = out.raw.span_blanks() || out.normalized.span_blanks() ? Joins::nowhere : Joins::at_spaces;
  return {};
}

// ---- the whole ----

Status read_added(Element root, Pipeline& out) {
  simdjson::dom::array tokens;
  const auto found = find(root, "added_tokens");
  if (!found) return {};
  if (found->get(tokens) != simdjson::SUCCESS)
    return fail(ErrorCode::invalid_data, "has added_tokens that are no list");
  std::size_t bytes = 0;
  for (const Element token : tokens) {
    const std::string_view text = text_at(token, "content");
    bytes += text.size();
    if (text.size() > longest_token || bytes > most_tokens) return too_large("added_tokens");
    (truth_at(token, "normalized", false) ? out.normalized : out.raw)
        .add({std::string(text), truth_at(token, "single_word", false), truth_at(token, "lstrip", false),
              truth_at(token, "rstrip", false)});
  }
  return {};
}

// Added tokens that are looked for behind the normalizers are normalized themselves.
void normalize_added(Pipeline& out) {
  if (out.normalizers.empty() || out.normalized.empty()) return;
  AddedTokens made;
  for (AddedToken token : out.normalized.tokens()) {
    const std::string text = std::exchange(token.text, {});
    run_steps(out.normalizers, text, [&](std::string_view part) { token.text.append(part); });
    made.add(std::move(token));
  }
  out.normalized = std::move(made);
}

std::string_view type_of(Element model) {
  const std::string_view type = text_at(model, "type");
  if (!type.empty()) return type;
  return find(model, "merges") ? "BPE" : find(model, "continuing_subword_prefix") ? "WordPiece" : "";
}

}  // namespace

Result<Pipeline> read_tokenizer_json(std::string_view bytes) {
  simdjson::dom::parser parser(most_file_bytes + simdjson::SIMDJSON_PADDING);
  Element root;
  const auto error = parser.parse(bytes.data(), bytes.size()).get(root);
  if (error != simdjson::SUCCESS)
    return fail(ErrorCode::invalid_data, fmt::format("is not valid JSON ({})", simdjson::error_message(error)));
  const auto model = find(root, "model");
  if (!model) return fail(ErrorCode::invalid_data, "has no model: it is no tokenizer.json");
  Pipeline out;
  ATTAR_TRY(read_added(root, out));
  const std::string_view type = type_of(*model);
  if (type == "BPE")
    ATTAR_TRY(read_byte_pairs(root, *model, out));
  else if (type == "WordPiece")
    ATTAR_TRY(read_words(root, *model, out));
  else
    return fail(
        ErrorCode::unsupported,
        fmt::format("has a model of type {}; Attar reads BPE and WordPiece, and Unigram from the .model file of "
                    "SentencePiece",
                    in_quotes(type)));
  normalize_added(out);
  return out;
}

}  // namespace attar::text
