#include "nn/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "base/half.h"
#include "base/random.h"
#include "nn/aligned.h"

namespace attar::nn {
namespace {

struct Layer {
  std::size_t inputs, outputs;
  std::vector<float> weights, biases;

  Layer(std::size_t in, std::size_t out, base::Random& random)
      : inputs(in), outputs(out), weights(in * out), biases(out) {
    for (float& value : weights) value = static_cast<float>(random.normal());
    for (float& value : biases) value = static_cast<float>(random.normal());
  }
  [[nodiscard]] std::unique_ptr<Linear> make(Precision precision, simd::Level level) const {
    return linear_maker(precision, level)({.inputs = inputs, .outputs = outputs, .weights = weights, .biases = biases});
  }
};

std::vector<float> pass(const Linear& layer, const std::vector<float>& rows) {
  const std::size_t count = rows.size() / layer.inputs();
  std::vector<float> out(count * layer.outputs(), -7.0f);
  AlignedBuffer<std::byte> scratch(layer.scratch_bytes());
  layer.apply({.rows = rows.data(), .count = count, .out = out.data(), .scratch = scratch.data()});
  return out;
}

std::vector<float> some_rows(std::size_t count, std::size_t dims, base::Random& random) {
  std::vector<float> out(count * dims);
  for (float& value : out) value = static_cast<float>(random.normal());
  return out;
}

constexpr std::array precisions{Precision::f32, Precision::bf16, Precision::int8, Precision::int4};

TEST(Linear, EveryLevelGivesTheSameBits) {
  base::Random random(21);
  for (const auto& [inputs, outputs, count] :
       {std::tuple{1u, 1u, 1u}, {5u, 70u, 3u}, {130u, 64u, 7u}, {700u, 65u, 100u}, {384u, 129u, 13u}}) {
    const Layer layer(inputs, outputs, random);
    const auto rows = some_rows(count, inputs, random);
    for (const Precision precision : precisions) {
      const auto expected = pass(*layer.make(precision, simd::Level::scalar), rows);
      for (int level = 1; level <= static_cast<int>(simd::best_level()); ++level)
        ASSERT_EQ(pass(*layer.make(precision, static_cast<simd::Level>(level)), rows), expected)
            << precision_name(precision) << " " << level << " " << inputs << "x" << outputs;
    }
  }
}

TEST(Linear, ARowDoesNotDependOnItsNeighbours) {
  base::Random random(22);
  const Layer layer(150, 90, random);
  const auto rows = some_rows(203, 150, random);
  for (const Precision precision : precisions) {
    const auto made = layer.make(precision, simd::best_level());
    const auto all = pass(*made, rows);
    for (std::size_t i = 0; i < 203; i += 7) {
      const std::vector<float> one(rows.begin() + static_cast<std::ptrdiff_t>(i * 150),
                                   rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * 150));
      const auto alone = pass(*made, one);
      EXPECT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + static_cast<std::ptrdiff_t>(i * 90)))
          << precision_name(precision) << " " << i;
    }
  }
}

// Relative errors of y − b against products in double.
double error_of(const Layer& layer, Precision precision, const std::vector<float>& rows) {
  const auto found = pass(*layer.make(precision, simd::best_level()), rows);
  double wrong = 0, whole = 0;
  for (std::size_t i = 0; i < rows.size() / layer.inputs; ++i)
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      double sum = 0;
      for (std::size_t k = 0; k < layer.inputs; ++k)
        sum += double{layer.weights[o * layer.inputs + k]} * double{rows[i * layer.inputs + k]};
      const double left = double{found[i * layer.outputs + o]} - double{layer.biases[o]} - sum;
      wrong += left * left;
      whole += sum * sum;
    }
  return std::sqrt(wrong / whole);
}

TEST(Linear, IsAsExactAsItsPrecision) {
  base::Random random(23);
  const Layer layer(384, 200, random);
  const auto rows = some_rows(20, 384, random);
  EXPECT_LT(error_of(layer, Precision::f32, rows), 1e-6);
  // Rounding to eight bits of mantissa errs by 2⁻⁹ at most, and by a third less in the mean of squares.
  EXPECT_LT(error_of(layer, Precision::bf16, rows), 2.5e-3);
  EXPECT_GT(error_of(layer, Precision::bf16, rows), 2e-4);
  // Steps of 1/127 of a weight's largest and 1/255 of a row's extent: some 0.7% and 0.75% of a normal's deviation.
  EXPECT_LT(error_of(layer, Precision::int8, rows), 0.015);
  EXPECT_GT(error_of(layer, Precision::int8, rows), 0.004);
  // A normal's best uniform quantizer of 16 levels leaves 0.0115 of the squares; scales by groups leave less.
  EXPECT_LT(error_of(layer, Precision::int4, rows), 0.095);
  EXPECT_GT(error_of(layer, Precision::int4, rows), 0.07);
}

