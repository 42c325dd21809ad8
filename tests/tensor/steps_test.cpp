// Weights by uniform steps: what comes back is what the encoder said, bounds hold, bits and errors are where decision
// 0036 says; damage; the model itself where it is on this machine.
#include "tensor/steps/steps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <string>

#include "base/hash.h"
#include "base/leb128.h"
#include "tensor/steps/kernel.h"

namespace attar::tensor::steps {
namespace {

constexpr codec::Element f32{.bytes = 4, .exponent_bits = 8, .mantissa_bits = 23};
constexpr codec::Element bf16{.bytes = 2, .exponent_bits = 8, .mantissa_bits = 7};
constexpr codec::Element f16{.bytes = 2, .exponent_bits = 5, .mantissa_bits = 10};

std::vector<float> gaussian(std::size_t count, std::size_t columns, double spread, std::uint32_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> by_column(columns);
  for (double& s : by_column) s = 0.05 * std::exp2(spread * normal(random));
  std::vector<float> out(count);
  double by_row = 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % columns == 0) by_row = std::exp2(spread * normal(random));
    out[i] = static_cast<float>(normal(random) * by_column[i % columns] * by_row);
  }
  return out;
}

std::vector<std::byte> bytes_of(std::span<const float> values, const codec::Element& element) {
  std::vector<std::byte> out(values.size() * element.bytes);
  narrow(element == f32    ? Type::f32
         : element == bf16 ? Type::bf16
                           : Type::f16,
         values.data(), values.size(), out.data());
  return out;
}

std::vector<float> floats_of(base::ByteView bytes, const codec::Element& element) {
  std::vector<float> out(bytes.size() / element.bytes);
  widen(element == f32 ? Type::f32 : element == bf16 ? Type::bf16 : Type::f16, bytes.data(), out.size(), out.data());
  return out;
}

struct Packed {
  std::vector<std::byte> preamble;
  std::vector<std::vector<std::byte>> blocks;
  base::ByteWriter tables;

  /// Without the tables.
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = preamble.size();
    for (const auto& block : blocks) sum += block.size();
    return sum;
  }
};

codec::TensorView view_of(base::ByteView bytes, const codec::Element& element, std::uint64_t columns,
                          std::uint64_t block_rows) {
  return {.schema = {.element = element, .count = bytes.size() / element.bytes, .columns = columns},
          .bytes = bytes,
          .block_elements = columns * block_rows};
}

Packed pack(const codec::TensorView& view, const Weights& weights, const Setting& setting,
            const math::RansModel& model) {
  Packed out;
  codec::TableSets tables;
  const auto number = tables.add(model);
  EXPECT_TRUE(number);
  tables.finish();
  tables.save(out.tables);
  const auto writer = weights.writer(setting, tables, *number);
  EXPECT_TRUE(writer) << writer.error().describe();
  out.preamble = (*writer)->preamble();
  for (std::uint64_t b = 0; b < weights.blocks(); ++b) (*writer)->write(view.block(b), out.blocks.emplace_back());
  return out;
}

Status unpack(const codec::TensorView& view, const Packed& packed, std::vector<std::byte>& out) {
  base::ByteReader in(packed.tables.bytes());
  ATTAR_ASSIGN(const codec::TableSets tables, codec::TableSets::load(in));
  ATTAR_ASSIGN(const auto reader, codec::find_tensor_codec(codec_id)->open(packed.preamble, view.schema, tables));
  out.assign(view.bytes.size(), std::byte{});
  const std::uint64_t each = view.block_elements * view.schema.element.bytes;
  std::uint64_t at = 0;
  for (const auto& block : packed.blocks) {
    const std::uint64_t length = std::min<std::uint64_t>(each, out.size() - at);
    ATTAR_TRY(reader->read(block, {}, std::span(out).subspan(at, length)));
    at += length;
  }
  return {};
}

// Of a packed tensor that can not be opened.
ErrorCode refusal(const codec::TensorView& view, const Packed& packed) {
  std::vector<std::byte> out;
  const Status read = unpack(view, packed, out);
  return read ? ErrorCode::io : read.error().code;
}

