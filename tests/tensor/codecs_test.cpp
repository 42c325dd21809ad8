// Every tensor codec of the registry: round trips over kinds of elements, shapes and contents; damage; sizes.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "base/half.h"
#include "codec/tensors.h"

namespace attar::codec {
namespace {

constexpr Element f64{.bytes = 8, .exponent_bits = 11, .mantissa_bits = 52};
constexpr Element f32{.bytes = 4, .exponent_bits = 8, .mantissa_bits = 23};
constexpr Element bf16{.bytes = 2, .exponent_bits = 8, .mantissa_bits = 7};
constexpr Element f16{.bytes = 2, .exponent_bits = 5, .mantissa_bits = 10};
constexpr Element e5m2{.bytes = 1, .exponent_bits = 5, .mantissa_bits = 2};
constexpr Element e4m3{.bytes = 1, .exponent_bits = 4, .mantissa_bits = 3};
constexpr std::array elements = {
    f64, f32, bf16, f16, e5m2, e4m3, Element{.bytes = 1}, Element{.bytes = 8}, Element{.bytes = 18}};

// A float's bits in another layout, cut instead of rounded; what does not fit becomes the nearest exponent.
std::uint64_t bits_of(double value, const Element& element) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const int bias = (1 << (element.exponent_bits - 1)) - 1;
  const int exponent =
      std::clamp(static_cast<int>(bits >> 52 & 2047) - 1023 + bias, 0, (1 << element.exponent_bits) - 1);
  const std::uint64_t mantissa = (bits & ((1ull << 52) - 1)) >> (52 - element.mantissa_bits);
  return (bits >> 63) << (element.exponent_bits + element.mantissa_bits) |
         static_cast<std::uint64_t>(exponent) << element.mantissa_bits | mantissa;
}

enum class Content { weights, zeros, random, sparse, rounded, repeated };

std::vector<std::byte> make(const Element& element, std::uint64_t count, std::uint64_t columns, Content content,
                            std::uint32_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<std::byte> out(count * element.bytes);
  std::vector<double> scales(columns);
  for (double& scale : scales) scale = std::exp2(0.5 * normal(random) - 4);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t bits = random();
    double value = normal(random) * scales[i % columns];
    if (content == Content::sparse && i % 3 != 0) value = 0;
    if (content == Content::rounded && i / columns % 5 == 0)
      value = static_cast<double>(base::half_to_float(base::float_to_half(static_cast<float>(value))));
    if (element.is_float() && content != Content::random) bits = bits_of(value, element);
    if (!element.is_float() && content == Content::weights) bits = static_cast<std::uint64_t>(std::lround(value * 100));
    if (content == Content::zeros) bits = 0;
    for (unsigned b = 0; b < element.bytes; ++b)
      out[i * element.bytes + b] = static_cast<std::byte>(bits >> 8 * (b % 8));
    // Rows of weights, of which every third and the last ones repeat an early one.
    const std::uint64_t row = i / columns, from = row % 3 == 0 ? row % 4 : 1;
    if (content == Content::repeated && row > 3 && (row % 3 == 0 || row > 40) && row < count / columns)
      std::copy_n(out.begin() + static_cast<std::ptrdiff_t>((from * columns + i % columns) * element.bytes),
                  element.bytes, out.begin() + static_cast<std::ptrdiff_t>(i * element.bytes));
  }
  return out;
}

// What the bytes may have been before a little training: lowest bytes changed here and there, and some elements wholly.
std::vector<std::byte> make_base(std::vector<std::byte> bytes, const Element& element, std::uint32_t seed) {
  std::mt19937 random(seed);
  for (std::size_t i = 0; i < bytes.size(); i += element.bytes) {
    if (random() % 3 == 0) bytes[i] ^= static_cast<std::byte>(random() % 8);
    if (random() % 500 == 0) bytes[i + random() % element.bytes] ^= static_cast<std::byte>(random());
  }
  return bytes;
}

struct Packed {
  std::vector<std::byte> preamble;
  std::vector<std::vector<std::byte>> blocks;
  base::ByteWriter tables;
  std::uint64_t bytes = 0;
};

Packed pack(const TensorView& view, TensorTrial& trial) {
  Packed out;
  TableSets tables;
  trial.share(tables);
  tables.finish();
  tables.save(out.tables);
  const auto writer = trial.writer(tables);
  out.preamble = writer->preamble();
  out.bytes = out.preamble.size();
  const std::uint64_t each = view.block_elements * view.schema.element.bytes;
  BlockParts parts;  // one for all blocks: what is left of the one before must not show
  for (std::uint64_t at = 0; at < view.bytes.size(); at += each) {
    auto& block = out.blocks.emplace_back();
    const std::uint64_t length = std::min(each, view.bytes.size() - at);
    const TensorBlock own{.elements = view.bytes.subspan(at, length), .base = view.base.subspan(at, length)};
    writer->write(own, block);
    out.bytes += block.size();
    parts.clear();
    writer->write_parts(own, parts);
    std::vector<std::byte> joined = parts.front;
    joined.insert(joined.end(), parts.back().begin(), parts.back().end());
    EXPECT_TRUE(joined == block) << "block at " << at;
    EXPECT_EQ(parts.size(), block.size());
  }
  return out;
}

