#include "text/tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include "text/tokenizer/byte_pairs.h"
#include "text/tokenizer/files.h"
#include "text/tokenizer/scan.h"
#include "text/tokenizer/unigram.h"
#include "text/unicode.h"

namespace attar::text {
namespace {

using Pieces = std::vector<std::string>;

void append(std::string& out, char32_t c) {
  for (const char byte : to_utf8(c)) out.push_back(byte);
}

// ---- patterns ----

// The patterns as they stand in files, with ICU's name for White_Space.
const std::map<Pattern, std::string>& written() {
  static const std::map<Pattern, std::string> out = [] {
    const std::string blank = R"(\p{White_Space})", ink = R"(\P{White_Space})";
    const std::string end = "|" + blank + "+(?!" + ink + ")|" + blank + "+";
    const std::string contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)", sign = "[^" + blank + R"(\p{L}\p{N}])";
    const std::string upper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])", lower = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])";
    const std::string lead = R"([^\r\n\p{L}\p{N}]?)";
    const auto llama = [&](const std::string& digits) {
      return contraction + "|" + lead + R"(\p{L}+|\p{N})" + digits + "| ?" + sign + R"(+[\r\n]*|)" + blank +
             R"(*[\r\n]+)" + end;
    };
    return std::map<Pattern, std::string>{
        {Pattern::gpt2, R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?)" + sign + "+" + end},
        {Pattern::cl100k, R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?)" + sign +
                              R"(++[\r\n]*+|)" + blank + R"(++\z|)" + blank + R"(*[\r\n]|)" + blank + "+(?!" + ink +
                              ")|" + blank},
        {Pattern::llama3, llama("{1,3}")},
        {Pattern::qwen2, llama("")},
        {Pattern::o200k, lead + upper + "*" + lower + "+" + contraction + "?|" + lead + upper + "+" + lower + "*" +
                             contraction + R"(?|\p{N}{1,3}| ?)" + sign + R"(+[\r\n/]*|)" + blank + R"(*[\r\n]+)" +
                             end}};
  }();
  return out;
}

Pieces by_icu(icu::RegexMatcher& matcher, const std::string& text) {
  const icu::UnicodeString units = icu::UnicodeString::fromUTF8(text);
  matcher.reset(units);
  Pieces out;
  UErrorCode error = U_ZERO_ERROR;
  while (matcher.find(error) != 0) {
    out.emplace_back();
    matcher.group(error).toUTF8String(out.back());
  }
  EXPECT_TRUE(U_SUCCESS(error));
  return out;
}

Pieces by_scanner(Pattern pattern, const std::string& text) {
  Pieces out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = scan_piece(pattern, text, at);
    EXPECT_GT(end, at);
    if (end <= at) break;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

// What the patterns look at, and code points from everywhere.
std::string random_text(std::mt19937_64& random) {
  static const Pieces frequent = {
      "'s",     "'S",     "'ll",    "'Re",    "'vE",    "'\u017f", "'",      " ",      "  ",         "\n",
      "\r\n",   "\t",     "\u00a0", "\u3000", "\u0085", "\u2028",  "\v",     "7",      "123",        "\u0663",
      "\u00bd", "\u2167", "a",      "Z",      "Hello",  "WORLD",   "\u01c5", "\u02b0", "\u00e9",     "\u0301",
      "\u6f22", "\u3042", "/",      "//",     "...",    "!",       "\u2581", "\u200d", "\U0001f600", "\u0939\u093f"};
  std::string out;
  for (std::size_t left = 1 + random() % 16; left > 0; --left) {
    if (random() % 4 != 0) {
      out += frequent[random() % frequent.size()];
      continue;
    }
    const char32_t c = static_cast<char32_t>(random() % (random() % 2 == 0 ? 0x3000 : 0x110000));
    append(out, c >= 0xD800 && c < 0xE000 ? U'x' : c == 0 ? U'y' : c);
  }
  return out;
}

TEST(TokenizerPatterns, ScannersCutAsTheRegularExpressionsDo) {
  for (const auto& [pattern, regex] : written()) {
    UErrorCode error = U_ZERO_ERROR;
    icu::RegexMatcher matcher(icu::UnicodeString::fromUTF8(regex), 0, error);
    ASSERT_TRUE(U_SUCCESS(error)) << regex << ": " << u_errorName(error);
    std::mt19937_64 random(7);
    for (int round = 0; round < 20'000; ++round) {
      const std::string text = random_text(random);
      ASSERT_EQ(by_scanner(pattern, text), by_icu(matcher, text)) << regex << "\n" << text;
    }
  }
}

TEST(TokenizerPatterns, EveryCodePointAlone) {
  for (const auto& [pattern, regex] : written()) {
    UErrorCode error = U_ZERO_ERROR;
    icu::RegexMatcher matcher(icu::UnicodeString::fromUTF8(regex), 0, error);
    ASSERT_TRUE(U_SUCCESS(error));
    for (char32_t c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 7) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string text = "A";
      append(text, c);
      append(text, c);
      text += "b ";
      ASSERT_EQ(by_scanner(pattern, text), by_icu(matcher, text)) << std::hex << static_cast<std::uint32_t>(c);
    }
  }
}