Tally measure(const Weights& weights, const Setting& setting, const math::RansModel& model) {
  Tally out;
  for (std::uint64_t b = 0; b < weights.blocks(); ++b) out.add(weights.measure(setting, model, b));
  return out;
}

struct Difference {
  double squared = 0, most = 0;
  std::size_t broken = 0;  ///< not finite, and not the same bits
};
Difference difference(base::ByteView left, base::ByteView right, const codec::Element& element) {
  const std::vector<float> a = floats_of(left, element), b = floats_of(right, element);
  Difference out;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) {
      if (std::memcmp(&left[i * element.bytes], &right[i * element.bytes], element.bytes) != 0) ++out.broken;
      continue;
    }
    const double error = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!std::isfinite(error)) ++out.broken;
    out.squared += error * error;
    out.most = std::max(out.most, error);
  }
  return out;
}

TEST(Steps, EveryTypeShapeAndContentComesBackAsMeasured) {
  std::mt19937 random(11);
  for (const codec::Element& element : {f32, bf16, f16})
    for (const auto& [count, columns, rows] :
         {std::tuple{1u, 1u, 1u}, {7u, 16u, 1u}, {384u, 384u, 2u}, {5000u, 5u, 700u}, {20'003u, 97u, 100u}})
      for (const int content : {0, 1, 2, 3}) {
        std::vector<float> values = gaussian(count, columns, 0.7, count + static_cast<unsigned>(content));
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (content == 1) values[i] = 0;
          if (content == 2) values[i] = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
          if (content == 3 && random() % 50 == 0) values[i] *= 1e4f;
          if (content == 3 && i / columns % 7 == 3) values[i] = 0;
        }
        const std::vector<std::byte> bytes = bytes_of(values, element);
        const codec::TensorView view = view_of(bytes, element, columns, rows);
        const auto weights = Weights::look(view);
        ASSERT_NE(weights, nullptr);
        for (const Setting& setting :
             {Setting{.half_step = 0.01f}, Setting{.half_step = 0.02f, .rounding = Rounding::bounded}}) {
          const Part part{.weights = weights.get(), .setting = setting};
          const math::RansModel model = fit_by_turns(std::span(&part, 1), 8.0 * element.bytes);
          const Packed packed = pack(view, *weights, setting, model);
          std::vector<std::byte> out;
          const Status read = unpack(view, packed, out);
          ASSERT_TRUE(read) << read.error().describe();
          const Difference found = difference(bytes, out, element);
          EXPECT_EQ(found.broken, 0u);
          if (setting.rounding == Rounding::bounded) {
            EXPECT_LE(found.most, static_cast<double>(setting.half_step));
          }
          EXPECT_LE(packed.bytes(), bytes.size() + packed.blocks.size() + packed.preamble.size());
          bool stored = false;
          for (const auto& block : packed.blocks) stored = stored || block[0] == std::byte{0};
          if (stored) continue;
          const Tally tally = measure(*weights, setting, model);
          EXPECT_NEAR(tally.squared_error, found.squared, 1e-9 * found.squared);
          EXPECT_EQ(tally.max_error, found.most) << element.bytes << ' ' << count << ' ' << content;
          EXPECT_NEAR(tally.bits / 8, static_cast<double>(packed.bytes() - packed.preamble.size()),
                      0.02 * static_cast<double>(packed.bytes()) + 80 * static_cast<double>(packed.blocks.size()));
        }
      }
}

TEST(Steps, NoElementIsFurtherThanItsBound) {
  // Columns of constants near 1e-33, rows of mixed scales, numbers below all normal ones.
  constexpr std::size_t columns = 64, count = 300 * columns;
  std::vector<float> values = gaussian(count, columns, 6, 3);
  for (std::size_t i = 0; i < count; ++i) {
    if (i % columns == 5) values[i] = 1.25e-33f;
    if (i % columns == 6) values[i] = static_cast<float>(i) * std::numeric_limits<float>::denorm_min();
    if (i / columns == 9) values[i] *= 1e30f;
    if (i % 971 == 0) values[i] = std::numeric_limits<float>::infinity();
    if (i % 977 == 0) values[i] = std::bit_cast<float>(0xffc12345u);
  }
  for (const codec::Element& element : {f32, bf16, f16})
    for (const double bound : {3e-38, 1e-36, 1e-33, 1e-4, 0.0123456789, 1.0, 1e20}) {
      const std::vector<std::byte> bytes = bytes_of(values, element);
      const codec::TensorView view = view_of(bytes, element, columns, 128);
      const auto weights = Weights::look(view);
      const Result<Setting> setting = bounded_by(bound, weights->root_mean_square());
      ASSERT_TRUE(setting);
      const Part part{.weights = weights.get(), .setting = *setting};
      const Packed packed = pack(view, *weights, *setting, fit_by_turns(std::span(&part, 1), 8.0 * element.bytes));
      std::vector<std::byte> out;
      ASSERT_TRUE(unpack(view, packed, out));
      const Difference found = difference(bytes, out, element);
      EXPECT_EQ(found.broken, 0u) << bound;
      EXPECT_LE(found.most, bound);
    }
  EXPECT_FALSE(bounded_by(0, 1));
  EXPECT_FALSE(bounded_by(1e-40, 1));
  EXPECT_FALSE(bounded_by(std::numeric_limits<double>::quiet_NaN(), 1));
}

// A column that lies far from zero is counted from its mean; whatever it is, no element is further than the bound.
TEST(Steps, BoundedColumnsAreCountedFromTheirMean) {
  constexpr std::size_t count = 40'000, columns = 500;
  for (const codec::Element& element : {f32, bf16, f16})
    for (const float mean : {0.0f, 0.4f, -3.0f, 200.0f}) {
      std::vector<float> values = gaussian(count, columns, 0, 8);
      for (float& value : values) value = 20 * value + mean;
      values[17] = std::numeric_limits<float>::infinity();
      values[4711] = std::bit_cast<float>(0x7fc12345u);
      const std::vector<std::byte> bytes = bytes_of(values, element);
      const codec::TensorView view = view_of(bytes, element, columns, 40);
      const auto weights = Weights::look(view);
      EXPECT_NEAR(weights->deviation(), 1, mean < 0.3f && mean > -0.3f ? 0.03 : 0.3);
      const double bound = mean == 200.0f && element != f32 ? 0.6 : 0.02;
      const Result<Setting> setting = bounded_by(bound, weights->deviation());
      ASSERT_TRUE(setting);
      const Part part{.weights = weights.get(), .setting = *setting};
      const Packed packed = pack(view, *weights, *setting, fit_by_turns(std::span(&part, 1), 8.0 * element.bytes));
      EXPECT_EQ(packed.preamble[0] & std::byte{16}, mean == 0 ? std::byte{0} : std::byte{16});
      std::vector<std::byte> out;
      ASSERT_TRUE(unpack(view, packed, out));
      const Difference found = difference(bytes, out, element);
      EXPECT_EQ(found.broken, 0u);
      EXPECT_LE(found.most, bound);
      if (mean != 0) {
        Packed bad = packed;
        bad.preamble[12] = std::byte{0x7f};
        bad.preamble[11] = std::byte{0xc0};
        EXPECT_EQ(refusal(view, bad), ErrorCode::corrupt) << "a centre that is no number";
        bad = packed;
        bad.preamble[0] = std::byte{16 | 4};
        bad.preamble[8] = std::byte{0};
        EXPECT_EQ(refusal(view, bad), ErrorCode::corrupt) << "along the trellis";
      }
      // As many bits as of numbers about zero: log2 of √(2πe) over a step, and what blocks and escapes take.
      if (element == f32) {
        EXPECT_LT(static_cast<double>(packed.bytes()) * 8 / count, std::log2(4.133 / (2 * bound)) + 0.15) << mean;
      }
    }
}

// Scales that tell nothing of columns are not kept, those that do are.
TEST(Steps, ColumnsHaveScalesWhereTheyDiffer) {
  constexpr std::size_t rows = 400, columns = 128;
  std::vector<float> values = gaussian(rows * columns, columns, 0, 6);
  const std::vector<std::byte> even = bytes_of(values, f32);
  EXPECT_FALSE(Weights::look(view_of(even, f32, columns, 100))->has_column_scales());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (i % columns % 3 == 0) values[i] *= 1.5f;
  const std::vector<std::byte> uneven = bytes_of(values, f32);
  EXPECT_TRUE(Weights::look(view_of(uneven, f32, columns, 100))->has_column_scales());
}

// Bits and error of plain rounding: the bounded way at half a step, priced by the entropy of its own tables.
struct Point {
  double bits, error;
};
Point along_trellis(const Weights& weights, double count, float half_step) {
  const Part part{.weights = &weights, .setting = {.half_step = half_step}};
  const Tally tally = measure(weights, part.setting, fit_by_turns(std::span(&part, 1), 32));
  return {tally.bits / count, tally.squared_error / weights.square()};
}
Point by_rounding(const Weights& weights, double count, float half_step) {
  const Part part{.weights = &weights, .setting = {.half_step = half_step, .rounding = Rounding::bounded}};
  const Tally tally = measure(weights, part.setting, fit_by_turns(std::span(&part, 1), 32));
  return {tally.bits / count, tally.squared_error / weights.square()};
}

TEST(Steps, ATrellisWinsWhatTheDecisionSays) {
  constexpr std::size_t columns = 256, count = 1024 * columns;
  const std::vector<float> values = gaussian(count, columns, 0.4, 21);
  const std::vector<std::byte> bytes = bytes_of(values, f32);
  const codec::TensorView view = view_of(bytes, f32, columns, 256);
  const auto weights = Weights::look(view);
  const double rms = std::sqrt(weights->square() / static_cast<double>(count));
  for (const double step : {1.2, 0.6, 0.3}) {
    const auto half_step = static_cast<float>(0.5 * step * rms);
    const Point trellis = along_trellis(*weights, count, half_step);
    // Plain rounding at the same bits: between two steps that enclose it.
    Point wide{0, 1}, narrow{0, 1};
    for (double factor = 1; factor > 0.3; factor *= 0.95) {
      const Point own = by_rounding(*weights, count, half_step * static_cast<float>(1.5 * factor));
      wide = narrow;
      narrow = own;
      if (own.bits > trellis.bits) break;
    }
    ASSERT_GT(narrow.bits, trellis.bits);
    const double t = (trellis.bits - wide.bits) / (narrow.bits - wide.bits);
    const double plain_error = std::exp(std::log(wide.error) * (1 - t) + std::log(narrow.error) * t);
    const double decibels = 10 * std::log10(plain_error / trellis.error);
    RecordProperty("decibels", std::to_string(decibels));
    EXPECT_GT(decibels, 0.8) << trellis.bits;
    EXPECT_LT(decibels, 1.6) << trellis.bits;
  }
}

// What a path costs, the search's own way; `level` is in half steps.
double cost_of(double x, double level, double price) {
  return (std::fabs(x) - std::fabs(level)) * (std::fabs(x) - std::fabs(level)) + price;
}

TEST(Steps, PathsAreTheCheapestOfAllSymbols) {
  // Against a search over all numbers in every state, in double.
  constexpr std::size_t contexts = 6;
  std::mt19937_64 random(8);
  std::normal_distribution<double> normal;
  for (const std::size_t count : {61u, 4101u}) {
    const std::size_t lanes = math::rans_lanes_of(count);
    std::vector<float> values(count + slack), prices(contexts * alphabet);
    std::vector<std::uint8_t> even(count + slack), full(count + slack), symbols(count + slack);
    for (std::size_t i = 0; i < count; ++i) {
      even[i] = static_cast<std::uint8_t>(2 * (random() % (contexts / 2)));
      values[i] = static_cast<float>(0.7 * normal(random) * std::exp2(even[i]));
    }
    for (std::size_t c = 0; c < contexts; ++c)
      for (std::size_t s = 0; s < alphabet; ++s) {
        const double away = std::fabs(static_cast<double>(s) - 128) / std::exp2(static_cast<double>(c | 1) - 1);
        prices[c * alphabet + s] =
            static_cast<float>(s == 0 ? 17 : 0.4 * (1 + 0.5 * static_cast<double>(c) + 1.5 * away));
      }
    SearchMemory memory;
    search_paths({.values = values.data(),
                  .contexts = even.data(),
                  .count = count,
                  .lanes = lanes,
                  .half_step = 0.5f,
                  .prices = prices.data()},
                 memory, symbols.data(), full.data());
    double found = 0, least = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      std::array<double, 8> costs;
      costs.fill(1e300);
      costs[0] = 0;
      std::uint32_t own = 0;
      // What fills the last step up is zero, and costs in both.
      for (std::size_t i = lane; i < (count + lanes - 1) / lanes * lanes; i += lanes) {
        const double x = 2.0 * static_cast<double>(values[i]);
        std::array<double, 8> next;
        next.fill(1e300);
        for (std::uint32_t s = 0; s < 8; ++s)
          for (int symbol = 0; symbol < 256; ++symbol) {
            const int number = symbol - zero_symbol, in_union = static_cast<int>(s & 1);
            if (symbol != 0 && number * x < 0) continue;
            const double level = symbol == 0 ? x : 2 * number - in_union * ((number > 0) - (number < 0));
            const double price =
                static_cast<double>(prices[(even[i] | (s & 1)) * alphabet + static_cast<std::size_t>(symbol)]);
            double& best = next[simd::rans_next_state(s, static_cast<std::uint32_t>(symbol))];
            best = std::min(best, costs[s] + cost_of(x, level, price));
          }
        costs = next;
        EXPECT_EQ(full[i], even[i] | (own & 1));
        const int number = symbols[i] - zero_symbol;
        const double level =
            symbols[i] == 0 ? x : 2 * number - static_cast<int>(own & 1) * ((number > 0) - (number < 0));
        found += cost_of(x, level, static_cast<double>(prices[full[i] * alphabet + symbols[i]]));
        own = simd::rans_next_state(own, symbols[i]);
      }
      least += *std::ranges::min_element(costs);
    }
    EXPECT_GE(found, least * (1 - 1e-6));
    EXPECT_LE(found, least * 1.001);  // candidates are few
  }
}

TEST(Steps, RatesOfASampleAreThoseOfRounding) {
  constexpr std::size_t columns = 256, count = 1024 * columns;
  const std::vector<float> values = gaussian(count, columns, 0.4, 22);
  const std::vector<std::byte> bytes = bytes_of(values, f32);
  const codec::TensorView view = view_of(bytes, f32, columns, 256);
  const auto weights = Weights::look(view);
  const auto half_step = static_cast<float>(0.2 * std::sqrt(weights->square() / static_cast<double>(count)));
  const std::array<float, 2> asked = {half_step, 2 * half_step};
  const std::vector<Rate> rates = weights->rates(asked);
  ASSERT_EQ(rates.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const Point own = by_rounding(*weights, count, asked[i]);
    EXPECT_NEAR(rates[i].bits / count, own.bits, 0.03 * own.bits + 0.03);
    EXPECT_NEAR(rates[i].squared_error / weights->square(), own.error, 0.03 * own.error);
    // And near to what the trellis makes of the half step.
    const Point trellis = along_trellis(*weights, count, asked[i]);
    EXPECT_NEAR(rates[i].bits / count, trellis.bits, 0.1);
    const double decibels = 10 * std::log10(own.error / trellis.error);
    EXPECT_GT(decibels, 1.1);
    EXPECT_LT(decibels, 1.5);
  }
}

TEST(Steps, TightBoundsTakeTheBitsOfTheirStep) {
  // A Gaussian of deviation σ in steps of 2B takes log2(σ / 2B) + 2.05 bits: what lies below the symbols costs no more.
  constexpr std::size_t columns = 256, count = 512 * columns;
  const std::vector<std::byte> bytes = bytes_of(gaussian(count, columns, 0, 23), f32);
  const codec::TensorView view = view_of(bytes, f32, columns, 256);
  const auto weights = Weights::look(view);
  for (const double part_of : {3.0, 40.0, 700.0, 5000.0}) {
    const double bound = weights->root_mean_square() / (2 * part_of);
    const Result<Setting> setting = bounded_by(bound, weights->root_mean_square());
    ASSERT_TRUE(setting);
    const Part part{.weights = weights.get(), .setting = *setting};
    const Packed packed = pack(view, *weights, *setting, fit_by_turns(std::span(&part, 1), 32));
    std::vector<std::byte> out;
    ASSERT_TRUE(unpack(view, packed, out));
    EXPECT_LE(difference(bytes, out, f32).most, bound);
    const double bits = 8.0 * static_cast<double>(packed.bytes()) / count;
    EXPECT_NEAR(bits, std::log2(part_of) + 2.05, 0.06) << part_of;
  }
}

std::vector<std::byte> bytes_of_hex(std::string_view text) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return out;
}