Status unpack(const TensorCodec& codec, const TensorView& view, const Packed& packed, std::vector<std::byte>& out) {
  base::ByteReader in(packed.tables.bytes());
  ATTAR_ASSIGN(const TableSets tables, TableSets::load(in));
  ATTAR_ASSIGN(const auto reader, codec.open(packed.preamble, view.schema, tables));
  out.assign(view.bytes.size(), std::byte{});
  const std::uint64_t each = view.block_elements * view.schema.element.bytes;
  std::uint64_t at = 0;
  for (const auto& block : packed.blocks) {
    const std::uint64_t length = std::min<std::uint64_t>(each, out.size() - at);
    ATTAR_TRY(reader->read(block, view.base.subspan(at, length), std::span(out).subspan(at, length)));
    at += length;
  }
  return {};
}

TEST(TensorCodecs, EveryElementShapeAndContentComesBack) {
  for (const TensorCodec* codec : tensor_registry())
    for (const Element& element : elements)
      for (const auto& [count, columns] :
           {std::pair{1u, 1u}, {7u, 16u}, {300u, 1u}, {384u, 384u}, {5000u, 50u}, {20'003u, 97u}})
        for (const Content content : {Content::weights, Content::zeros, Content::random, Content::sparse,
                                      Content::rounded, Content::repeated}) {
          const std::vector<std::byte> bytes = make(element, count, columns, content, count + columns);
          const std::vector<std::byte> base = make_base(bytes, element, count);
          const TensorView view{.schema = {.element = element, .count = count, .columns = columns},
                                .bytes = bytes,
                                .base = base,
                                .block_elements = columns * std::max(1u, 20'000 / columns)};
          const auto trial = codec->look(view);
          if (trial == nullptr) continue;
          const Packed packed = pack(view, *trial);
          std::vector<std::byte> out;
          const Status read = unpack(*codec, view, packed, out);
          ASSERT_TRUE(read) << codec->info().name << ' ' << read.error().describe();
          ASSERT_TRUE(out == bytes) << codec->info().name << " width " << element.bytes << " count " << count
                                    << " content " << static_cast<int>(content);
          EXPECT_LE(packed.bytes, bytes.size() + packed.blocks.size() * (element.bytes + 1) + packed.preamble.size());
          // A look reads a sample: near enough to choose by. It does not count the runs of rows of one element,
          // and planes see no row twice in one.
          if (columns == 1 || (content == Content::repeated && codec->info().name == "planes")) continue;
          EXPECT_NEAR(trial->bytes(), static_cast<double>(packed.bytes), 0.1 * static_cast<double>(bytes.size()) + 400)
              << codec->info().name << ' ' << element.bytes << ' ' << static_cast<int>(content);
        }
}

TEST(TensorCodecs, WeightsTakeWhatTheirEntropySays) {
  // 16 bits of a Gaussian: 8 of them are sign and mantissa; the exponent and the top of the mantissa take some 5.5
  // of 11.
  constexpr std::uint64_t columns = 384, count = 768 * columns;
  const std::vector<std::byte> bytes = make(bf16, count, columns, Content::weights, 1);
  const TensorView view{.schema = {.element = bf16, .count = count, .columns = columns},
                        .bytes = bytes,
                        .base = bytes,
                        .block_elements = 340 * columns};
  const auto trial = find_tensor_codec(0x0401)->look(view);
  ASSERT_NE(trial, nullptr);
  EXPECT_LT(static_cast<double>(pack(view, *trial).bytes), 0.66 * static_cast<double>(bytes.size()));
}

TEST(TensorCodecs, WhatIsLikeItsBaseTakesNextToNothing) {
  constexpr std::uint64_t columns = 384, count = 384 * columns;
  const std::vector<std::byte> bytes = make(f32, count, columns, Content::weights, 2);
  const std::vector<std::byte> near = make_base(bytes, f32, 3);
  const auto packed_bytes = [&](base::ByteView base) {
    const TensorView view{.schema = {.element = f32, .count = count, .columns = columns},
                          .bytes = bytes,
                          .base = base,
                          .block_elements = 170 * columns};
    return pack(view, *find_tensor_codec(0x0403)->look(view)).bytes;
  };
  EXPECT_LT(packed_bytes(bytes), 2000u);
  EXPECT_LT(packed_bytes(near), bytes.size() / 6);
}

TEST(TensorCodecs, DamagedBlocksAreRefusedOrGiveBytes) {
  constexpr std::uint64_t columns = 96, count = 120 * columns;
  std::mt19937 random(17);
  for (const TensorCodec* codec : tensor_registry()) {
    const std::vector<std::byte> bytes = make(f32, count, columns, Content::repeated, 5);
    const std::vector<std::byte> base = make_base(bytes, f32, 8);
    const TensorView view{.schema = {.element = f32, .count = count, .columns = columns},
                          .bytes = bytes,
                          .base = bytes,
                          .block_elements = 64 * columns};
    const auto trial = codec->look(view);
    EXPECT_EQ(trial == nullptr, codec->lossy()) << codec->info().name;
    if (trial == nullptr) continue;
    const Packed packed = pack(view, *trial);
    for (int i = 0; i < 600; ++i) {
      Packed damaged = packed;
      auto& part =
          i % 3 == 0 && !damaged.preamble.empty() ? damaged.preamble : damaged.blocks[i % damaged.blocks.size()];
      if (i % 2 == 0)
        part.resize(random() % part.size());
      else
        part[random() % std::min<std::size_t>(part.size(), i % 4 == 1 ? 200 : part.size())] ^=
            static_cast<std::byte>(1u << random() % 8);
      std::vector<std::byte> out;
      const Status read = unpack(*codec, view, damaged, out);
      EXPECT_FALSE(i % 2 == 0 && read.has_value()) << codec->info().name;
    }
  }
}

}  // namespace
}  // namespace attar::codec
