// Files of attributes: types found from the data, rows counted, and what cannot be kept named.
#include "filter/meta.h"

#include <fstream>

#include "base/progress.h"
#include "filter/support.h"

namespace attar::filter {
namespace {

class MetaFile : public testing::Test {
 protected:
  void TearDown() override {
    if (!path_.empty()) std::filesystem::remove(path_);
  }
  Result<Meta> read(std::string_view name, std::string_view text, std::uint64_t rows, MetaOptions options = {}) {
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("attar-") + testing::UnitTest::GetInstance()->current_test_info()->name() + std::string(name));
    std::ofstream(path_, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
    options.path = path_;
    base::SilentProgress silent;
    return read_meta(options, rows, silent);
  }
  std::vector<Column> columns(const Result<Meta>& meta, std::uint64_t rows) {
    std::vector<Column> out;
    EXPECT_TRUE(meta) << meta.error().describe();
    if (!meta) return out;
    kept_ = meta->columns;
    for (const auto& bytes : kept_) out.push_back(Column::open(section_of(bytes), rows).value());
    return out;
  }

  std::filesystem::path path_;
  std::vector<std::vector<std::byte>> kept_;
};

TEST_F(MetaFile, TypesAreFoundInTheData) {
  const auto meta = read(
      ".jsonl",
      R"({"i": 5, "r": 1, "b": true, "d": "2024-05-01", "t": "2024-05-01", "s": "x", "m": 7, "l": ["a", "b"], "o": {"x": 1}}
{"i": -3, "r": 0.5, "b": false, "d": "2023-01-31", "t": "2024-05-01T12:00:00Z", "s": "", "m": "y", "l": [], "v": [0.1, 0.2]}

{"r": null, "l": "c", "n": null}
)",
      3);
  const auto found = columns(meta, 3);
  ASSERT_EQ(found.size(), 8u);
  const ColumnType types[] = {ColumnType::integer, ColumnType::floating, ColumnType::boolean, ColumnType::date,
                              ColumnType::time,    ColumnType::string,   ColumnType::string,  ColumnType::strings};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(found[i].head().type, types[i]) << found[i].head().name;
  EXPECT_EQ(found[0].value(1).value(), Value(std::int64_t{-3}));
  EXPECT_EQ(found[1].value(0).value(), Value(1.0));
  EXPECT_EQ(found[1].value(2).value(), Value());
  EXPECT_EQ(found[4].value(0).value(), Value(std::string("2024-05-01T00:00:00Z")));
  EXPECT_EQ(found[5].value(1).value(), Value(std::string("")));
  EXPECT_EQ(found[6].value(0).value(), Value(std::string("7")));
  EXPECT_EQ(found[7].value(2).value(), Value(std::vector<std::string>{"c"}));
  ASSERT_EQ(meta->notes.size(), 3u);
  EXPECT_EQ(meta->notes[0], "field 'o' is left out: it holds objects, or lists of something else than strings");
  EXPECT_EQ(meta->notes[2], "field 'n' is left out: it has no value in any row");
}

TEST_F(MetaFile, CsvAsRfc4180HasIt) {
  const auto meta =
      read(".csv", "id,size,zip,note,\"odd, name\"\r\n1,2.5,007,\"a, \"\"b\"\"\nc\",x\r\n2,,12,\"\",\r\n", 2);
  const auto found = columns(meta, 2);
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0].head().type, ColumnType::integer);
  EXPECT_EQ(found[1].head().type, ColumnType::floating);
  EXPECT_EQ(found[1].value(1).value(), Value());
  EXPECT_EQ(found[2].value(0).value(), Value(std::string("007")));
  EXPECT_EQ(found[2].value(1).value(), Value(std::string("12")));
  EXPECT_EQ(found[3].value(0).value(), Value(std::string("a, \"b\"\nc")));
  EXPECT_EQ(found[3].value(1).value(), Value(std::string("")));
  EXPECT_EQ(found[4].head().name, "odd, name");
  EXPECT_EQ(found[4].value(1).value(), Value());
  const auto tabs = read(".tsv", "a\tb\ntrue\tx,y\n", 1);
  const auto of_tabs = columns(tabs, 1);
  ASSERT_EQ(of_tabs.size(), 2u);
  EXPECT_EQ(of_tabs[0].head().type, ColumnType::boolean);
  EXPECT_EQ(of_tabs[1].value(0).value(), Value(std::string("x,y")));
}

TEST_F(MetaFile, NamedFieldsAloneInTheirOrder) {
  const std::string_view text = "{\"a\": 1, \"b\": \"x\", \"c\": 2}\n{\"a\": 3, \"b\": \"y\"}\n";
  const auto found = columns(read(".jsonl", text, 2, {.path = {}, .fields = {"c", "a"}, .sorted = {"a"}}), 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].head().name, "c");
  EXPECT_TRUE(found[1].head().sorted);
}

TEST_F(MetaFile, ErrorsSayWhatToDo) {
  const std::string_view text = "{\"apple\": 1, \"o\": {}}\n{\"apple\": 3}\n";
  const auto message = [](const Result<Meta>& meta) { return meta ? std::string("none") : meta.error().message; };
  const auto expect = [&](const Result<Meta>& meta, std::string_view words) {
    EXPECT_NE(message(meta).find(words), std::string::npos) << message(meta);
  };
  expect(read(".jsonl", text, 3), "has 2 rows of attributes, and the vectors have 3 rows");
  expect(read(".jsonl", text, 1), "has 2 rows of attributes, and the vectors have 1 rows");
  expect(read(".jsonl", text, 2, {.path = {}, .fields = {"aple"}}), "did you mean 'apple'?; there are: apple, o");
  expect(read(".jsonl", text, 2, {.path = {}, .fields = {"o"}}), "field 'o' holds objects");
  expect(read(".jsonl", text, 2, {.path = {}, .fields = {"apple", "apple"}}), "named twice");
  expect(read(".jsonl", "{\"s\": \"x\"}\n", 1, {.path = {}, .sorted = {"s"}}), "only numbers and dates");
  expect(read(".jsonl", "[1]\n", 1), "line 1 is no JSON object");
  expect(read(".jsonl", "{\"a\": 1}\n{\"a\": \n", 2), "line 2 is not valid JSON");
  expect(read(".csv", "a,b\n1\n", 1), "line 2 has 1 fields where the first line names 2");
  expect(read(".csv", "a,a\n1,2\n", 1), "twice");
  expect(read(".csv", "a,b\n\"1,2\n", 1), "ends inside a quoted field");
  expect(read(".csv", "a,b\n\"1\"x,2\n", 1), "behind a closing quote");
  expect(read(".csv", "", 1), "is empty");
  expect(read(".parquet", "PAR1", 1), ".jsonl, .ndjson, .csv or .tsv");
}

}  // namespace
}  // namespace attar::filter
