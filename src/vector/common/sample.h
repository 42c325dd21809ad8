// What the small codecs train on: a bounded random part of the sample and its mean; and what their options cost.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "vector/common/blocks.h"

namespace attar::vector {

/// Dense transforms are not tried above this: their covariance and eigenvectors cost more than these codecs are worth.
inline constexpr std::uint32_t max_dense_dims = 1536;

struct Sample {
  codec::Schema schema;
  std::uint64_t seed = 0;
  std::vector<double> mean;  ///< of all rows fed
  float largest = 0;         ///< greatest |x_i| of all rows fed
  std::vector<float> rows;   ///< count() × dims, a uniform choice of the rows fed, in random order
  /// Principal components of the rows not held out, times 2^−exponent(); empty above max_dense_dims or when not asked
  /// for.
  math::Eigen components;

  [[nodiscard]] std::size_t count() const noexcept { return rows.size() / schema.dims; }
  /// Power of two that brings the greatest magnitude below 1; 0 when all values are 0.
  [[nodiscard]] int exponent() const noexcept;
  /// The last rows, on which distortion is measured. Training leaves them out where there are enough.
  [[nodiscard]] std::span<const float> measured() const noexcept;
  /// The rows that may be learned from.
  [[nodiscard]] std::span<const float> learned() const noexcept;
  /// (rows − mean) · 2^−exponent().
  [[nodiscard]] std::vector<float> centred(std::span<const float> some) const;
};

using MakeTrained = std::function<Result<std::unique_ptr<codec::Trained>>(Sample, base::ThreadPool&)>;

/// A trainer that gathers a Sample and hands it to `make`; `with_components` asks for principal components.
[[nodiscard]] std::unique_ptr<codec::Trainer> make_sample_trainer(const codec::Schema& schema,
                                                                  const codec::TrainContext& context,
                                                                  bool with_components, MakeTrained make);

/// Σ‖x − x̂‖² / Σ‖x − mean‖² over sample.measured(), coded and decoded with the model.
[[nodiscard]] Result<double> measure_distortion(const codec::Codec& codec,
                                                const std::shared_ptr<const BlockModel>& model, const Sample& sample);

/// Bytes of all rows of the schema at `code_bytes` a row.
[[nodiscard]] constexpr std::uint64_t codes_bytes(const codec::Schema& schema, std::uint64_t code_bytes) noexcept {
  return schema.rows * row_bytes(schema, code_bytes);
}

/// What prices an option beside its settings; `work` is what scoring a row takes beside reading it, in components of
/// tcq.
struct Price {
  std::uint64_t model_bytes = 0;
  std::uint64_t code_bytes = 0;
  double distortion = 0;
  double work = 0;
};
[[nodiscard]] codec::Option make_option(const codec::Schema& schema, std::string variant, codec::Params params,
                                        const Price& price);

}  // namespace attar::vector
