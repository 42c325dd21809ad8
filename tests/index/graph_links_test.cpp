#include "index/graph/links.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "base/random.h"

namespace attar::index::graph {
namespace {

codec::Schema schema_of(std::uint64_t rows) { return {.rows = rows, .dims = 4, .metric = Metric::cosine}; }

format::SectionReader section(base::ByteView bytes, std::uint16_t version = links_wire_version) {
  return format::SectionReader::trusted(bytes, "graph", 0, version);
}

// Row i goes to i + 1, i + 2, … (around), every third one to one fewer.
Adjacency ring(std::uint32_t rows, std::uint32_t degree) {
  Adjacency out;
  out.rows = rows;
  out.degree = degree;
  for (std::uint32_t row = 0; row < rows; ++row)
    for (std::uint32_t i = 0; i < degree; ++i) {
      const bool unused = i + 1 > rows - 1 || (i + 1 == degree && degree > 1 && row % 3 == 0);
      out.links.push_back(unused ? row : (row + i + 1) % rows);
    }
  out.entries = {0};
  if (rows > 9) out.entries.push_back(9);
  return out;
}

ErrorCode code_of(const std::vector<std::byte>& bytes, std::uint64_t rows) {
  const auto links = Links::open(section(bytes), schema_of(rows));
  if (!links) return links.error().code;
  const Status checked = links->check();
  return checked ? ErrorCode::unsupported : checked.error().code;
}

TEST(GraphLinks, ComeBackAsTheyWere) {
  for (const std::uint32_t rows : {1u, 2u, 3u, 64u, 65u, 1000u, 70'000u})
    for (const std::uint32_t degree : {1u, 2u, 28u, 42u, most_degree}) {
      if (rows > 1000 && degree != 28) continue;
      const Adjacency graph = ring(rows, degree);
      const auto bytes = encode_links(graph);
      const LinksLayout layout(rows, degree, static_cast<std::uint32_t>(graph.entries.size()));
      ASSERT_EQ(bytes.size(), layout.bytes);
      EXPECT_EQ(layout.lines % 64, 0u);
      const auto links = Links::open(section(bytes), schema_of(rows));
      ASSERT_TRUE(links) << links.error().message;
      ASSERT_TRUE(links->check()) << rows << " rows, degree " << degree;
      EXPECT_EQ(links->degree(), degree);
      EXPECT_EQ(std::vector(links->entries().begin(), links->entries().end()), graph.entries);
      EXPECT_EQ(links->unreachable(), 0u);
      std::vector<std::uint32_t> own(links->room());
      for (std::uint32_t row = 0; row < rows; ++row) {
        links->read(row, own.data());
        const auto expected = graph.places(row);
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), own.begin())) << row;
      }
    }
}

TEST(GraphLinks, ALineHoldsWhatItSays) {
  EXPECT_EQ(LinksLayout::degree_of_line(260'144, 64), 28u);
  EXPECT_EQ(LinksLayout::degree_of_line(260'144, 96), 42u);
  EXPECT_EQ(LinksLayout::degree_of_line(1'000'000, 64), 25u);
  EXPECT_EQ(LinksLayout::degree_of_line(2, 64), most_degree);
  for (const std::uint64_t rows : {1ull, 2ull, 1000ull, 262'144ull, 262'145ull, 0xffff'fffeull})
    for (const std::uint32_t line : {32u, 64u, 96u, 128u})
      EXPECT_LE(LinksLayout(rows, LinksLayout::degree_of_line(rows, line), 1).line_bytes, line) << rows;
}

TEST(GraphLinks, TheLargestNormIsKeptUnderInnerProductAlone) {
  Adjacency graph = ring(20, 3);
  graph.squared_reach = 6.25f;
  const auto bytes = encode_links(graph);
  codec::Schema schema = schema_of(20);
  EXPECT_FALSE(Links::open(section(bytes), schema));
  schema.metric = Metric::inner_product;
  const auto links = Links::open(section(bytes), schema);
  ASSERT_TRUE(links) << links.error().message;
  EXPECT_EQ(links->squared_reach(), 6.25f);
  for (const float odd : {-1.0f, 1e37f, std::numeric_limits<float>::quiet_NaN()}) {
    graph.squared_reach = odd;
    EXPECT_FALSE(Links::open(section(encode_links(graph)), schema)) << odd;
  }
}

TEST(GraphLinks, RowsThatNoWalkComesToAreCounted) {
  Adjacency graph = ring(20, 1);
  graph.links[14] = 0;  // 15 … 19 follow 14 alone
  graph.entries = {0, 18};
  const auto bytes = encode_links(graph);
  const auto links = Links::open(section(bytes), schema_of(20));
  ASSERT_TRUE(links);
  ASSERT_TRUE(links->check());
  EXPECT_EQ(links->unreachable(), 3u);  // 15, 16, 17
}

// A walk keeps row numbers in 31 bits; sizes would agree with more.
TEST(GraphLinks, MoreRowsThanAWalkCanNameAreRefused) {
  const auto sound = encode_links(ring(21, 3));
  EXPECT_EQ(code_of(sound, most_rows), ErrorCode::truncated);
  EXPECT_EQ(code_of(sound, most_rows + 1), ErrorCode::over_limit);
}

TEST(GraphLinks, DamageIsNamed) {
  constexpr std::uint32_t rows = 21, degree = 3;
  const auto sound = encode_links(ring(rows, degree));
  const LinksLayout layout(rows, degree, 2);
  EXPECT_EQ(code_of(sound, rows), ErrorCode::unsupported);  // nothing is wrong with it
  const auto with = [&](std::size_t at, unsigned value) {
    auto bytes = sound;
    bytes[at] = static_cast<std::byte>(value);
    return code_of(bytes, rows);
  };
  EXPECT_EQ(with(0, 0), ErrorCode::corrupt);                    // no links
  EXPECT_EQ(with(0, most_degree + 1), ErrorCode::corrupt);      // too many
  EXPECT_EQ(with(1, 1), ErrorCode::corrupt);                    // likewise
  EXPECT_EQ(with(4, 0), ErrorCode::corrupt);                    // no entry points
  EXPECT_EQ(with(4, rows + 1), ErrorCode::corrupt);             // more than rows
  EXPECT_EQ(with(4, 18), ErrorCode::truncated);                 // a longer header
  EXPECT_EQ(with(8, 1), ErrorCode::corrupt);                    // a norm, under cosine
  EXPECT_EQ(with(12, 1), ErrorCode::corrupt);                   // reserved
  EXPECT_EQ(with(64, 9), ErrorCode::corrupt);                   // an entry point twice
  EXPECT_EQ(with(68, rows), ErrorCode::corrupt);                // no row
  EXPECT_EQ(with(72, 1), ErrorCode::corrupt);                   // padding
  EXPECT_EQ(with(layout.lines, 31), ErrorCode::corrupt);        // no row: 21 rows take five bits
  EXPECT_EQ(with(layout.lines + 1, 0x80), ErrorCode::corrupt);  // a spare bit of the line
  EXPECT_EQ(with(layout.lines + 5, 1), ErrorCode::corrupt);     // a spare byte
  auto holes = ring(rows, degree);
  holes.links[0] = 0;  // an unused place before a link
  EXPECT_EQ(code_of(encode_links(holes), rows), ErrorCode::corrupt);
  for (std::size_t size = 0; size < sound.size(); ++size)
    EXPECT_EQ(code_of({sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)}, rows), ErrorCode::truncated);
  auto longer = sound;
  longer.push_back(std::byte{0});
  EXPECT_EQ(code_of(longer, rows), ErrorCode::corrupt);
  EXPECT_EQ(Links::open(section(sound, links_wire_version + 1), schema_of(rows)).error().code, ErrorCode::too_new);
}

// Whatever bytes come, opening and checking says so or leaves links that are rows.
TEST(GraphLinks, NoBitLeadsAstray) {
  constexpr std::uint32_t rows = 40, degree = 5;
  const auto sound = encode_links(ring(rows, degree));
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    auto bytes = sound;
    bytes[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    const auto links = Links::open(section(bytes), schema_of(rows));
    if (!links || !links->check()) continue;
    std::vector<std::uint32_t> own(links->room());
    for (std::uint32_t row = 0; row < rows; ++row) {
      links->read(row, own.data());
      for (std::uint32_t i = 0; i < links->degree(); ++i) ASSERT_LT(own[i], rows) << "bit " << bit;
    }
    EXPECT_LE(links->unreachable(), rows);
  }
}

}  // namespace
}  // namespace attar::index::graph
