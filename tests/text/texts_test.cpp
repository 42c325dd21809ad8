#include "text/store/texts.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "base/bytes.h"
#include "text/store/documents.h"

namespace attar::text {
namespace {

format::SectionReader section(const std::vector<std::byte>& bytes, std::uint16_t version = 1) {
  return format::SectionReader::trusted(bytes, "texts", 0, version);
}

std::vector<std::byte> packed(const std::vector<std::string>& pieces, const TextPacking& packing = {},
                              unsigned threads = 1) {
  std::vector<std::string_view> views(pieces.begin(), pieces.end());
  base::ThreadPool pool(threads);
  base::SilentProgress progress;
  return pack_texts(views, packing, pool, progress).value();
}

// Words over and over, of all lengths, with empty pieces and bytes that are no text.
std::vector<std::string> random_pieces(std::size_t count, std::uint32_t seed, std::size_t longest) {
  std::mt19937 random(seed);
  const std::vector<std::string> words = {"packet", "window",   " the ",  "compress", "\n",
                                          "of ",    "\xff\xfe", "budget", "é"};
  std::vector<std::string> out(count);
  for (std::string& piece : out) {
    const std::size_t size = random() % (longest + 1);
    while (piece.size() < size) piece += words[random() % words.size()] + std::to_string(random() % 50);
    if (random() % 10 == 0) piece.clear();
  }
  return out;
}

TEST(Texts, GivesBackEveryPieceWhateverTheGroups) {
  std::uint32_t seed = 1;
  for (const std::size_t count : {1u, 2u, 63u, 700u})
    for (const std::uint32_t group : {1u, 300u, 16'384u}) {
      const auto pieces = random_pieces(count, seed++, 900);
      const auto bytes = packed(pieces, {.group_bytes = group});
      const Texts texts = Texts::open(section(bytes), count).value();
      EXPECT_EQ(texts.bytes(),
                std::accumulate(pieces.begin(), pieces.end(), std::uint64_t{0},
                                [](std::uint64_t sum, const auto& piece) { return sum + piece.size(); }));
      for (std::uint32_t row = 0; row < count; ++row) EXPECT_EQ(texts.text(row).value(), pieces[row]);
      std::vector<std::string> all;
      ASSERT_TRUE(texts.visit(0, static_cast<std::uint32_t>(count), [&](std::size_t, std::string_view text) -> Status {
        all.emplace_back(text);
        return {};
      }));
      EXPECT_EQ(all, pieces);
      EXPECT_TRUE(texts.check());
    }
}

TEST(Texts, IsTheSameForAnyNumberOfThreadsAndUsesADictionaryWhereThereIsMuch) {
  const auto pieces = random_pieces(4000, 7, 1500);
  const auto one = packed(pieces), two = packed(pieces, {}, 2), none = packed(pieces, {.dictionary_bytes = 0});
  EXPECT_EQ(one, two);
  EXPECT_GT(base::load<std::uint32_t>(one.data() + 16), 0u);
  EXPECT_EQ(base::load<std::uint32_t>(none.data() + 16), 0u);
  const Texts texts = Texts::open(section(one), pieces.size()).value();
  const std::vector<std::uint32_t> rows = {0, 1, 17, 1999, 3999};
  std::vector<std::string> found;
  ASSERT_TRUE(texts.visit(rows, [&](std::size_t place, std::string_view text) -> Status {
    EXPECT_EQ(place, found.size());
    found.emplace_back(text);
    return {};
  }));
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(found[i], pieces[rows[i]]);
}

TEST(Texts, RefusesRowsThatAreNotThereAndOtherVersions) {
  const auto bytes = packed({"a", "b"});
  const Texts texts = Texts::open(section(bytes), 2).value();
  EXPECT_EQ(texts.text(2).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(texts.visit(1, 3, [](std::size_t, std::string_view) -> Status { return {}; }).error().code,
            ErrorCode::invalid_argument);
  EXPECT_EQ(Texts::open(section(bytes, 2), 2).error().code, ErrorCode::too_new);
  EXPECT_EQ(Texts::open(section(bytes, 0), 2).error().code, ErrorCode::too_old);
  EXPECT_EQ(Texts::open(section(bytes), 3).error().code, ErrorCode::corrupt);
}

// Whatever is changed: an error or another text, never more memory than the header allows, never a crash.
TEST(Texts, SurvivesEveryChangedByteAndEveryCut) {
  const auto pieces = random_pieces(40, 3, 200);
  const auto bytes = packed(pieces, {.group_bytes = 1000});
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (const int flip : {1, 128, 255}) {
      auto changed = bytes;
      changed[at] ^= static_cast<std::byte>(flip);
      const auto texts = Texts::open(section(changed), pieces.size());
      if (!texts) continue;
      const Status status = texts->check();
      EXPECT_TRUE(status || status.error().code == ErrorCode::corrupt) << at;
    }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const auto texts = Texts::open(section(cut), pieces.size());
    EXPECT_FALSE(texts && texts->check()) << size;
  }
}

TEST(Documents, GivesBackTheRowsOfEveryDocument) {
  std::mt19937 random(5);
  for (const std::uint32_t most : {1u, 2u, 9u, 1000u})
    for (const std::size_t count : {1u, 64u, 65u, 500u}) {
      std::vector<std::uint32_t> counts(count);
      for (auto& own : counts) own = 1 + static_cast<std::uint32_t>(random() % most);
      const std::uint32_t rows = std::accumulate(counts.begin(), counts.end(), 0u);
      const auto bytes = pack_documents(counts);
      const auto documents = Documents::open(format::SectionReader::trusted(bytes, "documents", 0, 1), rows).value();
      ASSERT_EQ(documents.size(), count);
      std::uint32_t first = 0;
      for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_EQ(documents.rows(i).first, first);
        EXPECT_EQ(documents.rows(i).size(), counts[i]);
        EXPECT_EQ(documents.of(first).document, i);
        EXPECT_EQ(documents.of(first + counts[i] - 1).document, i);
        first += counts[i];
      }
      EXPECT_EQ(bytes.size(), most == 1 ? 8u : bytes.size());  // one row a document costs nothing
    }
}

TEST(Documents, RefusesWhatContradictsItself) {
  const auto bytes = pack_documents(std::vector<std::uint32_t>{3, 1, 4});
  const auto open = [](const std::vector<std::byte>& raw, std::uint64_t rows) {
    return Documents::open(format::SectionReader::trusted(raw, "documents", 0, 1), rows);
  };
  EXPECT_TRUE(open(bytes, 8));
  EXPECT_EQ(open(bytes, 9).error().code, ErrorCode::corrupt);
  EXPECT_EQ(open(bytes, 7).error().code, ErrorCode::corrupt);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(open({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}, 8));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto changed = bytes;
    changed[at] ^= std::byte{1};
    const auto opened = open(changed, 8);
    EXPECT_TRUE(!opened || opened->rows(opened->size() - 1).last == 8) << at;
  }
}

}  // namespace
}  // namespace attar::text