TEST(StepsGolden, TensorsOfAnotherEncoderAreRead) {
  // scripts/make_steps_golden.py writes them from the spec alone.
  std::ifstream in(std::string(ATTAR_SOURCE_DIR) + "/tests/tensor/steps/golden.txt");
  std::string type, tables, preamble, block, elements;
  std::uint64_t columns = 0;
  int lines = 0;
  while (in >> type >> columns >> tables >> preamble >> block >> elements) {
    Packed packed;
    packed.tables.write_bytes(bytes_of_hex(tables));
    packed.preamble = bytes_of_hex(preamble);
    packed.blocks.push_back(bytes_of_hex(block));
    const std::vector<std::byte> expected = bytes_of_hex(elements);
    std::vector<std::byte> out;
    const Status read = unpack(view_of(expected,
                                       type == "f32"    ? f32
                                       : type == "bf16" ? bf16
                                                        : f16,
                                       columns, 1000),
                               packed, out);
    ASSERT_TRUE(read) << read.error().describe();
    EXPECT_TRUE(out == expected) << type << ' ' << columns;
    ++lines;
  }
  EXPECT_EQ(lines, 4);
}

TEST(StepsGolden, BytesAreTheSameOnEveryLevel) {
  // Sums of six of a linear congruential generator. Taken from this encoder: another number means other decisions.
  constexpr std::size_t columns = 64, count = 100 * columns;
  std::vector<float> values(count);
  std::uint32_t state = 1;
  for (float& value : values) {
    value = 0;
    for (int i = 0; i < 6; ++i) value += static_cast<float>((state = state * 1664525u + 1013904223u) >> 16) / 65536.0f;
    value -= 3;
  }
  const std::vector<std::byte> bytes = bytes_of(values, f32);
  const codec::TensorView view = view_of(bytes, f32, columns, 80);
  const auto weights = Weights::look(view);
  const Part part{.weights = weights.get(), .setting = {.half_step = 0.125f}};
  const Packed packed = pack(view, *weights, part.setting, fit_by_turns(std::span(&part, 1), 32));
  std::vector<std::byte> out;
  ASSERT_TRUE(unpack(view, packed, out));
  EXPECT_EQ(packed.bytes(), 3026u);
  EXPECT_EQ(base::checksum(out), 8622289235636759416u);
}

