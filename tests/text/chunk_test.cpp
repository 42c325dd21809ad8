#include "text/chunk/chunk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"
#include "text/chunk/cuts.h"

namespace attar::text {
namespace {

constexpr Syntax syntaxes[] = {Syntax::plain, Syntax::markdown, Syntax::braces, Syntax::indentation};

Measure in_words() {
  return {[](std::string_view text) {
            std::size_t out = 0;
            for (std::uint32_t at = 0; at < text.size();) {
              at = chunking::skip_blanks(text, at, static_cast<std::uint32_t>(text.size()));
              out += at < text.size() ? 1 : 0;
              while (at < text.size() && !chunking::is_blank(text[at])) ++at;
            }
            return out;
          },
          Joins::at_spaces};
}

// "a" to "e" with their continuations, and longer tokens that tempt the greedy tokenizer into worse cuts.
const WordPiece& tokenizer() {
  static const WordPiece out =
      WordPiece::make("[UNK]\na\nb\nc\nd\ne\n##a\n##b\n##c\nabc\n##de\n##d\nbcd\nthe\n.\n,\n#\n|\n-\n\u6f22\n").value();
  return out;
}

std::vector<std::string> texts_of(std::string_view text, const std::vector<Chunk>& chunks) {
  std::vector<std::string> out;
  out.reserve(chunks.size());
  for (const Chunk& c : chunks) out.emplace_back(text.substr(c.begin, c.end - c.begin));
  return out;
}

std::vector<std::string> cut(std::string_view text, Syntax syntax, std::size_t most,
                             const Measure& measure = in_words()) {
  return texts_of(text, chunk(text, syntax, {.most = most}, measure).value());
}

std::vector<std::string> paths(std::string_view text, const std::vector<Chunk>& chunks) {
  std::vector<std::string> out;
  for (const Chunk& c : chunks) {
    std::string path;
    for (const Heading& h : c.headings)
      path += (path.empty() ? "" : " > ") + std::string(text.substr(h.begin, h.end - h.begin));
    out.push_back(path);
  }
  return out;
}

// All that is promised of any text.
void expect_promises(std::string_view text, Syntax syntax, const ChunkOptions& options, const Measure& measure) {
  const auto chunks = chunk(text, syntax, options, measure);
  ASSERT_TRUE(chunks) << chunks.error().message;
  std::uint64_t at = 0;
  for (const Chunk& c : *chunks) {
    ASSERT_EQ(c.begin, at);
    ASSERT_LT(c.begin, c.end);
    at = c.end;
    const std::string_view own = text.substr(c.begin, c.end - c.begin);
    if (measure.length(own) > options.most) {
      ASSERT_EQ(chunking::code_point_end(own, 0), own.size()) << "too long, and more than a code point: " << own;
    }
    for (const Heading& h : c.headings) {
      ASSERT_LE(h.begin, h.end);
      ASSERT_LE(h.end, text.size());
    }
    ASSERT_LE(c.headings.size(), 8u);
  }
  ASSERT_EQ(at, text.size());
  ASSERT_EQ(*chunks, chunk(text, syntax, options, measure).value());
}

// No chunk begins inside a code point that is well-formed.
void expect_whole_code_points(std::string_view text, const std::vector<Chunk>& chunks) {
  std::size_t i = 0;
  for (std::uint32_t at = 0; at < text.size(); at = chunking::code_point_end(text, at)) {
    if (i < chunks.size() && chunks[i].begin == at) ++i;
    ASSERT_TRUE(i == chunks.size() || chunks[i].begin > at);
  }
  EXPECT_EQ(i, chunks.size());
}

std::string random_text(base::Random& random, std::size_t parts) {
  static const std::vector<std::string> words = {"a",
                                                 "abcde",
                                                 "the ",
                                                 " ",
                                                 "\n",
                                                 "\n\n",
                                                 ". ",
                                                 "The end. ",
                                                 "# abc\n",
                                                 "\n## b\n",
                                                 "=== b ===\n",
                                                 "- ",
                                                 "\n- a ",
                                                 "\n  - b ",
                                                 "\n1. ",
                                                 "| a ",
                                                 "|\n",
                                                 "```\n",
                                                 "\n```\n",
                                                 "~~~~\n",
                                                 "---\n",
                                                 "\n===\n",
                                                 "{",
                                                 "}",
                                                 "(",
                                                 ")",
                                                 "[",
                                                 "]",
                                                 ";\n",
                                                 "{\n",
                                                 "}\n",
                                                 "\"",
                                                 "'",
                                                 "\"\"\"",
                                                 "`",
                                                 "//x\n",
                                                 "/*",
                                                 "*/",
                                                 "R\"x(",
                                                 ")x\"",
                                                 "class a {\n",
                                                 "def f():\n",
                                                 "    ",
                                                 "\t",
                                                 "\r\n",
                                                 "\\n",
                                                 "\u6f22",
                                                 "\u3002",
                                                 "e\u0301",
                                                 "\U0001F600",
                                                 "\xff",
                                                 "\xe6\xbc",
                                                 "\x80\x80",
                                                 "\xf0\x9f",
                                                 std::string(90, 'x'),
                                                 "}, {",
                                                 "@x\n",
                                                 "#[y]\n",
                                                 "key:\n  ",
                                                 "\u0301",
                                                 "e.g. ",
                                                 "3. ",
                                                 "\u2014",
                                                 std::string(1, '\0')};
  std::string out;
  for (std::size_t i = 0; i < parts; ++i) out += words[random.below(words.size())];
  return out;
}

TEST(Chunk, KeepsItsPromisesOnRandomTexts) {
  base::Random random(7);
  const std::vector<Measure> measures = {in_bytes(), in_code_points(), in_tokens(tokenizer()), in_words()};
  for (int round = 0; round < 3'000; ++round) {
    const std::string text = random_text(random, 1 + random.below(120));
    const std::size_t most = 1 + random.below(round % 3 == 0 ? 8 : 200);
    const ChunkOptions options{.most = most, .target = random.below(most + 1)};
    const Syntax syntax = syntaxes[random.below(std::size(syntaxes))];
    const Measure& measure = measures[random.below(measures.size())];
    ASSERT_NO_FATAL_FAILURE(expect_promises(text, syntax, options, measure))
        << "round " << round << ", at most " << most << ": " << text;
    ASSERT_NO_FATAL_FAILURE(expect_whole_code_points(text, chunk(text, syntax, options, measure).value()));
  }
}

// Joined texts may be longer than their parts together, or shorter: the measure says nothing of it.
TEST(Chunk, MeasuresAgainWhatIsNotASum) {
  base::Random random(8);
  const Measure grows = {[](std::string_view text) { return text.size() + text.size() * text.size() / 20; },
                         Joins::nowhere};
  const Measure shrinks = {[](std::string_view text) { return (text.size() + 6) / 7; }, Joins::nowhere};
  const Measure odd = {[](std::string_view text) { return text.size() % 13 == 0 ? 2 * text.size() : text.size(); },
                       Joins::nowhere};
  for (int round = 0; round < 500; ++round) {
    const std::string text = random_text(random, 1 + random.below(100));
    const ChunkOptions options{.most = 1 + random.below(150)};
    for (const Measure& measure : {grows, shrinks})
      ASSERT_NO_FATAL_FAILURE(expect_promises(text, syntaxes[random.below(4)], options, measure)) << text;
    ASSERT_NO_FATAL_FAILURE(expect_promises(text, syntaxes[random.below(4)], {.most = 26 + random.below(99)}, odd))
        << text;
  }
}

TEST(Chunk, RefusesWhatMakesNoSense) {
  EXPECT_EQ(chunk("a", Syntax::plain, {.most = 0}, in_bytes()).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(chunk("a", Syntax::plain, {.most = 4, .target = 5}, in_bytes()).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(chunk("a", Syntax::plain, {}, Measure{}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(chunk(std::string_view("a", std::size_t{1} << 32), Syntax::plain, {}, in_bytes()).error().code,
            ErrorCode::over_limit);
  EXPECT_TRUE(chunk("", Syntax::markdown, {}, in_bytes()).value().empty());
  EXPECT_EQ(cut("  \n\n", Syntax::markdown, 1), std::vector<std::string>{"  \n\n"});
}

TEST(Chunk, ACodePointIsNeverCutEvenIfItIsTooLong) {
  const std::string text = "\U0001F600\xff\u00e9x";
  EXPECT_EQ(cut(text, Syntax::plain, 1, in_bytes()), (std::vector<std::string>{"\U0001F600", "\xff", "\u00e9", "x"}));
  EXPECT_EQ(cut("ae\u0301o", Syntax::plain, 2, in_code_points()), (std::vector<std::string>{"a", "e\u0301", "o"}))
      << "nor a letter from its accent, where that can be helped";
}

TEST(Chunk, MeasuresCount) {
  EXPECT_EQ(in_bytes().length("\u00e9x"), 2u + 1u);
  EXPECT_EQ(in_code_points().length("\u00e9x\xff\xe6\xbc"), 5u);
  EXPECT_EQ(in_tokens(tokenizer()).length("the abcde."), 4u);
}

// --- prose

TEST(Chunk, ParagraphsComeBeforeSentences) {
  const std::string text = "One two three. Four five six.\n\nSeven eight nine. Ten eleven twelve.\n";
  EXPECT_EQ(cut(text, Syntax::plain, 8),
            (std::vector<std::string>{"One two three. Four five six.\n\n", "Seven eight nine. Ten eleven twelve.\n"}));
  EXPECT_EQ(cut(text, Syntax::plain, 12), std::vector<std::string>{text});
}

TEST(Chunk, TooLongSentencesAreCutAtClausesThenWords) {
  EXPECT_EQ(cut("One two three, four five six.", Syntax::plain, 4),
            (std::vector<std::string>{"One two three, ", "four five six."}));
  EXPECT_EQ(cut("One two three four five six.", Syntax::plain, 3),
            (std::vector<std::string>{"One two three ", "four five six."}));
}

TEST(Chunk, PartsAreOfLikeSize) {
  const std::string text = "A b c d. E f g h. I j k l. M n o p. Q r s t.";
  const auto found = cut(text, Syntax::plain, 16);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_GE(found[1].size(), 2 * 9u - 1) << "not 16 words and 4";
}

TEST(Chunk, CutsWhereTheTextTurnsToSomethingElse) {
  const std::vector<std::string> cats = {"Cats sleep on warm mats. ", "A cat likes mats and sleep. ",
                                         "Warm mats please every cat. "};
  const std::vector<std::string> ships = {"Ships sail over deep seas. ", "A ship needs sails and seas. ",
                                          "Deep seas test every ship. "};
  for (const std::size_t turn : {5u, 6u, 7u}) {  // of 12 sentences of five words or six
    std::string before, after;
    for (std::size_t i = 0; i < turn; ++i) before += cats[i % 3];
    for (std::size_t i = turn; i < 12; ++i) after += ships[i % 3];
    EXPECT_EQ(cut(before + after, Syntax::plain, 48), (std::vector<std::string>{before, after})) << turn;
  }
}

TEST(Chunk, TheTargetSetsTheSize) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "One two three four five. ";
  const auto sizes = [&](std::size_t target) {
    return chunk(text, Syntax::plain, {.most = 100, .target = target}, in_words()).value().size();
  };
  EXPECT_EQ(sizes(0), 10u);
  EXPECT_NEAR(static_cast<double>(sizes(50)), 20, 3);
}

TEST(Chunk, WrappedLinesAreNoPlacesToCut) {
  const std::string text =
      "This paragraph was wrapped by an editor at about seventy columns, so\n"
      "that its lines end wherever the next word had no place any more, and\n"
      "nothing else. It has two sentences.\n";
  const auto found = cut(text, Syntax::plain, 30);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1], "It has two sentences.\n");
}

// --- Markdown

constexpr std::string_view manual =
    "# Tool\n\nIt does things well.\n\n## Installation\n\n### From source\n\nRun make and then run make install.\n\n"
    "### Packages\n\nThere are some for all systems.\n\n## Use\n\nSay tool and a name.\n";

TEST(Chunk, AHeadingGoesWithWhatFollows) {
  for (std::size_t most = 10; most < 60; ++most)
    for (const std::string& own : cut(manual, Syntax::markdown, most)) {
      const std::size_t last = own.rfind('\n', own.find_last_not_of('\n'));
      const std::size_t line = last == std::string::npos ? 0 : last + 1;
      EXPECT_NE(own[line], '#') << "at most " << most << ": " << own;
    }
}

TEST(Chunk, HeadingsInForceAreThoseAroundTheFirstText) {
  const auto chunks = chunk(manual, Syntax::markdown, {.most = 12}, in_words()).value();
  EXPECT_EQ(paths(manual, chunks), (std::vector<std::string>{"Tool", "Tool > Installation > From source",
                                                             "Tool > Installation > Packages", "Tool > Use"}));
  EXPECT_EQ(chunks[1].headings[1].level, 2u);
  EXPECT_LT(chunks[1].headings[0].end, chunks[1].begin);
  EXPECT_GE(chunks[1].headings[1].begin, chunks[1].begin) << "it stands in the chunk";
}

TEST(Chunk, HeadingsOfAllForms) {
  const std::string text =
      "Title\n=====\n\na a a\n\nPart\n---\nb b b\n\n### Deep ###\nc c c\n\n = = Wiki = = \nd d d\n\n#hash\ne e e\n\n# "
      "C#\nf f f\n";
  const auto chunks = chunk(text, Syntax::markdown, {.most = 6}, in_words()).value();
  std::vector<std::string> seen;
  for (const std::string& path : paths(text, chunks))
    if (seen.empty() || seen.back() != path) seen.push_back(path);
  EXPECT_EQ(seen, (std::vector<std::string>{"Title", "Title > Part", "Title > Part > Deep", "Title > Wiki", "C#"}));
  EXPECT_TRUE(chunk(text, Syntax::plain, {.most = 6}, in_words()).value()[0].headings.empty());
}

TEST(Chunk, TinySectionsAreJoinedAndLargeOnesAreNot) {
  EXPECT_EQ(cut("# A\n\na\n\n# B\n\nb\n", Syntax::markdown, 100).size(), 1u);
  std::string text;
  for (const char c : {'A', 'B'})
    text += "# " + std::string(1, c) + "\n\nOne two three four five six seven. One two three four five.\n\n";
  EXPECT_EQ(cut(text, Syntax::markdown, 30).size(), 2u) << "each has half of what a chunk may have";
}

TEST(Chunk, FencesTablesAndListsAreKeptWhole) {
  const std::string before = "Some words before it all. And some more of them here.\n\n",
                    after = "\nAnd a few words after. They are not many.\n";
  for (const std::string whole :
       {"```cpp\nint a = 1;\n\n# no heading\n\nint b = 2;\n```\n", "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n",
        "- one thing. It is.\n- another thing\n  - with a part\n\n  and more of it\n- a third\n"}) {
    std::string text = before;
    text += whole;
    text += after;
    for (std::size_t most = 22; most < 40; ++most) {
      bool found = false;
      for (const std::string& own : cut(text, Syntax::markdown, most))
        found = found || own.find(whole) != std::string::npos;
      EXPECT_TRUE(found) << "at most " << most << ": " << whole;
    }
  }
}

TEST(Chunk, TablesThatAreTooLongAreCutBetweenRows) {
  std::string text = "a | b | c\n";
  for (int i = 0; i < 50; ++i) text += "- 1 | 2 two | 3\n";
  for (const std::string& own : cut(text, Syntax::markdown, 40)) EXPECT_TRUE(own.ends_with('\n')) << own;
  const auto lists = cut("- a\n- b | c\n- d\n- e\n", Syntax::markdown, 5);
  EXPECT_EQ(lists[0].find("- "), 0u);
}

TEST(Chunk, WhatAColonAnnouncesStaysWithIt) {
  const std::string text =
      "Here are words of an introduction. They are few. The parts are:\n\n- one part of it\n- another part of it\n- a "
      "third part of it\n";
  const auto found = cut(text, Syntax::markdown, 22);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].find("The parts are:"), 0u) << found[1];
}

TEST(Chunk, EscapedTextIsCutAtItsLines) {
  const std::string text =
      "[{'content': 'One two three\\n\\nFour five six', 'role': 'user'}, {'content': 'Seven eight nine', 'role': "
      "'assistant'}]";
  EXPECT_EQ(cut(text, Syntax::plain, 7),
            (std::vector<std::string>{"[{'content': 'One two three\\n\\n", "Four five six', 'role': 'user'}, ",
                                      "{'content': 'Seven eight nine', 'role': 'assistant'}]"}));
}

// --- code

constexpr std::string_view program = R"(#include <vector>

// What is worn.
class Hat {
 public:
  // Puts it on. The brace in "}" is none.
  void wear(int head) {
    if (head > 0) {
      say("a } b");
    } else {
      say('{');
    }
  }

