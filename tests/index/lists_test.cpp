#include "index/lists.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/random.h"

namespace attar::index {
namespace {

constexpr std::uint32_t dims = 5;
const codec::Schema schema{.rows = 11, .dims = dims, .metric = Metric::cosine};

format::SectionReader section(base::ByteView bytes, std::uint16_t version = lists_wire_version) {
  return format::SectionReader::trusted(bytes, "lists", 0, version);
}

std::vector<std::byte> sample() {
  base::Random random(4);
  math::Matrix<float> exact(3, dims);
  for (float& value : exact.values) value = static_cast<float>(random.normal());
  Centroids centroids = Centroids::rounded(exact);
  centroids.spreads = {0.5f, 0.0f, 2.0f};
  const std::vector<std::uint32_t> ends = {4, 4, 11}, rows = {1, 3, 8, 9, 0, 2, 4, 5, 6, 7, 10};
  return encode_lists(centroids, ends, rows);
}

ErrorCode code_of(const std::vector<std::byte>& bytes) {
  const auto lists = Lists::open(section(bytes), schema);
  if (!lists) return lists.error().code;
  const auto rows = lists->rows_by_position();
  return rows ? ErrorCode::unsupported : rows.error().code;
}

TEST(Lists, ComeBackAsTheyWere) {
  const auto bytes = sample();
  EXPECT_EQ(bytes.size(), ListsLayout(11, dims, 3).bytes);
  const auto lists = Lists::open(section(bytes), schema);
  ASSERT_TRUE(lists) << lists.error().message;
  EXPECT_EQ(lists->count(), 3u);
  EXPECT_EQ(lists->rows(), 11u);
  EXPECT_EQ(lists->positions(0).size(), 4u);
  EXPECT_EQ(lists->positions(1).size(), 0u);
  EXPECT_EQ(lists->positions(2).first, 4u);
  EXPECT_EQ(lists->list_of(3), 0u);
  EXPECT_EQ(lists->list_of(4), 2u);
  EXPECT_EQ(lists->row(2).value(), 8u);
  EXPECT_EQ(lists->row(10).value(), 10u);
  const auto rows = lists->rows_by_position().value();
  EXPECT_EQ(std::vector(rows.begin(), rows.end()), (std::vector<std::uint32_t>{1, 3, 8, 9, 0, 2, 4, 5, 6, 7, 10}));
  EXPECT_EQ(lists->centroids().spreads[2], 2.0f);
}

TEST(Lists, CentroidsLoseHalfAStepAtMost) {
  base::Random random(6);
  math::Matrix<float> exact(4, dims);
  for (float& value : exact.values) value = static_cast<float>(random.normal());
  std::fill_n(exact.row(3), dims, 0.0f);
  const Centroids centroids = Centroids::rounded(exact);
  const math::Matrix<float> back = centroids.decoded();
  for (std::size_t list = 0; list < 4; ++list)
    for (std::size_t i = 0; i < dims; ++i)
      EXPECT_NEAR(back(list, i), exact(list, i), centroids.steps[list] * 0.501f) << list;
}

TEST(Lists, WhatContradictsItselfIsRefused) {
  const auto whole = sample();
  const ListsLayout layout(11, dims, 3);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(code_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), ErrorCode::truncated)
        << size;
  const auto with = [&](std::uint64_t at, auto value) {
    auto bytes = whole;
    base::store(bytes.data() + at, value);
    return code_of(bytes);
  };
  EXPECT_EQ(code_of(whole), ErrorCode::unsupported) << "the sample is sound";
  EXPECT_EQ(with(0, std::uint32_t{0}), ErrorCode::corrupt);
  EXPECT_EQ(with(0, std::uint32_t{12}), ErrorCode::corrupt) << "more lists than rows";
  EXPECT_EQ(with(4, std::uint32_t{1}), ErrorCode::corrupt);
  EXPECT_EQ(with(layout.steps, -1.0f), ErrorCode::corrupt);
  EXPECT_EQ(with(layout.steps, std::numeric_limits<float>::quiet_NaN()), ErrorCode::corrupt);
  EXPECT_EQ(with(layout.spreads, 1e30f), ErrorCode::corrupt);
  EXPECT_EQ(with(layout.ends, std::uint32_t{5}), ErrorCode::corrupt) << "ends that fall";
  EXPECT_EQ(with(layout.ends + 8, std::uint32_t{10}), ErrorCode::corrupt);
  EXPECT_EQ(with(layout.numbers, std::uint8_t{0x33}), ErrorCode::corrupt) << "one row twice";
  EXPECT_EQ(with(layout.numbers, std::uint8_t{0x3f}), ErrorCode::corrupt) << "a row that is not there";
  EXPECT_EQ(Lists::open(section(whole, 2), schema).error().code, ErrorCode::too_new);
  EXPECT_EQ(Lists::open(section(whole, 0), schema).error().code, ErrorCode::too_old);
}

TEST(Lists, ARowThatIsNotThereIsNoAnswer) {
  auto bytes = sample();
  bytes[ListsLayout(11, dims, 3).numbers] = std::byte{0x3f};
  const auto lists = Lists::open(section(bytes), schema);
  ASSERT_TRUE(lists);
  EXPECT_EQ(lists->row(0).error().code, ErrorCode::corrupt);
  EXPECT_TRUE(lists->row(1));
}

TEST(Lists, RandomBytesAreRefusedOrUsable) {
  base::Random random(9);
  const auto whole = sample();
  for (int trial = 0; trial < 3000; ++trial) {
    auto bytes = whole;
    for (std::uint64_t i = 0; i <= random.below(3); ++i)
      bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
    const auto lists = Lists::open(section(bytes), schema);
    if (!lists) continue;
    for (std::uint32_t position = 0; position < 11; ++position) {
      EXPECT_LT(lists->row(position).value_or(0), 11u);
      EXPECT_LT(lists->list_of(position), lists->count());
    }
  }
}

}  // namespace
}  // namespace attar::index
