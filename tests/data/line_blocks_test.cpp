#include "data/line_blocks.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "data/files.h"
#include "data/line_reader.h"
#include "data/text_of_line.h"

namespace attar::data {
namespace {

using LineBlocksTest = DataTest;

TEST_F(LineBlocksTest, GiveTheLinesAndAllBytes) {
  base::Random random(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes = round % 3 == 0 ? "\xef\xbb\xbf" : "";
    const std::size_t size = random.below(600);
    while (bytes.size() < size) {
      const std::uint64_t kind = random.below(8);
      bytes += kind == 0 ? "\n" : kind == 1 ? "\r\n" : std::string(1, static_cast<char>('a' + kind));
    }
    const InputFile file = InputFile::open(put("lines", bytes)).value();
    LineReader reader(file, 10'000);
    LineBlocks blocks(file, 1 + random.below(50));
    LineBlock block;
    std::string all;
    std::uint64_t number = 1;
    while (blocks.next(block).value()) {
      ASSERT_EQ(block.first_number, number);
      ASSERT_EQ(block.offset, all.size());
      for (const LineBlock::Line& line : block.lines) {
        ASSERT_EQ(reader.next().value(), std::optional(line.text)) << bytes;
        all += line.whole;
        ++number;
      }
    }
    ASSERT_EQ(reader.next().value(), std::nullopt);
    ASSERT_EQ(all, bytes);
  }
}

TEST_F(LineBlocksTest, LongLinesAreRefusedWithTheirNumber) {
  for (const std::size_t block_bytes : {std::size_t{8}, std::size_t{1} << 20}) {
    const InputFile file = InputFile::open(put("long", "short\n" + std::string(200, 'x') + "\n")).value();
    LineBlocks blocks(file, block_bytes, 100);
    LineBlock block;
    auto more = blocks.next(block);
    if (block_bytes == 8) more = blocks.next(block);
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code, ErrorCode::over_limit);
    EXPECT_NE(more.error().message.find("line 2"), std::string::npos) << more.error().message;
  }
}

std::string padded(std::string_view line) { return std::string(line) + std::string(LineReader::padding, ' '); }

std::string text_of(std::string_view line, std::vector<std::string> fields = {}) {
  TextOfLine reader(CorpusLayout::jsonl, fields);
  const std::string bytes = padded(line);
  const auto text = reader.read(std::string_view(bytes).substr(0, line.size()));
  return text ? std::string(*text) : "! " + reader.reason();
}

TEST(TextOfLineTest, FindsTheFieldOfTheText) {
  EXPECT_EQ(text_of(R"({"id": 1, "text": "a\nb \u00e9"})"), "a\nb \u00e9");
  EXPECT_EQ(text_of(R"({"body": "b", "text": "  "})"), "b") << "the first that holds a text";
  EXPECT_EQ(text_of(R"({"title": "t", "words": "w"})", {"title", "words"}), "t\n\nw");
  EXPECT_EQ(text_of(R"({"title": "t", "words": 3})", {"title", "words"}), "t");
  EXPECT_TRUE(text_of(R"({"title": "t"})").starts_with("! has no text in text, body"));
  EXPECT_TRUE(text_of(R"({"title": "t"})", {"words"}).starts_with("! has no text in words"));
  for (const char* broken : {"{", "[1]", "null", R"({"text": "a)", R"({"text": "\ud800"})", "{\"text\": \"\xff\"}"})
    EXPECT_TRUE(text_of(broken).starts_with("! is no JSON object")) << broken;
  TextOfLine plain(CorpusLayout::plain, {});
  EXPECT_EQ(plain.read("{as it is}"), "{as it is}");
  EXPECT_EQ(plain.id(), "");
}

TEST(TextOfLineTest, KnowsTheRecordsId) {
  for (const auto& [line, id] :
       {std::pair{R"({"id": 7, "text": "t"})", "7"}, {R"({"_id": "a", "id": 7, "text": "t"})", "a"}}) {
    TextOfLine reader(CorpusLayout::jsonl, {});
    const std::string bytes = padded(line);
    ASSERT_TRUE(reader.read(std::string_view(bytes).substr(0, std::string_view(line).size())));
    EXPECT_EQ(reader.id(), id);
  }
}

TEST(TextOfLineTest, LayoutsAreToldByNameAndFirstLine) {
  EXPECT_EQ(layout_of("a.jsonl", "x"), CorpusLayout::jsonl);
  EXPECT_EQ(layout_of("a.txt", "x"), CorpusLayout::plain);
  EXPECT_EQ(layout_of("a.txt", " {\"text\": 1}"), CorpusLayout::jsonl);
}

TEST(TextOfLineTest, JsonStringsSayTheText) {
  std::string every;
  for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
  for (const std::string& text : {every, std::string("\u00e9\u6f22\U0001f600"), std::string()}) {
    std::string json;
    append_json_string(json, text);
    EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), text);
  }
  std::string json;
  append_json_string(json, "a\xff\xc3\xa9\xe6\xbc");
  EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), "a\ufffd\u00e9\ufffd\ufffd");
}

}  // namespace
}  // namespace attar::data
