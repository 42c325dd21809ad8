#include "attar/corpus.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "engine/encoders.h"
#include "engine/support.h"
#include "math/vector_ops.h"

namespace attar::engine {
namespace {

using Json = nlohmann::json;

std::vector<std::string> lines_of(const std::string& bytes) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size() - 1) + 1;
    out.push_back(bytes.substr(at, end - at));
    at = end;
  }
  return out;
}

/// Words of a small vocabulary, and copies of earlier texts with a few words changed.
std::vector<std::string> texts_with_copies(std::uint64_t seed, std::size_t count) {
  base::Random random(seed);
  std::vector<std::vector<std::string>> texts;
  const auto word = [&] { return fmt::format("w{}", random.below(5000)); };
  while (texts.size() < count) {
    std::vector<std::string> text;
    if (!texts.empty() && random.below(2) == 0) {
      text = texts[random.below(texts.size())];
      const std::uint64_t changes = random.below(4);
      for (std::uint64_t i = 0; i < changes; ++i) text[random.below(text.size())] = word();
    } else {
      const std::size_t size = 1 + random.below(60);
      while (text.size() < size) text.push_back(word());
    }
    texts.push_back(std::move(text));
  }
  std::vector<std::string> out;
  out.reserve(texts.size());
  for (const auto& text : texts) out.push_back(fmt::format("{}", fmt::join(text, random.below(4) == 0 ? ", " : " ")));
  return out;
}

/// By text: whether it is the first of its cluster, by comparing all pairs.
std::vector<bool> kept_plainly(const std::vector<std::string>& texts, double threshold, std::size_t size) {
  std::vector<std::set<std::string>> sets;
  for (const std::string& text : texts) {
    std::vector<std::string> words(1);
    for (const char c : text) {
      if (c == ' ') words.emplace_back();
      if (c != ' ' && c != ',') words.back() += c;
    }
    std::set<std::string> set;
    const std::size_t run = std::min(size, words.size());
    for (std::size_t i = 0; i + run <= words.size(); ++i)
      set.insert(fmt::format("{}", fmt::join(words.begin() + static_cast<std::ptrdiff_t>(i),
                                             words.begin() + static_cast<std::ptrdiff_t>(i + run), " ")));
    sets.push_back(set);
  }
  std::vector<std::size_t> root(texts.size());
  std::iota(root.begin(), root.end(), std::size_t{0});
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      if (root[i] == root[j]) continue;
      const auto common =
          static_cast<double>(std::ranges::count_if(sets[i], [&](const auto& x) { return sets[j].contains(x); }));
      if (common / (static_cast<double>(sets[i].size() + sets[j].size()) - common) < threshold) continue;
      const auto [low, high] = std::minmax(root[i], root[j]);
      std::ranges::replace(root, high, low);
    }
  std::vector<bool> kept;
  for (std::size_t i = 0; i < texts.size(); ++i) kept.push_back(root[i] == i);
  return kept;
}

std::string as_json_lines(const std::vector<std::string>& texts) {
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) out += Json{{"id", i}, {"text", texts[i]}}.dump() + "\n";
  return out;
}

using Corpus = EngineTest;

TEST_F(Corpus, WhatIsKeptIsTheFirstOfEveryCluster) {
  for (const std::uint64_t seed : {1, 2, 3})
    for (const auto& [threshold, size] : {std::pair{0.8, 3U}, {0.5, 2U}, {0.9, 1U}}) {
      const auto texts = texts_with_copies(seed, 500);
      const auto kept = kept_plainly(texts, threshold, size);
      const auto input = put("corpus.jsonl", as_json_lines(texts));
      const auto lines = lines_of(as_json_lines(texts));
      std::string wanted;
      for (std::size_t i = 0; i < lines.size(); ++i)
        if (kept[i]) wanted += lines[i];
      for (const unsigned threads : {1U, 3U}) {
        const auto report = dedup(input, at("kept.jsonl"),
                                  {.corpus = {.threads = threads},
                                   .near = threshold,
                                   .shingles = {.size = size},
                                   .miss = 1e-9,
                                   .permutations = 2048,
                                   .clusters = at("clusters.jsonl")});
        ASSERT_TRUE(report) << report.error().message;
        EXPECT_EQ(read_whole(at("kept.jsonl")), wanted);
        EXPECT_EQ(report->kept + report->exact + report->near, 500u);
        std::size_t gone = 0;
        for (const std::string& line : lines_of(read_whole(at("clusters.jsonl")))) {
          const Json cluster = Json::parse(line);
          EXPECT_TRUE(kept[cluster["kept"].get<std::size_t>() - 1]);
          gone += cluster["exact"].size() + cluster["near"].size();
          for (const Json& other : cluster["near"]) EXPECT_FALSE(kept[other.get<std::size_t>() - 1]);
        }
        EXPECT_EQ(gone, report->exact + report->near);
      }
    }
}

