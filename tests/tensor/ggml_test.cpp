// ggml's block types: golden values of the Python package gguf (scripts/make_ggml_golden.py), and what quantizers
// promise.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/half.h"
#include "base/hash.h"
#include "base/random.h"
#include "tensor/ggml/rows.h"

namespace attar::tensor::ggml {
namespace {

using Values = std::vector<float>;

const BlockType& type_of(std::string_view name) { return *find_block_type(data::find_ggml_type(name)->number); }

std::vector<std::byte> bytes_of_hex(std::string_view text) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return out;
}

std::vector<std::byte> blocks_of(const BlockType& type, const Values& values, std::uint64_t columns,
                                 const Values& weights = {}) {
  std::vector<std::byte> out(values.size() / type.size.values * type.size.bytes);
  const Status done = quantize(type, values, columns, weights, out);
  EXPECT_TRUE(done) << done.error().describe();
  return out;
}

Values read_back(const BlockType& type, std::span<const std::byte> blocks) {
  Values out(blocks.size() / type.size.bytes * type.size.values);
  const Status done = dequantize(type, blocks, out);
  EXPECT_TRUE(done) << done.error().describe();
  return out;
}

double error_of(std::span<const float> values, std::span<const float> read, std::span<const float> weights = {}) {
  double out = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double miss = static_cast<double>(values[i]) - static_cast<double>(read[i]);
    out += (weights.empty() ? 1.0 : static_cast<double>(weights[i % weights.size()])) * miss * miss;
  }
  return out;
}

// Nearly normal, and the same on every machine: sums of twelve.
float bell(base::Random& random) {
  double out = -6;
  for (int i = 0; i < 12; ++i) out += random.uniform();
  return static_cast<float>(out);
}

Values drawn(std::size_t count, std::uint64_t seed, const std::function<float(base::Random&)>& draw) {
  base::Random random(seed);
  Values out(count);
  for (float& value : out) value = draw(random);
  return out;
}

// Rows of many kinds, 4,096 values each.
std::vector<Values> kinds_of_rows() {
  std::vector<Values> out;
  out.push_back(drawn(4096, 1, bell));
  out.push_back(drawn(4096, 2, [](base::Random& r) {
    const float x = bell(r);
    return x * x * x;
  }));
  out.push_back(drawn(4096, 3, [](base::Random& r) { return 100.0f + 0.01f * bell(r); }));
  out.push_back(drawn(4096, 4, [](base::Random& r) { return -3.0f + bell(r); }));
  out.push_back(drawn(4096, 5, [](base::Random& r) { return static_cast<float>(r.below(3)) - 1.0f; }));
  out.push_back(drawn(4096, 6, [](base::Random& r) { return r.below(50) == 0 ? 60'000.0f : 1e-3f * bell(r); }));
  out.push_back(drawn(4096, 7, [](base::Random& r) { return 3e-7f * bell(r); }));
  out.push_back(drawn(4096, 8, [](base::Random& r) { return base::bf16_to_float(base::float_to_bf16(bell(r) / 50)); }));
  return out;
}

TEST(GgmlTypes, EveryRowHasItsSize) {
  std::set<std::uint32_t> numbers;
  for (const BlockType& type : block_types()) {
    EXPECT_TRUE(numbers.insert(type.size.number).second);
    EXPECT_EQ(find_block_type(type.size.number), &type);
    EXPECT_EQ(data::find_ggml_type(type.size.name)->bytes, type.size.bytes);
    EXPECT_EQ(*row_bytes(type, 4 * type.size.values), 4 * type.size.bytes);
  }
  EXPECT_EQ(numbers.size(), 10u);
  EXPECT_EQ(find_block_type(10), nullptr);  // Q2_K: only its size is known
  EXPECT_EQ(find_block_type(5), nullptr);
}

TEST(GgmlBlocks, ReadAsThePackageReadsThem) {
  std::ifstream file(std::string(ATTAR_SOURCE_DIR) + "/tests/tensor/ggml/blocks.txt");
  std::string line;
  std::set<std::string> names;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name, block, values;
    words >> name >> block >> values;
    names.insert(name);
    const BlockType& type = type_of(name);
    const auto expected = bytes_of_hex(values);
    const Values read = read_back(type, bytes_of_hex(block));
    ASSERT_EQ(read.size() * sizeof(float), expected.size()) << name;
    for (std::size_t i = 0; i < read.size(); ++i)
      ASSERT_EQ(std::bit_cast<std::uint32_t>(read[i]), base::load<std::uint32_t>(expected.data() + i * sizeof(float)))
          << name << ", value " << i;
  }
  EXPECT_EQ(names.size(), 9u);
}

TEST(GgmlBlocks, HalvesWidenAsEverywhere) {
  const BlockType& type = type_of("F16");
  for (std::uint32_t bits = 0; bits < 0x1'0000; ++bits) {
    std::array<std::byte, 2> block{static_cast<std::byte>(bits & 0xff), static_cast<std::byte>(bits >> 8)};
    float value = 0;
    type.dequantize(block.data(), 1, &value);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(value),
              std::bit_cast<std::uint32_t>(base::half_to_float(static_cast<std::uint16_t>(bits))));
  }
}

TEST(GgmlBlocks, TypesWithoutScalesRoundToTheNearest) {
  const Values values = drawn(1000, 9, [](base::Random& r) { return 100 * bell(r); });
  EXPECT_EQ(read_back(type_of("F32"), blocks_of(type_of("F32"), values, 10)), values);
  const Values halves = read_back(type_of("F16"), blocks_of(type_of("F16"), values, 10));
  const Values bf16 = read_back(type_of("BF16"), blocks_of(type_of("BF16"), values, 10));
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(halves[i], base::half_to_float(base::float_to_half(values[i])));
    EXPECT_EQ(bf16[i], base::bf16_to_float(base::float_to_bf16(values[i])));
  }
}

