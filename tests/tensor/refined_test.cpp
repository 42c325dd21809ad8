// Progressive blocks: whatever the elements, what a reader makes of the first passes is what the writer measured,
// errors fall to the step, and hostile blocks are typed errors.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/random.h"
#include "codec/tensors.h"
#include "tensor/refined/cells.h"
#include "tensor/refined/refined.h"

namespace attar::tensor::refined {
namespace {

constexpr codec::Element single{.bytes = 4, .exponent_bits = 8, .mantissa_bits = 23};
constexpr codec::Element brain{.bytes = 2, .exponent_bits = 8, .mantissa_bits = 7};
constexpr codec::Element half{.bytes = 2, .exponent_bits = 5, .mantissa_bits = 10};

struct Made {
  codec::TensorView view;
  std::vector<std::byte> bytes;
};

// Near to Gaussian, columns and rows of different sizes; a few elements are huge or no numbers.
Made make(const codec::Element& element, std::uint64_t count, std::uint64_t columns, std::uint64_t seed, bool strange) {
  base::Random random(seed);
  std::vector<float> values(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    float sum = 0;
    for (int n = 0; n < 6; ++n) sum += static_cast<float>(random.below(2001)) - 1000;
    values[i] = sum * 1e-5f * std::exp2(static_cast<float>(i % columns % 5) - static_cast<float>(i / columns % 3));
    if (strange && random.below(500) == 0)
      values[i] = random.below(2) == 0 ? std::numeric_limits<float>::quiet_NaN() : 6e4f;
  }
  Made out{.view = {.schema = {.element = element, .count = count, .columns = columns}}, .bytes = {}};
  out.bytes.resize(count * element.bytes);
  const steps::Type type = element == single  ? steps::Type::f32
                           : element == brain ? steps::Type::bf16
                                              : steps::Type::f16;
  steps::narrow(type, values.data(), count, out.bytes.data());
  out.view.bytes = out.bytes;
  out.view.block_elements = std::max<std::uint64_t>(1, 3000 / columns) * columns;
  return out;
}

std::vector<std::byte> with_passes(const CodedBlock& block, std::size_t passes) {
  base::ByteWriter out;
  out.write_bytes(block.root);
  for (std::size_t i = 0; i < passes; ++i) {
    out.write(static_cast<std::uint32_t>(block.passes[i].size()));
    out.write_bytes(block.passes[i]);
  }
  return std::move(out).release();
}

TEST(Refined, ReadersSeeWhatWritersMeasured) {
  std::uint64_t seed = 0;
  for (const codec::Element& element : {single, brain, half})
    for (const auto& [count, columns] :
         {std::pair<std::uint64_t, std::uint64_t>{1, 1}, {7, 3}, {384, 384}, {4000, 40}, {9001, 100}, {20'000, 16}})
      for (const bool strange : {false, true}) {
        SCOPED_TRACE(count);
        const Made made = make(element, count, columns, ++seed, strange);
        const auto planes = Planes::look(made.view);
        ASSERT_NE(planes, nullptr);
        const double step = 0.003;
        codec::TableSets::Counts counts(contexts);
        for (std::uint64_t b = 0; b < planes->blocks(); ++b) {
          const auto own = planes->count(b, step);
          for (std::size_t c = 0; c < contexts; ++c)
            for (std::size_t s = 0; s < own[c].size(); ++s) counts[c][s] += own[c][s];
        }
        codec::TableSets tables;
        const auto table = tables.add(fit(counts));
        ASSERT_TRUE(table);
        const auto reader =
            codec::find_tensor_codec(codec_id)->open(planes->preamble(*table), made.view.schema, tables);
        ASSERT_TRUE(reader) << reader.error().message;
        for (std::uint64_t b = 0; b < planes->blocks(); ++b) {
          std::vector<std::vector<std::byte>> seen;
          const auto watch = [&](unsigned passes, base::ByteView elements) {
            EXPECT_EQ(passes, seen.size());
            seen.emplace_back(elements.begin(), elements.end());
          };
          const CodedBlock block = planes->code(b, step, tables.set(*table), watch);
          ASSERT_EQ(seen.size(), block.passes.size() + 1);
          for (std::size_t passes = 0; passes < seen.size(); ++passes) {
            std::vector<std::byte> back(seen[passes].size());
            const auto read = (*reader)->read(with_passes(block, passes), {}, back);
            ASSERT_TRUE(read) << read.error().message;
            EXPECT_TRUE(back == seen[passes]) << passes;
          }
        }
      }
}

// With all passes no element is further off than a step, which is 2^-22 of the largest at least.
TEST(Refined, AllPassesComeWithinAStep) {
  const Made made = make(single, 30'000, 60, 99, true);
  const auto planes = Planes::look(made.view);
  ASSERT_NE(planes, nullptr);
  const float step = 6e4f * 0x1p-22f;
  const math::RansModel model = fit(planes->count(0, static_cast<double>(step)));
  std::vector<std::byte> last;
  const auto watch = [&](unsigned, base::ByteView elements) { last.assign(elements.begin(), elements.end()); };
  static_cast<void>(planes->code(0, static_cast<double>(step), model, watch));
  const base::ByteView own = planes->block_of(0);
  for (std::size_t at = 0; at < own.size(); at += 4) {
    const float was = base::load<float>(own.data() + at), is = base::load<float>(last.data() + at);
    if (std::isnan(was)) {
      EXPECT_TRUE(std::isnan(is));
    } else {
      EXPECT_LE(std::fabs(was - is), step) << was;
    }
  }
}

TEST(Refined, HostileBlocksAreTypedErrors) {
  const Made made = make(single, 3000, 60, 5, true);
  const auto planes = Planes::look(made.view);
  ASSERT_NE(planes, nullptr);
  codec::TableSets tables;
  const auto table = tables.add(fit(planes->count(0, 0.003)));
  ASSERT_TRUE(table);
  const auto* codec = codec::find_tensor_codec(codec_id);
  const auto preamble = planes->preamble(*table);
  const auto reader = codec->open(preamble, made.view.schema, tables);
  ASSERT_TRUE(reader);
  const CodedBlock block = planes->code(0, 0.003, tables.set(*table), [](unsigned, base::ByteView) {});
  const auto whole = with_passes(block, block.passes.size());
  std::vector<std::byte> out(planes->block_of(0).size());
  base::Random random(6);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::byte> bad = whole;
    if (i % 4 == 0)
      bad.resize(random.below(bad.size()));
    else
      bad[random.below(i % 4 == 1 ? 60 : bad.size())] ^= static_cast<std::byte>(1 + random.below(255));
    const auto read = (*reader)->read(bad, {}, out);
    if (!read) {
      EXPECT_TRUE(read.error().code == ErrorCode::corrupt || read.error().code == ErrorCode::truncated);
      EXPECT_FALSE(read.error().message.empty());
    }
  }
  for (std::size_t at = 0; at < std::min<std::size_t>(preamble.size(), 40); ++at) {
    auto bad = preamble;
    bad[at] ^= std::byte{0x55};
    const auto opened = codec->open(bad, made.view.schema, tables);
    if (!opened) {
      EXPECT_FALSE(opened.error().message.empty());
    }
  }
  // Other tables than those of passes, and a tensor of whole numbers.
  codec::TableSets others;
  std::vector<math::RansFrequencies> even(contexts);
  for (auto& own : even) own[0] = 4096;
  ASSERT_TRUE(others.add(math::RansModel(even)));
  EXPECT_FALSE(codec->open(preamble, made.view.schema, others));
  EXPECT_FALSE(codec->open(preamble, {.element = {.bytes = 4}, .count = 3000, .columns = 60}, tables));
}

}  // namespace
}  // namespace attar::tensor::refined
