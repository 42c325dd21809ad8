#include "text/encoder/bert_folder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "data/input_file.h"

namespace attar::text {
namespace {

using data::in_quotes;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::uint64_t most_settings = 1 << 20, most_vocabulary = 64 << 20;  // bytes of a file
constexpr std::uint64_t most_words = 1 << 20;
constexpr std::uint32_t least_length = 3;  // [CLS], a token, [SEP]

template <class T>
Result<T> name_file(Result<T> result, const std::string& path) {
  if (!result && result.error().file.empty()) result.error().file = path;
  return result;
}

// A file of settings: one JSON object.
class Settings {
 public:
  static Result<Settings> read(const ModelFiles& files, const std::string& name, std::uint64_t most = most_settings) {
    Settings out(files.path_of(name));
    ATTAR_ASSIGN(const std::string text, files.read(name, most));
    const auto error = out.parser_->parse(text.data(), text.size()).get(out.root_);
    if (error != simdjson::SUCCESS)
      return out.fails(ErrorCode::invalid_data, fmt::format("is not valid JSON ({})", simdjson::error_message(error)));
    return out;
  }
  // Nothing where there is no such file.
  static Result<std::optional<Settings>> read_if_there(const ModelFiles& files, const std::string& name) {
    if (!files.has(name)) return std::nullopt;
    ATTAR_ASSIGN(Settings out, read(files, name));
    return std::optional(std::move(out));
  }

  [[nodiscard]] element root() const { return root_; }
  [[nodiscard]] std::unexpected<Error> fails(ErrorCode code, std::string message) const {
    return std::unexpected(Error{.code = code, .message = std::move(message), .file = path_});
  }

