// What every codec of the registry does with bytes and rows that nobody should have sent.
#include <numeric>

#include "codec/odd_rows.h"
#include "codec/support.h"

namespace attar::codec {
namespace {

std::string variant_of(const Option& option) { return option.variant + ", " + std::to_string(option.bytes()); }

// Reads everything in it; false when a score that a scan returned is not a number.
bool use(const View& view, const Schema& schema) {
  std::vector<float> decoded(schema.rows * schema.dims);
  if (!view.decode({0, schema.rows}, decoded)) return true;
  std::vector<float> queries(2 * schema.dims, 0.25f);
  std::iota(queries.begin(), queries.begin() + schema.dims, -3.0f);
  const auto scorer = view.scorable()->prepare({queries, schema.dims});
  if (!scorer) return true;
  std::vector<TopK> top(2, TopK(5));
  (*scorer)->scan({0, schema.rows}, {}, top);
  (void)all_scores(**scorer, schema.rows, 2);
  for (const TopK& best : top)
    for (const Hit& hit : best.sorted())
      if (std::isnan(hit.score) || hit.row >= schema.rows) return false;
  return true;
}

// Options of a small pack; the bytes are few enough to try every bit.
template <class F>
void for_small_packs(const Codec& codec, F&& body) {
  base::ThreadPool pool(1);
  for (const Metric metric : {Metric::l2, Metric::cosine}) {
    const Rows rows = random_rows(35, 9, metric, 41);
    const auto trained = train(codec, rows, pool);
    ASSERT_TRUE(trained) << text(trained.error());
    std::vector<std::string> seen;
    const std::vector<std::uint64_t> all = goals(rows.schema);
    for (const std::uint64_t budget : {all[3], all.back()})
      for (const Option& option : (*trained)->options({.bytes = budget})) {
        if (std::find(seen.begin(), seen.end(), variant_of(option)) != seen.end()) continue;
        seen.push_back(variant_of(option));
        const auto packed = pack(codec, **trained, option.params, rows, pool);
        ASSERT_TRUE(packed) << text(packed.error());
        SCOPED_TRACE(variant_of(option));
        body(*packed, rows.schema);
      }
    EXPECT_FALSE(seen.empty());
  }
}

bool is_typed(const Error& error) {
  return (error.code == ErrorCode::corrupt || error.code == ErrorCode::truncated ||
          error.code == ErrorCode::over_limit) &&
         !error.message.empty();
}

class RegistryHostile : public EveryCodec {};
INSTANTIATE_TEST_SUITE_P(, RegistryHostile, testing::ValuesIn(codec_names()), codec_test_name);

TEST_P(RegistryHostile, EveryFlippedBitIsRefusedOrReadable) {
  for_small_packs(codec(), [&](const Packed& original, const Schema& schema) {
    Packed packed{.model_bytes = original.model_bytes, .codes_bytes = original.codes_bytes, .built = {}, .view = {}};
    for (std::vector<std::byte>* bytes : {&packed.model_bytes, &packed.codes_bytes})
      for (std::size_t bit = 0; bit < 8 * bytes->size(); ++bit) {
        const auto mask = static_cast<std::byte>(1u << (bit % 8));
        (*bytes)[bit / 8] ^= mask;
        const auto view = packed.open(codec(), schema);
        ASSERT_TRUE(view ? use(**view, schema) : is_typed(view.error())) << "bit " << bit;
        (*bytes)[bit / 8] ^= mask;
      }
  });
}

TEST_P(RegistryHostile, EveryOtherLengthIsRefused) {
  for_small_packs(codec(), [&](const Packed& original, const Schema& schema) {
    for (const bool model : {true, false}) {
      const std::size_t size = (model ? original.model_bytes : original.codes_bytes).size();
      for (std::size_t length = 0; length <= size + 1; ++length) {
        if (length == size) continue;
        Packed packed{
            .model_bytes = original.model_bytes, .codes_bytes = original.codes_bytes, .built = {}, .view = {}};
        (model ? packed.model_bytes : packed.codes_bytes).resize(length);
        const auto view = packed.open(codec(), schema);
        ASSERT_FALSE(view) << (model ? "model" : "codes") << " of " << length << " instead of " << size << " bytes";
        ASSERT_TRUE(is_typed(view.error())) << text(view.error());
      }
    }
  });
}

TEST_P(RegistryHostile, NoiseIsRefusedOrReadable) {
  base::Random random(99);
  for_small_packs(codec(), [&](const Packed& original, const Schema& schema) {
    for (int trial = 0; trial < 200; ++trial) {
      Packed packed{.model_bytes = original.model_bytes, .codes_bytes = original.codes_bytes, .built = {}, .view = {}};
      for (std::byte& value : packed.codes_bytes) value = static_cast<std::byte>(random.next());
      for (std::size_t i = 0; !packed.model_bytes.empty() && i < random.below(8); ++i)
        packed.model_bytes[random.below(packed.model_bytes.size())] = static_cast<std::byte>(random.below(2) * 0xff);
      const auto view = packed.open(codec(), schema);
      ASSERT_TRUE(!view || use(**view, schema));
    }
  });
}

TEST_P(RegistryHostile, ModelsOverTheLimitAreRefused) {
  for_small_packs(codec(), [&](const Packed& packed, const Schema& schema) {
    if (packed.model_bytes.empty()) return;
    const OpenLimits limits{.max_model_bytes = packed.model_bytes.size() - 1};
    const auto model = codec().load(section(codec(), packed.model_bytes, "model"), schema, limits);
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::over_limit);
  });
}

constexpr OddRows odd_rows[] = {
    {"zero rows", Metric::l2, [](std::size_t, std::size_t) { return 0.0f; }},
    {"constant rows", Metric::l2, [](std::size_t, std::size_t) { return 3.5f; }},
    {"rows of one value each", Metric::inner_product,
     [](std::size_t row, std::size_t) { return static_cast<float>(row) - 30; }},
    {"mostly zero", Metric::l2, [](std::size_t row, std::size_t column) { return row % 7 == column ? 1.0f : 0.0f; }},
    {"tiny", Metric::l2, [](std::size_t row, std::size_t column) { return 1e-20f * spread(row, column); }},
    {"huge", Metric::l2, [](std::size_t row, std::size_t column) { return 1e15f * spread(row, column); }},
    {"huge products", Metric::inner_product,
     [](std::size_t row, std::size_t column) { return -1e15f * spread(row, column); }},
    {"beyond what a pack admits", Metric::inner_product,
     [](std::size_t row, std::size_t column) { return 1e20f * spread(row, column); }},
    {"subnormal", Metric::l2, [](std::size_t row, std::size_t column) { return 1e-44f * spread(row, column); }},
    {"near the smallest normal float", Metric::inner_product,
     [](std::size_t row, std::size_t column) { return 1e-37f * spread(row, column); }},
    {"one outlier", Metric::inner_product,
     [](std::size_t row, std::size_t column) { return row == 17 ? 1e15f : spread(row, column); }},
    {"a first row of zeros and an outlier", Metric::l2,
     [](std::size_t row, std::size_t column) {
       return row == 0 ? 0 : row == 3 ? -1e15f : 1e-15f * spread(row, column);
     }},
    {"a plane", Metric::inner_product,
     [](std::size_t row, std::size_t column) {
       return static_cast<float>(row) * spread(0, column) + static_cast<float>(row % 5) * spread(1, column);
     }},
};
constexpr float query_magnitudes[] = {1.0f, 1e-20f, 1e-44f, 1e15f, 1e30f, 3e38f, 0.0f};

class RegistryOddRows : public EveryCodec {};
INSTANTIATE_TEST_SUITE_P(, RegistryOddRows, testing::ValuesIn(codec_names()), codec_test_name);

TEST_P(RegistryOddRows, GiveNumbers) {
  for (const OddRows& odd : odd_rows) expect_numbers(codec(), odd, query_magnitudes);
}

}  // namespace
}  // namespace attar::codec
