#include "text/context/compress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "text/context/alike.h"
#include "text/context/parse.h"
#include "text/context_support.h"

namespace attar::text::context {
namespace {

// Every letter is a token: joining texts never saves any.
class Letters final : public Tokenizer {
 public:
  Letters() : Tokenizer("letters", false) {}
  [[nodiscard]] std::size_t count(std::string_view text) const override { return text.size(); }
  [[nodiscard]] Joins joins() const noexcept override { return Joins::anywhere; }
};

// A tokenizer that no estimate foresees: long texts take more tokens than their parts together.
class Awkward final : public Tokenizer {
 public:
  Awkward() : Tokenizer("awkward", false) {}
  [[nodiscard]] std::size_t count(std::string_view text) const override {
    return text.size() / 3 + text.size() * text.size() / 9000;
  }
  [[nodiscard]] Joins joins() const noexcept override { return Joins::nowhere; }
};

Result<Compressed> compress(std::span<const Input> inputs, const Request& request, const Tokenizer& tokenizer) {
  return Compressor(**embedded_encoder(), tokenizer).compress(inputs, request);
}
Result<Compressed> compress(const Sample& sample, const Request& request) {
  const Input input{.name = sample.name, .text = sample.text};
  return compress(std::span(&input, 1), request, **open_tokenizer(""));
}

std::uint64_t tokens_in(const Sample& sample) { return (*open_tokenizer(""))->count(sample.text); }

TEST(ContextCompress, TheBudgetHoldsAndEveryCutComesBack) {
  const Letters letters;
  const Awkward awkward;
  const auto estimate = *open_tokenizer("");
  for (std::uint64_t seed = 1; seed <= 6; ++seed)
    for (const Sample& sample : samples(seed))
      for (const Tokenizer* tokenizer :
           {static_cast<const Tokenizer*>(&letters), static_cast<const Tokenizer*>(&awkward),
            static_cast<const Tokenizer*>(estimate.get())})
        for (const double ratio : {0.02, 0.1, 0.3, 0.6, 0.95}) {
          const Input input{.name = sample.name, .text = sample.text};
          const auto all = tokenizer->count(sample.text);
          const Request request{.budget = static_cast<std::uint64_t>(ratio * static_cast<double>(all)),
                                .question = seed % 2 == 0 ? "why did the deploy fail" : ""};
          const auto made = compress(std::span(&input, 1), request, *tokenizer);
          if (!made) {
            EXPECT_EQ(made.error().code, ErrorCode::goal_unreachable);
            EXPECT_LT(ratio, 0.2) << sample.name;
            continue;
          }
          EXPECT_LE(made->tokens, request.budget) << sample.name;
          EXPECT_EQ(made->tokens, tokenizer->count(made->text));
          EXPECT_LE(made->text.size(), sample.text.size());
          EXPECT_EQ(made->text, compress(std::span(&input, 1), request, *tokenizer)->text);
          Document document = parse(sample.text, {.name = sample.name});
          find_alike(document);
          std::uint64_t told = 0;
          for (const CutTold& cut : made->cuts) {
            EXPECT_NE(made->text.find(cut.id), std::string::npos);
            const auto found = find_cut(document, cut.id);
            ASSERT_TRUE(found) << cut.id;
            if (cut.group) continue;
            EXPECT_EQ(bytes_of(document, *found), sample.text.substr(cut.span.begin, cut.span.end - cut.span.begin));
            told += cut.span.end - cut.span.begin;
          }
          for (const KeptTold& kept : made->kept) told += kept.span.end - kept.span.begin;
          const bool grouped = std::ranges::any_of(made->cuts, &CutTold::group);
          EXPECT_TRUE(grouped || told == sample.text.size()) << sample.name << " " << told;
        }
}

TEST(ContextCompress, WhatFitsStaysAsItIs) {
  for (const Sample& sample : samples(3)) {
    const auto made = compress(sample, {.budget = tokens_in(sample)});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->text, sample.text);
    EXPECT_EQ(made->way, Way::whole);
    EXPECT_TRUE(made->cuts.empty());
  }
}

// Words, numbers, paths and addresses: what stands between blanks and sentence signs.
std::set<std::string> literals(std::string_view text) {
  std::set<std::string> out;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      word += c;
      continue;
    }
    while (!word.empty() && std::ispunct(static_cast<unsigned char>(word.back())) != 0) word.pop_back();
    if (std::ranges::any_of(word, [](char l) { return l >= '0' && l <= '9'; }) || word.find('/') != std::string::npos)
      out.insert(word);
    word.clear();
  }
  return out;
}