  // Nothing where the key is absent or null.
  Result<std::optional<bool>> truth(std::string_view key) const {
    element value;
    if (root_.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
    bool out = false;
    if (value.get(out) != simdjson::SUCCESS)
      return fails(ErrorCode::invalid_data, fmt::format("has a {} that is neither true nor false", key));
    return out;
  }

  Result<std::optional<std::uint64_t>> number(std::string_view key) const {
    element value;
    if (root_.at_key(key).get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
    std::uint64_t out = 0;
    if (value.get(out) != simdjson::SUCCESS)
      return fails(ErrorCode::invalid_data, fmt::format("has a {} that is no whole number", key));
    return out;
  }

 private:
  explicit Settings(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::unique_ptr<simdjson::dom::parser> parser_ =
      std::make_unique<simdjson::dom::parser>();  // owns what root_ points to
  element root_;
};

Result<nn::BertConfig> read_config(const ModelFiles& files, const std::string& name) {
  ATTAR_ASSIGN(const std::string text, files.read(name, most_settings));
  auto out = name_file(nn::parse_bert_config(text), files.path_of(name));
  if (out && out->positions < least_length)
    return name_file<nn::BertConfig>(fail(ErrorCode::invalid_data, "has too few max_position_embeddings for any text"),
                                     files.path_of(name));
  return out;
}

// The rules that our tokenizer has, and no others.
Status check_tokenizer(const ModelFiles& files) {
  ATTAR_ASSIGN(const auto settings, Settings::read_if_there(files, "tokenizer_config.json"));
  if (!settings) return {};
  for (const std::string_view key : {"do_lower_case", "strip_accents", "tokenize_chinese_chars"}) {
    ATTAR_ASSIGN(const std::optional<bool> value, settings->truth(key));
    if (value && !*value)
      return settings->fails(ErrorCode::unsupported,
                             fmt::format("has {} = false; Attar tokenizes as BERT's uncased models do: in lower case, "
                                         "without accents, ideographs one by one",
                                         key));
  }
  return {};
}

Status check_modules(const ModelFiles& files) {
  ATTAR_ASSIGN(const auto settings, Settings::read_if_there(files, "modules.json"));
  if (!settings) return {};
  array modules;
  if (settings->root().get(modules) != simdjson::SUCCESS)
    return settings->fails(ErrorCode::invalid_data, "is no JSON array of modules");
  for (const element module : modules) {
    std::string_view type;
    if (module.at_key("type").get(type) != simdjson::SUCCESS)
      return settings->fails(ErrorCode::invalid_data, "has a module without a type");
    const std::string_view name = type.substr(std::min(type.rfind('.') + 1, type.size()));
    if (name != "Transformer" && name != "Pooling" && name != "Normalize")
      return settings->fails(
          ErrorCode::unsupported,
          fmt::format("has a module {}; Attar runs Transformer, Pooling and Normalize", in_quotes(type)));
  }
  return {};
}

Result<Pooling> read_pooling(const ModelFiles& files) {
  ATTAR_ASSIGN(const auto settings, Settings::read_if_there(files, "1_Pooling/config.json"));
  if (!settings) return Pooling::mean;
  constexpr std::string_view prefix = "pooling_mode_";
  std::vector<std::string_view> chosen;
  object fields;
  if (settings->root().get(fields) != simdjson::SUCCESS)
    return settings->fails(ErrorCode::invalid_data, "is no JSON object");
  for (const auto& [key, value] : fields) {
    bool on = false;
    if (key.starts_with(prefix) && value.get(on) == simdjson::SUCCESS && on)
      chosen.push_back(key.substr(prefix.size()));
  }
  if (chosen.size() == 1 && chosen[0] == "mean_tokens") return Pooling::mean;
  if (chosen.size() == 1 && chosen[0] == "cls_token") return Pooling::first;
  return settings->fails(ErrorCode::unsupported,
                         "pools in another way than by pooling_mode_mean_tokens or "
                         "pooling_mode_cls_token alone");
}

Result<std::uint32_t> read_longest(const ModelFiles& files, std::uint32_t positions) {
  ATTAR_ASSIGN(const auto settings, Settings::read_if_there(files, "sentence_bert_config.json"));
  if (!settings) return positions;
  ATTAR_ASSIGN(const auto length, settings->number("max_seq_length"));
  if (!length) return positions;
  if (*length < least_length)
    return settings->fails(ErrorCode::invalid_data,
                           fmt::format("has max_seq_length = {}, which leaves no token", *length));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(*length, positions));
}

// The numbered tokens of a tokenizer.json, one a line.
Result<std::string> read_tokenizer_json(const ModelFiles& files) {
  ATTAR_ASSIGN(const Settings settings, Settings::read(files, "tokenizer.json", most_vocabulary));
  object model, vocabulary;
  std::string_view kind, prefix;
  if (settings.root().at_key("model").get(model) != simdjson::SUCCESS ||
      model.at_key("vocab").get(vocabulary) != simdjson::SUCCESS)
    return settings.fails(ErrorCode::unsupported, "holds no vocabulary of numbered tokens, as WordPiece has");
  const bool typed = model.at_key("type").get(kind) == simdjson::SUCCESS;
  const bool prefixed = model.at_key("continuing_subword_prefix").get(prefix) == simdjson::SUCCESS;
  if ((typed && kind != "WordPiece") || (prefixed && prefix != "##"))
    return settings.fails(ErrorCode::unsupported, "is of another tokenizer than WordPiece with ##");
  std::vector<std::optional<std::string_view>> tokens(std::min<std::uint64_t>(vocabulary.size(), most_words));
  for (const auto& [token, value] : vocabulary) {
    std::uint64_t id = 0;
    if (value.get(id) != simdjson::SUCCESS || id >= tokens.size() || tokens[id])
      return settings.fails(ErrorCode::invalid_data, fmt::format("numbers its tokens with gaps, twice or above {}: {}",
                                                                 most_words, in_quotes(token)));
    if (token.find_first_of("\r\n") != std::string_view::npos)
      return settings.fails(ErrorCode::invalid_data, fmt::format("has a token of two lines: {}", in_quotes(token)));
    tokens[id] = token;
  }
  std::string out;
  for (const auto& token : tokens) out.append(token.value_or("")).push_back('\n');
  return out;
}

Result<std::string> read_vocabulary(const ModelFiles& files) {
  if (!files.has("vocab.txt")) return read_tokenizer_json(files);
  ATTAR_ASSIGN(std::string out, files.read("vocab.txt", most_vocabulary));
  std::erase(out, '\r');  // the same vocabulary has one digest, wherever its lines were written
  if (!out.ends_with('\n')) out.push_back('\n');
  return out;
}

}  // namespace

Result<BertFolder> read_bert_folder(const ModelFiles& files) {
  BertFolder out;
  ATTAR_ASSIGN(out.config, read_config(files, "config.json"));
  ATTAR_TRY(check_tokenizer(files));
  ATTAR_TRY(check_modules(files));
  ATTAR_ASSIGN(out.pooling, read_pooling(files));
  ATTAR_ASSIGN(out.longest, read_longest(files, out.config.positions));
  ATTAR_ASSIGN(out.vocabulary, read_vocabulary(files));
  return out;
}

}  // namespace attar::text
