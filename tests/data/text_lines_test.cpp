#include "data/text_lines.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data/line_reader.h"
#include "files.h"

namespace attar::data {
namespace {

class TextLinesTest : public DataTest {
 protected:
  Result<std::vector<std::string>> ids(const std::string& text, std::uint64_t rows) {
    return read_ids(put("ids.txt", text), rows);
  }
  Result<std::vector<Judgement>> qrels(const std::string& text) { return read_qrels(put("qrels", text)); }
};

TEST_F(TextLinesTest, LinesOfEveryLengthSurviveTheBuffer) {
  // Longer than one refill, and with ends that fall on every place of it.
  std::string text;
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < 300; ++i) {
    expected.push_back(std::string((i * 7919) % 6000, static_cast<char>('a' + i % 26)));
    text += expected.back() + (i % 3 == 0 ? "\r\n" : "\n");
  }
  const InputFile file = InputFile::open(put("x.txt", text)).value();
  LineReader lines(file, 6000);
  for (const std::string& line : expected) ASSERT_EQ(**lines.next(), line);
  EXPECT_EQ(lines.number(), 300u);
  EXPECT_FALSE(lines.next()->has_value());
  EXPECT_FALSE(lines.next()->has_value());
}

TEST_F(TextLinesTest, ALineBeyondTheLimitIsAnError) {
  const InputFile file = InputFile::open(put("x.txt", "abc\nabcd\n")).value();
  LineReader lines(file, 3);
  EXPECT_EQ(**lines.next(), "abc");
  expect_error(lines.next(), ErrorCode::over_limit, {"x.txt: line 2 is longer than 3 bytes"});
}

TEST_F(TextLinesTest, ReadsIds) {
  const std::vector<std::string> expected{"a", "b c", "\xc3\xa9"};
  EXPECT_EQ(ids("a\nb c\n\xc3\xa9\n", 3).value(), expected);
  EXPECT_EQ(ids("\xef\xbb\xbf"
                "a\r\nb c\r\n\xc3\xa9",
                3)
                .value(),
            expected);
}

TEST_F(TextLinesTest, NamesTheLineOfABadId) {
  expect_error(ids("a\nb\n", 3), ErrorCode::invalid_data, {"ids.txt: has 2 ids, and the vectors have 3 rows"});
  expect_error(ids("a\nb\nc\n", 2), ErrorCode::invalid_data, {"ids.txt: line 3 is one id too many", "2 rows"});
  expect_error(ids("a\n\nc\n", 3), ErrorCode::invalid_data, {"ids.txt: line 2 is empty"});
  expect_error(ids("a\n \t\r\nc\n", 3), ErrorCode::invalid_data, {"ids.txt: line 2 is empty"});
  expect_error(ids("a\nb\nc\nb\n", 4), ErrorCode::invalid_data, {"ids.txt: line 4 repeats the id 'b' of line 2"});
  expect_error(ids("a\n\xff\n", 2), ErrorCode::invalid_data, {"ids.txt: line 2 is not UTF-8"});
  expect_error(ids("", 1), ErrorCode::invalid_data, {"has 0 ids"});
  expect_error(ids(std::string(70'000, 'a'), 1), ErrorCode::over_limit, {"line 1 is longer than 65535 bytes"});
  expect_error(read_ids(directory_ / "absent", 1), ErrorCode::io, {"absent"});
}

TEST_F(TextLinesTest, CutsALongIdBetweenCharacters) {
  std::string id = "x";
  for (int i = 0; i < 60; ++i) id += "\xc3\xa9";
  const auto result = ids(id + "\n" + id + "\n", 2);
  std::string shown = "'x";
  for (int i = 0; i < 29; ++i) shown += "\xc3\xa9";
  expect_error(result, ErrorCode::invalid_data, {shown + "…'"});
}

TEST_F(TextLinesTest, ReadsJudgementsOfThreeLayouts) {
  const std::vector<Judgement> expected{{"q1", "d7", 3}, {"q1", "d9", 0}, {"2", "5", -1}};
  EXPECT_EQ(qrels("q1 0 d7 3\nq1\t0\td9  0\r\n\n 2 Q0 5 -1 \n").value(), expected);
  EXPECT_EQ(qrels("query-id\tcorpus-id\tscore\nq1\td7\t3\r\nq1\td9\t0\n\n2\t5\t-1").value(), expected);
  EXPECT_EQ(qrels("{\"query-id\": \"q1\", \"corpus-id\": \"d7\", \"score\": 3}\n"
                  "{\"score\": 0, \"query-id\": \"q1\", \"corpus-id\": \"d9\"}\n\n"
                  "{\"query-id\": 2, \"corpus-id\": 5, \"score\": -1}")
                .value(),
            expected);
  EXPECT_EQ(qrels("query-id\tcorpus-id\tscore\nq 1\td 7\t3").value(), (std::vector<Judgement>{{"q 1", "d 7", 3}}));
}

TEST_F(TextLinesTest, NamesTheLineOfABadJudgement) {
  expect_error(qrels(""), ErrorCode::invalid_data, {"qrels", "no judgements"});
  expect_error(qrels("query-id\tcorpus-id\tscore\n"), ErrorCode::invalid_data, {"no judgements"});
  expect_error(qrels("q 0 d 1\nq 0 d\n"), ErrorCode::invalid_data, {"qrels: line 2 has 3 fields", "four"});
  expect_error(qrels("q\td\t1\n"), ErrorCode::invalid_data, {"line 1 has 3 fields", "header"});
  expect_error(qrels("q 0 d 1.5\n"), ErrorCode::invalid_data, {"line 1 has '1.5' as its relevance"});
  expect_error(qrels("q 0 d 99999999999\n"), ErrorCode::invalid_data, {"whole number"});
  expect_error(qrels("query-id\tcorpus-id\tscore\nq\td\t1\t2\n"), ErrorCode::invalid_data,
               {"line 2 has 4 fields", "three"});
  expect_error(qrels("query-id\tcorpus-id\tscore\nq\t\t1\n"), ErrorCode::invalid_data, {"line 2 has an empty"});
  expect_error(qrels("{\"query-id\": 1, \"corpus-id\": 2}\n"), ErrorCode::invalid_data, {"line 1 needs", "score"});
  expect_error(qrels("{\"query-id\": 1, \"corpus-id\": 2, \"score\": 4294967296}\n"), ErrorCode::invalid_data,
               {"line 1"});
  expect_error(qrels("{\"query-id\": 1.5, \"corpus-id\": 2, \"score\": 1}\n"), ErrorCode::invalid_data, {"line 1"});
  expect_error(qrels("{\"query-id\": 1\n"), ErrorCode::invalid_data, {"line 1 is not a JSON object"});
}

TEST_F(TextLinesTest, EveryTruncationOfJudgementsIsATypedErrorOrJudgements) {
  for (const std::string& text :
       {std::string("q1 0 d7 3\r\nq1 0 d9 0\n"), std::string("query-id\tcorpus-id\tscore\nq1\td7\t3\n"),
        std::string("{\"query-id\": \"q1\", \"corpus-id\": \"d7\", \"score\": 3}\n")}) {
    for (std::size_t length = 0; length <= text.size(); ++length) {
      const auto result = qrels(text.substr(0, length));
      if (result) {
        EXPECT_EQ(result->front(), (Judgement{"q1", "d7", 3}));
      } else {
        EXPECT_EQ(result.error().code, ErrorCode::invalid_data);
      }
    }
  }
}

}  // namespace
}  // namespace attar::data
