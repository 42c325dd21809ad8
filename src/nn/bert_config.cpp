#include <fmt/format.h>
#include <simdjson.h>

#include <array>

#include "data/input_file.h"
#include "nn/bert.h"

namespace attar::nn {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

struct Size {
  std::string_view name;
  std::uint64_t most;
  std::uint32_t BertConfig::*member;
};
// spec.md has these limits.
constexpr std::array<Size, 7> sizes{{{"hidden_size", 8'192, &BertConfig::hidden_size},
                                     {"num_attention_heads", 256, &BertConfig::heads},
                                     {"num_hidden_layers", 128, &BertConfig::layers},
                                     {"intermediate_size", 32'768, &BertConfig::intermediate_size},
                                     {"max_position_embeddings", 8'192, &BertConfig::positions},
                                     {"type_vocab_size", 64, &BertConfig::types},
                                     {"vocab_size", 1 << 20, &BertConfig::words}}};

Status read_sizes(object fields, BertConfig& out) {
  for (const Size& size : sizes) {
    std::uint64_t value = 0;
    if (fields.at_key(size.name).get(value) != simdjson::SUCCESS || value == 0)
      return fail(ErrorCode::invalid_data, fmt::format("has no {} above 0: it is no BERT model's", size.name));
    if (value > size.most)
      return fail(ErrorCode::over_limit,
                  fmt::format("has {} = {}; at most {} is allowed", size.name, value, size.most));
    out.*size.member = static_cast<std::uint32_t>(value);
  }
  if (out.hidden_size % out.heads != 0)
    return fail(ErrorCode::invalid_data,
                fmt::format("has hidden_size = {}, no multiple of its {} heads", out.hidden_size, out.heads));
  return {};
}

// A word that must be this one where it stands at all.
Status expect_word(object fields, std::string_view key, std::string_view wanted) {
  element value;
  if (fields.at_key(key).get(value) != simdjson::SUCCESS) return {};
  std::string_view word;
  if (value.get(word) == simdjson::SUCCESS && word == wanted) return {};
  return fail(ErrorCode::unsupported,
              fmt::format("has {} = {}, and Attar runs models with {} only", key, data::in_quotes(word), wanted));
}

}  // namespace

Result<BertConfig> parse_bert_config(std::string_view json) {
  simdjson::dom::parser parser;
  object fields;
  if (const auto error = parser.parse(json.data(), json.size()).get(fields); error != simdjson::SUCCESS)
    return fail(ErrorCode::invalid_data, fmt::format("is no JSON object ({})", simdjson::error_message(error)));
  ATTAR_TRY(expect_word(fields, "model_type", "bert"));
  ATTAR_TRY(expect_word(fields, "hidden_act", "gelu"));
  ATTAR_TRY(expect_word(fields, "position_embedding_type", "absolute"));
  BertConfig out;
  ATTAR_TRY(read_sizes(fields, out));
  double epsilon = 1e-12;  // BERT's own, where the file is silent
  element value;
  if (fields.at_key("layer_norm_eps").get(value) == simdjson::SUCCESS && value.get(epsilon) != simdjson::SUCCESS)
    return fail(ErrorCode::invalid_data, "has a layer_norm_eps that is no number");
  if (!(epsilon >= 1e-30 && epsilon <= 0.1))
    return fail(ErrorCode::over_limit, fmt::format("has layer_norm_eps = {}; 1e-30 to 0.1 is allowed", epsilon));
  out.epsilon = static_cast<float>(epsilon);
  return out;
}

}  // namespace attar::nn