TEST(Steps, DamageIsRefusedOrGivesNumbers) {
  constexpr std::size_t columns = 96, count = 120 * columns;
  std::vector<float> values = gaussian(count, columns, 0.5, 5);
  for (std::size_t i = 0; i < count; i += 211) values[i] *= 1e6f;
  const std::vector<std::byte> bytes = bytes_of(values, f32);
  const codec::TensorView view = view_of(bytes, f32, columns, 64);
  const auto weights = Weights::look(view);
  std::mt19937 random(17);
  for (const Rounding rounding : {Rounding::trellis, Rounding::bounded}) {
    const Part part{.weights = weights.get(), .setting = {.half_step = 0.01f, .rounding = rounding}};
    const Packed packed = pack(view, *weights, part.setting, fit_by_turns(std::span(&part, 1), 32));
    for (int i = 0; i < 2000; ++i) {
      Packed damaged = packed;
      auto& hit = i % 3 == 0 ? damaged.preamble : damaged.blocks[static_cast<std::size_t>(i) % damaged.blocks.size()];
      if (i % 2 == 0)
        hit.resize(random() % hit.size());
      else
        hit[random() % std::min<std::size_t>(hit.size(), i % 4 == 1 ? 160 : hit.size())] ^=
            static_cast<std::byte>(1u << random() % 8);
      std::vector<std::byte> out;
      const Status read = unpack(view, damaged, out);
      EXPECT_FALSE(i % 2 == 0 && read.has_value());
    }
  }
}