  [[nodiscard]]
  int size() const { return size_; }
};

int main() {
  Hat hat;
  for (int head = 0; head < 10; ++head) {
    hat.wear(head);
    hat.wear(head + 1);
  }
  std::vector<int> sizes = {1, 2, 3, hat.size()};
  return 0;
}
)";

TEST(Chunk, CodeIsCutBetweenFunctions) {
  const auto chunks = chunk(program, Syntax::braces, {.most = 38}, in_words()).value();
  const auto texts = texts_of(program, chunks);
  ASSERT_EQ(texts.size(), 3u);
  EXPECT_NE(texts[0].find("say('{');"), std::string::npos);
  EXPECT_EQ(texts[1].find("  [[nodiscard]]"), 0u) << texts[1];
  EXPECT_EQ(texts[2].find("int main()"), 0u) << texts[2];
  EXPECT_EQ(paths(program, chunks)[1], "class Hat > int size() const");
  EXPECT_EQ(paths(program, chunks)[2], "int main()");
}

TEST(Chunk, CommentsStayWithTheirFunction) {
  for (std::size_t most = 20; most < 60; ++most)
    for (const std::string& own : cut(program, Syntax::braces, most)) {
      EXPECT_FALSE(own.ends_with("is none.\n")) << most << own;
      EXPECT_FALSE(own.ends_with("worn.\n")) << most << own;
    }
}

