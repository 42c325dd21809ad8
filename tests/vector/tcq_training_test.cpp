// What training makes of rows of any magnitude, and which options it offers.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "vector/tcq/moments.h"
#include "vector/tcq/train.h"
#include "vector/tcq_samples.h"

namespace attar::vector::tcq {
namespace {

constexpr Metric metrics[] = {Metric::cosine, Metric::inner_product, Metric::l2};

// The definition: build every rate of a variant.
std::vector<std::uint64_t> sizes_of_all_rates(const codec::Trained& trained, const codec::Schema& schema,
                                              Settings settings, std::uint8_t scale_bytes) {
  settings.scale_bytes = scale_bytes;
  std::vector<std::uint64_t> out;
  for (settings.row_bytes = 5; settings.row_bytes <= 3 * (schema.dims + 64) / 2; ++settings.row_bytes) {
    const auto built = trained.build(settings.to_params());
    if (!built) {  // too few bytes for the first of two layers
      EXPECT_NE(settings.head_bytes, 0u);
      out.push_back(std::numeric_limits<std::uint64_t>::max());
      continue;
    }
    const auto& model = *built;
    out.push_back(save(*model).size() + codes_bytes(schema, static_cast<const TcqModel&>(*model).shape, scale_bytes));
  }
  return out;
}

TEST(TcqTraining, AnOptionIsTheLargestRateThatFits) {
  base::ThreadPool pool(1);
  base::Random random(1);
  int offered = 0, two_bytes = 0;
  for (int trial = 0; trial < 10; ++trial) {
    const codec::Schema schema = {.rows = trial == 0 ? 500 : 2 + random.below(300),
                                  .dims = trial == 0 ? 48 : static_cast<std::uint32_t>(1 + random.below(70)),
                                  .metric = trial == 0 ? Metric::l2 : metrics[trial % 3]};
    const auto rows = make_rows(Kind::correlated, schema.rows, schema.dims, schema.metric, 50 + random.below(1000));
    const auto trained = train(schema, rows, pool);
    // By the bytes of the scale.
    std::map<std::string, std::array<std::vector<std::uint64_t>, 3>> sizes;
    for (const codec::Option& option : trained->options({1u << 30}))
      for (const std::uint8_t scale_bytes : {std::uint8_t{1}, std::uint8_t{2}})
        sizes[option.variant][scale_bytes] =
            sizes_of_all_rates(*trained, schema, Settings::from_params(option.params), scale_bytes);
    ASSERT_GE(sizes.size(), 5u);
    for (int i = 0; i < 12; ++i) {
      const std::uint64_t goal = 300 + random.below(schema.rows * schema.dims + 4 * schema.dims * schema.dims);
      const auto options = trained->options({goal});
      for (const codec::Option& option : options) {
        SCOPED_TRACE(option.variant + ", " + std::to_string(schema.rows) + " x " + std::to_string(schema.dims) + ", " +
                     std::to_string(goal) + " bytes");
        const Settings settings = Settings::from_params(option.params);
        const std::uint32_t rate = settings.row_bytes;
        const auto& all = sizes[option.variant][settings.scale_bytes];
        two_bytes += settings.scale_bytes == 2 ? 1 : 0;
        ASSERT_LE(option.bytes(), goal);
        EXPECT_EQ(option.bytes(), all[rate - 5]);
        for (std::size_t larger = rate + 1; larger < all.size() + 5; ++larger)
          EXPECT_TRUE(all[larger - 5] > goal || all[larger - 5] == option.bytes()) << larger << " bytes a row fit too";
        const auto again = trained->options({option.bytes()});
        EXPECT_TRUE(std::any_of(again.begin(), again.end(), [&](const codec::Option& other) {
          return other.variant == option.variant && other.bytes() == option.bytes();
        })) << "not offered at its own size";
        ++offered;
      }
      for (const auto& [variant, all] : sizes) {
        if (variant.ends_with("two layers")) continue;  // offered from 6.5 bits a component on
        const bool fits = std::any_of(all[1].begin(), all[1].end(), [&](std::uint64_t size) { return size <= goal; });
        EXPECT_EQ(fits, std::any_of(options.begin(), options.end(),
                                    [&](const codec::Option& option) { return option.variant == variant; }))
            << variant;
      }
    }
  }
  EXPECT_GT(offered, 300);
  EXPECT_GT(two_bytes, 30);
  EXPECT_LT(two_bytes, offered);
}

TEST(TcqTraining, MomentsAreTheSameInAnyUnitAndChunking) {
  base::ThreadPool pool(2);
  constexpr std::uint32_t dims = 9;
  const auto rows = make_rows(Kind::correlated, 3000, dims, Metric::l2, 2);
  const auto moments = [&](float factor, std::size_t chunk) {
    std::vector<float> values = rows;
    for (float& value : values) value *= factor;
    RowMoments out(dims, true);
    for (std::size_t at = 0; at < values.size(); at += chunk * dims)
      out.add(std::span(values).subspan(at, std::min(chunk * dims, values.size() - at)), pool);
    out.finish(pool);
    EXPECT_EQ(out.count(), 3000u);
    return out;
  };
  const RowMoments plain = moments(1, 3000);
  for (std::uint32_t i = 0; i < dims; ++i)
    for (std::uint32_t j = 0; j < dims; ++j) {
      double mean_i = 0, mean_j = 0, product = 0;
      for (std::size_t row = 0; row < 3000; ++row) {
        const double a = static_cast<double>(rows[row * dims + i]), b = static_cast<double>(rows[row * dims + j]);
        mean_i += a / 3000;
        mean_j += b / 3000;
        product += a * b / 3000;
      }
      EXPECT_NEAR(plain.mean()[i], mean_i, 1e-6);
      EXPECT_NEAR(plain.covariance()(i, j) * plain.unit() * plain.unit(), product - mean_i * mean_j, 1e-6);
    }
  for (const float factor : {0x1p-100f, 0x1p-60f, 0x1p60f, 0x1p120f}) {
    const RowMoments scaled = moments(factor, 77);
    EXPECT_EQ(scaled.covariance().values, plain.covariance().values) << factor;
    EXPECT_EQ(scaled.unit(), static_cast<double>(factor) * plain.unit()) << factor;
    EXPECT_EQ(scaled.mean()[3], static_cast<double>(factor) * plain.mean()[3]) << factor;
  }
}

// A mean of a million deviations: the squares of the rows themselves have no digit left for the covariance.
TEST(TcqTraining, MomentsOutlastAFarMeanAndLeaps) {
  base::ThreadPool pool(1);
  std::vector<float> far(2000);
  for (std::size_t i = 0; i < far.size(); ++i) far[i] = 1e6f + static_cast<float>(i % 4);
  RowMoments moments(1, true);
  moments.add(far, pool);
  moments.finish(pool);
  EXPECT_NEAR(moments.mean()[0], 1e6 + 1.5, 1e-6);
  EXPECT_NEAR(moments.covariance()(0, 0) * moments.unit() * moments.unit(), 1.25, 1e-5);
  // Three hundred zeros, then small rows, then one of 2^60: each leap is more than single precision holds.
  std::vector<float> leaps(300, 0.0f);
  leaps.insert(leaps.end(), 99, 0x1p-60f);
  leaps.push_back(0x1p60f);
  RowMoments leaping(1, true);
  leaping.add(leaps, pool);
  leaping.finish(pool);
  EXPECT_NEAR(leaping.mean()[0], std::ldexp(1.0 / 400, 60), std::ldexp(1e-6, 60));
  EXPECT_NEAR(leaping.covariance()(0, 0) * leaping.unit() * leaping.unit() / std::ldexp(1.0, 120), 399.0 / 160000,
              1e-8);
}

TEST(TcqTraining, WithoutACovarianceTheMeanVarianceIsTheSame) {
  base::ThreadPool pool(1);
  constexpr std::uint32_t dims = 9;
  const auto rows = make_rows(Kind::correlated, 3000, dims, Metric::l2, 2);
  RowMoments with(dims, true), without(dims, false);
  for (RowMoments* moments : {&with, &without}) {
    moments->add(rows, pool);
    moments->finish(pool);
  }
  EXPECT_NEAR(without.mean_variance() / with.mean_variance(), 1, 1e-5);
  for (std::size_t i = 0; i < dims; ++i) EXPECT_NEAR(without.mean()[i], with.mean()[i], 1e-5);
  EXPECT_TRUE(without.covariance().values.empty());
}

// A dense transform of 20,000 dimensions would take gigabytes and minutes to learn.
TEST(TcqTraining, VeryManyDimensionsGetTheHadamardTransform) {
  base::ThreadPool pool(2);
  const codec::Schema schema = {.rows = 40, .dims = 20'000, .metric = Metric::cosine};
  const auto rows = make_rows(Kind::isotropic, schema.rows, schema.dims, schema.metric, 2);
  const auto options = train(schema, rows, pool)->options({.bytes = 40 * 5000 + 200'000});
  ASSERT_EQ(options.size(), 1u);
  EXPECT_EQ(options[0].params.get("matrix_bits", -1), 0);
  const Coded coded = code(*train(schema, rows, pool), schema, rows, Settings::from_params(options[0].params), pool);
  EXPECT_EQ(coded.codes.size(), options[0].codes_bytes);
  EXPECT_LT(relative_error(coded), 0.5);
}

TEST(TcqTraining, RowsThatDoNotDifferGetTheSmallestCodesAndDecodeToTheCentre) {
  base::ThreadPool pool(1);
  constexpr std::uint32_t dims = 20;
  for (const float factor : {1e-44f, 1e-30f, 1.0f, 1e15f, 1e20f})
    for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{300}}) {
      const codec::Schema schema = {.rows = count, .dims = dims, .metric = Metric::inner_product};
      std::vector<float> rows(count * dims);
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = factor * static_cast<float>(i % dims) / 3;
      const auto trained = train(schema, rows, pool);
      const auto options = trained->options({1u << 20});
      ASSERT_EQ(options.size(), 5u);
      for (const codec::Option& option : options) {
        SCOPED_TRACE(testing::Message() << option.variant << ", " << factor << ", " << count << " rows");
        EXPECT_EQ(option.distortion, 0);
        const Settings settings = Settings::from_params(option.params);
        EXPECT_EQ(settings.row_bytes, 5u);
        const auto decoded = code(*trained, schema, rows, settings, pool).decoded();
        for (std::size_t i = 0; i < rows.size(); ++i)
          ASSERT_NEAR(decoded[i], rows[i], std::max(1e-28f, factor * dims / 3 / 16384)) << i;
      }
    }
}

// Half the directions never occur: the matrices of the others must still be inverted.
TEST(TcqTraining, RowsOfLowRankAreCodedWell) {
  base::ThreadPool pool(1);
  constexpr std::uint32_t dims = 24;
  for (const std::size_t rank : {1u, 2u, 12u}) {
    const codec::Schema schema = {.rows = 400, .dims = dims, .metric = Metric::l2};
    base::Random random(4);
    std::vector<float> directions(rank * dims), rows(schema.rows * dims);
    for (float& value : directions) value = static_cast<float>(random.normal());
    for (std::size_t row = 0; row < schema.rows; ++row)
      for (std::size_t r = 0; r < rank; ++r) {
        const auto share = static_cast<float>(random.normal());
        for (std::size_t i = 0; i < dims; ++i) rows[row * dims + i] += share * directions[r * dims + i];
      }
    const auto trained = train(schema, rows, pool);
    for (const codec::Option& option : trained->options({1u << 16})) {
      SCOPED_TRACE(option.variant);
      EXPECT_LT(relative_error(code(*trained, schema, rows, Settings::from_params(option.params), pool)), 0.01);
    }
  }
}

}  // namespace
}  // namespace attar::vector::tcq
