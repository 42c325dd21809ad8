#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "base/progress.h"
#include "base/random.h"
#include "text/near/clusters.h"
#include "text/near/shingles.h"

namespace attar::text {
namespace {

using Set = std::set<std::uint64_t>;

std::vector<std::uint64_t> units_of(std::string_view text, ShingleKind kind = {}) {
  Shingler shingler(kind);
  std::vector<std::uint64_t> out;
  shingler.units(text, out);
  return out;
}

Set set_of(std::string_view text, ShingleKind kind = {}) {
  ShingleSet sets;
  const auto all = sets.of(units_of(text, kind), kind.size);
  Set out(all.begin(), all.end());
  EXPECT_EQ(out.size(), all.size()) << "each once";
  EXPECT_FALSE(out.contains(0));
  return out;
}

double jaccard_of(const Set& a, const Set& b) {
  const auto common = static_cast<double>(std::ranges::count_if(a, [&](std::uint64_t x) { return b.contains(x); }));
  const double all = static_cast<double>(a.size() + b.size()) - common;
  return all == 0 ? 0 : common / all;
}

/// Two sets of so many members, so many of them common.
std::pair<std::vector<std::uint64_t>, std::vector<std::uint64_t>> sets_with(std::size_t common, std::size_t own_a,
                                                                            std::size_t own_b, base::Random& random) {
  std::vector<std::uint64_t> a, b;
  for (std::size_t i = 0; i < common; ++i) {
    a.push_back(random.next() | 1);
    b.push_back(a.back());
  }
  for (std::size_t i = 0; i < own_a; ++i) a.push_back(random.next() | 1);
  for (std::size_t i = 0; i < own_b; ++i) b.push_back(random.next() | 1);
  random.shuffle(std::span(a));
  random.shuffle(std::span(b));
  return {a, b};
}

TEST(NearShingles, CaseBlanksAndPunctuationDoNotCount) {
  EXPECT_EQ(units_of("The quick,  brown-fox!"), units_of("the QUICK brown fox"));
  EXPECT_NE(units_of("the quick brown fox"), units_of("the quick brownfox"));
  EXPECT_EQ(units_of("\u00c9T\u00c9 stra\u00dfe"), units_of("\u00e9t\u00e9\u2014stra\u00dfe"));
  EXPECT_EQ(units_of("\u6f22\u5b57abc\u30ab").size(), 4u) << "ideographs and kana are words";
  EXPECT_EQ(units_of("rotate_keys 3").size(), 2u);
  EXPECT_EQ(units_of(" .,;\n").size(), 0u);
  const std::string eight(8, 'a'), nine(9, 'a'), sixteen(16, 'a'), more(17, 'a');
  EXPECT_EQ(Set({units_of(eight)[0], units_of(nine)[0], units_of(sixteen)[0], units_of(more)[0]}).size(), 4u);
}

TEST(NearShingles, AsciiIsReadAsAnyOtherText) {
  base::Random random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const std::size_t size = random.below(200);
    while (text.size() < size) text += random.below(5) == 0 ? ' ' : static_cast<char>(random.below(128));
    const auto ascii = units_of(text);
    auto other = units_of("\u00e9 " + text);
    ASSERT_FALSE(other.empty());
    other.erase(other.begin());
    ASSERT_EQ(ascii, other) << text;
  }
}

TEST(NearShingles, AnyBytesAreRead) {
  base::Random random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const std::size_t size = random.below(80);
    while (text.size() < size) text += static_cast<char>(random.below(256));
    for (const auto unit : {ShingleKind::Unit::words, ShingleKind::Unit::characters})
      ASSERT_EQ(set_of(text, {unit, 5}), set_of(text, {unit, 5}));
  }
}

