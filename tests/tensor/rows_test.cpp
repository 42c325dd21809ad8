// Rows that repeat: found whatever their order, stored once, and what is left is written as if they were not there.
#include "tensor/rows/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <string>

#include "base/leb128.h"
#include "tensor/steps/steps.h"

namespace attar::tensor::rows {
namespace {

constexpr codec::Element f32{.bytes = 4, .exponent_bits = 8, .mantissa_bits = 23};
constexpr codec::Element bf16{.bytes = 2, .exponent_bits = 8, .mantissa_bits = 7};

/// A table of weights; `sources[i]` is the row that row i repeats, itself where it is its own.
std::vector<std::byte> make_table(std::span<const std::size_t> sources, std::size_t columns, unsigned width,
                                  std::uint32_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::byte> out;
  for (std::size_t row = 0; row < sources.size(); ++row)
    for (std::size_t j = 0; j < columns; ++j) {
      const auto bits = std::bit_cast<std::uint32_t>(0.05f * normal(random)) >> 8 * (4 - width);
      for (unsigned b = 0; b < width; ++b) out.push_back(static_cast<std::byte>(bits >> 8 * b));
    }
  const std::size_t row_bytes = columns * width;
  for (std::size_t row = 0; row < sources.size(); ++row)
    std::memcpy(&out[row * row_bytes], &out[sources[row] * row_bytes], row_bytes);
  return out;
}

/// Every row its own, but for those behind `from`, which all repeat row 7: a vocabulary that was padded.
std::vector<std::size_t> padded(std::size_t rows, std::size_t from) {
  std::vector<std::size_t> out(rows);
  for (std::size_t i = 0; i < rows; ++i) out[i] = i < from ? i : 7;
  return out;
}

/// Some rows repeat one of the first `kinds`, anywhere.
std::vector<std::size_t> scattered(std::size_t rows, std::size_t kinds, unsigned percent, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::size_t> out(rows);
  for (std::size_t i = 0; i < rows; ++i) out[i] = i >= kinds && random() % 100 < percent ? random() % kinds : i;
  return out;
}

codec::TensorView view_of(base::ByteView bytes, const codec::Element& element, std::uint64_t columns,
                          std::uint64_t block_rows) {
  return {.schema = {.element = element, .count = bytes.size() / element.bytes, .columns = columns},
          .bytes = bytes,
          .block_elements = columns * block_rows};
}

struct Packed {
  std::vector<std::byte> preamble;
  std::vector<std::vector<std::byte>> blocks;
  base::ByteWriter tables;

  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = preamble.size();
    for (const auto& block : blocks) sum += block.size();
    return sum;
  }
};

void write_all(const codec::TensorView& view, const codec::TensorWriter& writer, Packed& out) {
  out.preamble = writer.preamble();
  for (std::uint64_t at = 0, b = 0; at < view.schema.count; at += view.block_elements, ++b)
    writer.write(view.block(b), out.blocks.emplace_back());
}

Packed pack(const codec::TensorView& view, std::uint32_t id) {
  Packed out;
  const auto trial = codec::find_tensor_codec(id)->look(view);
  EXPECT_NE(trial, nullptr);
  codec::TableSets tables;
  trial->share(tables);
  tables.finish();
  tables.save(out.tables);
  write_all(view, *trial->writer(tables), out);
  return out;
}

Result<std::vector<std::byte>> unpack(const codec::TensorView& view, const Packed& packed, std::uint32_t id) {
  base::ByteReader in(packed.tables.bytes());
  ATTAR_ASSIGN(const codec::TableSets tables, codec::TableSets::load(in));
  ATTAR_ASSIGN(const auto reader, codec::find_tensor_codec(id)->open(packed.preamble, view.schema, tables));
  std::vector<std::byte> out(view.bytes.size());
  const std::uint64_t each = view.block_elements * view.schema.element.bytes;
  // Each block by itself, from the last to the first.
  for (std::size_t b = packed.blocks.size(); b-- > 0;)
    ATTAR_TRY(reader->read(packed.blocks[b], {},
                           std::span(out).subspan(b * each, std::min<std::uint64_t>(each, out.size() - b * each))));
  return out;
}

TEST(RowsThatRepeat, AreFoundByTheirBytesInAnyOrder) {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    const std::vector<std::size_t> sources = scattered(700, 5, 30, seed);
    std::vector<std::byte> bytes = make_table(sources, 33, 4, seed);
    bytes.resize(bytes.size() + 40);  // a last row that is shorter
    const auto repeats = Repeats::find(view_of(bytes, f32, 33, 64));
    ASSERT_TRUE(repeats);
    EXPECT_EQ(repeats->size(), 5u);
    std::size_t own = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto number = repeats->number_of(base::ByteView(bytes).subspan(i * 132, 132));
      EXPECT_EQ(number.has_value(), i < 5 || sources[i] != i);
      own += number ? 0 : 1;
    }
    EXPECT_EQ(own, repeats->own());
    EXPECT_DOUBLE_EQ(repeats->stored_share(), static_cast<double>(own + 5) / 700);
    EXPECT_FALSE(repeats->number_of(base::ByteView(bytes).subspan(700 * 132)));
  }
}