constexpr std::string_view script = R"(import os

class Hat:
    """What is worn.

    def not_a_function():
    """

    @property
    # With a remark
    def size(self):
        if self.a:
            return [
    1, 2]
        else:
            return 2

    def wear(self):
        pass

def main():
    print("# no comment")
)";

TEST(Chunk, PythonIsCutBetweenFunctions) {
  const auto chunks = chunk(script, Syntax::indentation, {.most = 18}, in_words()).value();
  const auto texts = texts_of(script, chunks);
  ASSERT_EQ(texts.size(), 3u);
  EXPECT_EQ(texts[1].find("    @property\n"), 0u) << texts[1];
  EXPECT_EQ(paths(script, chunks)[1], "class Hat > def size(self)");
  EXPECT_NE(texts[1].find("return 2\n"), std::string::npos);
}

TEST(Chunk, KeysOfDataAreHeadings) {
  const std::string text =
      "server:\n  host: a b c d\n  ports:\n    - 1 2 3\n    - 4 5 6\nclient:\n  name: it's x y z\n  other: z\n";
  const auto chunks = chunk(text, Syntax::indentation, {.most = 7}, in_words()).value();
  const auto found = paths(text, chunks);
  EXPECT_NE(std::ranges::find(found, "server > ports"), found.end());
  EXPECT_EQ(found.back(), "client");
}

