// The section of kept rows: what is written comes back, and no field out of range does.
#include "format/kept_rows.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/random.h"

namespace attar::format {
namespace {

using Bytes = std::vector<std::byte>;

std::vector<TensorEntry> tables() {
  const TensorEntry one{.name = "embed", .element_bytes = 4, .shape = {30, 20}, .count = 600, .columns = 20};
  std::vector<TensorEntry> out(4, one);
  out[1].shape = {16, 2, 3};
  out[1].count = 96;
  out[2].shape = {600};
  out[3].shape = {1u << 20, 3};
  out[3].count = 3u << 20;
  return out;
}

KeptRowsEntry entry(std::uint32_t tensor, std::uint64_t rows, std::uint64_t seed) {
  KeptRowsEntry out{
      .tensor = tensor, .original = 77 + seed, .rows = rows, .bits = Bytes(static_cast<std::size_t>((rows + 7) / 8))};
  base::Random random(seed);
  for (std::uint64_t i = 0; i < rows; ++i)
    if (i == 3 || (i != 4 && random.below(3) == 0)) out.keep(i);
  return out;
}

Result<std::vector<KeptRowsEntry>> decode(const Bytes& bytes) {
  return decode_kept_rows(SectionReader::trusted(bytes, "kept rows", 0, kept_rows_wire_version), tables());
}

TEST(KeptRowsSection, EntriesComeBack) {
  std::vector<KeptRowsEntry> wanted = {entry(0, 30, 1), entry(1, 16, 2), entry(3, 1u << 20, 3)};
  wanted[1].filler = 3;
  const auto found = decode(encode_kept_rows(wanted));
  ASSERT_TRUE(found) << found.error().describe();
  ASSERT_EQ(found->size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const KeptRowsEntry& own = (*found)[i];
    EXPECT_EQ(own.tensor, wanted[i].tensor);
    EXPECT_EQ(own.original, wanted[i].original);
    EXPECT_EQ(own.filler, wanted[i].filler);
    EXPECT_EQ(own.rows, wanted[i].rows);
    EXPECT_TRUE(own.bits == wanted[i].bits);
    EXPECT_EQ(own.kept() + own.dropped(), own.rows);
    EXPECT_TRUE(own.keeps(3));
    EXPECT_FALSE(own.keeps(4));
  }
}

TEST(KeptRowsSection, FieldsOutOfRangeAreCorrupt) {
  const auto changed = [](const std::function<void(KeptRowsEntry&)>& change) {
    std::vector<KeptRowsEntry> entries = {entry(0, 30, 1), entry(1, 16, 2)};
    change(entries[0]);
    return decode(encode_kept_rows(entries));
  };
  ASSERT_TRUE(changed([](KeptRowsEntry&) {}));
  const std::function<void(KeptRowsEntry&)> wrong[] = {
      [](KeptRowsEntry& own) { own.tensor = 4; },
      [](KeptRowsEntry& own) { own.tensor = 1; },
      [](KeptRowsEntry& own) { own = entry(2, 30, 1); },
      [](KeptRowsEntry& own) { own = entry(0, 29, 1); },
      [](KeptRowsEntry& own) { own.filler = 4; },
      [](KeptRowsEntry& own) { own.filler = 30; },
      [](KeptRowsEntry& own) { own.bits = Bytes(4); },
      [](KeptRowsEntry& own) { own.bits[3] |= std::byte{0x80}; },
      [](KeptRowsEntry& own) {
        for (std::uint64_t i = 0; i < 30; ++i) own.keep(i);
      },
  };
  for (std::size_t i = 0; i < std::size(wrong); ++i) {
    const auto found = changed(wrong[i]);
    ASSERT_FALSE(found) << i;
    EXPECT_EQ(found.error().code, ErrorCode::corrupt) << i << ": " << found.error().describe();
  }
}

TEST(KeptRowsSection, AnyCutAndAnyByteMoreIsFound) {
  Bytes bytes = encode_kept_rows({entry(0, 30, 1), entry(1, 16, 2)});
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)})) << length;
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(decode(bytes));
}

}  // namespace
}  // namespace attar::format
