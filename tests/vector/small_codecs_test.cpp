// What the six codecs of blocks promise beyond every codec of the registry.
#include <numeric>

#include "codec/odd_rows.h"

namespace attar::codec {
namespace {

class SmallCodec : public EveryCodec {};
INSTANTIATE_TEST_SUITE_P(, SmallCodec, testing::Values("f32", "f16", "f8", "lvq", "rbin", "opq"), codec_test_name);

class ColumnCodec : public EveryCodec {};
INSTANTIATE_TEST_SUITE_P(, ColumnCodec, testing::Values("f32", "f16", "f8", "lvq"), codec_test_name);

// What originals are read as: the same codes, each row's side by side.
TEST_P(ColumnCodec, RowsOneByOneHoldWhatBlocksHold) {
  base::ThreadPool pool(2);
  for (const Metric metric : {Metric::inner_product, Metric::l2}) {
    Rows rows = random_rows(333, 70, metric, 5);
    const auto trained = train(codec(), rows, pool);
    ASSERT_TRUE(trained) << text(trained.error());
    const Params params = (*trained)->options({.bytes = 1'000'000}).front().params;
    const auto blocks = pack(codec(), **trained, params, rows, pool);
    ASSERT_TRUE(blocks) << text(blocks.error());
    rows.schema.block_rows = 1;
    const auto single = pack(codec(), **trained, params, rows, pool, 50);
    ASSERT_TRUE(single) << text(single.error());
    EXPECT_EQ(single->codes_bytes.size(), blocks->codes_bytes.size());
    std::vector<float> expected(rows.values.size()), decoded(rows.values.size());
    ASSERT_TRUE(blocks->view->decode({0, rows.schema.rows}, expected));
    ASSERT_TRUE(single->view->decode({0, rows.schema.rows}, decoded));
    EXPECT_EQ(decoded, expected);
    EXPECT_TRUE(single->view->verify({17, 18}));
    const std::vector<float> asked(rows.values.begin(), rows.values.begin() + 3 * 70);
    std::vector<std::uint32_t> numbers(rows.schema.rows);
    std::iota(numbers.begin(), numbers.end(), 0u);
    std::vector<std::vector<float>> scores;
    std::vector<std::vector<Hit>> best;
    for (const View* view : {blocks->view.get(), single->view.get()}) {
      const auto scorer = view->scorable()->prepare({asked, 70});
      ASSERT_TRUE(scorer) << text(scorer.error());
      scores.emplace_back(3 * numbers.size());
      (*scorer)->score(numbers, scores.back());
      std::vector<TopK> tops(3, TopK(9));
      (*scorer)->scan({5, 320}, {}, tops);
      for (const TopK& top : tops) best.push_back(top.sorted());
    }
    EXPECT_EQ(scores[1], scores[0]);
    for (std::size_t q = 0; q < 3; ++q) EXPECT_EQ(best[3 + q], best[q]);
  }
}

TEST_P(SmallCodec, AnOptionIsOfferedAgainAtItsOwnSizeAndNotBelow) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(500, 48, Metric::l2, 5);
  const auto trained = train(codec(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  int offered = 0;
  for (std::uint64_t budget = goals(rows.schema).back(); budget > 500; budget = budget * 9 / 10)
    for (const Option& option : (*trained)->options({.bytes = budget})) {
      const auto find_in = [&](const std::vector<Option>& all) {
        return std::find_if(all.begin(), all.end(), [&](const Option& o) { return o.variant == option.variant; });
      };
      const std::vector<Option> again = (*trained)->options({.bytes = option.bytes()});
      ASSERT_NE(find_in(again), again.end()) << option.variant << " at " << option.bytes();
      EXPECT_EQ(find_in(again)->params, option.params) << option.variant;
      const std::vector<Option> less = (*trained)->options({.bytes = option.bytes() - 1});
      if (find_in(less) != less.end()) {
        EXPECT_GE(find_in(less)->distortion, option.distortion) << option.variant;
      }
      ++offered;
    }
  EXPECT_GT(offered, 5);
}

TEST_P(SmallCodec, SlowDistortionIsWithinAQuarter) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(3000, 64, Metric::inner_product, 11);
  const auto trained = train(codec(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  std::vector<double> mean(64);
  for (std::size_t i = 0; i < rows.values.size(); ++i) mean[i % 64] += static_cast<double>(rows.values[i]) / 3000;
  for (const std::uint64_t per_row : {8, 14, 20, 40, 70, 140, 300})
    for (const Option& option : (*trained)->options({.bytes = per_row * rows.schema.rows})) {
      const auto packed = pack(codec(), **trained, option.params, rows, pool);
      ASSERT_TRUE(packed) << text(packed.error());
      std::vector<float> decoded(rows.values.size());
      ASSERT_TRUE(packed->view->decode({0, rows.schema.rows}, decoded));
      double error = 0, energy = 0;
      for (std::size_t i = 0; i < decoded.size(); ++i) {
        const double value = static_cast<double>(rows.values[i]);
        error += (value - static_cast<double>(decoded[i])) * (value - static_cast<double>(decoded[i]));
        energy += (value - mean[i % 64]) * (value - mean[i % 64]);
      }
      EXPECT_NEAR(error / energy, option.distortion, 0.25 * option.distortion + 1e-7)
          << option.variant << " at " << per_row;
    }
}

TEST_P(SmallCodec, ExtremeRowsAndQueriesGiveNumbers) { expect_numbers_of_extremes(codec()); }

TEST_P(SmallCodec, ParametersOutOfRangeAreRefused) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(60, 12, Metric::l2, 5);
  const auto trained = train(codec(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  const auto options = (*trained)->options({.bytes = goals(rows.schema).back()});
  ASSERT_FALSE(options.empty());
  for (const auto& [name, value] : options[0].params.values) {
    if (name == "dense") continue;  // yes or no
    for (const std::int64_t wrong : {std::int64_t{-1}, std::int64_t{13}, std::int64_t{3} << 40}) {
      Params params = options[0].params;
      params.values[name] = wrong;
      const auto model = (*trained)->build(params);
      ASSERT_FALSE(model) << name << " = " << wrong;
      EXPECT_EQ(model.error().code, ErrorCode::invalid_argument);
    }
  }
}

TEST_P(SmallCodec, OptionsAreCheap) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(2000, 96, Metric::cosine, 5);
  const auto trained = train(codec(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  std::uint64_t offered = 0;
  // If one of these encoded or clustered, the test would not end within its time limit.
  for (std::uint64_t budget = 0; budget < 20'000; ++budget)
    offered += (*trained)->options({.bytes = 40 * budget}).size();
  EXPECT_GT(offered, 100u);
}

}  // namespace
}  // namespace attar::codec
