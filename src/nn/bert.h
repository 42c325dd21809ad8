// Encoders of the BERT type: token ids in, a vector for each token out. spec.md has the arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/hash.h"
#include "nn/aligned.h"
#include "nn/attention.h"
#include "nn/float_tile.h"
#include "nn/linear.h"
#include "nn/rows.h"
#include "nn/weight_source.h"

namespace attar::nn {

/// A model's sizes.
struct BertConfig {
  std::uint32_t hidden_size = 0;
  std::uint32_t heads = 0;
  std::uint32_t layers = 0;
  std::uint32_t intermediate_size = 0;
  std::uint32_t positions = 0;  ///< tokens that a text may have
  std::uint32_t types = 0;
  std::uint32_t words = 0;  ///< of the vocabulary
  float epsilon = 0;        ///< of the layer norms

  friend bool operator==(const BertConfig&, const BertConfig&) = default;
};

/// From a config.json. `invalid_data` for what is no such file or a size that is missing, `over_limit` for a size
/// beyond spec.md's limits, `unsupported` for another kind of model, activation or position.
[[nodiscard]] Result<BertConfig> parse_bert_config(std::string_view json);

/// Texts one after another: the ids of all tokens, and where each text ends among them.
struct TokenBatch {
  std::span<const std::uint32_t> ids;  ///< each below the model's words
  std::span<const std::size_t> ends;   ///< ascending, the last is ids.size(); no text empty or longer than positions
};

/// What forward() works in, kept from batch to batch; one a thread.
class BertScratch {
 private:
  friend class Bert;
  AlignedBuffer<float> projected_, mixed_, wide_, change_;
  AlignedBuffer<std::byte> linear_;
  AttentionScratch attention_;
};

/// Const and safe to use from many threads at once.
class Bert {
 public:
  /// Takes the weights by the names of BERT's checkpoints, with "bert." before them or without. Word embeddings stay in
  /// the type that they have, and where the source keeps its bytes are read from there as they are needed: it lives as
  /// long as the model. `invalid_data` names the tensor that is missing, has another shape than the sizes ask for or a
  /// value that is not finite; `unsupported` one that holds no floats; and errors of the source.
  [[nodiscard]] static Result<Bert> make(const BertConfig& config, std::shared_ptr<const WeightSource> weights,
                                         const MakeLinear& make_linear, simd::Level level = simd::active_level());

  [[nodiscard]] const BertConfig& config() const noexcept { return config_; }
  /// SHA-256 over names, shapes, types and bytes of all tensors that the model uses.
  [[nodiscard]] const base::Digest& weights_digest() const noexcept { return digest_; }
  /// Names of the tensors that the model uses, in the order in which it took them.
  [[nodiscard]] std::span<const std::string> tensor_names() const noexcept { return names_; }

  /// A vector a token into `out` (ids.size() × hidden_size). A token's does not depend on the other texts.
  void forward(const TokenBatch& batch, BertScratch& scratch, std::span<float> out) const;

 private:
  struct OwnNorm {
    std::vector<float> scale, shift;
  };
  struct Layer {
    std::unique_ptr<Linear> project, mix, widen, narrow;  // q, k and v; of attention; of the feed-forward part
    OwnNorm after_attention, after_feed;
  };
  class Loader;

  Bert(const BertConfig& config, std::shared_ptr<const WeightSource> source, simd::Level level)
      : config_(config), source_(std::move(source)), kernel_(float_tile_kernel(level)) {}

  [[nodiscard]] Norm norm_of(const OwnNorm& own) const noexcept {
    return {.scale = own.scale, .shift = own.shift, .epsilon = config_.epsilon};
  }
  void prepare(std::size_t tokens, BertScratch& scratch) const;
  void embed(const TokenBatch& batch, std::span<float> out) const;
  void pass(const Layer& layer, const TokenBatch& batch, BertScratch& scratch, std::span<float> x) const;
  void feed_forward(const Layer& layer, BertScratch& scratch, std::span<float> x) const;

  BertConfig config_;
  std::shared_ptr<const WeightSource> source_;
  data::Tensor word_table_;  // its bytes lie in source_, or in word_bytes_
  std::vector<std::byte> word_bytes_;
  std::vector<float> position_table_, type_;
  OwnNorm embedding_norm_;
  std::vector<Layer> layers_;
  std::size_t linear_scratch_ = 0;  // bytes that the neediest layer asks for
  base::Digest digest_;
  std::vector<std::string> names_;
  FloatTileKernel kernel_;
};

}  // namespace attar::nn
