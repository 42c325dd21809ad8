// What the small codecs train on: a bounded random part of the sample, its mean, and the price of a model built from it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "vector/common/blocks.h"

namespace attar::vector {

/// Dense transforms are not tried above this: their covariance and eigenvectors cost more than these codecs are worth.
inline constexpr std::uint32_t max_dense_dims = 2048;

struct Sample {
  codec::Schema schema;
  std::uint64_t seed = 0;
  std::vector<double> mean;   ///< of all rows fed
  float largest = 0;          ///< greatest |x_i| of all rows fed
  std::vector<float> rows;    ///< count() × dims, a uniform choice of the rows fed, in random order
  math::Eigen components;     ///< principal components of rows · 2^−exponent(); empty above max_dense_dims or when not asked for

  [[nodiscard]] std::size_t count() const noexcept { return rows.size() / schema.dims; }
  /// Power of two that brings the greatest magnitude below 1; 0 when all values are 0.
  [[nodiscard]] int exponent() const noexcept;
  /// Rows that training leaves for estimating distortion: the last ones, all when there are few.
  [[nodiscard]] std::size_t held_out() const noexcept;
};

/// A trainer that gathers a Sample and hands it to `make`; `with_components` asks for principal components.
[[nodiscard]] std::unique_ptr<codec::Trainer> make_sample_trainer(
    const codec::Schema& schema, const codec::TrainContext& context, bool with_components,
    std::function<Result<std::unique_ptr<codec::Trained>>(Sample)> make);

/// Prices a built model: exact sizes, and the distortion measured on the held-out rows. `cost_per_component` is the work of one
/// component relative to tcq's.
[[nodiscard]] Result<codec::Option> price(const codec::Codec& codec, std::shared_ptr<const BlockModel> model,
                                          const Sample& sample, codec::Params params, double cost_per_component);

/// Bytes that `rows` of the schema take at `code_bytes` a row.
[[nodiscard]] constexpr std::uint64_t codes_bytes(const codec::Schema& schema, std::uint64_t code_bytes) noexcept {
  return schema.rows * row_bytes(schema, code_bytes);
}

}  // namespace attar::vector
