#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "base/bits.h"
#include "base/random.h"
#include "index/lexical/builder.h"
#include "index/lexical/search.h"

namespace attar::index::lexical {
namespace {

using Documents = std::vector<std::vector<std::string>>;

std::vector<std::string_view> views(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

// Words whose ranks follow Zipf's law, so that lists of all lengths come about.
Documents some_documents(std::uint32_t count, std::uint64_t seed) {
  base::Random random(seed);
  Documents out(count);
  for (auto& words : out) {
    const std::uint64_t length = random.below(8) == 0 ? random.below(400) : random.below(30);
    for (std::uint64_t i = 0; i < length; ++i) {
      const double u = static_cast<double>(random.below(1'000'000) + 1) / 1e6;
      words.push_back("w" + std::to_string(static_cast<int>(std::pow(3000.0, u)) - 1));
    }
  }
  return out;
}

Sections built(const Documents& documents, Parameters parameters = {}) {
  Builder builder(parameters);
  for (const auto& words : documents) EXPECT_TRUE(builder.add(views(words)));
  return builder.finish().value();
}

format::SectionReader section(const std::vector<std::byte>& bytes, std::string name) {
  return format::SectionReader::trusted(bytes, std::move(name), 0, wire_version);
}

LexicalIndex opened(const Sections& sections, std::uint64_t documents) {
  return LexicalIndex::open(section(sections.lexical, "lexical"), section(sections.terms, "terms"), documents).value();
}

// The formulas of spec.md, straight over the documents.
std::vector<codec::Hit> exhaustive(const Documents& documents, const std::vector<std::string>& query, std::uint32_t k,
                                   std::span<const std::uint64_t> allowed, Parameters p = {}) {
  std::uint64_t total = 0;
  for (const auto& words : documents) total += words.size();
  const double mean = total == 0 ? 1.0 : static_cast<double>(total) / static_cast<double>(documents.size());
  std::vector<std::string> order;
  for (const auto& word : query)
    if (std::ranges::count(order, word) == 0) order.push_back(word);
  std::vector<float> scores(documents.size());
  for (const auto& word : order) {
    std::vector<std::uint32_t> counts;
    std::uint32_t holding = 0;
    for (const auto& words : documents) {
      counts.push_back(std::min(128u, static_cast<std::uint32_t>(std::ranges::count(words, word))));
      holding += counts.back() != 0 ? 1u : 0u;
    }
    if (holding == 0) continue;
    const auto times = static_cast<float>(std::ranges::count(query, word));
    const float weight = (idf(static_cast<std::uint32_t>(documents.size()), holding) * times) * (p.k1 + 1.0f) / 255;
    for (std::size_t d = 0; d < documents.size(); ++d) {
      if (counts[d] == 0) continue;
      const auto k1 = static_cast<double>(p.k1), b = static_cast<double>(p.b);
      const auto length = static_cast<double>(length_of(length_code(documents[d].size())));
      const double impact = std::floor(255 * counts[d] / (counts[d] + k1 * (1 - b + b * (length / mean))) + 0.5);
      scores[d] += weight * static_cast<float>(std::max(1.0, impact));
    }
  }
  codec::TopK top(k);
  for (std::uint32_t d = 0; d < scores.size(); ++d)
    if (scores[d] > 0 && (allowed.empty() || (allowed[d / 64] >> (d % 64) & 1) != 0)) top.push(scores[d], d);
  return top.sorted();
}

TEST(Bits, CodesComeBack) {
  base::Random random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::array<std::uint32_t, 3>> values;
    base::BitWriter out;
    for (int i = 0; i < 200; ++i) {
      const auto shift = static_cast<std::uint32_t>(random.below(12));
      const auto value = static_cast<std::uint32_t>(random.below(std::uint64_t{1} << (1 + random.below(20))));
      const auto kind = static_cast<std::uint32_t>(random.below(3));
      values.push_back({kind, value, shift});
      if (kind == 0) out.put(value, 20);
      if (kind == 1) out.put_gamma(value + 1);
      if (kind == 2) out.put_rice(value % 5000, shift);
    }
    const auto bytes = std::move(out).finish();
    base::BitReader in(bytes);
    for (const auto& [kind, value, shift] : values) {
      if (kind == 0) {
        ASSERT_EQ(in.get(20), value);
      } else if (kind == 1) {
        ASSERT_EQ(in.get_gamma(), value + 1);
      } else {
        ASSERT_EQ(in.get_rice(shift), value % 5000);
      }
    }
    EXPECT_TRUE(in.sound());
    EXPECT_EQ((in.position() + 7) / 8, bytes.size());
    (void)in.get(57);
    EXPECT_FALSE(in.sound());
  }
}

TEST(Lexical, LengthsAreCodedDownwards) {
  for (std::uint32_t code = 1; code < 256; ++code)
    EXPECT_GT(length_of(static_cast<std::uint8_t>(code)), length_of(static_cast<std::uint8_t>(code - 1)));
  for (std::uint64_t length = 0; length < 100'000; length += 1 + length / 50) {
    const std::uint8_t code = length_code(length);
    EXPECT_LE(length_of(code), length);
    EXPECT_GT(length_of(static_cast<std::uint8_t>(code + 1)), length);
    if (length < 64) {
      EXPECT_EQ(length_of(code), length);
    }
  }
  EXPECT_EQ(length_code(1ull << 40), 255);
}

TEST(Lexical, TheLogarithmIsTheLogarithm) {
  for (std::uint32_t n = 1; n < 5000; n += 7)
    EXPECT_NEAR(idf(5000, n), std::log(1 + (5000 - n + 0.5) / (n + 0.5)), 2e-6 * 10);
}

TEST(Lexical, ListsComeBackAndKnowTheirLargest) {
  base::Random random(3);
  for (int round = 0; round < 60; ++round) {
    const auto documents = static_cast<std::uint32_t>(1 + random.below(5000));
    std::vector<std::uint8_t> codes(documents);
    for (auto& code : codes) code = static_cast<std::uint8_t>(random.below(120));
    const Impacts impacts({}, 40);
    const std::uint64_t rarity = 1 + random.below(round % 2 == 0 ? 3 : 400);
    std::vector<Posting> postings;
    for (std::uint32_t d = 0; d < documents; ++d)
      if (random.below(rarity) == 0)
        postings.push_back({d, static_cast<std::uint32_t>(1 + random.below(random.below(10) == 0 ? 128 : 3))});
    if (postings.empty()) continue;
    const auto bytes = encode_list(postings, codes, impacts);
    List list;
    ASSERT_TRUE(list.read(bytes, static_cast<std::uint32_t>(postings.size()), codes, impacts));
    std::vector<Posting> found;
    for (std::size_t i = 0; i < list.blocks().size(); ++i) {
      std::uint8_t largest = 0;
      ASSERT_TRUE(list.each(i, [&](std::uint32_t place, std::uint32_t count) {
        found.push_back({list.blocks()[i].block * block_documents + place, count});
        largest = std::max(largest, impacts.of(codes[found.back().document], count));
      }));
      EXPECT_EQ(largest, list.blocks()[i].largest);
    }
    EXPECT_EQ(found, postings);
  }
}

TEST(Lexical, TheBestAreThoseOfAnExhaustiveSearch) {
  const Documents documents = some_documents(2'000, 5);
  const Sections sections = built(documents);
  const LexicalIndex index = opened(sections, documents.size());
  ASSERT_TRUE(index.check());
  base::Random random(6);
  SearchTimes all;
  for (int round = 0; round < 120; ++round) {
    std::vector<std::string> query;
    for (std::uint64_t i = 0; i < 1 + random.below(8); ++i)
      query.push_back("w" + std::to_string(random.below(random.below(2) == 0 ? 30 : 3000)));
    std::vector<std::uint64_t> allowed;
    if (round % 3 == 0) {
      allowed.resize((documents.size() + 63) / 64);
      for (auto& word : allowed) word = random.below(4) == 0 ? random.next() & random.next() : 0;
    }
    const auto k = static_cast<std::uint32_t>(1 + random.below(40));
    SearchTimes times;
    const auto found = search(index, views(query), {.k = k, .allowed = allowed}, &times);
    ASSERT_TRUE(found);
    ASSERT_EQ(*found, exhaustive(documents, query, k, allowed)) << round;
    all.blocks += times.blocks;
    all.scored += times.scored;
    // Documents that are wanted in any case come after the best, with the same scores.
    std::vector<std::uint32_t> also;
    for (std::uint32_t d = 0; d < documents.size(); d += 1 + static_cast<std::uint32_t>(random.below(400)))
      also.push_back(d);
    auto expected = exhaustive(documents, query, k, allowed);
    for (const codec::Hit& hit : exhaustive(documents, query, static_cast<std::uint32_t>(documents.size()), {}))
      if (std::ranges::binary_search(also, hit.row) &&
          std::ranges::find(expected, hit.row, &codec::Hit::row) == expected.end())
        expected.push_back(hit);
    auto with_others = search(index, views(query), {.k = k, .allowed = allowed, .also = also});
    ASSERT_TRUE(with_others);
    const auto best = static_cast<std::ptrdiff_t>(found->size());
    ASSERT_TRUE(std::equal(found->begin(), found->end(), with_others->begin()));
    std::sort(expected.begin() + best, expected.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
    std::sort(with_others->begin() + best, with_others->end(),
              [](const auto& a, const auto& b) { return a.row < b.row; });
    ASSERT_EQ(*with_others, expected) << round;
  }
  EXPECT_LT(all.scored, all.blocks) << "some blocks are left out";
}

TEST(Lexical, OtherParametersAndOddCollections) {
  const Documents odd = {{}, {"a"}, {"a", "a", "b"}, {}, std::vector<std::string>(700, "a")};
  for (const Parameters p : {Parameters{0, 0}, Parameters{2, 1}, Parameters{1.5f, 0.3f}}) {
    const Sections sections = built(odd, p);
    const LexicalIndex index = opened(sections, odd.size());
    ASSERT_TRUE(index.check());
    for (const std::vector<std::string>& query :
         {std::vector<std::string>{"a"}, {"b", "a"}, {"c"}, {"a", "a", "b"}, {}})
      EXPECT_EQ(search(index, views(query), {.k = 3}).value(), exhaustive(odd, query, 3, {}, p));
  }
  const Sections empty = built({{}, {}});
  EXPECT_TRUE(opened(empty, 2).check());
  EXPECT_TRUE(search(opened(empty, 2), {}, {.k = 3}).value().empty());
  EXPECT_FALSE(Builder().finish());
}

TEST(Lexical, FindsEveryTermAndNoOther) {
  const Documents documents = some_documents(300, 9);
  const Sections sections = built(documents);
  const LexicalIndex index = opened(sections, documents.size());
  std::map<std::string, std::uint32_t> holding;
  for (const auto& words : documents)
    for (const auto& word : std::set<std::string>(words.begin(), words.end())) ++holding[word];
  EXPECT_EQ(index.header().terms, holding.size());
  for (const auto& [word, count] : holding) {
    const auto term = index.find(word).value();
    ASSERT_TRUE(term) << word;
    EXPECT_EQ(term->holding, count);
    EXPECT_FALSE(index.find(word + "x").value());
  }
  EXPECT_FALSE(index.find("").value());
  EXPECT_FALSE(index.find("zzz").value());
}

// Every byte changed, and every length cut: an error or an answer, never anything else.
TEST(Lexical, DamageIsToldOrHarmless) {
  const Documents documents = some_documents(260, 11);
  const Sections sound = built(documents);
  base::Random random(12);
  const std::vector<std::string> query = {"w0", "w1", "w5", "w40", "w400"};
  for (int round = 0; round < 3'000; ++round) {
    Sections damaged = sound;
    auto& bytes = round % 4 == 0 ? damaged.terms : damaged.lexical;
    if (round % 50 == 0)
      bytes.resize(random.below(bytes.size()));
    else
      bytes[random.below(round % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 900))] ^=
          static_cast<std::byte>(1 + random.below(255));
    const auto index = LexicalIndex::open(section(damaged.lexical, "lexical"), section(damaged.terms, "terms"), 260);
    if (!index) continue;
    (void)index->check();
    const auto found = search(*index, views(query), {.k = 10});
    if (!found) continue;
    for (const codec::Hit& hit : *found) EXPECT_LT(hit.row, 260u);
  }
}

TEST(Lexical, OtherVersionsAndOtherRowsAreRefused) {
  const Sections sections = built(some_documents(50, 2));
  const auto open = [&](std::uint16_t version, std::uint64_t rows) {
    return LexicalIndex::open(format::SectionReader::trusted(sections.lexical, "lexical", 0, version),
                              section(sections.terms, "terms"), rows);
  };
  EXPECT_TRUE(open(1, 50));
  EXPECT_EQ(open(2, 50).error().code, ErrorCode::too_new);
  EXPECT_EQ(open(0, 50).error().code, ErrorCode::too_old);
  EXPECT_EQ(open(1, 51).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace attar::index::lexical
