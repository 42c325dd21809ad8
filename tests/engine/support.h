// What the tests of the public API share: a folder of their own, small clustered vectors in it, and answers computed
// the plain way.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/artifact.h"
#include "attar/pack.h"
#include "base/random.h"
#include "codec/registry.h"
#include "data/files.h"

namespace attar::engine {

using data::npy_bytes;
using data::read_whole;

/// Rows around `centres` centres that depend on the dimensions alone, so that two seeds give two samples of one
/// distribution. Row-major.
inline std::vector<float> clustered(std::uint64_t rows, std::uint32_t dims, std::uint64_t seed, double noise = 0.6,
                                    std::uint64_t centres = 30) {
  base::Random of_centres(dims), random(seed);
  std::vector<double> middle(centres * dims);
  for (double& value : middle) value = of_centres.normal();
  std::vector<float> out(rows * dims);
  for (std::uint64_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(middle[i / dims % centres * dims + i % dims] + noise * random.normal());
  return out;
}

/// A directory of its own for each test, removed afterwards.
class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::path(testing::TempDir()) / "attar-engine-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path at(std::string_view name) const { return folder_ / name; }
  std::filesystem::path put(std::string_view name, std::string_view bytes) const {
    std::ofstream(at(name), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return at(name);
  }
  std::filesystem::path put_vectors(std::string_view name, std::span<const float> values, std::uint32_t dims) const {
    return put(name, npy_bytes(values, dims));
  }
  /// "id-0", "id-3", "id-6" … one a line.
  std::filesystem::path put_ids(std::string_view name, std::uint64_t rows) const {
    std::string text;
    for (std::uint64_t row = 0; row < rows; ++row) text += "id-" + std::to_string(3 * row) + "\n";
    return put(name, text);
  }
  /// The names of all files in the folder, hidden ones included, sorted.
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }

  std::filesystem::path folder_;
};

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : std::string(error_name(result.error().code)) + ": " + result.error().describe();
}

#define ATTAR_ASSERT_OK(expression)                                       \
  do {                                                                    \
    const attar::Status attar_outcome = (expression);                     \
    ASSERT_TRUE(attar_outcome) << attar::engine::error_of(attar_outcome); \
  } while (false)

/// Expects an error with this code, whose description holds all of the words.
template <class T>
void expect_error(const Result<T>& result, ErrorCode code, std::initializer_list<std::string_view> words = {}) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(error_name(result.error().code), error_name(code)) << result.error().describe();
  for (const std::string_view word : words)
    EXPECT_NE(result.error().describe().find(word), std::string::npos)
        << "no \"" << word << "\" in: " << result.error().describe();
}

/// Packs and opens; `failed` holds the reason where that did not work.
struct PackedFile {
  PlanOutcome outcome;
  std::optional<Artifact> artifact;
  std::string failed;
};

inline PackedFile pack_and_open(const std::filesystem::path& input, const std::filesystem::path& output,
                                const PackOptions& options) {
  PackedFile out;
  auto packed = pack(input, output, options);
  if (!packed) {
    out.failed = error_of(packed);
    return out;
  }
  out.outcome = *std::move(packed);
  out.failed = out.outcome.unreachable;
  if (!out.outcome.reachable) return out;
  auto opened = Artifact::open(output);
  if (opened) {
    out.artifact.emplace(*std::move(opened));
  } else {
    out.failed = error_of(opened);
  }
  return out;
}

inline std::uint64_t sum_of(std::span<const Part> parts) {
  return std::accumulate(parts.begin(), parts.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Part& part) { return sum + part.bytes; });
}

/// The score that a search shows for a query and a row, both as the user has them.
inline double shown_score(Metric metric, std::span<const float> query, std::span<const float> row) {
  double product = 0, distance = 0, query_norm = 0, row_norm = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const double q = static_cast<double>(query[i]), x = static_cast<double>(row[i]);
    product += q * x;
    distance += (q - x) * (q - x);
    query_norm += q * q;
    row_norm += x * x;
  }
  if (metric == Metric::l2) return distance;
  return metric == Metric::cosine ? product / std::sqrt(query_norm * row_norm) : product;
}

/// All rows by shown_score(), nearest first, ties by row.
inline std::vector<SearchHit> ranked(Metric metric, std::span<const float> query, std::span<const float> rows) {
  std::vector<SearchHit> out;
  for (std::size_t row = 0; row * query.size() < rows.size(); ++row)
    out.push_back({static_cast<std::uint32_t>(row),
                   static_cast<float>(shown_score(metric, query, rows.subspan(row * query.size(), query.size())))});
  std::stable_sort(out.begin(), out.end(), [metric](const SearchHit& a, const SearchHit& b) {
    return metric == Metric::l2 ? a.score < b.score : a.score > b.score;
  });
  return out;
}

inline std::vector<std::uint32_t> rows_of(std::span<const SearchHit> hits) {
  std::vector<std::uint32_t> out;
  for (const SearchHit& hit : hits) out.push_back(hit.row);
  return out;
}

inline std::vector<std::string> codec_names() {
  std::vector<std::string> out;
  for (const codec::Codec* codec : codec::registry()) out.emplace_back(codec->info().name);
  return out;
}

constexpr Metric all_metrics[] = {Metric::cosine, Metric::inner_product, Metric::l2};

inline std::string metric_test_name(const testing::TestParamInfo<Metric>& metric) {
  return std::string(metric_name(metric.param));
}

}  // namespace attar::engine
