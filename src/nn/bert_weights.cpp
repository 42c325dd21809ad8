// A model's weights by the names of BERT's checkpoints, each checked for shape, type and values.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "data/input_file.h"
#include "nn/bert.h"

namespace attar::nn {
namespace {

constexpr std::string_view word_table = "embeddings.word_embeddings.weight";

bool all_finite(std::span<const float> values) noexcept {
  constexpr std::uint32_t exponent = 0x7f800000u;  // all of it set: infinite or not a number
  std::uint32_t found = 0;
  for (const float value : values) found |= (std::bit_cast<std::uint32_t>(value) & exponent) == exponent ? 1u : 0u;
  return found == 0;
}

// A name, a shape, a type and bytes, so that no two sets of tensors are written alike.
void add_to_digest(const data::Tensor& tensor, base::Sha256& digest) {
  base::ByteWriter head;
  head.write(static_cast<std::uint64_t>(tensor.name.size()));
  head.write_text(tensor.name);
  head.write(static_cast<std::uint64_t>(tensor.shape.size()));
  head.write_array(std::span<const std::uint64_t>(tensor.shape));
  head.write_text(data::tensor_type_name(tensor.type));
  head.write(static_cast<std::uint64_t>(tensor.bytes.size()));
  digest.update(head.bytes());
  digest.update(tensor.bytes);
}

}  // namespace

class Bert::Loader {
 public:
  Loader(Bert& model, const MakeLinear& make_linear) : model_(model), make_linear_(make_linear) {}

  Status run() {
    if (model_.source_->find(word_table) == nullptr) prefix_ = "bert.";
    const BertConfig& config = model_.config_;
    const std::uint64_t width = config.hidden_size;
    ATTAR_ASSIGN(auto words, find(word_table, {config.words, width}));
    model_.word_table_ = std::move(words.tensor);
    model_.word_bytes_ = std::move(words.own);
    ATTAR_TRY(check_words());
    ATTAR_ASSIGN(model_.position_table_, read("embeddings.position_embeddings.weight", {config.positions, width}));
    ATTAR_ASSIGN(model_.type_, read("embeddings.token_type_embeddings.weight", {config.types, width}));
    model_.type_.resize(width);  // all tokens are of type 0
    ATTAR_ASSIGN(model_.embedding_norm_, read_norm("embeddings.LayerNorm"));
    for (std::uint32_t i = 0; i < config.layers; ++i) ATTAR_TRY(read_layer(fmt::format("encoder.layer.{}.", i)));
    model_.digest_ = digest_.finish();
    return {};
  }

 private:
  Status read_layer(const std::string& name) {
    const std::uint64_t width = model_.config_.hidden_size, wide = model_.config_.intermediate_size;
    const std::string self = name + "attention.self.";
    Layer out;
    ATTAR_ASSIGN(out.project, read_linear({self + "query", self + "key", self + "value"}, width, width));
    ATTAR_ASSIGN(out.mix, read_linear({name + "attention.output.dense"}, width, width));
    ATTAR_ASSIGN(out.after_attention, read_norm(name + "attention.output.LayerNorm"));
    ATTAR_ASSIGN(out.widen, read_linear({name + "intermediate.dense"}, width, wide));
    ATTAR_ASSIGN(out.narrow, read_linear({name + "output.dense"}, wide, width));
    ATTAR_ASSIGN(out.after_feed, read_norm(name + "output.LayerNorm"));
    model_.layers_.push_back(std::move(out));
    return {};
  }

  // Layers of one input side as one, their outputs one after another.
  Result<std::unique_ptr<Linear>> read_linear(const std::vector<std::string>& names, std::uint64_t inputs,
                                              std::uint64_t outputs) {
    std::vector<float> weights, biases;
    for (const std::string& name : names) {
      ATTAR_ASSIGN(const std::vector<float> weight, read(name + ".weight", {outputs, inputs}));
      ATTAR_ASSIGN(const std::vector<float> bias, read(name + ".bias", {outputs}));
      weights.insert(weights.end(), weight.begin(), weight.end());
      biases.insert(biases.end(), bias.begin(), bias.end());
    }
    auto out = make_linear_({.inputs = inputs, .outputs = biases.size(), .weights = weights, .biases = biases});
    model_.linear_scratch_ = std::max(model_.linear_scratch_, out->scratch_bytes());
    return out;
  }

  Result<OwnNorm> read_norm(const std::string& name) {
    OwnNorm out;
    ATTAR_ASSIGN(out.scale, read(name + ".weight", {model_.config_.hidden_size}));
    ATTAR_ASSIGN(out.shift, read(name + ".bias", {model_.config_.hidden_size}));
    return out;
  }

  Result<std::vector<float>> read(std::string_view name, const std::vector<std::uint64_t>& shape) {
    ATTAR_ASSIGN(const Found found, find(name, shape));
    std::vector<float> out(found.tensor.count);
    data::widen(found.tensor, 0, out);
    if (!all_finite(out)) return bad(found.tensor, "holds a value that is not finite");
    return out;
  }

  // A tensor with its bytes, and where they lie unless the source keeps them.
  struct Found {
    data::Tensor tensor;
    std::vector<std::byte> own = {};
  };

  // The shape is judged before any byte is read or decoded.
  Result<Found> find(std::string_view name, const std::vector<std::uint64_t>& shape) {
    const std::string full = prefix_ + std::string(name);
    const data::Tensor* tensor = model_.source_->find(full);
    if (tensor == nullptr)
      return error(ErrorCode::invalid_data,
                   fmt::format("lacks the tensor {}; it is no BERT model of {} layers", full, model_.config_.layers));
    if (tensor->shape != shape)
      return bad(*tensor, fmt::format("has the shape [{}] where config.json asks for [{}]",
                                      fmt::join(tensor->shape, ", "), fmt::join(shape, ", ")));
    if (!data::is_float(tensor->type))
      return error(ErrorCode::unsupported, fmt::format("has the tensor {} as {}; F32, F16 and BF16 can be read", full,
                                                       data::tensor_type_name(tensor->type)));
    ATTAR_ASSIGN(WeightBytes bytes, model_.source_->read(*tensor));
    Found out{.tensor = *tensor, .own = std::move(bytes.own)};
    out.tensor.bytes = bytes.bytes;
    add_to_digest(out.tensor, digest_);
    model_.names_.push_back(full);
    return out;
  }

  Status check_words() {
    std::vector<float> row(model_.config_.hidden_size);
    for (std::uint64_t word = 0; word < model_.config_.words; ++word) {
      data::widen(model_.word_table_, word * row.size(), row);
      if (!all_finite(row)) return bad(model_.word_table_, "holds a value that is not finite");
    }
    return {};
  }

  [[nodiscard]] std::unexpected<Error> error(ErrorCode code, std::string message) const {
    return std::unexpected(Error{.code = code, .message = std::move(message), .file = model_.source_->path()});
  }
  [[nodiscard]] std::unexpected<Error> bad(const data::Tensor& tensor, std::string_view what) const {
    return error(ErrorCode::invalid_data, fmt::format("its tensor {} {}", data::in_quotes(tensor.name), what));
  }

  Bert& model_;
  const MakeLinear& make_linear_;
  std::string prefix_;
  base::Sha256 digest_;
};

Result<Bert> Bert::make(const BertConfig& config, std::shared_ptr<const WeightSource> weights,
                        const MakeLinear& make_linear, simd::Level level) {
  Bert out(config, std::move(weights), level);
  ATTAR_TRY(Loader(out, make_linear).run());
  return out;
}

}  // namespace attar::nn