TEST_F(Corpus, LittleMemoryAndManyThreadsChangeNothing) {
  const auto input = put("corpus.jsonl", as_json_lines(texts_with_copies(4, 6000)));
  const auto first = dedup(input, at("a"), {.corpus = {.threads = 1}});
  const auto other = dedup(input, at("b"), {.corpus = {.threads = 4, .memory_bytes = 200'000}});
  ASSERT_TRUE(first && other);
  EXPECT_EQ(first->scratch_bytes, 0u);
  EXPECT_GT(other->scratch_bytes, 200'000u);
  EXPECT_EQ(read_whole(at("a")), read_whole(at("b")));
  const auto third = dedup(input, at("c"), {.corpus = {.threads = 3}});
  ASSERT_TRUE(third);
  EXPECT_EQ(first->pairs_compared, third->pairs_compared) << "the same work at any number of threads";
}

TEST_F(Corpus, LinesGoThroughByteForByte) {
  const std::string bytes =
      "\xef\xbb\xbf{\"text\": \"One text here\"}\r\n\n{ \"text\" : \"One  TEXT, here\" }\n{\"no\": 1}\n"
      "broken\n   \n{\"text\":\"Another\"}";
  const auto report = dedup(put("odd.jsonl", bytes), at("kept"));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(read_whole(at("kept")), "\xef\xbb\xbf{\"text\": \"One text here\"}\r\n{\"text\":\"Another\"}");
  EXPECT_EQ(report->corpus.documents, 3u);
  EXPECT_EQ(report->exact, 1u);
  EXPECT_EQ(report->corpus.skipped, 2u);
  ASSERT_EQ(report->corpus.first_skipped.size(), 2u);
  EXPECT_EQ(report->corpus.first_skipped[0].line, 4u);
  EXPECT_EQ(report->corpus.first_skipped[1].line, 5u);
  const auto plain = dedup(put("plain.txt", "b\na\nB!\n\na\n"), at("kept.txt"), {.near = 0});
  ASSERT_TRUE(plain);
  EXPECT_EQ(read_whole(at("kept.txt")), "b\na\n");
}

TEST_F(Corpus, TheLongestMayStand) {
  const std::string base = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
  const auto input = put("c.txt", base + "\n" + base + " fifteen\nother words\n" + base + ", fifteen!!!!\n");
  ASSERT_TRUE(dedup(input, at("first"), {}));
  EXPECT_EQ(read_whole(at("first")), base + "\nother words\n");
  const auto report = dedup(input, at("longest"), {.keep = Keep::longest});
  ASSERT_TRUE(report);
  EXPECT_EQ(read_whole(at("longest")), base + " fifteen\nother words\n") << "of exact duplicates the first";
  EXPECT_EQ(report->exact, 1u);
  EXPECT_EQ(report->near, 1u);
}

TEST_F(Corpus, WhatCannotBeDoneIsSaid) {
  const auto refused = [&](const Result<DedupReport>& result, ErrorCode code, std::string_view words) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().describe().find(words), std::string::npos) << result.error().describe();
    EXPECT_FALSE(std::filesystem::exists(at("out")));
  };
  refused(dedup(put("none.jsonl", "{\"a\": 1}\n"), at("out")), ErrorCode::invalid_data, "--text-field");
  refused(dedup(put("empty", "\n \n"), at("out")), ErrorCode::invalid_data, "no documents");
  refused(dedup(put("c.txt", "a\n"), at("out"), {.corpus = {.text_fields = {"a"}}}), ErrorCode::invalid_argument,
          "fields");
  refused(dedup(at("c.txt"), at("out"), {.near = 1.5}), ErrorCode::invalid_argument, "1.5");
  refused(dedup(at("c.txt"), at("out"), {.near = 0.01}), ErrorCode::invalid_argument, "permutations");
  refused(dedup(at("c.txt"), at("out"), {.encoder = "x"}), ErrorCode::invalid_argument, "--semantic");
  EXPECT_EQ(parse_shingles("8c")->text(), "8c");
  for (const char* wrong : {"", "3", "0w", "65w", "w", "3x", "-1w", "3w "})
    EXPECT_FALSE(parse_shingles(wrong)) << wrong;
}

/// The plain way of one cluster: every text against all that are kept.
std::vector<bool> apart_plainly(const std::vector<std::string>& texts, double cosine) {
  const auto encoder = open_encoder("").value();
  base::ThreadPool pool(1);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const std::uint32_t dims = encoder->info().dims;
  std::vector<float> vectors(texts.size() * dims);
  EXPECT_TRUE(encoder->encode(views, pool, vectors));
  std::vector<bool> kept(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    kept[i] = true;
    for (std::size_t j = 0; j < i && kept[i]; ++j)
      if (kept[j] &&
          math::dot(std::span(vectors).subspan(i * dims, dims), std::span(vectors).subspan(j * dims, dims)) > cosine)
        kept[i] = false;
  }
  return kept;
}

TEST_F(Corpus, WhatMeansTheSameGoes) {
  const std::vector<std::string> words = {"dog",   "cat",     "runs",  "sleeps", "house", "garden", "red",
                                          "green", "quickly", "bread", "oven",   "river", "boat",   "music"};
  base::Random random(5);
  std::vector<std::string> texts;
  for (int i = 0; i < 700; ++i) {
    std::string text;
    for (int j = 0; j < 4; ++j) text += words[random.below(words.size())] + " ";
    texts.push_back(text);
  }
  const auto kept = apart_plainly(texts, 0.9);
  std::string bytes, wanted;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    bytes += texts[i] + "\n";
    if (kept[i]) wanted += texts[i] + "\n";
  }
  const auto input = put("texts.txt", bytes);
  for (const unsigned threads : {1U, 3U}) {
    const auto report = dedup(input, at("kept"), {.corpus = {.threads = threads}, .near = 0, .semantic = 0.9});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(read_whole(at("kept")), wanted);
    EXPECT_GT(report->semantic, 100u);
    EXPECT_EQ(report->kept + report->exact + report->semantic, texts.size());
  }
}

TEST_F(Corpus, ManyVectorsAreComparedWithinClusters) {
  base::Random random(6);
  std::string bytes;
  for (int i = 0; i < 9000; ++i)
    bytes += fmt::format("item {} {} {}\n", random.below(40), random.below(40), random.below(40));
  const auto input = put("items.txt", bytes);
  const auto one = dedup(input, at("a"), {.corpus = {.threads = 1}, .near = 0, .semantic = 0.99});
  const auto three = dedup(input, at("b"), {.corpus = {.threads = 3}, .near = 0, .semantic = 0.99});
  ASSERT_TRUE(one && three);
  EXPECT_EQ(read_whole(at("a")), read_whole(at("b")));
  EXPECT_EQ(one->vectors_compared, three->vectors_compared);
}

const std::vector<std::string> cooking = {"Knead the dough and bake the bread in a hot oven.",
                                          "Whisk the eggs with sugar, then fold in the flour.",
                                          "Fry the onions in butter until they are golden."};

std::vector<std::string> mixed_pool() {
  std::vector<std::string> out;
  for (int i = 0; i < 20; ++i) {
    out.push_back(fmt::format("The kernel flushed page {} of the device to the disk.", i));
    out.push_back(fmt::format("The treaty of {} ended the war between both kingdoms.", 1500 + i));
  }
  out.insert(out.begin() + 7, "Bake the dough in the oven until the bread is golden.");
  out.insert(out.begin() + 21, "Fold the flour and the sugar into the eggs.");
  out.insert(out.begin() + 30, "Bake the dough in the oven until the bread is golden!");
  return out;
}

TEST_F(Corpus, WhatIsLikeTheTargetIsChosen) {
  const auto pool = put("pool.jsonl", as_json_lines(mixed_pool()));
  const auto target = put("target.jsonl", as_json_lines(cooking));
  const auto lines = lines_of(as_json_lines(mixed_pool()));
  const SelectOptions three{.like = target, .budget = {.value = 3, .unit = SelectBudget::Unit::documents}};
  for (const unsigned threads : {1U, 3U}) {
    auto options = three;
    options.corpus.threads = threads;
    const auto report = select_like(pool, at("chosen"), options);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(read_whole(at("chosen")), lines[7] + lines[21] + lines[30]);
    EXPECT_EQ(report->chosen, 3u);
    EXPECT_LE(report->nearest, report->farthest);
    EXPECT_LT(report->farthest, report->pool_median);
  }
  auto plain = three;
  plain.corpus.text_fields = {"text"};
  plain.like = put("target.txt", fmt::format("{}\n", fmt::join(cooking, "\n")));
  ASSERT_TRUE(select_like(pool, at("chosen"), plain)) << "fields are the pool's";
  EXPECT_EQ(read_whole(at("chosen")), lines[7] + lines[21] + lines[30]);
  auto once = three;
  once.near = 0.8;
  once.budget.value = 2;
  const auto report = select_like(pool, at("chosen"), once);
  ASSERT_TRUE(report);
  EXPECT_EQ(read_whole(at("chosen")).size(), (lines[7] + lines[21]).size() + report->chosen - 2);
  EXPECT_EQ(report->near, 1u);
}

TEST_F(Corpus, BudgetsAreNeverExceeded) {
  const auto pool = put("pool.jsonl", as_json_lines(mixed_pool()));
  const auto target = put("target.txt", "Bake the bread.\n");
  for (const std::uint64_t value : {1, 60, 100, 250, 1000, 1'000'000}) {
    const auto bytes = select_like(pool, at("b"), {.like = target, .budget = {.value = value}});
    ASSERT_TRUE(bytes);
    EXPECT_LE(std::filesystem::file_size(at("b")), value);
    EXPECT_EQ(std::filesystem::file_size(at("b")), bytes->bytes);
    const auto tokens = select_like(pool, at("t"), {.like = target, .budget = {value, SelectBudget::Unit::tokens}});
    ASSERT_TRUE(tokens);
    EXPECT_LE(tokens->tokens, value);
  }
  EXPECT_EQ(parse_select_budget("10MB")->value, 10'000'000u);
  EXPECT_EQ(parse_select_budget("5000docs")->unit, SelectBudget::Unit::documents);
  EXPECT_EQ(parse_select_budget("2Mtok")->value, 2'000'000u);
  EXPECT_EQ(parse_select_budget("1.5ktok")->value, 1500u);
  for (const char* wrong : {"", "5", "docs", "0docs", "-3tok", "10%", "64B/vec", "1e30tok", "nandocs"})
    EXPECT_FALSE(parse_select_budget(wrong)) << wrong;
  EXPECT_FALSE(select_like(pool, at("x"), {.like = {}, .budget = {.value = 1}}));
  EXPECT_FALSE(select_like(pool, at("x"), {.like = target}));
}

TEST_F(Corpus, WindowsHoldEveryTextAndCutNoneThatFits) {
  base::Random random(7);
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) {
    std::string text;
    const std::size_t size = random.below(20) == 0 ? 3000 : 1 + random.below(300);
    while (text.size() < size) text += fmt::format("\"w{}\" \u00e9\\", random.below(100));
    texts.push_back(text);
  }
  const auto input = put("corpus.jsonl", as_json_lines(texts));
  std::string first;
  for (const unsigned threads : {1U, 3U}) {
    const auto report =
        pack_windows(input, at("w.jsonl"), {.corpus = {.threads = threads}, .window = 128, .per_document = 1});
    ASSERT_TRUE(report) << report.error().message;
    std::multiset<std::string> whole(texts.begin(), texts.end());
    std::string pieces;
    std::uint64_t windows = 0, tokens = 0;
    for (const std::string& line : lines_of(read_whole(at("w.jsonl")))) {
      const Json window = Json::parse(line);
      EXPECT_LE(window["tokens"].get<std::uint64_t>(), 128u);
      tokens += window["tokens"].get<std::uint64_t>();
      ++windows;
      for (const Json& text : window["texts"])
        if (const auto found = whole.find(text.get<std::string>()); found != whole.end())
          whole.erase(found);
        else
          pieces += text.get<std::string>();
    }
    EXPECT_EQ(windows, report->windows);
    EXPECT_EQ(tokens, report->tokens);
    EXPECT_EQ(whole.size(), report->cut);
    std::size_t bytes = 0;
    for (const std::string& text : whole) {
      EXPECT_GT(text.size() / 5, 100u) << "only longer ones";
      bytes += text.size();
    }
    EXPECT_EQ(pieces.size(), bytes);
    EXPECT_LE(report->windows, report->first_fit.windows);
    EXPECT_GT(report->concatenate.cut, report->cut);
    if (first.empty()) first = read_whole(at("w.jsonl"));
    EXPECT_EQ(read_whole(at("w.jsonl")), first);
  }
}

TEST_F(Corpus, WindowsMayHoldIds) {
  const auto input =
      put("c.jsonl", "{\"id\": \"a\", \"text\": \"one\"}\n\n{\"text\": \"two\"}\n{\"id\": \"long\", \"text\": \"" +
                         std::string(100, 'x') + "\"}\n");
  ASSERT_TRUE(pack_windows(input, at("w"), {.window = 16, .ids = true}));
  EXPECT_EQ(read_whole(at("w")),
            "{\"ids\": [\"a\", \"3\", \"long#2\"], \"tokens\": 11}\n{\"ids\": [\"long#1\"], \"tokens\": 16}\n");
  EXPECT_FALSE(pack_windows(input, at("x"), {.window = 4}));
  EXPECT_FALSE(pack_windows(input, at("x"), {.window = 32, .per_document = 30}));
  EXPECT_FALSE(pack_windows(input, at("x"), {.tokenizer = "none of these"}));
}

}  // namespace
}  // namespace attar::engine