TEST(NearShingles, SetsHoldEachRunOnce) {
  EXPECT_EQ(set_of("a b c d e").size(), 3u);
  EXPECT_EQ(set_of("a b a b a b a b").size(), 2u);
  EXPECT_EQ(set_of("a b").size(), 1u) << "a short text is one shingle";
  EXPECT_NE(set_of("a b"), set_of("a"));
  EXPECT_TRUE(set_of("").empty());
  EXPECT_EQ(set_of("b c d", {ShingleKind::Unit::words, 3}), set_of("B. C! D?", {ShingleKind::Unit::words, 3}));
  const Set whole = set_of("a b c d e"), part = set_of("b c d");
  EXPECT_TRUE(std::ranges::includes(whole, part)) << "a run's hash does not depend on what came before";
  EXPECT_EQ(set_of("ab cd", {ShingleKind::Unit::characters, 3}).size(), 3u) << "\"ab \", \"b c\", \" cd\"";
  EXPECT_EQ(set_of("ab cd", {ShingleKind::Unit::characters, 3}), set_of("AB,  cd", {ShingleKind::Unit::characters, 3}));
}

TEST(NearShingles, NamesTellTextsApart) {
  const auto name = [](std::string_view text) { return name_of(units_of(text), text); };
  EXPECT_EQ(name("Hello, world"), name("hello world!"));
  EXPECT_NE(name("hello world"), name("world hello"));
  EXPECT_NE(name("?"), name("!")) << "without words the bytes count";
}

TEST(NearSets, SimilarityIsThatOfTheSets) {
  base::Random random(3);
  SetProbe probe;
  for (int round = 0; round < 3000; ++round) {
    const auto [a, b] = sets_with(random.below(40), random.below(20), random.below(20), random);
    const Set set_a(a.begin(), a.end()), set_b(b.begin(), b.end());
    const double truth = jaccard_of(set_a, set_b);
    probe.take(a);
    ASSERT_DOUBLE_EQ(probe.jaccard(b), truth);
    for (const double threshold : {0.05, 0.5, 0.8, 1.0, std::max(truth, 0.01)})
      ASSERT_EQ(probe.near(b, threshold), truth >= threshold) << truth << " " << threshold;
  }
}

TEST(NearSets, TheThresholdItselfIsNear) {
  base::Random random(4);
  SetProbe probe;
  for (std::size_t all = 1; all < 60; ++all)
    for (std::size_t common = 1; common <= all; ++common) {
      const auto [a, b] = sets_with(common, all - common, 0, random);
      probe.take(a);
      const double threshold = static_cast<double>(common) / static_cast<double>(all);
      ASSERT_TRUE(probe.near(b, threshold)) << common << "/" << all;
      ASSERT_EQ(least_common(a.size(), b.size(), threshold), common);
    }
}

TEST(NearMinHash, SignaturesAreTheLeastHashes) {
  base::Random random(5), draws(1);
  const MinHash hash(40);
  ASSERT_EQ(hash.padded(), 64u);
  std::vector<std::uint32_t> factors, summands, signature(hash.padded());
  for (int i = 0; i < 64; ++i) factors.push_back(static_cast<std::uint32_t>(draws.next() >> 32) | 1);
  for (int i = 0; i < 64; ++i) summands.push_back(static_cast<std::uint32_t>(draws.next() >> 32));
  for (std::size_t size = 1; size < 50; ++size) {
    const auto [set, other] = sets_with(size, 0, 0, random);
    hash.sign(set, signature);
    for (std::size_t i = 0; i < 64; ++i) {
      std::uint32_t least = ~0U;
      for (const std::uint64_t x : set)
        least = std::min(least, factors[i] * static_cast<std::uint32_t>(x >> 32) + summands[i]);
      ASSERT_EQ(signature[i], least) << i;
    }
  }
}

TEST(NearMinHash, EstimatesHaveTheBinomialsMeanAndVariance) {
  constexpr int rounds = 600, values = 224;
  const MinHash hash(values);
  std::vector<std::uint32_t> a_values(values), b_values(values);
  for (const auto& [common, own] : {std::pair<std::size_t, std::size_t>{4, 1}, {20, 5}, {60, 40}, {400, 100}}) {
    base::Random random(common);
    const double truth = static_cast<double>(common) / static_cast<double>(common + 2 * own);
    double sum = 0, squares = 0;
    for (int round = 0; round < rounds; ++round) {
      const auto [a, b] = sets_with(common, own, own, random);
      hash.sign(a, a_values);
      hash.sign(b, b_values);
      int equal = 0;
      for (int i = 0; i < values; ++i)
        equal += a_values[static_cast<std::size_t>(i)] == b_values[static_cast<std::size_t>(i)];
      const double estimate = static_cast<double>(equal) / values;
      sum += estimate;
      squares += (estimate - truth) * (estimate - truth);
    }
    const double variance = truth * (1 - truth) / values;
    EXPECT_NEAR(sum / rounds, truth, 5 * std::sqrt(variance / rounds)) << common;
    EXPECT_NEAR(squares / rounds / variance, 1, 0.35) << common;
  }
}