TEST(Linear, BytesTakeRowsOfOneSignAndZerosAndNoNumbers) {
  base::Random random(24);
  const Layer layer(40, 10, random);
  for (const auto& [precision, bar] : {std::pair{Precision::int8, 0.02}, {Precision::int4, 0.2}}) {
    auto rows = some_rows(1, 40, random);
    for (float& value : rows) value = 3.0f + std::fabs(value);
    EXPECT_LT(error_of(layer, precision, rows), bar);
    for (float& value : rows) value = -value;
    EXPECT_LT(error_of(layer, precision, rows), bar);
    std::ranges::fill(rows, 0.0f);
    const auto made = layer.make(precision, simd::best_level());
    EXPECT_EQ(pass(*made, rows), layer.biases);
    rows[3] = std::numeric_limits<float>::infinity();
    EXPECT_TRUE(std::ranges::all_of(pass(*made, rows), [](float value) { return std::isnan(value); }));
  }
}

// The largest share of the bound that an output's error takes.
double share_of_bound(const Layer& layer, Precision precision, const std::vector<float>& rows) {
  const auto made = layer.make(precision, simd::best_level());
  const auto found = pass(*made, rows);
  double out = 0;
  for (std::size_t i = 0; i < rows.size() / layer.inputs; ++i)
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      const std::span row = std::span(rows).subspan(i * layer.inputs, layer.inputs);
      double sum = layer.biases[o];
      for (std::size_t k = 0; k < layer.inputs; ++k)
        sum += double{layer.weights[o * layer.inputs + k]} * double{row[k]};
      const double error = std::fabs(double{found[i * layer.outputs + o]} - sum);
      out = std::max(out, error == 0 ? 0 : error / made->output_bound(o).of(row));
    }
  return out;
}

TEST(Linear, ErrorsStayWithinTheirBounds) {
  base::Random random(26);
  for (int round = 0; round < 30; ++round) {
    const std::size_t inputs = 1 + random.below(300), outputs = 1 + random.below(90);
    Layer layer(inputs, outputs, random);
    // Columns and rows of all sizes, and weights far from the others.
    for (float& value : layer.weights)
      value *= static_cast<float>(std::exp2(4 * random.normal())) * (random.below(50) == 0 ? 30.0f : 1.0f);
    auto rows = some_rows(5, inputs, random);
    for (float& value : rows)
      value = (value + static_cast<float>(random.below(3))) * static_cast<float>(std::exp2(3 * random.normal()));
    for (const Precision precision : precisions)
      EXPECT_LE(share_of_bound(layer, precision, rows), 1) << precision_name(precision) << " " << inputs;
  }
}

TEST(Linear, BoundsAreMetByTheWorstRow) {
  // Weights that lie between codes, and a row along what rounding left of them: the bound is nearly the error.
  base::Random random(27);
  Layer layer(64, 1, random);
  layer.biases[0] = 0;
  for (const auto& [precision, least] : {std::pair{Precision::bf16, 0.9}, {Precision::int4, 0.5}}) {
    const auto kept = layer.make(precision, simd::best_level());
    std::vector<float> row(64);
    for (std::size_t k = 0; k < 64; ++k) {
      std::vector<float> unit(64, 0.0f);
      unit[k] = 1.0f;
      row[k] = pass(*kept, unit)[0] - layer.weights[k];
    }
    EXPECT_GT(share_of_bound(layer, precision, row), least) << precision_name(precision);
  }
}

TEST(Linear, FourBitsTakeGroupsOfAllSizes) {
  base::Random random(28);
  for (const float size : {1e-45f, 1e-38f, 1e-20f, 1e20f, 1e35f}) {
    Layer layer(45, 3, random);
    for (float& value : layer.weights) value = size * (random.below(2) == 0 ? 1.0f : -1.0f);
    std::fill_n(layer.weights.begin(), 45, 0.0f);
    const auto made = layer.make(Precision::int4, simd::best_level());
    std::vector<float> row(45, 0.0f);
    row[40] = 0.25f;
    const auto found = pass(*made, row);
    EXPECT_EQ(found[0], layer.biases[0]);
    for (std::size_t o = 1; o < 3; ++o) {
      const double expected = double{layer.weights[o * 45 + 40]} / 4 + double{layer.biases[o]};
      EXPECT_NEAR(found[o], expected, std::fabs(expected) * 0.13 + 1e-37) << size;
    }
  }
}

TEST(Linear, FourBitsTakeFourBits) {
  base::Random random(29);
  const Layer layer(384, 128, random);
  EXPECT_EQ(layer.make(Precision::int4, simd::best_level())->weight_bytes(), 384 * 128 * 18 / 32);
  EXPECT_EQ(layer.make(Precision::int8, simd::best_level())->weight_bytes(), 384 * 128 + 128 * 4);
}

TEST(Linear, BfloatIsFloatWithRoundedWeights) {
  base::Random random(25);
  Layer layer(77, 66, random);
  const auto rows = some_rows(9, 77, random);
  const auto found = pass(*layer.make(Precision::bf16, simd::best_level()), rows);
  for (float& value : layer.weights) value = base::bf16_to_float(base::float_to_bf16(value));
  EXPECT_EQ(found, pass(*layer.make(Precision::f32, simd::best_level()), rows));
}

TEST(Linear, PrecisionsHaveNames) {
  for (const Precision precision : precisions) EXPECT_EQ(parse_precision(precision_name(precision)), precision);
  EXPECT_FALSE(parse_precision("int2"));
}

}  // namespace
}  // namespace attar::nn