TEST(RowsThatRepeat, AreLeftWhereTheyDoNotPay) {
  const std::vector<std::byte> none = make_table(padded(500, 500), 64, 4, 1);
  EXPECT_FALSE(Repeats::find(view_of(none, f32, 64, 64)));
  const std::vector<std::byte> three = make_table(padded(500, 497), 64, 4, 1);  // 768 bytes are no kilobyte
  EXPECT_FALSE(Repeats::find(view_of(three, f32, 64, 64)));
  EXPECT_TRUE(Repeats::find(view_of(make_table(padded(500, 496), 64, 4, 1), f32, 64, 64)));
  const std::vector<std::byte> narrow(4000);  // rows of 16 bytes
  EXPECT_FALSE(Repeats::find(view_of(narrow, f32, 4, 64)));
  EXPECT_FALSE(Repeats::find(view_of({}, f32, 64, 64)));
}

TEST(RowsThatRepeat, AListIsNoLargerThanABlock) {
  // 40 rows that stand there twice, 4 that stand there ten times, and room for eight.
  std::vector<std::size_t> sources;
  for (std::size_t i = 0; i < 44; ++i) sources.push_back(i);
  for (std::size_t i = 0; i < 40; ++i) sources.push_back(i);
  for (std::size_t i = 0; i < 36; ++i) sources.push_back(40 + i % 4);
  const std::vector<std::byte> bytes = make_table(sources, 64, 4, 5);
  const auto repeats = Repeats::find(view_of(bytes, f32, 64, 8));
  ASSERT_TRUE(repeats);
  ASSERT_EQ(repeats->size(), 8u);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_LT(*repeats->number_of(base::ByteView(bytes).subspan((40 + i) * 256, 256)), 4u);
  const codec::TensorView view = view_of(bytes, f32, 64, 8);
  const auto back = unpack(view, pack(view, codec_id), codec_id);
  ASSERT_TRUE(back) << back.error().describe();
  EXPECT_TRUE(*back == bytes);
}

TEST(RowsThatRepeat, ComeBackFromEveryBlockAndCostTheirRuns) {
  for (const codec::Element& element : {f32, bf16, codec::Element{.bytes = 4}})
    for (const std::size_t columns : {24u, 100u})
      for (const auto& sources : {padded(900, 300), padded(900, 870), scattered(900, 9, 60, 4), padded(70, 8)}) {
        std::vector<std::byte> bytes = make_table(sources, columns, element.bytes, 9);
        bytes.resize(bytes.size() + std::size_t{5} * element.bytes);
        const codec::TensorView view = view_of(bytes, element, columns, 128);
        const Packed packed = pack(view, codec_id);
        const auto back = unpack(view, packed, codec_id);
        ASSERT_TRUE(back) << back.error().describe();
        ASSERT_TRUE(*back == bytes) << columns << ' ' << sources.size();
        // What the distinct rows take by themselves, and some bytes a run. Small blocks take their states again.
        std::vector<std::byte> distinct;
        for (const std::size_t row : std::set<std::size_t>(sources.begin(), sources.end()))
          distinct.insert(distinct.end(), &bytes[row * columns * element.bytes],
                          &bytes[row * columns * element.bytes] + columns * element.bytes);
        const codec::TensorView alone = view_of(distinct, element, columns, 128);
        const std::size_t least = pack(alone, element.is_float() ? 0x0401 : 0x0402).bytes();
        const std::size_t runs = Repeats::find(view)->runs();
        EXPECT_LT(packed.bytes(), least + 4 * runs + 120 * (packed.blocks.size() + 1)) << columns;
      }
}

