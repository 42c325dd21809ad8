#include <fmt/format.h>

#include "cli/support.h"

namespace attar::cli {
namespace {

class Filters : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    std::string text;
    for (std::size_t row = 0; row < rows; ++row)
      text += fmt::format("{{\"section\": \"{}\", \"size\": {}, \"odd, name\": [\"t{}\"], \"deep\": {{}}}}\n",
                          row % 4 == 0 ? "games" : "net", row, row % 3);
    write_whole(at("rows.jsonl"), text);
    pack_docs({"--meta", "rows.jsonl", "--meta-sorted", "size"});
  }
  [[nodiscard]] Ran search(std::vector<std::string> more) const {
    std::vector<std::string> words{"search", "docs.attar", "--vector", "q.npy", "--vector-row", "0", "-k", "5"};
    words.insert(words.end(), more.begin(), more.end());
    return attar(words);
  }
};

TEST_F(Filters, HitsAreAmongTheRowsAndShowTheirFields) {
  const Ran ran =
      search({"--where", "section = 'games' and size < 100", "--show", "section,odd\\, name", "--json", "--explain"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const auto lines = ran.lines();
  ASSERT_EQ(lines.size(), 2u);
  ASSERT_EQ(lines[0]["hits"].size(), 5u);
  for (const Json& hit : lines[0]["hits"]) {
    expect_keys(hit, {{"id", 's'}, {"score", 'n'}, {"row", 'n'}, {"fields", 'o'}});
    const int row = hit["row"];
    EXPECT_TRUE(row % 4 == 0 && row < 100) << row;
    EXPECT_EQ(hit["fields"]["section"], "games");
    EXPECT_EQ(hit["fields"]["odd, name"], Json::array({"t" + std::to_string(row % 3)}));
  }
  EXPECT_EQ(lines[1]["explain"]["passing"], 25);
  EXPECT_GT(lines[1]["explain"]["seconds"]["filter"].get<double>(), 0);
  const Ran table = search({"--where", "section = 'games'", "--show", "section,size", "--explain"});
  EXPECT_TRUE(table.out.starts_with("rank")) << table.out;
  EXPECT_NE(table.out.find("section"), std::string::npos);
  EXPECT_NE(table.out.find("--where holds for 300 of 1,200 rows"), std::string::npos) << table.out;
}

TEST_F(Filters, NoRowsAreNothingFound) {
  const Ran ran = search({"--where", "section = 'nope'", "--explain", "--json"});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_EQ(ran.lines()[0]["hits"], Json::array());
  EXPECT_EQ(ran.lines()[1]["explain"]["passing"], 0);
  const Ran one = search({"--where", "size = 17", "--json"});
  ASSERT_EQ(one.lines()[0]["hits"].size(), 1u);
  EXPECT_EQ(one.lines()[0]["hits"][0]["row"], 17);
}

TEST_F(Filters, ErrorsSayWhereAndWhatThereIs) {
  const auto expect = [](const Ran& ran, std::string_view words) {
    EXPECT_EQ(ran.status, 2);
    EXPECT_NE(ran.err.find(words), std::string::npos) << ran.err;
  };
  expect(search({"--where", "sectoin = 'games'"}), "did you mean \"section\"?; there are: section, size, odd, name");
  expect(search({"--where", "size = 'x'"}), "is an integer");
  expect(search({"--where", "size <"}), "at its end: expected a value");
  expect(search({"--where", " "}), "a condition is needed");
  expect(search({"--show", "sizes"}), "did you mean \"size\"?");
  expect(search({"--show", "size,,section"}), "name fields with commas between");
  expect(attar({"pack", "docs.npy", "-o", "b.attar", "--meta", "rows.jsonl", "--meta-fields", "sise"}),
         "did you mean 'size'?");
  expect(attar({"pack", "docs.npy", "-o", "b.attar", "--meta-fields", "size"}), "name it, as with --meta");
}

TEST_F(Filters, InfoNamesTheFields) {
  const Ran ran = attar({"info", "docs.attar", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json fields = ran.json()["fields"];
  ASSERT_EQ(fields.size(), 3u);
  for (const Json& field : fields)
    for (const char* key : {"name", "type", "nulls", "distinct", "least", "most", "bytes", "sorted"})
      EXPECT_TRUE(field.contains(key)) << key;
  EXPECT_EQ(fields[1]["name"], "size");
  EXPECT_EQ(fields[1]["type"], "integer");
  EXPECT_EQ(fields[1]["most"], 1199);
  EXPECT_EQ(fields[0]["distinct"], 2);
  EXPECT_EQ(ran.json()["parts"]["attributes 1"], fields[1]["bytes"]);
  EXPECT_NE(attar({"info", "docs.attar"}).out.find("list of strings"), std::string::npos);
}

TEST_F(Filters, LeftOutFieldsAreReported) {
  const Ran ran =
      attar({"pack", "docs.npy", "-o", "b.attar", "--codec", "lvq", "--budget", "60B/vec", "--meta", "rows.jsonl"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("field 'deep' is left out: it holds objects"), std::string::npos) << ran.out;
}

TEST_F(Filters, EvalAndBenchTakeACondition) {
  const Ran eval = attar({"eval", "docs.attar", "--queries", "q.npy", "--base", "docs.npy", "--where",
                          "section = 'games'", "-k", "10,1000", "--json"});
  ASSERT_EQ(eval.status, 0) << eval.err;
  EXPECT_EQ(eval.json()["recall"].size(), 1u);
  EXPECT_GT(eval.json()["recall"]["10"]["mean"].get<double>(), 0.8);
  const Ran bench = attar(
      {"bench", "docs.attar", "--queries", "q.npy", "--seconds", "0.01", "--where", "section = 'games'", "--json"});
  ASSERT_EQ(bench.status, 0) << bench.err;
  EXPECT_EQ(bench.json()["passing"], 300);
}

}  // namespace
}  // namespace attar::cli
