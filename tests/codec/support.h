// Rows, training and packing for the tests that every codec of the registry passes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "codec/registry.h"
#include "math/vector_ops.h"

namespace attar::codec {

struct Rows {
  Schema schema;
  std::vector<float> values;

  [[nodiscard]] std::span<const float> row(std::uint64_t i) const {
    return std::span(values).subspan(i * schema.dims, schema.dims);
  }
};

/// Gaussian rows about a mean, with a spectrum that falls as embeddings' does; normalised under cosine.
inline Rows random_rows(std::uint64_t rows, std::uint32_t dims, Metric metric, std::uint64_t seed) {
  base::Random random(seed);
  Rows out{.schema = {.rows = rows, .dims = dims, .metric = metric}, .values = std::vector<float>(rows * dims)};
  std::vector<double> mean(dims);
  for (double& value : mean) value = 0.3 * random.normal();
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const std::size_t j = i % dims;
    const double deviation = 1.0 / std::sqrt(1.0 + 8.0 * static_cast<double>(j) / dims);
    out.values[i] = static_cast<float>(mean[j] + deviation * random.normal());
  }
  if (metric == Metric::cosine) (void)math::normalise_rows(out.values, dims);
  return out;
}

inline std::string text(const Error& error) { return error.describe(); }

/// Feeds the rows in chunks of `step` and finishes.
inline Result<std::unique_ptr<Trained>> train(const Codec& codec, const Rows& rows, base::ThreadPool& pool,
                                              std::uint64_t step = 1'000'000, std::uint64_t seed = 7) {
  ATTAR_ASSIGN(const auto trainer, codec.trainer(rows.schema, {.pool = &pool, .seed = seed}));
  for (std::uint64_t first = 0; first < rows.schema.rows; first += step) {
    const std::uint64_t count = std::min(step, rows.schema.rows - first);
    const std::uint32_t dims = rows.schema.dims;
    ATTAR_TRY(trainer->feed({std::span(rows.values).subspan(first * dims, count * dims), dims, first}));
  }
  return trainer->finish();
}

inline format::SectionReader section(const Codec& codec, base::ByteView bytes, const char* name) {
  return format::SectionReader::trusted(bytes, name, codec.info().id, codec.info().wire_max);
}

/// Both sections of one option, and a view of them through the model as it was read back.
struct Packed {
  std::vector<std::byte> model_bytes;
  std::vector<std::byte> codes_bytes;
  std::shared_ptr<const Model> built;
  std::unique_ptr<View> view;

  [[nodiscard]] Result<std::unique_ptr<View>> open(const Codec& codec, const Schema& schema) const {
    ATTAR_ASSIGN(auto model, codec.load(section(codec, model_bytes, "model"), schema, {}));
    return codec.open(section(codec, codes_bytes, "codes"), std::move(model), schema, {});
  }
};

inline Result<Packed> pack(const Codec& codec, const Trained& trained, const Params& params, const Rows& rows,
                           base::ThreadPool& pool, std::uint64_t step = 1'000'000) {
  Packed out;
  ATTAR_ASSIGN(out.built, trained.build(params));
  base::MemorySink model;
  ATTAR_TRY(out.built->save(model));
  out.model_bytes = std::move(model).release();
  base::MemorySink codes;
  ATTAR_ASSIGN(const auto encoder, codec.encoder(out.built, rows.schema, codes, pool));
  for (std::uint64_t first = 0; first < rows.schema.rows; first += step) {
    const std::uint64_t count = std::min(step, rows.schema.rows - first);
    const std::uint32_t dims = rows.schema.dims;
    ATTAR_TRY(encoder->append({std::span(rows.values).subspan(first * dims, count * dims), dims, first}));
  }
  ATTAR_TRY(encoder->finish());
  out.codes_bytes = std::move(codes).release();
  ATTAR_ASSIGN(out.view, out.open(codec, rows.schema));
  return out;
}

/// Goals from far too small to more than enough for anything.
inline std::vector<std::uint64_t> goals(const Schema& schema) {
  const std::uint64_t values = schema.rows * schema.dims;
  return {0,
          40,
          values / 8 + 200,
          values / 2 + 600,
          2 * values + 8 * schema.rows,
          8 * values + 100'000 + 4ull * schema.dims * schema.dims};
}

/// Scores of all rows by score().
inline std::vector<float> all_scores(const Scorer& scorer, std::uint64_t rows, std::size_t queries) {
  std::vector<std::uint32_t> numbers(rows);
  for (std::uint32_t i = 0; i < rows; ++i) numbers[i] = i;
  std::vector<float> out(rows * queries);
  scorer.score(numbers, out);
  return out;
}

/// The registry's codecs by name, as parameters of tests.
class EveryCodec : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] static const Codec& codec() { return *find_codec(GetParam()); }
};

inline std::string codec_test_name(const testing::TestParamInfo<std::string>& parameter) { return parameter.param; }

inline std::vector<std::string> codec_names() {
  std::vector<std::string> out;
  for (const Codec* codec : registry()) out.emplace_back(codec->info().name);
  return out;
}

}  // namespace attar::codec
