// Rows and queries that arithmetic finds hard, and the check that a codec answers them with numbers.
#pragma once

#include "codec/support.h"

namespace attar::codec {

struct OddRows {
  const char* name;
  Metric metric;
  float (*value)(std::size_t row, std::size_t column);
};

/// Small whole numbers without a pattern along rows or columns.
inline float spread(std::size_t row, std::size_t column) { return static_cast<float>((row * 7 + column * 3) % 11); }

/// Packs 1, 5 and 70 such rows in every way offered: decoded values are finite, scores are never NaN.
inline void expect_numbers(const Codec& codec, const OddRows& odd, std::span<const float> query_magnitudes) {
  constexpr std::uint32_t dims = 20;
  base::ThreadPool pool(1);
  for (const std::uint64_t count : {1u, 5u, 70u}) {
    SCOPED_TRACE(testing::Message() << odd.name << ", " << count << " rows");
    Rows rows{.schema = {.rows = count, .dims = dims, .metric = odd.metric}, .values = {}};
    for (std::size_t row = 0; row < count; ++row)
      for (std::size_t column = 0; column < dims; ++column) rows.values.push_back(odd.value(row, column));
    const auto trained = train(codec, rows, pool);
    ASSERT_TRUE(trained) << text(trained.error());
    for (const std::uint64_t budget : goals(rows.schema))
      for (const Option& option : (*trained)->options({.bytes = budget})) {
        SCOPED_TRACE(option.variant);
        EXPECT_TRUE(std::isfinite(option.distortion));
        const auto packed = pack(codec, **trained, option.params, rows, pool);
        ASSERT_TRUE(packed) << text(packed.error());
        ASSERT_EQ(packed->codes_bytes.size(), option.codes_bytes);
        std::vector<float> decoded(rows.values.size());
        ASSERT_TRUE(packed->view->decode({0, count}, decoded));
        for (const float value : decoded) ASSERT_TRUE(std::isfinite(value)) << value;
        for (const float magnitude : query_magnitudes) {
          const std::vector<float> query(dims, magnitude);
          const auto scorer = packed->view->scorable()->prepare({query, dims});
          ASSERT_TRUE(scorer) << text(scorer.error());
          for (const float score : all_scores(**scorer, count, 1)) ASSERT_FALSE(std::isnan(score)) << magnitude;
          std::vector<TopK> top(1, TopK(3));
          (*scorer)->scan({0, count}, {}, top);
          ASSERT_EQ(top[0].size(), std::min<std::size_t>(3, count)) << magnitude;
        }
      }
  }
}

/// Beyond what every codec must bear: numbers that a float barely holds.
inline void expect_numbers_of_extremes(const Codec& codec) {
  constexpr OddRows extremes[] = {
      {"subnormal", Metric::inner_product,
       [](std::size_t row, std::size_t column) { return 1e-42f * spread(row, column); }},
      {"largest", Metric::inner_product,
       [](std::size_t row, std::size_t column) {
         return (column % 2 == 0 ? 3e38f : -3e38f) / static_cast<float>(1 + row);
       }},
      {"largest, l2", Metric::l2, [](std::size_t row, std::size_t column) { return 3e37f * spread(row, column); }},
      {"every magnitude", Metric::l2,
       [](std::size_t row, std::size_t column) {
         return std::ldexp(row % 2 == 0 ? 1.0f : -1.0f, static_cast<int>((row * 5 + column) % 200) - 100);
       }},
  };
  constexpr float magnitudes[] = {3e38f, -3e38f, 1e-42f, 1.0f};
  for (const OddRows& odd : extremes) expect_numbers(codec, odd, magnitudes);
}

}  // namespace attar::codec
