// Ids come back row by row, cost little, and a hostile section cannot mislead their reader.
#include "format/ids.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "format/samples.h"

namespace attar::format {
namespace {

std::vector<std::byte> encode(const std::vector<std::string>& ids) {
  base::MemorySink sink;
  IdsWriter writer(sink);
  for (const std::string& id : ids) {
    const Status status = writer.append(id);
    EXPECT_TRUE(status) << message(status);
  }
  const Status status = writer.finish();
  EXPECT_TRUE(status) << message(status);
  return std::move(sink).release();
}

Result<IdsReader> open(base::ByteView bytes, std::uint64_t rows) {
  return IdsReader::open(SectionReader::trusted(bytes, "ids", 0, ids_wire_version), rows);
}

void expect_round_trip(const std::vector<std::string>& ids) {
  const auto bytes = encode(ids);
  const auto reader = open(bytes, ids.size());
  ASSERT_TRUE(reader) << reader.error().describe();
  ATTAR_ASSERT_OK(reader->check());
  for (std::size_t row = 0; row < ids.size(); ++row) ASSERT_EQ(reader->id(row).value(), ids[row]) << row;
  ASSERT_EQ(reader->ids(0, ids.size()).value(), ids);
  EXPECT_EQ(reader->id(ids.size()).error().code, ErrorCode::invalid_argument);
}

TEST(Ids, AnyBytesOfAnyLengthComeBack) {
  base::Random random(5);
  for (const std::size_t rows : {0u, 1u, 63u, 64u, 65u, 128u, 1000u}) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < rows; ++i) {
      std::string id = i > 0 && random.below(2) == 0 ? ids.back().substr(0, random.below(ids.back().size() + 1)) : "";
      for (std::uint64_t left = random.below(random.below(10) == 0 ? 600 : 30); left > 0; --left)
        id.push_back(static_cast<char>(random.below(256)));
      ids.push_back(std::move(id));
    }
    expect_round_trip(ids);
  }
}

TEST(Ids, LengthsAroundTheTokensEdges) {
  std::vector<std::string> ids;
  for (const std::size_t length : {0u, 14u, 15u, 16u, 142u, 143u, 144u, 16'398u, 16'399u, 16'400u, 65'534u, 65'535u})
    for (const char last : {'a', 'b'}) ids.push_back(length == 0 ? "" : std::string(length - 1, 'x') + last);
  expect_round_trip(ids);
}

TEST(Ids, RangesStartAndEndInsideGroups) {
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) ids.push_back("doc-" + std::to_string(i));
  const auto bytes = encode(ids);
  const auto reader = open(bytes, ids.size());
  ASSERT_TRUE(reader);
  const auto some = reader->ids(60, 140);
  ASSERT_TRUE(some);
  EXPECT_EQ(*some, std::vector<std::string>(ids.begin() + 60, ids.begin() + 200));
  EXPECT_TRUE(reader->ids(300, 0).value().empty());
  EXPECT_FALSE(reader->ids(299, 2));
  EXPECT_FALSE(reader->ids(1, UINT64_MAX));
}

TEST(Ids, NumberedIdsCostUnderThreeBytes) {
  std::vector<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.push_back("https://example.org/documents/" + std::to_string(1'000'000 + i));
  EXPECT_LT(encode(ids).size(), 10'000u * 4);
}

TEST(Ids, TooLongAnIdIsRefusedByRow) {
  base::MemorySink sink;
  IdsWriter writer(sink);
  ATTAR_ASSERT_OK(writer.append("first"));
  const Status status = writer.append(std::string(65'536, 'x'));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(status.error().message.find("row 1"), std::string::npos);
}

raw::Bytes section_of(std::initializer_list<int> group, std::uint64_t end) {
  raw::Bytes out;
  for (const int b : group) out.push_back(static_cast<std::byte>(b));
  const auto at = out.size();
  out.resize(at + 8);
  base::store(out.data() + at, end);
  return out;
}

void expect_corrupt(const raw::Bytes& bytes, std::uint64_t rows, std::string_view words) {
  const auto reader = open(bytes, rows);
  ASSERT_TRUE(reader);
  const auto id = reader->id(rows - 1);
  ASSERT_FALSE(id) << words;
  EXPECT_EQ(id.error().code, ErrorCode::corrupt);
  EXPECT_EQ(id.error().section, "ids");
  EXPECT_NE(id.error().message.find(words), std::string::npos) << id.error().message;
  EXPECT_FALSE(reader->check());
}

TEST(Ids, HostileGroupsAreRefused) {
  EXPECT_EQ(open(section_of({0x01, 'a'}, 2), 1)->id(0).value(), "a");
  expect_corrupt(section_of({0x11, 'a'}, 2), 1, "shares more");
  expect_corrupt(section_of({0x02, 'a'}, 2), 1, "announced");
  expect_corrupt(section_of({0x01, 'a'}, 2), 2, "announced");
  expect_corrupt(section_of({0x01, 'a', 'b'}, 3), 1, "follow the ids");
  expect_corrupt(section_of({0x01, 'a'}, 3), 1, "out of order");
  expect_corrupt(section_of({0x01, 'a'}, UINT64_MAX), 1, "out of order");
  expect_corrupt(section_of({0x0f, 0xff, 0xff, 0xff, 0x01}, 5), 1, "does not end");
  expect_corrupt(section_of({0x0f, 0xff, 0xff, 0x7f}, 4), 1, "more than 65535 bytes");
  expect_corrupt(section_of({0x0f, 0x80, 0x00}, 3), 1, "longer than needed");
}

TEST(Ids, BytesBetweenGroupsAndIndexAreFound) {
  const raw::Bytes bytes = section_of({0x01, 'a', 'z'}, 2);
  const auto reader = open(bytes, 1);
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->id(0).value(), "a");
  EXPECT_FALSE(reader->check());
}

TEST(Ids, MoreRowsThanTheSectionHoldsAreTruncated) {
  const raw::Bytes bytes = section_of({0x01, 'a'}, 2);
  EXPECT_EQ(open(bytes, 65).error().code, ErrorCode::truncated);
  EXPECT_EQ(open(bytes, UINT64_MAX).error().code, ErrorCode::truncated);
}

TEST(Ids, WireVersionsAreToldApart) {
  const auto code = [](std::uint16_t version) {
    return IdsReader::open(SectionReader::trusted({}, "ids", 0, version), 0).error().code;
  };
  EXPECT_EQ(code(0), ErrorCode::too_old);
  EXPECT_EQ(code(2), ErrorCode::too_new);
}

// Every bit of a small section, checksums out of the way: an error or some ids, never more than a section can hold.
TEST(Ids, FlippedBitsNeverCrash) {
  std::vector<std::string> ids;
  for (int i = 0; i < 150; ++i)
    ids.push_back("id " + std::string(static_cast<std::size_t>(i % 40), 'x') + std::to_string(i));
  auto bytes = encode(ids);
  std::uint64_t refused = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const std::byte mask = std::byte{1} << (bit % 8);
    bytes[bit / 8] ^= mask;
    const auto reader = open(bytes, ids.size());
    ASSERT_TRUE(reader);
    const auto all = reader->ids(0, ids.size());
    refused += all ? 0u : 1u;
    if (all) {
      ASSERT_NE(*all, ids) << "bit " << bit << " carries nothing";
    }
    bytes[bit / 8] ^= mask;
  }
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace attar::format
