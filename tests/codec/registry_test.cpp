// What every codec of the registry promises about sizes, round trips and determinism. A new row gets these tests for
// free.
#include <set>

#include "codec/support.h"

namespace attar::codec {
namespace {

constexpr std::uint64_t some_rows[] = {1, 2, 31, 32, 33, 64, 100, 200};
constexpr std::uint32_t some_dims[] = {1, 2, 3, 7, 8, 9, 31, 63, 64, 65, 100, 129, 200};
constexpr Metric metrics[] = {Metric::cosine, Metric::inner_product, Metric::l2};

template <class T, std::size_t N>
T any_of(const T (&values)[N], base::Random& random) {
  return values[random.below(N)];
}

TEST(Registry, NamesAndIdsAreUniqueAndFound) {
  std::set<std::string_view> names;
  std::set<std::uint32_t> ids;
  for (const Codec* codec : registry()) {
    const CodecInfo& info = codec->info();
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_TRUE(ids.insert(info.id).second) << info.name;
    EXPECT_EQ(find_codec(info.name), codec);
    EXPECT_EQ(find_codec(info.id), codec);
    EXPECT_GE(info.wire_min, 1);
    EXPECT_LE(info.wire_min, info.wire_max);
    EXPECT_FALSE(info.summary.empty());
  }
  EXPECT_EQ(find_codec("no such codec"), nullptr);
  EXPECT_EQ(find_codec(0u), nullptr);
}

class RegistrySizes : public EveryCodec {};
INSTANTIATE_TEST_SUITE_P(, RegistrySizes, testing::ValuesIn(codec_names()), codec_test_name);

TEST_P(RegistrySizes, OptionsFitAndAreExact) {
  base::Random random(1);
  base::ThreadPool pool(1);
  int packed = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const Rows rows =
        random_rows(any_of(some_rows, random), any_of(some_dims, random), any_of(metrics, random), random.next());
    SCOPED_TRACE(testing::Message() << rows.schema.rows << " x " << rows.schema.dims << " "
                                    << metric_name(rows.schema.metric));
    const auto trained = train(codec(), rows, pool);
    ASSERT_TRUE(trained) << text(trained.error());
    std::vector<std::uint64_t> budgets = goals(rows.schema);
    for (int i = 0; i < 3; ++i) budgets.push_back(random.below(budgets.back()));
    for (const std::uint64_t budget : budgets) {
      std::set<std::string> variants;
      for (const Option& option : (*trained)->options({.bytes = budget})) {
        SCOPED_TRACE(testing::Message() << budget << " bytes, " << option.variant);
        EXPECT_TRUE(variants.insert(option.variant).second);
        EXPECT_FALSE(option.variant.empty());
        ASSERT_LE(option.bytes(), budget);
        EXPECT_GE(option.distortion, 0);
        EXPECT_GT(option.scan_cost, 0);
        const auto result = pack(codec(), **trained, option.params, rows, pool);
        ASSERT_TRUE(result) << text(result.error());
        ASSERT_EQ(result->model_bytes.size(), option.model_bytes);
        ASSERT_EQ(result->codes_bytes.size(), option.codes_bytes);
        EXPECT_EQ(result->view->size(), rows.schema.rows);
        EXPECT_TRUE(result->view->verify({0, rows.schema.rows}));
        ++packed;
      }
    }
  }
  EXPECT_GT(packed, 40);
}

TEST_P(RegistrySizes, WrongRowCountsAndDimensionsAreRefused) {
  base::ThreadPool pool(1);
  const Rows rows = random_rows(40, 16, Metric::inner_product, 3);
  const auto trained = train(codec(), rows, pool);
  ASSERT_TRUE(trained) << text(trained.error());
  const auto options = (*trained)->options({.bytes = goals(rows.schema).back()});
  ASSERT_FALSE(options.empty());
  const auto model = (*trained)->build(options[0].params);
  ASSERT_TRUE(model);
  const Chunk all{rows.values, 16, 0};
  base::MemorySink sink;
  const auto short_of_rows = codec().encoder(*model, rows.schema, sink, pool);
  ASSERT_TRUE(short_of_rows);
  ASSERT_TRUE((*short_of_rows)->append({std::span(rows.values).first(39 * 16), 16, 0}));
  EXPECT_EQ((*short_of_rows)->finish().error().code, ErrorCode::invalid_argument);
  const auto too_many = codec().encoder(*model, rows.schema, sink, pool);
  ASSERT_TRUE(too_many);
  ASSERT_TRUE((*too_many)->append(all));
  const Status again = (*too_many)->append(all);
  const Status end = (*too_many)->finish();
  EXPECT_TRUE(!again || !end);
  const auto result = pack(codec(), **trained, options[0].params, rows, pool);
  ASSERT_TRUE(result);
  std::vector<float> out(16);
  EXPECT_EQ(result->view->decode({40, 41}, out).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(result->view->decode({0, 2}, out).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(result->view->verify({0, 41}).error().code, ErrorCode::invalid_argument);
}

class RegistryRoundTrip : public EveryCodec {};
INSTANTIATE_TEST_SUITE_P(, RegistryRoundTrip, testing::ValuesIn(codec_names()), codec_test_name);

// Σ‖x − x̂‖² / Σ‖x − mean‖².
double real_distortion(const Rows& rows, const View& view) {
  const std::size_t dims = rows.schema.dims;
  std::vector<float> decoded(rows.values.size());
  EXPECT_TRUE(view.decode({0, rows.schema.rows}, decoded));
  std::vector<double> mean(dims);
  for (std::size_t i = 0; i < rows.values.size(); ++i) mean[i % dims] += static_cast<double>(rows.values[i]);
  double error = 0, energy = 0;
  for (std::size_t i = 0; i < rows.values.size(); ++i) {
    const double value = static_cast<double>(rows.values[i]);
    const double difference = value - static_cast<double>(decoded[i]);
    const double centred = value - mean[i % dims] / static_cast<double>(rows.schema.rows);
    error += difference * difference;
    energy += centred * centred;
  }
  return error / energy;
}

TEST_P(RegistryRoundTrip, SlowDistortionIsAnHonestEstimate) {
  base::ThreadPool pool(1);
  for (const Metric metric : metrics) {
    const Rows rows = random_rows(3000, 64, metric, 11);
    const auto trained = train(codec(), rows, pool);
    ASSERT_TRUE(trained) << text(trained.error());
    for (const std::uint64_t per_row : {8, 20, 40, 70, 140, 300})
      for (const Option& option : (*trained)->options({.bytes = per_row * rows.schema.rows})) {
        SCOPED_TRACE(testing::Message() << per_row << " bytes a row, " << option.variant << ", "
                                        << metric_name(metric));
        const auto result = pack(codec(), **trained, option.params, rows, pool);
        ASSERT_TRUE(result) << text(result.error());
        const double real = real_distortion(rows, *result->view);
        EXPECT_LE(real, 1.2 * option.distortion + 1e-6);
        EXPECT_GE(real, 0.8 * option.distortion - 1e-6);
      }
  }
}

class RegistryDeterminism : public EveryCodec {};
INSTANTIATE_TEST_SUITE_P(, RegistryDeterminism, testing::ValuesIn(codec_names()), codec_test_name);

TEST_P(RegistryDeterminism, ThreadsAndChunksDoNotChangeAByte) {
  const Rows rows = random_rows(2500, 40, Metric::l2, 17);
  const auto pack_all = [&](unsigned threads, std::uint64_t step) {
    base::ThreadPool pool(threads);
    std::vector<std::vector<std::byte>> out;
    const auto trained = train(codec(), rows, pool, step);
    EXPECT_TRUE(trained);
    for (const std::uint64_t budget : goals(rows.schema))
      for (const Option& option : (*trained)->options({.bytes = budget})) {
        auto result = pack(codec(), **trained, option.params, rows, pool, step);
        EXPECT_TRUE(result);
        out.push_back(std::move(result->model_bytes));
        out.push_back(std::move(result->codes_bytes));
      }
    return out;
  };
  const auto one = pack_all(1, 2500);
  EXPECT_FALSE(one.empty());
  EXPECT_EQ(pack_all(2, 2500), one);
  EXPECT_EQ(pack_all(3, 77), one);
}

}  // namespace
}  // namespace attar::codec