TEST(ContextCompress, NoLiteralIsSplitOrAltered) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    for (const Sample& sample : samples(seed)) {
      if (sample.name.ends_with(".json")) continue;  // its strings are checked by unfolding
      const auto made = compress(sample, {.budget = tokens_in(sample) * 2 / 5});
      ASSERT_TRUE(made);
      const auto words = literals(made->text);
      for (const KeptTold& kept : made->kept)
        for (const std::string& literal :
             literals(std::string_view(sample.text).substr(kept.span.begin, kept.span.end - kept.span.begin)))
          EXPECT_TRUE(words.contains(literal) || made->text.find(literal) != std::string::npos ||
                      sample.name == "found")
              << sample.name << ": " << literal;
    }
}

TEST(ContextCompress, WhatIsLeftOfJsonIsJson) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Sample sample = samples(seed).at(5);
    for (const std::uint64_t part : {8, 4, 2}) {
      const auto made =
          compress(sample, {.budget = tokens_in(sample) / part, .question = seed % 2 == 0 ? "what failed" : ""});
      ASSERT_TRUE(made);
      EXPECT_FALSE(nlohmann::json::parse(made->text, nullptr, false).is_discarded()) << made->text;
    }
  }
}

// Brackets outside of strings and comments close in the order in which they open.
bool balanced(std::string_view code) {
  std::string open;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (code.substr(i).starts_with("//"))
      i = std::min(code.find('\n', i), code.size() - 1);
    else if (code.substr(i).starts_with("/*"))
      i = code.find("*/", i) + 1;
    else if (c == '"')
      i = code.find('"', i + 1);
    else if (c == '(' || c == '{' || c == '[')
      open += c == '(' ? ')' : c == '{' ? '}' : ']';
    else if (c == ')' || c == '}' || c == ']') {
      if (open.empty() || open.back() != c) return false;
      open.pop_back();
    }
  }
  return open.empty();
}

TEST(ContextCompress, BracesStayBalanced) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Sample sample = samples(seed).at(3);
    ASSERT_TRUE(balanced(sample.text));
    for (const std::uint64_t part : {8, 4, 2}) {
      const auto made =
          compress(sample, {.budget = tokens_in(sample) / part, .question = seed % 2 == 0 ? "function_3" : ""});
      ASSERT_TRUE(made);
      EXPECT_TRUE(balanced(made->text)) << made->text;
    }
  }
}

// Each line of Python's is indented as a line at its place may be: deeper only behind a colon.
bool indents(std::string_view code) {
  std::vector<std::size_t> levels = {0};
  bool colon = false, quoted = false;
  std::istringstream lines{std::string(code)};
  int round = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t indent = line.find_first_not_of(' ');
    const bool inside = quoted || round > 0;
    for (std::size_t at = line.find("'''"); at != std::string::npos; at = line.find("'''", at + 3)) quoted = !quoted;
    if (quoted || inside) {
      round += static_cast<int>(std::ranges::count(line, '{') - std::ranges::count(line, '}'));
      colon = colon && inside;
      continue;
    }
    if (indent == std::string::npos || line[indent] == '#') continue;
    if (colon) {
      if (indent <= levels.back()) return false;
      levels.push_back(indent);
    } else {
      while (indent < levels.back()) levels.pop_back();
      if (indent != levels.back()) return false;
    }
    round = static_cast<int>(std::ranges::count(line, '{') - std::ranges::count(line, '}'));
    const std::size_t comment = line.find("  #");
    const std::string own = line.substr(0, comment);
    colon = own.ends_with(':');
  }
  return !colon;
}

TEST(ContextCompress, PythonStaysIndented) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Sample sample = samples(seed).at(2);
    ASSERT_TRUE(indents(sample.text)) << sample.text;
    for (const std::uint64_t part : {8, 4, 2}) {
      const auto made =
          compress(sample, {.budget = tokens_in(sample) / part, .question = seed % 2 == 0 ? "function_3" : ""});
      ASSERT_TRUE(made);
      EXPECT_TRUE(indents(made->text)) << made->text;
    }
  }
}

TEST(ContextCompress, ErrorsAndOneLineOfEachKindAreKept) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Sample sample = samples(seed).at(4);
    const auto made = compress(sample, {.budget = tokens_in(sample) * 6 / 10});
    ASSERT_TRUE(made);
    std::set<std::uint64_t> kinds;
    std::istringstream kept(made->text);
    for (std::string line; std::getline(kept, line);) kinds.insert(template_hash(line));
    std::istringstream lines(sample.text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_TRUE(kinds.contains(template_hash(line))) << line;
      EXPECT_TRUE(line.find("ERROR") == std::string::npos || made->text.find(line + "\n") != std::string::npos) << line;
    }
  }
}

