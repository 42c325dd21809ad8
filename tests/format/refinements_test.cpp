// The list of refinements: what is written comes back, and no field out of range does.
#include "format/refinements.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "format/samples.h"

namespace attar::format {
namespace {

using Bytes = std::vector<std::byte>;

// Two progressive tensors of three blocks and of one, and one between them that is not.
std::vector<TensorEntry> tensors() {
  std::vector<TensorEntry> out(3);
  out[0].count = 250;
  out[0].block_elements = 100;
  out[1].count = 10;
  out[1].block_elements = 10;
  out[2].count = 40;
  out[2].block_elements = 40;
  return out;
}

RefinementOrder sample() {
  const auto state = [](std::uint64_t checksum, double error) {
    return BlockState{.checksum = checksum, .squared_error = error, .max_error = error / 2};
  };
  return {.tensors = {{.number = 0, .first_block = 0, .blocks = 3}, {.number = 2, .first_block = 3, .blocks = 1}},
          .roots = {state(1, 8), state(2, 9), state(3, 10), state(4, 11)},
          .refinements = {{.block = 3, .lengths = {0, 70'000}, .state = state(5, 7)},
                          {.block = 0, .lengths = {1}, .state = state(6, 6)},
                          {.block = 3, .lengths = {90, 0, 200}, .state = state(7, 0)}}};
}

constexpr std::uint64_t sample_bytes = 70'000 + 1 + 290;

Result<RefinementOrder> decode(const Bytes& bytes, std::uint64_t refinements_bytes = sample_bytes,
                               const OpenLimits& limits = {}) {
  return decode_order(SectionReader::trusted(bytes, "order", 0, refinements_wire_version), tensors(), refinements_bytes,
                      limits);
}

void expect_same(const BlockState& a, const BlockState& b) {
  EXPECT_EQ(a.checksum, b.checksum);
  EXPECT_EQ(a.squared_error, b.squared_error);
  EXPECT_EQ(a.max_error, b.max_error);
}

TEST(RefinementOrders, ComeBack) {
  const RefinementOrder wanted = sample();
  const auto read = decode(encode_order(wanted));
  ASSERT_TRUE(read) << read.error().describe();
  ASSERT_EQ(read->tensors.size(), 2u);
  EXPECT_EQ(read->tensors[1].number, 2u);
  EXPECT_EQ(read->tensors[1].first_block, 3u);
  EXPECT_EQ(read->tensors[1].blocks, 1u);
  ASSERT_EQ(read->roots.size(), wanted.roots.size());
  for (std::size_t i = 0; i < wanted.roots.size(); ++i) expect_same(read->roots[i], wanted.roots[i]);
  ASSERT_EQ(read->refinements.size(), wanted.refinements.size());
  for (std::size_t i = 0; i < wanted.refinements.size(); ++i) {
    EXPECT_EQ(read->refinements[i].block, wanted.refinements[i].block);
    EXPECT_EQ(read->refinements[i].lengths, wanted.refinements[i].lengths);
    expect_same(read->refinements[i].state, wanted.refinements[i].state);
  }
  const auto none = decode(encode_order({}), 0);
  ASSERT_TRUE(none) << none.error().describe();
  EXPECT_TRUE(none->refinements.empty());
}

TEST(RefinementOrders, EveryFieldOutOfRangeIsRefused) {
  const double infinite = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<const char*, std::function<void(RefinementOrder&)>>> changes = {
      {"tensor", [](RefinementOrder& o) { o.tensors[1].number = 3; }},
      {"order of tensors", [](RefinementOrder& o) { o.tensors[1].number = 0; }},
      {"blocks of a tensor", [](RefinementOrder& o) { o.tensors[0].blocks = 2; }},
      {"more tensors than there are", [](RefinementOrder& o) { o.tensors.resize(4, o.tensors[1]); }},
      {"error of a root", [](RefinementOrder& o) { o.roots[2].squared_error = -1; }},
      {"error that is no number", [](RefinementOrder& o) { o.roots[0].max_error = std::nan(""); }},
      {"endless error", [=](RefinementOrder& o) { o.roots[0].squared_error = infinite; }},
      {"block", [](RefinementOrder& o) { o.refinements[0].block = 4; }},
      {"no passes", [](RefinementOrder& o) { o.refinements[1].lengths.clear(); }},
      {"passes", [](RefinementOrder& o) { o.refinements[2].lengths.assign(most_passes_of_a_block + 1, 1); }},
      {"passes of a block", [](RefinementOrder& o) { o.refinements[2].lengths.assign(most_passes_of_a_block - 1, 1); }},
      {"length", [](RefinementOrder& o) { o.refinements[0].lengths[1] = 69'999; }},
      {"nothing better", [](RefinementOrder& o) { o.refinements[1].state.squared_error = 8; }},
      {"worse than before", [](RefinementOrder& o) { o.refinements[2].state.squared_error = 7.5; }}};
  for (const auto& [what, change] : changes) {
    RefinementOrder order = sample();
    change(order);
    std::uint64_t sum = 0;
    for (const Refinement& own : order.refinements) sum += own.bytes();
    // With the section's length as it should be, but where that is what is wrong.
    const bool other_length = std::string_view(what) == "length";
    const auto read = decode(encode_order(order), other_length ? sample_bytes : sum);
    ASSERT_FALSE(read) << what;
    EXPECT_EQ(read.error().code, ErrorCode::corrupt) << what;
    EXPECT_EQ(read.error().section, "order") << what;
    EXPECT_FALSE(read.error().message.empty());
  }
}

TEST(RefinementOrders, DamagedPartsAreRefused) {
  const Bytes sound = encode_order(sample());
  for (std::size_t size = 0; size < sound.size(); ++size)
    EXPECT_FALSE(decode(Bytes(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    Bytes damaged = sound;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto read = decode(damaged);
    EXPECT_FALSE(bit < 64 && read) << bit;
    EXPECT_TRUE(read || !read.error().message.empty());
  }
  const auto small = decode(sound, sample_bytes, {.max_model_bytes = 40});
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().code, ErrorCode::over_limit);
}

}  // namespace
}  // namespace attar::format
