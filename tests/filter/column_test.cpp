// Columns of every type come back as they were, take the bytes that the format says, and hostile ones are refused.
#include "filter/column.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "data/files.h"
#include "filter/support.h"

namespace attar::filter {
namespace {

constexpr ColumnType types[] = {ColumnType::integer, ColumnType::floating, ColumnType::boolean, ColumnType::date,
                                ColumnType::time,    ColumnType::string,   ColumnType::strings};

void expect_round_trip(const Plain& plain) {
  const auto bytes = plain.section();
  const auto column = Column::open(section_of(bytes), plain.rows());
  ASSERT_TRUE(column) << column.error().describe();
  const Status sound = column->check();
  ASSERT_TRUE(sound) << sound.error().describe();
  EXPECT_EQ(column->head().name, plain.name);
  EXPECT_EQ(column->head().type, plain.type);
  for (std::size_t row = 0; row < plain.rows(); ++row) ASSERT_EQ(column->value(row).value(), plain.value(row)) << row;
  const auto nulls = words_where(plain.rows(), [&](std::size_t row) { return !plain.has(row); });
  EXPECT_EQ(column->rows_without_value().value().words(plain.rows()), nulls);
}

TEST(Columns, EveryTypeComesBack) {
  base::Random random(1);
  for (const ColumnType type : types)
    for (const std::size_t rows : {1u, 2u, 63u, 64u, 65u, 300u})
      for (const std::uint64_t spread : {1ull, 2ull, 40ull, 70'000ull, 1ull << 40})
        for (const bool nulls : {false, true}) {
          SCOPED_TRACE(testing::Message() << type_name(type) << ", " << rows << " rows, spread " << spread);
          expect_round_trip(random_column(random, type, rows, nulls, spread));
        }
}

TEST(Columns, ExtremesComeBack) {
  Plain whole{.name = "x", .type = ColumnType::integer};
  whole.keys = {0, ~std::uint64_t{0}, key_of(std::int64_t{0}), std::nullopt};
  expect_round_trip(whole);
  Plain real{.name = "x", .type = ColumnType::floating, .sorted = true};
  for (const double value : {-1.7976931348623157e308, -5e-324, 0.0, 5e-324, 0.1, 1.7976931348623157e308})
    real.keys.push_back(key_of(value));
  expect_round_trip(real);
  EXPECT_EQ(key_of(-0.0), key_of(0.0));
  Plain none{.name = "x", .type = ColumnType::string};
  none.strings = {std::nullopt, std::nullopt};
  expect_round_trip(none);
  Plain empty{.name = "x", .type = ColumnType::strings};
  empty.lists = {std::vector<std::string>{}, std::nullopt, std::vector<std::string>{""}};
  expect_round_trip(empty);
}

TEST(Columns, KeysAreInTheOrderOfTheValues) {
  const double values[] = {-1e300, -2.5, -1e-300, 0.0, 1e-300, 1.0, 2.5, 1e300};
  for (std::size_t i = 1; i < std::size(values); ++i) EXPECT_LT(key_of(values[i - 1]), key_of(values[i]));
  EXPECT_LT(key_of(std::int64_t{-5}), key_of(std::int64_t{3}));
}

// The bytes of FORMAT.md, "Attributes section": 5, no value, 9, 5 under the name "n".
TEST(Columns, GoldenBytes) {
  Plain plain{.name = "n", .type = ColumnType::integer, .sorted = true};
  plain.keys = {key_of(std::int64_t{5}), std::nullopt, key_of(std::int64_t{9}), key_of(std::int64_t{5})};
  base::ByteWriter golden;
  for (const int byte : {0, 5, 2, 0}) golden.write(static_cast<std::uint8_t>(byte));  // sorted, some without; two bits
  golden.write(std::uint32_t{1});
  for (const std::uint64_t field : {std::uint64_t{1}, std::uint64_t{2}, key_of(std::int64_t{5}), std::uint64_t{4},
                                    std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0}})
    golden.write(field);
  golden.write_text("n");
  golden.pad_to(8);
  golden.write(std::uint64_t{0b1001});         // codes 1 0 2 1: the low bits
  golden.write(std::uint64_t{0b0100});         // the high bits
  golden.write(std::uint64_t{0b10'11'00'01});  // rows 1, 0, 3, 2
  golden.write(std::uint64_t{0});
  EXPECT_EQ(plain.section(), std::move(golden).release());
}

// One column of each type, and of each coding of numbers, the same for ever.
std::vector<Plain> golden_columns() {
  std::vector<Plain> out;
  for (const ColumnType type : types) {
    out.push_back({.name = std::string(type_name(type)), .type = type, .sorted = type == ColumnType::date});
    for (std::uint64_t row = 0; row < 70; ++row) {
      const bool none = row % 9 == 4;
      const auto number = static_cast<std::int64_t>(row * row % 31);
      const std::string word = std::string(row % 4, 'x') + static_cast<char>('a' + row % 5);
      const std::uint64_t key = type == ColumnType::boolean ? row % 3 / 2
                                : type == ColumnType::floating
                                    ? key_of(static_cast<double>(number) / 8 - 1)
                                    : key_of(type == ColumnType::time ? number << 40 : number - 9);
      Plain& column = out.back();
      if (is_numeric(type)) column.keys.push_back(none ? std::nullopt : std::optional(key));
      if (type == ColumnType::string) column.strings.push_back(none ? std::nullopt : std::optional(word));
      if (type == ColumnType::strings)
        column.lists.push_back(none ? std::nullopt : std::optional(std::vector<std::string>(row % 4, word)));
    }
  }
  return out;
}

// tests/golden/attributes-v1.columns: the length of a section as u64, the section, and so on. A new wire version gets a
// new file; to write a missing one, run this with ATTAR_WRITE_GOLDEN=1 in the environment.
TEST(Columns, GoldenFileOfWireVersion1) {
  const auto path = std::filesystem::path(ATTAR_SOURCE_DIR) / "tests" / "golden" / "attributes-v1.columns";
  if (std::getenv("ATTAR_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path)) {
    base::ByteWriter out;
    for (const Plain& plain : golden_columns()) {
      const auto bytes = plain.section();
      out.write(std::uint64_t{bytes.size()});
      out.write_bytes(bytes);
    }
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(out.bytes().data()), static_cast<std::streamsize>(out.size()));
  }
  const std::string file = data::read_whole(path);
  base::ByteReader in(std::as_bytes(std::span(file)));
  for (const Plain& plain : golden_columns()) {
    SCOPED_TRACE(plain.name);
    const auto length = in.read<std::uint64_t>();
    ASSERT_TRUE(length);
    const auto bytes = in.take(*length);
    ASSERT_TRUE(bytes);
    const auto column = Column::open(section_of(*bytes), plain.rows());
    ASSERT_TRUE(column && column->check());
    for (std::size_t row = 0; row < plain.rows(); ++row) ASSERT_EQ(column->value(row).value(), plain.value(row)) << row;
    EXPECT_EQ(plain.section(), std::vector<std::byte>(bytes->begin(), bytes->end())) << "the writer has changed";
  }
  EXPECT_EQ(in.remaining(), 0u);
}

TEST(Columns, NumbersTakeTheSmallerCoding) {
  Plain steps{.name = "x", .type = ColumnType::integer};
  Plain few{.name = "x", .type = ColumnType::integer};
  for (std::int64_t row = 0; row < 6400; ++row) {
    steps.keys.push_back(key_of(row * 1024));
    few.keys.push_back(key_of(row % 4 * row % 4 * 1'000'003));
  }
  EXPECT_EQ(steps.section().size(), 72u + 100 * 13 * 8);  // 13 bits: the step of 1024 is stored once
  EXPECT_LE(few.section().size(), 72u + 100 * 2 * 8 + 64 * 8);
}

// Everything that a reader may ask of a section.
void use(const std::vector<std::byte>& bytes, std::size_t rows) {
  const auto column = Column::open(section_of(bytes), rows);
  if (!column) {
    EXPECT_FALSE(column.error().message.empty());
    return;
  }
  const bool sound = column->check().has_value();
  bool read = true;
  for (std::size_t row = 0; row < rows; ++row) read = column->value(row).has_value() && read;
  EXPECT_TRUE(read || !sound);
  (void)column->extremes();
  (void)column->rows_without_value();
  const std::vector<CodeRange> ranges = {{0, 0}, {2, 5}};
  EXPECT_TRUE(column->rows_with(ranges).has_value() || !sound);
  EXPECT_TRUE(column->rows_with(std::span(ranges).first(1)).has_value() || !sound);
  if (column->head().has_strings()) {
    (void)column->place_of("ab");
    if (column->head().values > 0)
      (void)column->codes_where({0, column->head().values - 1}, [](std::string_view) { return true; });
  } else {
    (void)column->codes_between(key_of(std::int64_t{-3}), key_of(std::int64_t{1000}));
  }
}

TEST(Columns, HostileBytesAreRefusedOrHarmless) {
  base::Random random(7);
  for (const ColumnType type : types)
    for (const std::uint64_t spread : {6ull, 1ull << 40}) {
      Plain plain = random_column(random, type, 70, true, spread);
      plain.sorted = is_numeric(type);
      const auto bytes = plain.section();
      SCOPED_TRACE(type_name(type));
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        const auto column = Column::open(section_of(cut), 70);
        ASSERT_TRUE(!column || !is_numeric(type)) << size;
        if (column) {
          EXPECT_FALSE(column->check()) << size;
        }
        use(cut, 70);
      }
      for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
          auto changed = bytes;
          changed[at] ^= static_cast<std::byte>(flip);
          use(changed, 70);
        }
    }
}

TEST(Columns, VersionsAndTypesOfLaterProgramsAreTooNew) {
  auto bytes = random_column(*std::make_unique<base::Random>(3), ColumnType::integer, 10, false, 9).section();
  EXPECT_EQ(Column::open(section_of(bytes, 2), 10).error().code, ErrorCode::too_new);
  auto type = bytes, flag = bytes;
  type[0] = std::byte{7};
  flag[1] |= std::byte{8};
  EXPECT_EQ(Column::open(section_of(type), 10).error().code, ErrorCode::too_new);
  EXPECT_EQ(Column::open(section_of(flag), 10).error().code, ErrorCode::too_new);
  EXPECT_EQ(Column::open(section_of(bytes), 75).error().code, ErrorCode::truncated);
}

TEST(SlicedCodes, FindEveryRange) {
  base::Random random(11);
  for (const std::uint32_t width : {1u, 3u, 8u, 13u, 33u, 64u}) {
    std::vector<std::uint64_t> codes(200);
    for (std::uint64_t& code : codes) code = random.next() >> (64 - width) >> (random.below(2) * (width / 2));
    const auto bytes = SlicedCodes::encode(codes, width);
    const SlicedCodes sliced(bytes.data(), codes.size(), width);
    for (std::size_t i = 0; i < codes.size(); ++i) ASSERT_EQ(sliced[i], codes[i]);
    for (int round = 0; round < 50; ++round) {
      CodeRange range{codes[random.below(200)], codes[random.below(200)]};
      if (range.first > range.last) std::swap(range.first, range.last);
      std::vector<std::uint64_t> found(4);
      sliced.find(range, found);
      ASSERT_EQ(found,
                words_where(200, [&](std::size_t i) { return codes[i] >= range.first && codes[i] <= range.last; }));
    }
  }
}

TEST(SlicedCodes, ManyRangesAreOnePass) {
  base::Random random(12);
  std::vector<std::uint64_t> codes(500);
  for (std::uint64_t& code : codes) code = random.below(1000);
  const auto bytes = SlicedCodes::encode(codes, 10);
  const SlicedCodes sliced(bytes.data(), codes.size(), 10);
  std::vector<CodeRange> ranges;
  for (std::uint64_t first = 3; first < 1000; first += 30) ranges.push_back({first, first + first % 7});
  for (const std::size_t count : {1u, 5u, 34u}) {
    std::vector<std::uint64_t> found(8);
    const auto some = std::span(ranges).first(std::min(count, ranges.size()));
    sliced.find(some, found);
    EXPECT_EQ(found, words_where(500, [&](std::size_t i) {
                return std::ranges::any_of(
                    some, [&](const CodeRange& r) { return codes[i] >= r.first && codes[i] <= r.last; });
              }));
  }
}

TEST(SortedOrder, EqualsAScan) {
  base::Random random(13);
  for (const bool nulls : {false, true}) {
    Plain plain = random_column(random, ColumnType::integer, 20'000, nulls, 5000);
    plain.sorted = false;
    const auto scanned = plain.section();
    plain.sorted = true;
    const auto sorted = plain.section();
    const auto a = Column::open(section_of(scanned), 20'000), b = Column::open(section_of(sorted), 20'000);
    ASSERT_TRUE(a && b && b->check());
    for (const std::uint64_t length : {1u, 3u, 20u, 90u, 200u, 2000u, 5000u})
      for (std::uint64_t first = 0; first < 5000; first += 777) {
        const CodeRange range{first, first + length - 1};
        ASSERT_EQ(a->rows_with(std::span(&range, 1)).value(), b->rows_with(std::span(&range, 1)).value());
      }
  }
}

TEST(RowSets, WordsAndSetsAreTheSame) {
  base::Random random(17);
  for (const std::uint64_t share : {1ull, 3ull, 100ull, 40'000ull}) {
    constexpr std::size_t rows = 200'003;
    const auto some = words_where(rows, [&](std::size_t) { return random.below(share) == 0; });
    const auto more =
        words_where(rows, [&](std::size_t row) { return row % 3 == 0 || (row > 70'000 && row < 150'000); });
    const RowSet a = RowSet::from_words(some), b = RowSet::from_words(more), all = RowSet::all(rows);
    EXPECT_EQ(a.words(rows), some);
    EXPECT_EQ(b.words(rows), more);
    auto both = some, either = some, without = some, rest = some;
    for (std::size_t i = 0; i < some.size(); ++i) {
      both[i] &= more[i];
      either[i] |= more[i];
      without[i] &= ~more[i];
    }
    rest = words_where(rows, [&](std::size_t row) { return (some[row / 64] >> (row % 64) & 1) == 0; });
    EXPECT_EQ((a & b).words(rows), both);
    EXPECT_EQ((a | b).words(rows), either);
    EXPECT_EQ((a - b).words(rows), without);
    EXPECT_EQ((all - a).words(rows), rest);
    EXPECT_EQ(all.count(), rows);
    EXPECT_EQ((all - all).words(rows), std::vector<std::uint64_t>((rows + 63) / 64));
  }
}

}  // namespace
}  // namespace attar::filter