// Plain rounding of a block of 32, as the package gguf does it, but for codes that are the nearest to the rounded
// scale: its error is at most the package's.
struct Plain {
  std::string_view type;
  float least, most;
  bool offset;
};
constexpr std::array<Plain, 5> plain_types{{{"Q4_0", -8, 7, false},
                                            {"Q5_0", -16, 15, false},
                                            {"Q8_0", -127, 127, false},
                                            {"Q4_1", 0, 15, true},
                                            {"Q5_1", 0, 31, true}}};

double plain_error(const Plain& plain, std::span<const float> values, std::span<const float> weights) {
  const auto as_half = [](float value) { return base::half_to_float(base::float_to_half(value)); };
  const auto [low, high] = std::ranges::minmax(values);
  const float extreme = *std::ranges::max_element(values, {}, [](float v) { return std::fabs(v); });
  const float scale = as_half(plain.offset           ? (high - low) / plain.most
                              : plain.type == "Q8_0" ? std::fabs(extreme) / 127
                                                     : extreme / plain.least);
  const float offset = plain.offset ? as_half(low) : 0.0f;
  Values read(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float code =
        scale != 0 ? std::clamp(std::nearbyint((values[i] - offset) / scale), plain.least, plain.most) : 0;
    read[i] = scale * code + offset;
  }
  return error_of(values, read, weights);
}

void expect_no_worse_than_plain(const Plain& plain, const Values& values, const Values& weights) {
  constexpr std::size_t count = 32;
  const std::uint64_t columns = weights.empty() ? count : weights.size();
  const Values read = read_back(type_of(plain.type), blocks_of(type_of(plain.type), values, columns, weights));
  for (std::size_t at = 0; at < values.size(); at += count) {
    const auto x = std::span(values).subspan(at, count);
    const auto w = weights.empty() ? std::span<const float>() : std::span(weights).subspan(at % columns, count);
    const double bound = plain_error(plain, x, w);
    // The search sums in floats, and what is read back is rounded to a float once more.
    ASSERT_LE(error_of(x, std::span(read).subspan(at, count), w), bound * (1 + 1e-4) + 1e-30)
        << plain.type << " at " << at;
  }
}

TEST(GgmlBlocks, NoBlockIsWorseThanPlainRounding) {
  const Values weights = drawn(256, 11, [](base::Random& r) { return static_cast<float>(std::exp(3 * r.uniform())); });
  for (const Plain& plain : plain_types)
    for (const Values& values : kinds_of_rows()) {
      expect_no_worse_than_plain(plain, values, {});
      expect_no_worse_than_plain(plain, values, weights);
    }
}