TEST(TokenizerPatterns, NamesAndExpressionsAreKnown) {
  EXPECT_EQ(pattern_of_name("cl100k_base"), Pattern::cl100k);
  EXPECT_EQ(pattern_of_name("qwen"), Pattern::qwen2);
  EXPECT_FALSE(pattern_of_name("cl100k"));
  EXPECT_FALSE(pattern_of_regex("\\w+"));
  EXPECT_EQ(pattern_of_regex(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"),
            Pattern::gpt2);
  EXPECT_NE(pattern_names().find("o200k_base"), std::string::npos);
}

// ---- byte pairs ----

struct Pairs {
  Vocabulary tokens;
  std::vector<Merge> merges;
  Pieces names;
};

// Tokens of the letters a to d, joined at random.
Pairs random_pairs(std::mt19937_64& random, std::size_t merges) {
  Pairs out;
  for (const char* name : {"a", "b", "c", "d"}) out.names.emplace_back(name);
  for (std::uint32_t i = 0; i < 4; ++i) out.tokens.add(out.names[i], i);
  while (out.merges.size() < merges) {
    const auto left = static_cast<std::uint32_t>(random() % out.names.size());
    const auto right = static_cast<std::uint32_t>(random() % out.names.size());
    const std::string made = out.names[left] + out.names[right];
    if (made.size() > 12 || out.tokens.find(made) != Vocabulary::none) continue;
    const auto number = static_cast<std::uint32_t>(out.names.size());
    out.tokens.add(made, number);
    out.merges.push_back({left, right, static_cast<std::uint32_t>(out.merges.size()), number});
    out.names.push_back(made);
  }
  return out;
}

// As the definition has it: the first merge of the list that is found anywhere, leftmost, again and again.
std::size_t merge_by_definition(const Pairs& pairs, const std::string& text) {
  std::vector<std::uint32_t> row;
  for (const char c : text) row.push_back(static_cast<std::uint32_t>(c - 'a'));
  for (bool found = true; found;) {
    found = false;
    for (std::size_t m = 0; m < pairs.merges.size() && !found; ++m)
      for (std::size_t i = 0; i + 1 < row.size() && !found; ++i) {
        if (row[i] != pairs.merges[m].left || row[i + 1] != pairs.merges[m].right) continue;
        row[i] = pairs.merges[m].made;
        row.erase(row.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        found = true;
      }
  }
  return row.size();
}

TEST(BytePairs, MergeAsTheDefinitionSays) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 40; ++round) {
    const Pairs pairs = random_pairs(random, 5 + random() % 40);
    const auto model = BytePairs::make(pairs.tokens, pairs.merges, {}).value();
    for (int i = 0; i < 50; ++i) {
      std::string text(1 + random() % (i % 5 == 0 ? 300 : 30), 'a');  // rows and heaps
      for (char& c : text) c = static_cast<char>('a' + random() % (1 + random() % 4));
      ASSERT_EQ(model->count(text), merge_by_definition(pairs, text)) << text;
    }
  }
}

TEST(BytePairs, UnitsWithoutAToken) {
  Vocabulary tokens;
  for (const char* token : {"a", "?", "<0xC3>", "<0x9F>"}) tokens.add(token, static_cast<std::uint32_t>(tokens.size()));
  const auto count = [&](const PairOptions& options, std::string_view text) {
    return BytePairs::make(tokens, {}, options).value()->count(text);
  };
  EXPECT_EQ(count({.bytes = false}, "axxa"), 2u) << "left out";
  EXPECT_EQ(count({.bytes = false, .unknown = 1}, "axxa"), 4u);
  EXPECT_EQ(count({.bytes = false, .fuse_unknown = true, .unknown = 1}, "axxaxa"), 5u);
  EXPECT_EQ(count({.bytes = false, .byte_fallback = true, .unknown = 1}, "a\u00df\u00e9"), 4u) << "all bytes or none";
}

