#include "data/jsonl.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "files.h"

namespace attar::data {
namespace {

class JsonlTest : public DataTest {
 protected:
  Result<std::vector<float>> read(const std::string& text, const std::string& field = "") {
    return read_file(put("x.jsonl", text), {.field = field, .scratch = directory_});
  }
};

TEST_F(JsonlTest, ReadsRandomShapesExactly) {
  base::Random random(1);
  for (const std::uint64_t dims : {1, 3, 384, 20'000}) {
    const std::uint64_t rows = 1 + random.below(60);
    std::vector<float> values(rows * dims);
    std::string text;
    for (std::uint64_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(random.normal());
      text += fmt::format("{}{}", i % dims == 0 ? "{\"id\": \"a\", \"vector\": [" : ", ", values[i]);
      if (i % dims == dims - 1) text += "]}\n";
    }
    const auto source = open_vectors(put("x.ndjson", text));
    ASSERT_TRUE(source) << source.error().describe();
    EXPECT_EQ((*source)->rows(), rows);
    EXPECT_EQ((*source)->dims(), dims);
    EXPECT_EQ((*source)->element(), ElementType::f32);
    EXPECT_EQ(read_all(**source).value(), values);
  }
}

TEST_F(JsonlTest, LeavesNothingInTheScratchDirectory) {
  const auto path = put("x.jsonl", "{\"vector\": [1]}");
  const auto scratch = directory_ / "scratch";
  std::filesystem::create_directory(scratch);
  const auto source = open_vectors(path, {.scratch = scratch});
  ASSERT_TRUE(source);
  EXPECT_TRUE(std::filesystem::is_empty(scratch));
}

TEST_F(JsonlTest, TakesTheOdditiesOfRealFiles) {
  const std::vector<float> expected{1, 2, 3, 4};
  EXPECT_EQ(read("\xef\xbb\xbf{\"vector\": [1, 2]}\n{\"vector\": [3, 4]}").value(), expected);
  EXPECT_EQ(read("{\"vector\": [1, 2]}\r\n{\"vector\": [3, 4]}\r\n").value(), expected);
  EXPECT_EQ(read("\n\n{\"vector\": [1, 2]}\n \t\n\r\n{\"vector\": [3, 4]}\n\n\n").value(), expected);
  EXPECT_EQ(read("{\"vector\": [1e0, 2.0]}\n  {\"text\": \"NaN\\\" \\\\\", \"vector\": [3.0e+0, 0.4E1]}").value(),
            expected);
  EXPECT_EQ(read("{\"vector\": [-0, 18446744073709551615]}").value(), (std::vector<float>{0, 18446744073709551615.0f}));
}

TEST_F(JsonlTest, ChoosesTheField) {
  const std::vector<float> expected{1, 2};
  EXPECT_EQ(read("{\"a\": [5], \"vector\": [1, 2]}").value(), expected);
  EXPECT_EQ(read("{\"a\": [5], \"embedding\": [1, 2]}").value(), expected);
  EXPECT_EQ(read("{\"tags\": [\"x\"], \"none\": [], \"v\": [1, 2]}").value(), expected);
  EXPECT_EQ(read("{\"a\": [1, 2], \"vector\": [5]}", "a").value(), expected);
  expect_error(read("{\"a\": [5], \"b\": [1, 2]}"), ErrorCode::invalid_data,
               {"x.jsonl: line 1", "more than one field", "'a', 'b'", "--field"});
  expect_error(read("\n{\"id\": 5, \"text\": \"t\"}"), ErrorCode::invalid_data,
               {"x.jsonl: line 2", "no field", "'id', 'text'", "--field"});
  expect_error(read("{}"), ErrorCode::invalid_data, {"line 1", "its fields are none"});
}

TEST_F(JsonlTest, NamesLineFieldAndFix) {
  const std::string good = "{\"vector\": [1, 2]}\n\n";
  const auto third = [&](const std::string& line) { return read(good + line + "\n" + good); };
  expect_error(third("{\"vector\": [1, NaN]}"), ErrorCode::invalid_data, {"x.jsonl: line 3 holds NaN"});
  expect_error(third("{\"t\": \"NaN\", \"vector\": [-Infinity, 2]}"), ErrorCode::invalid_data,
               {"line 3 holds Infinity"});
  expect_error(third("{\"vector\": [1, 1e39]}"), ErrorCode::invalid_data,
               {"line 3", "1e+39 as component 1 of field 'vector'", "32-bit float"});
  expect_error(third("{\"vector\": [1, 1e400]}"), ErrorCode::invalid_data, {"line 3", "number"});
  expect_error(third("{\"vector\": [1, null]}"), ErrorCode::invalid_data,
               {"line 3 has null as component 1 of field 'vector'"});
  expect_error(third("{\"vector\": [1, \"2\"]}"), ErrorCode::invalid_data, {"line 3 has a string as component 1"});
  expect_error(third("{\"vector\": [[1], 2]}"), ErrorCode::invalid_data, {"line 3 has an array as component 0"});
  expect_error(third("{\"vector\": [true, 2]}"), ErrorCode::invalid_data, {"line 3 has a boolean as component 0"});
  expect_error(third("{\"vector\": [{}, 2]}"), ErrorCode::invalid_data, {"line 3 has an object as component 0"});
  expect_error(third("{\"vector\": 7}"), ErrorCode::invalid_data, {"line 3 has a number in field 'vector'", "array"});
  expect_error(third("{\"vector\": []}"), ErrorCode::invalid_data, {"line 3 has an empty array in field 'vector'"});
  expect_error(third("{\"vector\": [1, 2, 3]}"), ErrorCode::invalid_data,
               {"line 3 has 3 components in field 'vector', the first vector has 2"});
  expect_error(third("{\"vec\": [1, 2]}"), ErrorCode::invalid_data,
               {"line 3 has no field 'vector'", "'vec'", "--field"});
  expect_error(third("[1, 2]"), ErrorCode::invalid_data, {"line 3 is an array, not a JSON object"});
  expect_error(third("{\"vector\": [1, 2"), ErrorCode::invalid_data, {"line 3 is not valid JSON"});
  expect_error(third("{\"vector\": [1, 2]} {}"), ErrorCode::invalid_data, {"line 3 is not valid JSON"});
  expect_error(third("{\"vector\": [1, 2], \"t\": \"\xff\"}"), ErrorCode::invalid_data, {"line 3 is not valid JSON"});
}

TEST_F(JsonlTest, RefusesFilesWithoutRows) {
  expect_error(read(""), ErrorCode::invalid_data, {"x.jsonl", "no rows"});
  expect_error(read("\n \n\r\n"), ErrorCode::invalid_data, {"x.jsonl", "no rows"});
  expect_error(read("\xef\xbb\xbf"), ErrorCode::invalid_data, {"x.jsonl", "no rows"});
}

TEST_F(JsonlTest, RefusesMoreDimensionsThanTheLimit) {
  std::string text = "{\"vector\": [0";
  for (int i = 1; i < 65'536; ++i) text += ",0";
  EXPECT_EQ(read(text + "]}").value().size(), 65'536u);
  expect_error(read(text + ",0]}"), ErrorCode::over_limit, {"line 1 has more than 65536 components"});
}

TEST_F(JsonlTest, RefusesALineWithoutEnd) {
  const auto path = put("x.jsonl", "{\"vector\": [");
  std::filesystem::resize_file(path, 70ull << 20);
  expect_error(open_vectors(path), ErrorCode::over_limit, {"line 1 is longer than 67108864 bytes"});
}

TEST_F(JsonlTest, KeysOfAHostileFileReachTheMessageEscapedAndCut) {
  std::string text = "{\"\\u001b[31m\": 1, \"" + std::string(200, 'k') + "\": 2";
  for (int i = 0; i < 20; ++i) text += fmt::format(", \"k{}\": 0", i);
  const auto result = read(text + "}");
  expect_error(result, ErrorCode::invalid_data, {"\\x1b[31m", "kkk…'", "'k5', …"});
  EXPECT_EQ(result.error().message.find('\x1b'), std::string::npos);
}

TEST_F(JsonlTest, EveryTruncationIsATypedErrorOrWholeRows) {
  const std::string text = "{\"vector\": [1, 2]}\r\n{\"vector\": [3, 4], \"t\": \"\\u00e9\xc3\xa9\"}\n";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto result = read(text.substr(0, length));
    if (result) {
      EXPECT_TRUE(result->size() == 2 || result->size() == 4) << length;
    } else {
      EXPECT_EQ(result.error().code, ErrorCode::invalid_data) << length;
      EXPECT_NE(result.error().describe().find("x.jsonl"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace attar::data