TEST(NearBands, KeepTheChance) {
  for (const double threshold : {0.2, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0})
    for (const double miss : {0.1, 0.001, 1e-6}) {
      const auto layout = choose_bands(threshold, miss, 256);
      if (!layout) continue;
      EXPECT_LE(layout->chance_to_miss(threshold), miss);
      EXPECT_LE(layout->bands * layout->rows, 256u);
      EXPECT_GE(layout->rows, 1u);
    }
  const auto usual = choose_bands(0.8, 0.001, 256);
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->rows, 7u);
  EXPECT_EQ(usual->bands, 30u);
  EXPECT_FALSE(choose_bands(0.01, 0.001, 256));
}

TEST(NearBands, OfferPairsAsOftenAsTheFormulaSays) {
  constexpr int rounds = 4000;
  const BandLayout layout{.bands = 8, .rows = 4};
  const MinHash hash(layout.bands * layout.rows);
  std::vector<std::uint32_t> a_values(hash.padded()), b_values(hash.padded()), a_bands(8), b_bands(8);
  base::Random random(6);
  for (const std::size_t own : {2, 5, 10}) {
    const double truth = 20.0 / (20.0 + 2.0 * static_cast<double>(own));
    int missed = 0;
    for (int round = 0; round < rounds; ++round) {
      const auto [a, b] = sets_with(20, own, own, random);
      hash.sign(a, a_values);
      hash.sign(b, b_values);
      hash_bands(a_values, layout, a_bands);
      hash_bands(b_values, layout, b_bands);
      bool met = false;
      for (std::size_t band = 0; band < 8; ++band) met = met || a_bands[band] == b_bands[band];
      missed += met ? 0 : 1;
    }
    const double chance = layout.chance_to_miss(truth);
    EXPECT_NEAR(static_cast<double>(missed) / rounds, chance, 5 * std::sqrt(chance * (1 - chance) / rounds) + 1e-3);
  }
}

TEST(NearBands, EntriesComeBackByHashWhereverTheyLay) {
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{40'000}, std::uint64_t{500}}) {
    base::Random random(7);
    BandStore store(3, memory);
    std::vector<std::multimap<std::uint32_t, std::uint32_t>> truth(3);
    for (std::uint32_t text = 0; text < 3000; ++text) {
      std::vector<std::uint32_t> hashes;
      for (auto& band : truth) {
        hashes.push_back(static_cast<std::uint32_t>(random.below(500) * 8'589'934));
        band.emplace(hashes.back(), text);
      }
      ASSERT_TRUE(store.add(text, hashes));
    }
    EXPECT_EQ(store.spilled() != 0, memory < 1000000);
    for (std::uint32_t band = 0; band < 3; ++band) {
      std::vector<std::pair<std::uint32_t, std::uint32_t>> got;
      ASSERT_TRUE(store.read(band, [&](std::span<const BandEntry> entries) -> Status {
        const bool later = entries.empty() || got.empty() || entries.front().hash > got.back().first;
        EXPECT_TRUE(later) << "one hash, one call";
        for (const BandEntry& entry : entries) got.emplace_back(entry.hash, entry.text);
        return {};
      }));
      ASSERT_EQ(got, (std::vector<std::pair<std::uint32_t, std::uint32_t>>(truth[band].begin(), truth[band].end())));
    }
  }
}