TEST(RowsThatRepeat, LoseTheSameWithLoss) {
  for (const auto& sources : {padded(900, 600), scattered(900, 9, 60, 4)}) {
    constexpr std::size_t columns = 96;
    const std::vector<std::byte> bytes = make_table(sources, columns, 4, 3);
    const codec::TensorView view = view_of(bytes, f32, columns, 128);
    const auto repeats = Repeats::find(view);
    const auto weights = steps::Weights::look(view, repeats);
    for (const steps::Setting& setting :
         {steps::Setting{.half_step = 0.01f},
          steps::Setting{.half_step = 0.001f, .rounding = steps::Rounding::bounded, .low = 2}}) {
      const steps::Part part{.weights = weights.get(), .setting = setting};
      Packed packed, plain;
      codec::TableSets tables;
      const auto number = tables.add(steps::fit_by_turns(std::span(&part, 1), 32));
      ASSERT_TRUE(number);
      tables.save(packed.tables);
      write_all(view, **weights->writer(setting, tables, *number), plain);
      write_all(view, *leave_out(repeats, steps::codec_id, *weights->writer(setting, tables, *number)), packed);
      EXPECT_LT(static_cast<double>(packed.bytes()),
                repeats->stored_share() * static_cast<double>(plain.bytes()) * 1.02 + 1000 +
                    4 * static_cast<double>(repeats->runs()));
      const auto back = unpack(view, packed, lossy_codec_id);
      ASSERT_TRUE(back) << back.error().describe();
      for (std::size_t i = 0; i < bytes.size(); i += 4) {
        const auto was = base::load<float>(&bytes[i]), is = base::load<float>(&(*back)[i]);
        ASSERT_LE(std::fabs(was - is), setting.rounding == steps::Rounding::bounded ? 0.001f : 0.05f);
      }
      for (std::size_t row = 0; row < sources.size(); ++row)
        if (sources[row] != row) {
          ASSERT_EQ(std::memcmp(&(*back)[row * columns * 4], &(*back)[sources[row] * columns * 4], columns * 4), 0);
        }
    }
  }
}

TEST(RowsThatRepeat, BrokenPreamblesAndRunsAreRefused) {
  const std::vector<std::byte> bytes = make_table(padded(200, 150), 32, 4, 3);
  const codec::TensorView view = view_of(bytes, f32, 32, 64);
  const Packed packed = pack(view, codec_id);
  ASSERT_TRUE(unpack(view, packed, codec_id));
  const auto with_preamble = [&](auto&& change) {
    Packed out = packed;
    change(out.preamble);
    const auto read = unpack(view, out, codec_id);
    return read ? std::string("read") : std::string(read.error().message);
  };
  // Flags, then ids as LEB128: 0x0401 is 81 08, a version is 01.
  EXPECT_NE(with_preamble([](auto& p) { p[0] = std::byte{1}; }).find("later version"), std::string::npos);
  EXPECT_NE(with_preamble([](auto& p) { p[1] = std::byte{0x86}; }).find("cannot"), std::string::npos);  // rows
  EXPECT_NE(with_preamble([](auto& p) { p[1] = std::byte{0x83}; }).find("cannot"), std::string::npos);  // delta
  EXPECT_NE(with_preamble([](auto& p) { p[1] = std::byte{0x84}; }).find("cannot"), std::string::npos);  // steps
  EXPECT_NE(with_preamble([](auto& p) { p[1] = std::byte{0xff}; }).find("later version"), std::string::npos);
  EXPECT_NE(with_preamble([](auto& p) { p[3] = std::byte{0}; }).find("version"), std::string::npos);
  EXPECT_NE(with_preamble([](auto& p) { p[4] = std::byte{0}; }).find("length"), std::string::npos);
  EXPECT_NE(with_preamble([](auto& p) { p.resize(p.size() - 1); }), "read");
  const auto with_block = [&](std::initializer_list<int> head) {
    Packed out = packed;
    out.blocks[3].clear();  // eight rows, all of them the list's
    for (const int byte : head) out.blocks[3].push_back(static_cast<std::byte>(byte));
    return unpack(view, out, codec_id).has_value();
  };
  EXPECT_TRUE(with_block({1, 0, 8, 0}));
  EXPECT_TRUE(with_block({1, 0, 3, 0, 0, 5, 0}));
  for (const auto& head : std::initializer_list<std::initializer_list<int>>{{},
                                                                            {2, 0, 8, 0},
                                                                            {1, 0, 9, 0},
                                                                            {1, 0, 7, 0},
                                                                            {1, 0, 8, 1},
                                                                            {1, 0, 8},
                                                                            {1, 0, 8, 0, 0},
                                                                            {1, 0, 0, 0, 8, 0},
                                                                            {1, 2, 0, 0, 6, 0},
                                                                            {1, 2, 6, 0},
                                                                            {1, 8, 0}})
    EXPECT_FALSE(with_block(head));
}

}  // namespace
}  // namespace attar::tensor::rows
