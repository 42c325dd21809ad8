#include "text/encoder/static/static_encoder.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <cmath>
#include <cstring>

#include "base/bytes.h"
#include "base/half.h"

namespace attar::text {
namespace {

constexpr std::uint32_t dims = 16;
const std::vector<std::string> vocabulary = {"[UNK]", "red", "green", "##ish", "blue"};

// Token i has scale 2^-i; component j of it is level (i · 5 + j) mod 16.
std::vector<std::byte> table(const std::vector<std::string>& tokens = vocabulary) {
  std::string text;
  for (const auto& token : tokens) text += token + "\n";
  std::vector<std::byte> frame(ZSTD_compressBound(text.size()));
  frame.resize(ZSTD_compress(frame.data(), frame.size(), text.data(), text.size(), 3));
  base::ByteWriter out;
  out.write_text("attarenc");
  out.write(std::uint32_t{1});
  out.write(static_cast<std::uint32_t>(vocabulary.size()));
  out.write(dims);
  out.write(static_cast<std::uint32_t>(frame.size()));
  for (int level = 0; level < 16; ++level) out.write(static_cast<std::int8_t>(level * 16 - 127));
  out.pad_to(64);
  for (std::size_t i = 0; i < vocabulary.size(); ++i)
    out.write(base::float_to_half(std::ldexp(1.0f, -static_cast<int>(i))));
  out.pad_to(8);
  for (std::uint32_t i = 0; i < vocabulary.size(); ++i)
    for (std::uint32_t j = 0; j < dims; j += 2)
      out.write(static_cast<std::uint8_t>((i * 5 + j) % 16 | (i * 5 + j + 1) % 16 << 4));
  out.write_bytes(frame);
  return std::move(out).release();
}

std::vector<double> expected(const std::vector<std::uint32_t>& tokens) {
  std::vector<double> out(dims);
  for (const auto i : tokens)
    for (std::uint32_t j = 0; j < dims; ++j)
      out[j] +=
          std::ldexp(1.0, -static_cast<int>(i)) * ((i * 5.0 + j - 16 * std::floor((i * 5.0 + j) / 16)) * 16 - 127);
  double sum = 0;
  for (auto& value : out) {
    value = std::copysign(std::pow(std::fabs(value), 11.0 / 16), value);
    sum += value * value;
  }
  for (auto& value : out) value /= sum > 0 ? std::sqrt(sum) : 1;
  return out;
}

std::vector<float> encoded(const StaticEncoder& encoder, const std::vector<std::string_view>& texts,
                           unsigned threads = 1) {
  base::ThreadPool pool(threads);
  std::vector<float> out(texts.size() * dims);
  EXPECT_TRUE(encoder.encode(texts, pool, out));
  return out;
}

TEST(StaticEncoder, IsThePoweredSumOfItsTokens) {
  const auto encoder = StaticEncoder::make(table()).value();
  EXPECT_EQ(encoder->info().dims, dims);
  EXPECT_EQ(encoder->info().digest.size(), 64u);
  const std::vector<std::pair<std::string_view, std::vector<std::uint32_t>>> cases = {
      {"Red", {1}}, {"green blue", {2, 4}}, {"REDish red", {1, 3, 1}}, {"blue zebra", {4}}, {"", {}}, {"zebra", {}}};
  for (const auto& [text, tokens] : cases) {
    const auto found = encoded(*encoder, {text});
    const auto wanted = expected(tokens);
    for (std::uint32_t j = 0; j < dims; ++j) EXPECT_NEAR(found[j], wanted[j], 1e-6) << text << " " << j;
  }
  EXPECT_EQ(encoder->count_tokens("redish blue"), 3u);
}

TEST(StaticEncoder, GivesTheSameRowsInAnyBatchOnAnyThreads) {
  const auto encoder = StaticEncoder::make(table()).value();
  std::vector<std::string_view> texts;
  const std::vector<std::string_view> some = {"red green", "blue", "greenish red blue", "none of these", ""};
  for (int i = 0; i < 1000; ++i) texts.push_back(some[static_cast<std::size_t>(i) % some.size()]);
  const auto one = encoded(*encoder, texts), two = encoded(*encoder, texts, 2);
  EXPECT_EQ(one, two);
  for (std::size_t i = 0; i < some.size(); ++i) {
    const auto alone = encoded(*encoder, {some[i]});
    EXPECT_EQ(std::memcmp(alone.data(), one.data() + i * dims, sizeof(float) * dims), 0);
  }
}

TEST(StaticEncoder, RefusesTablesThatAreNone) {
  const auto good = table();
  const auto refused = [](std::vector<std::byte> bytes) { return StaticEncoder::make(bytes).error().code; };
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(refused({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}), ErrorCode::corrupt) << size;
  auto bytes = good;
  bytes[8] = std::byte{2};
  EXPECT_EQ(refused(bytes), ErrorCode::too_new);
  bytes[8] = std::byte{0};
  EXPECT_EQ(refused(bytes), ErrorCode::too_old);
  for (const std::size_t at : {0u, 12u, 13u, 15u, 16u, 19u, 20u, 23u, 24u, 39u}) {
    bytes = good;
    bytes[at] ^= std::byte{0x7f};
    EXPECT_EQ(refused(bytes), ErrorCode::corrupt) << at;
  }
  bytes = good;
  base::store(bytes.data() + 64, std::uint16_t{0x7c00});  // an infinite scale
  EXPECT_EQ(refused(bytes), ErrorCode::corrupt);
  EXPECT_EQ(refused(table({"[UNK]", "red"})), ErrorCode::corrupt);
}

TEST(StaticEncoder, SaysWhereTheRoomIsWrong) {
  const auto encoder = StaticEncoder::make(table()).value();
  base::ThreadPool pool(1);
  std::vector<float> out(dims - 1);
  const std::vector<std::string_view> texts = {"red"};
  EXPECT_EQ(encoder->encode(texts, pool, out).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace attar::text