TEST(BytePairs, AMegabyteOfOneLetterTakesNoSquareOfTime) {
  std::string ranks;
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto base64 = [&](const std::string& token) {
    std::string out;
    for (std::size_t at = 0; at < token.size(); at += 3) {
      std::uint32_t bits = 0;
      for (std::size_t i = 0; i < 3; ++i)
        bits = bits << 8 | (at + i < token.size() ? static_cast<unsigned char>(token[at + i]) : 0u);
      for (std::size_t i = 0; i < 4; ++i)
        out.push_back(at + i > token.size() ? '=' : digits[bits >> (18 - 6 * i) & 63]);
    }
    return out;
  };
  for (unsigned byte = 0; byte < 256; ++byte)
    ranks += base64(std::string(1, static_cast<char>(byte))) + " " + std::to_string(byte) + "\n";
  for (unsigned power = 1; power <= 6; ++power)
    ranks += base64(std::string(std::size_t{1} << power, 'a')) + " " + std::to_string(255 + power) + "\n";
  const auto tokenizer = make_tokenizer("a", read_tiktoken(ranks, Pattern::cl100k).value());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(tokenizer->count(std::string(1 << 20, 'a')), (1u << 20) / 64);
  EXPECT_EQ(tokenizer->count(std::string(1 << 20, '!')), 1u << 20);
  EXPECT_EQ(tokenizer->count(std::string(1 << 20, ' ')), 1u << 20);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

// ---- unigram ----

TEST(Unigram, TheBestOfAllWays) {
  std::mt19937_64 random(3);
  const Pieces pieces = {"a", "b", "ab", "ba", "aab", "bbab", "abababa"};
  for (int round = 0; round < 200; ++round) {
    Unigram model({.unknown_score = -30});
    std::vector<double> scores;
    for (const std::string& piece : pieces) {
      scores.push_back(-static_cast<double>(random() % 1'000) / 64);  // sums of these are exact
      model.add(piece, static_cast<float>(scores.back()));
    }
    std::string text(1 + random() % 14, 'a');
    for (char& c : text) c = random() % 2 == 0 ? 'a' : 'b';
    // Every way of cutting, by bits between the letters.
    double best = -1e9;
    std::vector<std::size_t> counts;
    for (std::uint32_t cuts = 0; cuts < 1u << (text.size() - 1); ++cuts) {
      double sum = 0;
      std::size_t count = 0, begin = 0;
      for (std::size_t i = 0; i < text.size() && sum > -1e8; ++i) {
        if (i + 1 < text.size() && (cuts >> i & 1) == 0) continue;
        const auto found = std::ranges::find(pieces, text.substr(begin, i + 1 - begin));
        sum += found == pieces.end() ? -1e9 : scores[static_cast<std::size_t>(found - pieces.begin())];
        begin = i + 1;
        ++count;
      }
      if (sum > best) counts.clear();
      best = std::max(best, sum);
      if (sum == best) counts.push_back(count);
    }
    EXPECT_NE(std::ranges::find(counts, model.count(text)), counts.end()) << text;
  }
}

// ---- names and what is refused ----

TEST(Tokenizers, NamesWithoutFiles) {
  const auto estimate = open_tokenizer("").value();
  EXPECT_EQ(estimate->name(), "characters/4");
  EXPECT_TRUE(estimate->estimated());
  EXPECT_EQ(estimate->count("h\u00e9llo"), 2u);
  const auto words = open_tokenizer("wordpiece").value();
  EXPECT_EQ(words->name(), "wordpiece");
  EXPECT_FALSE(words->estimated());
  EXPECT_EQ(words->joins(), Joins::at_spaces);
  EXPECT_EQ(words->count("the cat, the dog"), 5u);
  std::string many;
  for (int i = 0; i < 50'000; ++i) many += "the cat, ";
  EXPECT_EQ(words->count(many), 150'000u) << "counted in stretches";
}

TEST(Tokenizers, ErrorsTellWhatIsRead) {
  const auto missing = open_tokenizer("no/such/tokenizer.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::io);
  EXPECT_NE(missing.error().message.find("characters/4"), std::string::npos) << missing.error().message;
  EXPECT_EQ(open_tokenizer("cl100k").error().code, ErrorCode::io);
}

std::string file(std::string_view model, std::string_view rest = "") {
  return "{\"model\":" + std::string(model) + std::string(rest) + "}";
}

TEST(Tokenizers, WhatIsNotReadIsNamed) {
  const std::string bpe = R"({"type":"BPE","vocab":{"a":0},"merges":[])";
  const std::string words = R"({"type":"WordPiece","vocab":{"[UNK]":0,"a":1}})";
  const std::string bert = R"(,"pre_tokenizer":{"type":"BertPreTokenizer"},"normalizer":{"type":"BertNormalizer")";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {file(R"({"type":"WordLevel","vocab":{}})"), "WordLevel"},
      {file(bpe + R"(,"dropout":0.1})"), "dropout"},
      {file(bpe + R"(,"end_of_word_suffix":"</w>"})"), "end_of_word_suffix"},
      {file(bpe + "}", R"(,"normalizer":{"type":"StripAccents"})"), "StripAccents"},
      {file(bpe + "}", R"(,"pre_tokenizer":{"type":"UnicodeScripts"})"), "UnicodeScripts"},
      {file(bpe + "}", R"(,"pre_tokenizer":{"type":"Metaspace","replacement":"_","prepend_scheme":"first"})"), "first"},
      {file(bpe + "}", R"(,"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"(a"}})"), "(a"},
      {file(bpe + "}", R"(,"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"^a"}})"), "^"},
      {file(bpe + "}",
            R"(,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]})"),
       "Digits"},
      {file(words, bert + R"(,"lowercase":false})"), "lowercase"},
      {file(words, bert + R"(,"strip_accents":false})"), "strip_accents"},
      {file(words), "normalizer"}};
  for (const auto& [bytes, what] : cases) {
    const auto read = read_tokenizer_json(bytes);
    ASSERT_FALSE(read) << bytes;
    EXPECT_EQ(read.error().code, ErrorCode::unsupported) << bytes;
    EXPECT_NE(read.error().message.find(what), std::string::npos) << read.error().message;
  }
  EXPECT_TRUE(read_tokenizer_json(file(words, bert + R"(,"strip_accents":null})")));
}

TEST(Tokenizers, WhatContradictsItselfIsRefused) {
  for (const std::string& bytes :
       {std::string("{"), std::string("[]"), std::string("{}"), file("{}"), file(R"({"type":"BPE"})"),
        file(R"({"type":"BPE","vocab":{"a":0},"merges":["a b"]})"),
        file(R"({"type":"BPE","vocab":{"a":0,"aa":1},"merges":["a a a"]})"),
        file(R"({"type":"BPE","vocab":{"a":0},"merges":[["a"]]})"),
        file(R"({"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"b"})")})
    EXPECT_FALSE(read_tokenizer_json(bytes)) << bytes;
  EXPECT_EQ(read_tiktoken("IQ== 0\n", Pattern::gpt2).error().code, ErrorCode::invalid_data);
  EXPECT_EQ(read_tiktoken("IQ= 0\n", Pattern::gpt2).error().code, ErrorCode::invalid_data);
  EXPECT_EQ(read_tiktoken("IQ== 0\nIQ== 1\n", Pattern::gpt2).error().code, ErrorCode::invalid_data);
  EXPECT_EQ(read_tiktoken("IQ== 99999999999\n", Pattern::gpt2).error().code, ErrorCode::invalid_data);
  EXPECT_FALSE(read_sentencepiece({}));
  std::string nested = file(R"({"type":"BPE","vocab":{},"merges":[]})", R"(,"normalizer":)");
  nested.pop_back();
  for (int i = 0; i < 20; ++i) nested += R"({"type":"Sequence","normalizers":[)";
  nested += R"({"type":"NFC"})";
  for (int i = 0; i < 20; ++i) nested += "]}";
  EXPECT_EQ(read_tokenizer_json(nested + "}").error().code, ErrorCode::invalid_data);
}

TEST(Tokenizers, AHostilePatternStillEnds) {
  const std::string bytes =
      file(R"({"type":"BPE","vocab":{"a":0,"b":1},"merges":[]})",
           R"(,"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"(a+)+c"}})");
  const auto tokenizer = make_tokenizer("x", read_tokenizer_json(bytes).value());
  EXPECT_EQ(tokenizer->count(std::string(60, 'a') + "b"), 61u);
}

}  // namespace
}  // namespace attar::text