// --- large and hostile

std::string repeated(std::string_view part, std::size_t bytes) {
  std::string out;
  out.reserve(bytes + part.size());
  while (out.size() < bytes) out += part;
  return out;
}

// Anything quadratic, or deep, ends at the test's time limit or with the stack.
TEST(Chunk, HostileTextsTakeTimeInProportion) {
  constexpr std::size_t bytes = 500'000;
  for (const std::string_view part : {"{",          "}",       "(",          "a{\n",  "class a {\n", "# a\n",
                                      "###### a\n", "= a =\n", "```\n~~~\n", "- a\n", "a|b\n",       "\"\"\"\n'''\n",
                                      "R\"x(\n",    "/*\n",    "`\n",        "1. A ", "a.",          ".",
                                      "\\n",        "},",      "}, {",       "e.g. ", "\n",          " ",
                                      "\x80",       "\u0301",  "a\n===\n",   "x",     "//\n",        "@a\n",
                                      "if a:\n",    "\"",      "'"}) {
    const std::string text = repeated(part, bytes);
    for (const Syntax syntax : syntaxes)
      for (const std::size_t most : {std::size_t{4}, std::size_t{1'000}}) {
        const auto chunks = chunk(text, syntax, {.most = most}, in_bytes());
        ASSERT_TRUE(chunks);
        ASSERT_GE(chunks->size(), text.size() / most);
        ASSERT_EQ(chunks->back().end, text.size());
      }
  }
}

TEST(Chunk, DeepNestingIsNoRecursion) {
  std::string lists, blocks;
  for (std::size_t depth = 0; depth < 1'500; ++depth) {
    lists += std::string(depth, ' ') + "- a\n";
    blocks += std::string(depth, ' ') + "a:\n";
  }
  ASSERT_NO_FATAL_FAILURE(expect_promises(lists, Syntax::markdown, {.most = 50}, in_words()));
  ASSERT_NO_FATAL_FAILURE(expect_promises(blocks, Syntax::indentation, {.most = 50}, in_words()));
}

TEST(Chunk, SlowALineOfAHundredMegabytes) {
  for (const std::string_view part : {"word ", "x", "One two three. "}) {
    const std::string text = repeated(part, 100'000'000);
    const auto chunks = chunk(text, Syntax::markdown, {.most = 1'000}, in_bytes()).value();
    EXPECT_GE(chunks.size(), text.size() / 1'000);
    EXPECT_LT(chunks.size(), text.size() / 900);
  }
}

TEST(Chunk, KeepsItsPromisesOnRealTexts) {
  const char* set = std::getenv("ATTAR_DATA");
  const std::filesystem::path data = set != nullptr ? set : std::string(ATTAR_SOURCE_DIR) + "/../shared/data";
  std::vector<std::filesystem::path> files = {std::filesystem::path(ATTAR_SOURCE_DIR) / "README.md",
                                              std::filesystem::path(ATTAR_SOURCE_DIR) / "src/engine/pack.cpp",
                                              std::filesystem::path(ATTAR_SOURCE_DIR) / "bench/measures.py"};
  for (const char* name :
       {"text/chunk_chatlogs.md", "text/chunk_finance.md", "text/chunk_wikitexts.md", "plain/lcet10.txt"})
    if (std::filesystem::exists(data / name)) files.push_back(data / name);
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    ASSERT_FALSE(text.empty()) << file;
    for (const Syntax syntax : syntaxes)
      for (const std::size_t most : {20, 200, 2'000}) {
        ASSERT_NO_FATAL_FAILURE(expect_promises(text, syntax, {.most = most}, in_tokens(tokenizer()))) << file;
        ASSERT_NO_FATAL_FAILURE(expect_promises(text, syntax, {.most = most, .target = most / 2}, in_bytes())) << file;
      }
  }
  if (files.size() == 3) GTEST_SKIP() << "The real texts are not on this machine; the repository's own were cut.";
}

}  // namespace
}  // namespace attar::text