TEST(GgmlBlocks, RealRowsAreNoWorseEither) {
  // 384-dimensional embeddings as halves behind a header of 128 bytes.
  std::ifstream file(std::string(ATTAR_SOURCE_DIR) + "/tests/golden/minilm.f16.npy", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  ASSERT_GT(bytes.size(), 128 + 2 * 384u);
  Values values((bytes.size() - 128) / 2 / 384 * 384);
  type_of("F16").dequantize(reinterpret_cast<const std::byte*>(bytes.data() + 128), values.size(), values.data());
  for (const Plain& plain : plain_types) expect_no_worse_than_plain(plain, values, {});
}

// Of normal numbers: error in root mean square over their own. Plain rounding, of the package gguf, has 0.0857, 0.0781,
// 0.0427, 0.0377 and 0.00534; ggml's own Q4_K and Q6_K of 2023 have 0.0721 and 0.0179 (bench/gguf_reader.py --library).
TEST(GgmlBlocks, NormalNumbersKeepWhatTheirBitsAllow) {
  const Values values = drawn(1 << 16, 12, bell);
  const std::array<std::pair<std::string_view, double>, 8> bounds{{{"F16", 0.0003},
                                                                   {"Q4_0", 0.0815},
                                                                   {"Q4_1", 0.0697},
                                                                   {"Q5_0", 0.0404},
                                                                   {"Q5_1", 0.0340},
                                                                   {"Q8_0", 0.0049},
                                                                   {"Q4_K", 0.0700},
                                                                   {"Q6_K", 0.0166}}};
  const double size = error_of(values, Values(values.size()));
  for (const auto& [name, bound] : bounds) {
    const Values read = read_back(type_of(name), blocks_of(type_of(name), values, 1024));
    const double relative = std::sqrt(error_of(values, read) / size);
    EXPECT_LT(relative, bound) << name;
    EXPECT_GT(relative, bound / 2) << name;
  }
}

TEST(GgmlBlocks, ColumnsThatMatterMoreAreNearer) {
  const std::uint64_t columns = 512;
  Values weights(columns);
  for (std::size_t i = 0; i < columns; ++i) weights[i] = i % 4 == 0 ? 100.0f : 1.0f;
  const Values values = drawn(64 * columns, 13, bell);
  for (const BlockType& type : block_types()) {
    if (type.size.values == 1) continue;
    const Values plain = read_back(type, blocks_of(type, values, columns));
    const Values weighted = read_back(type, blocks_of(type, values, columns, weights));
    EXPECT_LT(error_of(values, weighted, weights), 0.97 * error_of(values, plain, weights)) << type.size.name;
    EXPECT_GT(error_of(values, weighted), error_of(values, plain)) << type.size.name;
  }
}

TEST(GgmlBlocks, OnlyRatiosOfWeightsCount) {
  const Values values = drawn(1024, 14, bell);
  const Values weights = drawn(256, 15, [](base::Random& r) { return static_cast<float>(r.uniform()); });
  Values larger = weights, alike(256, 7.0f);
  for (float& weight : larger) weight *= 0x1.0p90f;
  for (const BlockType& type : block_types()) {
    EXPECT_EQ(blocks_of(type, values, 256, weights), blocks_of(type, values, 256, larger)) << type.size.name;
    EXPECT_EQ(blocks_of(type, values, 256, alike), blocks_of(type, values, 256)) << type.size.name;
    EXPECT_EQ(blocks_of(type, values, 256, Values(256)), blocks_of(type, values, 256)) << type.size.name;
  }
}

TEST(GgmlBlocks, WeightsOfNothingLeaveValuesSensible) {
  Values weights(256);
  weights[3] = 1e30f;  // all others 0
  const Values values = drawn(256, 16, bell);
  for (const BlockType& type : block_types()) {
    const Values read = read_back(type, blocks_of(type, values, 256, weights));
    EXPECT_LT(error_of(values, read), 0.2 * error_of(values, Values(256))) << type.size.name;
  }
}

TEST(GgmlBlocks, OddBlocksStayFinite) {
  const float smallest = std::numeric_limits<float>::denorm_min();
  std::vector<Values> rows{Values(256),           Values(256, 65'504.0f), Values(256, -65'504.0f),
                           Values(256, smallest), Values(256, 1.0f),      Values(256, -1e-30f)};
  for (const float spike : {65'504.0f, -65'504.0f, 1e-6f, -1e-7f, smallest}) {
    Values row(256);
    row[77] = spike;
    rows.push_back(row);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = i % 2 == 0 ? spike : -spike;
    rows.push_back(row);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = i < 32 ? spike : 1e-3f * spike;
    rows.push_back(row);
  }
  const std::vector<Values> weightings{{}, Values(256, smallest), drawn(256, 17, [](base::Random& r) {
                                         return r.below(2) == 0 ? 0.0f : std::numeric_limits<float>::max();
                                       })};
  for (const BlockType& type : block_types())
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (const Values& weights : weightings) {
        const float largest = std::fabs(*std::ranges::max_element(rows[r], {}, [](float v) { return std::fabs(v); }));
        for (const float value : read_back(type, blocks_of(type, rows[r], 256, weights)))
          ASSERT_LE(std::fabs(value), 1.5f * largest + 1e-7f) << type.size.name << ", row " << r;
      }
}

TEST(GgmlBlocks, NothingReadsBackAsNothing) {
  for (const BlockType& type : block_types())
    for (const float value : read_back(type, blocks_of(type, Values(512), 256)))
      ASSERT_EQ(std::bit_cast<std::uint32_t>(value), 0u) << type.size.name;
}

// The bytes are the same on every machine, compiler and instruction set. Another search changes these numbers.
TEST(GgmlBlocks, BytesAreTheSameEverywhere) {
  const Values weights = drawn(1024, 18, [](base::Random& r) { return static_cast<float>(r.uniform()); });
  std::vector<std::byte> all;
  for (const BlockType& type : block_types())
    for (const Values& values : kinds_of_rows()) {
      for (const std::byte byte : blocks_of(type, values, 1024)) all.push_back(byte);
      for (const std::byte byte : blocks_of(type, values, 1024, weights)) all.push_back(byte);
    }
  EXPECT_EQ(base::checksum(all), 18025702617755571913u);
}

template <class T>
void expect_refused(const Result<T>& result, ErrorCode code, std::string_view word) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code) << result.error().describe();
  EXPECT_NE(result.error().message.find(word), std::string::npos) << result.error().message;
}