TEST(ContextCompress, WhatAnswersIsKept) {
  const Sample sample{"a.md",
                      "# Deploys\n\nWe deploy on Mondays. Ann watches over it. The images are built in Berlin.\n\n## "
                      "The failure of May\n\nThe deploy failed because the token of the registry had "
                      "expired. Two people worked on it until noon. Lunch was late.\n\n# Other\n\nThe garden has "
                      "roses. They bloom in June. Water them often. Nobody cuts them. The fence is green.\n"};
  const auto made = compress(
      sample, {.budget = tokens_in(sample) * 55 / 100, .question = "Which token had expired when the deploy failed?"});
  ASSERT_TRUE(made);
  EXPECT_NE(made->text.find("because the token of the registry had expired."), std::string::npos) << made->text;
  EXPECT_NE(made->text.find("## The failure of May"), std::string::npos) << "the heading over it";
  EXPECT_EQ(made->text.find("roses"), std::string::npos);
}

TEST(ContextCompress, WhatIsDemandedIsKeptOrRefusedWithTheLeastBudget) {
  const Sample sample = samples(5).at(0);
  const std::size_t at = sample.text.size() * 3 / 4;
  Request request{.budget = tokens_in(sample) / 3, .demanded = {{{at, at + 1}}}};
  const auto made = compress(sample, request);
  ASSERT_TRUE(made);
  EXPECT_TRUE(std::ranges::any_of(made->kept,
                                  [&](const KeptTold& kept) { return kept.span.begin <= at && at < kept.span.end; }));

  request.demanded = {{{0, sample.text.size() * 2 / 3}}};
  const auto refused = compress(sample, request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::goal_unreachable);
  const std::size_t number = refused.error().message.find("takes ");
  ASSERT_NE(number, std::string::npos) << refused.error().message;
  request.budget = std::stoull(refused.error().message.substr(number + 6));
  EXPECT_TRUE(compress(sample, request)) << "the least budget that was named";
  --request.budget;
  EXPECT_FALSE(compress(sample, request));
}

TEST(ContextCompress, SeveralInputsAreNamedAndThoseLeftOutCounted) {
  const auto all = samples(9);
  std::vector<Input> inputs;
  inputs.reserve(all.size());
  for (const Sample& sample : all) inputs.push_back({.name = sample.name, .text = sample.text});
  const auto estimate = *open_tokenizer("");
  const std::uint64_t tokens = compress(inputs, {.budget = ~std::uint64_t{0}}, *estimate)->input_tokens;
  for (const std::uint64_t part : {50, 10, 3}) {
    const auto made = compress(inputs, {.budget = tokens / part, .question = "which deploy failed"}, *estimate);
    ASSERT_TRUE(made);
    EXPECT_LE(made->tokens, tokens / part);
    for (std::uint32_t i = 0; i < inputs.size(); ++i) {
      const bool shown = std::ranges::any_of(made->kept, [&](const KeptTold& kept) { return kept.input == i; });
      EXPECT_EQ(made->text.find("==> " + all[i].name + " <==\n") != std::string::npos, shown) << all[i].name;
      EXPECT_EQ(std::ranges::find(made->left_out, i) == made->left_out.end(), shown);
    }
    const std::string count = "[-" + std::to_string(made->left_out.size()) + " file";
    EXPECT_EQ(made->text.find(count) == std::string::npos, made->left_out.empty());
  }
}

TEST(ContextCompress, TheLastMessageAndTheInstructionsOfAConversationGoFirst) {
  std::string text = R"([{"role":"system","content":"Answer in one line, whatever is asked of you."})";
  base::Random random(2);
  for (int i = 0; i < 30; ++i) {
    text += R"(,{"role":"user","content":")";
    for (int s = 0; s < 8; ++s) text += sentence(random) + " ";
    text += "\"}";
  }
  text += R"(,{"role":"user","content":"And what is the colour of the fence of the garden?"}])";
  const Sample sample{"chat.json", text};
  const auto made = compress(sample, {.budget = tokens_in(sample) / 6});
  ASSERT_TRUE(made);
  EXPECT_NE(made->text.find("Answer in one line"), std::string::npos) << made->text;
  EXPECT_NE(made->text.find("colour of the fence"), std::string::npos);
  EXPECT_FALSE(nlohmann::json::parse(made->text, nullptr, false).is_discarded());
}

TEST(ContextCompress, NothingIsNoFailure) {
  for (const std::string_view text : {"", " ", "\n\n\n", "x"}) {
    const auto made = compress(Sample{"a.txt", std::string(text)}, {.budget = 1, .question = "why"});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->text, text);
  }
  EXPECT_EQ(compress(Sample{"a.txt", "One is here. Two is here. Three is here."}, {.budget = 0}).error().code,
            ErrorCode::goal_unreachable);
}

}  // namespace
}  // namespace attar::text::context