TEST(Steps, TablesFittedElsewhereAreNobodyElses) {
  math::RansCounts counts{};
  counts[5] = 10;
  codec::TableSets tables;
  const auto added = tables.add(math::RansModel(math::fit_frequencies(std::span(&counts, 1), 16)));
  ASSERT_TRUE(added);
  const std::uint32_t placed = tables.place({counts}, 1, 16);
  EXPECT_NE(placed, *added);
  tables.finish();
  base::ByteWriter saved;
  tables.save(saved);
  base::ByteReader in(saved.bytes());
  const auto loaded = codec::TableSets::load(in);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->size(), 2u);
  EXPECT_EQ(loaded->set(*added).contexts()[0], tables.set(*added).contexts()[0]);
  while (tables.size() < 256) ASSERT_TRUE(tables.add(math::RansModel(tables.set(0))));
  const auto more = tables.add(math::RansModel(tables.set(0)));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::over_limit);
}

TEST(Steps, TablesOfTooManyContextsAreRefused) {
  // A context that codes symbol 0 alone takes five bytes, and 16 KiB to decode with.
  const std::vector<math::RansFrequencies> lone(128, [] {
    math::RansFrequencies out{};
    out[0] = 1u << simd::rans_bits;
    return out;
  }());
  for (const int sets : {128, 129}) {
    base::ByteWriter out;
    base::write_leb128(out, static_cast<std::uint64_t>(sets));
    for (int i = 0; i < sets; ++i) {
      base::write_leb128(out, lone.size());
      for (const math::RansFrequencies& own : lone) math::write_frequencies(out, own);
    }
    base::ByteReader in(out.bytes());
    EXPECT_EQ(codec::TableSets::load(in).has_value(), sets == 128);
  }
}