TEST(GgmlRows, SizesMustFit) {
  const BlockType& type = type_of("Q4_K");
  const Values values(512);
  std::vector<std::byte> blocks(288);
  EXPECT_TRUE(quantize(type, values, 256, {}, blocks));
  EXPECT_TRUE(quantize(type, values, 512, {}, blocks));
  EXPECT_TRUE(quantize(type, {}, 0, {}, {}));
  expect_refused(quantize(type, values, 128, {}, blocks), ErrorCode::invalid_argument, "256");
  expect_refused(quantize(type, values, 0, {}, blocks), ErrorCode::invalid_argument, "rows");
  expect_refused(quantize(type, values, 256, {}, std::span(blocks).first(287)), ErrorCode::invalid_argument, "287");
  expect_refused(quantize(type, std::span(values).first(256), 256, {}, blocks), ErrorCode::invalid_argument, "rows");
  expect_refused(quantize(type, values, 256, Values(255), blocks), ErrorCode::invalid_argument, "one a column");
  Values out(512);
  EXPECT_TRUE(dequantize(type, blocks, out));
  expect_refused(dequantize(type, blocks, std::span(out).first(256)), ErrorCode::invalid_argument, "288");
  expect_refused(dequantize(type, blocks, std::span(out).first(300)), ErrorCode::invalid_argument, "256");
  expect_refused(row_bytes(type_of("F32"), std::numeric_limits<std::uint64_t>::max()), ErrorCode::corrupt, "64 bits");
}

TEST(GgmlRows, ValuesAndWeightsMustBeNumbers) {
  const float none = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  Values values(64), weights(32, 1.0f);
  for (const BlockType& type : block_types()) {
    if (type.size.values > 32) continue;
    std::vector<std::byte> out(64 / type.size.values * type.size.bytes);
    for (const float bad : {none, infinite, -1e5f}) {
      values[40] = bad;
      const bool taken = std::fabs(bad) <= type.largest;
      const Status done = quantize(type, values, 32, {}, out);
      EXPECT_EQ(done.has_value(), taken) << type.size.name;
      if (!taken) expect_refused(done, ErrorCode::invalid_data, "row 1, column 8");
    }
    values[40] = 0;
    for (const float bad : {none, infinite, -1.0f}) {
      weights[5] = bad;
      expect_refused(quantize(type, values, 32, weights, out), ErrorCode::invalid_argument, "column 5");
      weights[5] = 0;
      EXPECT_TRUE(quantize(type, values, 32, weights, out));
    }
  }
}

}  // namespace
}  // namespace attar::tensor::ggml
