// Rows of finer steps: each comes back within its own step, bits go to where steps are fine, and repeats keep the
// finest.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tensor/rows/rows.h"
#include "tensor/steps/frame.h"
#include "tensor/steps/steps.h"

namespace attar::tensor::steps {
namespace {

constexpr codec::Element f32{.bytes = 4, .exponent_bits = 8, .mantissa_bits = 23};
constexpr codec::Element f16{.bytes = 2, .exponent_bits = 5, .mantissa_bits = 10};

struct Table {
  codec::Element element;
  std::size_t columns;
  std::vector<std::byte> bytes;
  std::vector<std::uint8_t> finer;

  Table(const codec::Element& of, std::size_t rows, std::size_t row_length, std::uint32_t seed)
      : element(of), columns(row_length), bytes(rows * row_length * of.bytes) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(rows * columns);
    for (float& x : values) x = 0.05f * normal(random);
    narrow(element == f32 ? Type::f32 : Type::f16, values.data(), values.size(), bytes.data());
    for (std::size_t i = 0; i < rows; ++i) finer.push_back(static_cast<std::uint8_t>(random() % 9));
  }

  [[nodiscard]] codec::TensorView view() const {
    return {.schema = {.element = element, .count = bytes.size() / element.bytes, .columns = columns},
            .bytes = bytes,
            .block_elements = 64 * columns,
            .finer = finer};
  }
  [[nodiscard]] std::vector<float> floats(base::ByteView of) const {
    std::vector<float> out(of.size() / element.bytes);
    widen(element == f32 ? Type::f32 : Type::f16, of.data(), out.size(), out.data());
    return out;
  }
};

struct Made {
  codec::TableSets tables;
  std::vector<std::byte> preamble, back;
  std::vector<std::vector<std::byte>> blocks;
  std::size_t bytes = 0;
};

// Written, and read block by block; `repeats` may be null.
Made make(const Table& table, const Setting& setting, const std::shared_ptr<const rows::Repeats>& repeats) {
  Made out;
  const codec::TensorView view = table.view();
  const auto weights = Weights::look(view, repeats);
  const Part part{.weights = weights.get(), .setting = setting};
  const auto number = out.tables.add(fit_by_turns(std::span(&part, 1), 8.0 * table.element.bytes));
  EXPECT_TRUE(number);
  auto writer = *weights->writer(setting, out.tables, *number);
  if (repeats) writer = rows::leave_out(repeats, codec_id, std::move(writer));
  out.preamble = writer->preamble();
  const auto reader =
      codec::find_tensor_codec(repeats ? rows::lossy_codec_id : codec_id)->open(out.preamble, view.schema, out.tables);
  EXPECT_TRUE(reader);
  for (std::uint64_t at = 0, b = 0; at < view.schema.count; at += view.block_elements, ++b) {
    const codec::TensorBlock block = view.block(b);
    writer->write(block, out.blocks.emplace_back());
    out.bytes += out.blocks.back().size();
    std::vector<std::byte> own(block.elements.size());
    const Status read = (*reader)->read(out.blocks.back(), {}, own);
    EXPECT_TRUE(read) << read.error().describe();
    out.back.insert(out.back.end(), own.begin(), own.end());
  }
  return out;
}

std::vector<double> error_by_row(const Table& table, base::ByteView back) {
  const std::vector<float> was = table.floats(table.bytes), is = table.floats(back);
  std::vector<double> out(table.finer.size());
  for (std::size_t i = 0; i < was.size(); ++i)
    out[i / table.columns] += std::pow(static_cast<double>(was[i]) - static_cast<double>(is[i]), 2);
  return out;
}

TEST(FinerRows, LoseByTheirOwnSteps) {
  for (const codec::Element& element : {f32, f16})
    for (const Setting& setting :
         {Setting{.half_step = 0.02f}, Setting{.half_step = 0.001f, .rounding = Rounding::nearest, .low = 4}}) {
      const Table table(element, 500, 96, 3);
      const Made made = make(table, setting, nullptr);
      const std::vector<double> errors = error_by_row(table, made.back);
      // By half octaves: the mean error, weighed by the squares of the steps, is about the same.
      std::vector<double> sums(9), rows(9);
      for (std::size_t i = 0; i < errors.size(); ++i) {
        sums[table.finer[i]] += std::ldexp(errors[i], table.finer[i]);
        ++rows[table.finer[i]];
      }
      const double all = sums[8] / rows[8];
      for (std::size_t e = 4; e < 9; ++e) EXPECT_NEAR(sums[e] / rows[e], all, 0.25 * all) << e;
      for (std::size_t i = 0; i < errors.size() && setting.rounding == Rounding::nearest; ++i)
        EXPECT_LE(std::sqrt(errors[i] / 96), 0.0011 * std::exp2(-0.5 * table.finer[i]) + 3e-5);
    }
}

TEST(FinerRows, TakeNoMoreThanTheirStepsAskFor) {
  // A table of rows that are all alike finer is the table with a finer step.
  Table table(f32, 400, 96, 5);
  std::ranges::fill(table.finer, std::uint8_t{4});
  const std::size_t finer = make(table, {.half_step = 0.02f}, nullptr).bytes;
  table.finer.clear();
  const std::size_t plain = make(table, {.half_step = 0.005f}, nullptr).bytes;
  EXPECT_NEAR(static_cast<double>(finer), static_cast<double>(plain), 0.01 * static_cast<double>(plain) + 200);
}

TEST(FinerRows, RepeatsTakeTheFinestOfTheirSteps) {
  Table table(f32, 300, 64, 7);
  for (std::size_t row = 100; row < 300; ++row)
    if (row % 3 == 0)
      std::copy_n(table.bytes.begin() + 5 * 256, 256, table.bytes.begin() + static_cast<std::ptrdiff_t>(row) * 256);
  std::ranges::fill(table.finer, std::uint8_t{0});
  table.finer[201] = 8;
  const auto repeats = rows::Repeats::find(table.view());
  ASSERT_TRUE(repeats);
  ASSERT_EQ(repeats->finer().size(), 1u);
  EXPECT_EQ(repeats->finer()[0], 8);
  const Made made = make(table, {.half_step = 0.02f}, repeats);
  const std::vector<double> errors = error_by_row(table, made.back);
  EXPECT_EQ(errors[5], errors[102]);
  EXPECT_LT(errors[5] * 10, errors[6]);
}

TEST(FinerRows, DamageIsRefused) {
  const Table table(f32, 130, 64, 9);
  const Made made = make(table, {.half_step = 0.02f}, nullptr);
  EXPECT_EQ(made.preamble[0] & std::byte{8}, std::byte{8});
  std::vector<std::byte> newer = made.preamble;
  newer[0] |= std::byte{32};
  const codec::TensorCodec& codec = *codec::find_tensor_codec(codec_id);
  const auto later = codec.open(newer, table.view().schema, made.tables);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::too_new);
  const auto reader = codec.open(made.preamble, table.view().schema, made.tables);
  ASSERT_TRUE(reader);
  std::mt19937 random(1);
  std::vector<std::byte> out(std::size_t{64} * 64 * 4);
  for (int i = 0; i < 400; ++i) {
    std::vector<std::byte> block = made.blocks[0];
    if (i % 2 == 0)
      block.resize(random() % block.size());
    else
      block[random() % 150] ^= static_cast<std::byte>(1u << random() % 8);
    const Status read = (*reader)->read(block, {}, out);
    EXPECT_FALSE(i % 2 == 0 && read.has_value());
  }
  // Without the flag the block's numbers of half octaves are not where they are looked for.
  std::vector<std::byte> without = made.preamble;
  without[0] &= std::byte{0xf7};
  const auto other = codec.open(without, table.view().schema, made.tables);
  ASSERT_TRUE(other);
  EXPECT_FALSE((*other)->read(made.blocks[0], {}, out));
}

TEST(FinerRows, StepsGoByHalfOctaves) {
  const Frame frame{.half_step = 0.75f};
  EXPECT_EQ(frame.half_step_of(0), 0.75f);
  EXPECT_EQ(frame.half_step_of(2), 0.375f);
  EXPECT_EQ(frame.half_step_of(1), 0.75f * 0x1.6a09e6p-1f);
  EXPECT_EQ(frame.half_step_of(5), 0.25f * (0.75f * 0x1.6a09e6p-1f));
  EXPECT_GT((Frame{.half_step = least_half_step}.half_step_of(most_finer)), 0.0f);
}

}  // namespace
}  // namespace attar::tensor::steps