TEST(Steps, WrongSettingsAndTablesAreRefused) {
  const std::vector<std::byte> bytes = bytes_of(gaussian(64, 8, 0, 1), f32);
  const codec::TensorView view = view_of(bytes, f32, 8, 8);
  const auto weights = Weights::look(view);
  const Part part{.weights = weights.get(), .setting = {.half_step = 0.01f}};
  codec::TableSets tables;
  const auto number = tables.add(fit_by_turns(std::span(&part, 1), 32));
  ASSERT_TRUE(number);
  EXPECT_TRUE(weights->writer({.half_step = 1}, tables, *number));
  EXPECT_FALSE(weights->writer({.half_step = 1}, tables, *number + 1));
  EXPECT_FALSE(weights->writer({.half_step = 0}, tables, *number));
  EXPECT_FALSE(weights->writer({.half_step = std::numeric_limits<float>::infinity()}, tables, *number));
  EXPECT_EQ(Weights::look({.schema = {.element = {.bytes = 4}, .count = 1}, .bytes = {}, .block_elements = 1}),
            nullptr);
  EXPECT_EQ(Weights::look({.schema = {.element = f32, .count = 0}, .bytes = {}, .block_elements = 1}), nullptr);
}

}  // namespace
}  // namespace attar::tensor::steps