TEST(NearSets, ComeBackWhereverTheyLay) {
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{5000}}) {
    base::Random random(8);
    SetStore store(memory);
    std::map<std::uint32_t, std::vector<std::uint64_t>> truth;
    for (std::uint32_t text = 0; text < 400; text += 1 + static_cast<std::uint32_t>(random.below(3))) {
      auto [set, other] = sets_with(random.below(30), 0, 0, random);
      ASSERT_TRUE(store.add(text, set));
      truth[text] = set;
    }
    EXPECT_EQ(store.spilled() != 0, memory == 5000);
    std::vector<std::uint64_t> scratch;
    for (std::uint32_t text = 0; text < 410; ++text) {
      const auto got = store.set_of(text, scratch).value();
      ASSERT_EQ(std::vector<std::uint64_t>(got.begin(), got.end()), truth[text]) << text;
    }
  }
}

TEST(NearNames, TheFirstOfANameStands) {
  base::Random random(9);
  NameTable table;
  std::map<std::uint64_t, std::uint32_t> truth;
  for (std::uint32_t text = 0; text < 20000; ++text) {
    const std::uint64_t name = random.below(8000) * 0x123456789;
    truth.emplace(name, text);
    ASSERT_EQ(table.first_with(name, text), truth[name]);
  }
}

/// Families of sets that share many of their members; the components of all near pairs, the plain way.
struct Families {
  std::vector<std::vector<std::uint64_t>> sets;
  std::vector<std::uint32_t> roots;

  Families(std::uint64_t seed, double threshold) {
    base::Random random(seed);
    for (int family = 0; family < 40; ++family) {
      const auto [first, other] = sets_with(10 + random.below(60), 0, 0, random);
      const std::size_t members = 1 + random.below(8);
      for (std::size_t i = 0; i < members; ++i) {
        auto set = first;
        const std::size_t changed = random.below(1 + set.size() / 5);
        for (std::size_t j = 0; j < changed; ++j) set[random.below(set.size())] = random.next() | 1;
        sets.push_back(set);
      }
    }
    random.shuffle(std::span(sets));
    UnionFind clusters;
    clusters.grow(sets.size());
    SetProbe probe;
    for (std::uint32_t i = 0; i < sets.size(); ++i) {
      probe.take(sets[i]);
      for (std::uint32_t j = 0; j < i; ++j)
        if (probe.jaccard(sets[j]) >= threshold) clusters.join(i, j);
    }
    for (std::uint32_t i = 0; i < sets.size(); ++i) roots.push_back(clusters.root_of(i));
  }
};

TEST(NearClusters, AreTheComponentsOfNearPairs) {
  base::SilentProgress progress;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (const double threshold : {0.5, 0.8}) {
      const Families families(seed, threshold);
      std::optional<NearCounts> counts;
      for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{50'000}})
        for (const unsigned threads : {1U, 3U}) {
          if (memory == 50'000 && seed + threads != 3) continue;  // hundreds of files take their time
          auto near = NearClusters::make({.threshold = threshold, .miss = 1e-9, .most_values = 2048, .memory = memory});
          ASSERT_TRUE(near);
          std::vector<std::uint32_t> values(near->hash().padded()), bands(near->layout().bands);
          for (std::uint32_t i = 0; i < families.sets.size(); ++i) {
            near->hash().sign(families.sets[i], values);
            hash_bands(values, near->layout(), bands);
            ASSERT_TRUE(near->add(i, families.sets[i], bands));
          }
          UnionFind clusters;
          clusters.grow(families.sets.size());
          base::ThreadPool pool(threads);
          const auto done = near->join(clusters, pool, progress);
          ASSERT_TRUE(done);
          for (std::uint32_t i = 0; i < families.sets.size(); ++i) ASSERT_EQ(clusters.root_of(i), families.roots[i]);
          if (!counts) counts = *done;
          EXPECT_EQ(done->spilled != 0, memory == 50'000);
          EXPECT_TRUE(memory == 50'000 || done->compared == counts->compared)
              << "the same work at any number of threads";
        }
    }
}

TEST(NearClusters, AChanceThatCannotBeKeptIsRefused) {
  const auto refused = NearClusters::make({.threshold = 0.05, .miss = 1e-6, .most_values = 64});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace attar::text
