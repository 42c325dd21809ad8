#include <array>

#include "codec/support.h"

namespace attar::codec {
namespace {

// Rows in a space of 6 dimensions, turned into 48.
Rows low_rank_rows() {
  base::Random random(3);
  constexpr std::size_t rank = 6, dims = 48;
  std::vector<double> directions(rank * dims);
  for (double& value : directions) value = random.normal();
  Rows out{.schema = {.rows = 2000, .dims = dims, .metric = Metric::inner_product}, .values = {}};
  for (std::uint64_t row = 0; row < out.schema.rows; ++row) {
    std::array<double, rank> weights;
    for (double& value : weights) value = random.normal();
    for (std::size_t j = 0; j < dims; ++j) {
      double sum = 0;
      for (std::size_t r = 0; r < rank; ++r) sum += weights[r] * directions[r * dims + j];
      out.values.push_back(static_cast<float>(sum));
    }
  }
  return out;
}

TEST(F8, TruncationToTheRankLosesOnlyTheCast) {
  const Rows rows = low_rank_rows();
  const Codec& f8 = *find_codec("f8");
  base::ThreadPool pool(1);
  const auto trained = train(f8, rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  for (const std::uint64_t per_row : {5, 7, 20}) {
    const auto options = (*trained)->options({.bytes = per_row * rows.schema.rows});
    ASSERT_EQ(options.size(), 1u);
    EXPECT_EQ(options[0].variant, "truncated");
    const auto packed = pack(f8, **trained, options[0].params, rows, pool);
    ASSERT_TRUE(packed) << text(packed.error());
    std::vector<float> decoded(rows.values.size());
    ASSERT_TRUE(packed->view->decode({0, rows.schema.rows}, decoded));
    const double left = math::squared_distance(rows.values, decoded) / math::squared_norm(rows.values);
    // Three bits of mantissa leave at most (1/16)² of a component's energy, and about a sixth of that on average.
    const bool whole = options[0].params.get("dims_kept", 0) >= 6;
    EXPECT_EQ(whole, per_row >= 7) << options[0].params.get("dims_kept", 0);
    if (whole) {
      EXPECT_LT(left, 1.0 / 1000) << per_row;
    } else {
      EXPECT_GT(left, 1.0 / 100) << per_row;
    }
  }
}

TEST(F8, AllColumnsNeedNoMatrix) {
  const Rows rows = low_rank_rows();
  const Codec& f8 = *find_codec("f8");
  base::ThreadPool pool(1);
  const auto trained = train(f8, rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  const auto options = (*trained)->options({.bytes = 60 * rows.schema.rows});
  ASSERT_EQ(options.size(), 1u);
  EXPECT_EQ(options[0].variant, "all columns");
  EXPECT_LT(options[0].model_bytes, 64u);
  EXPECT_EQ(options[0].codes_bytes, 48 * rows.schema.rows);
  EXPECT_LT(options[0].distortion, 1.0 / 1000);
}

}  // namespace
}  // namespace attar::codec
