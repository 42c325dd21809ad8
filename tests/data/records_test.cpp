// Readers of rows: what a bad row costs, and how they go on.
#include "data/records.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "files.h"

namespace attar::data {
namespace {

class RecordsTest : public DataTest {
 protected:
  /// Every row as "line: field=value,…", every failure as "line! message".
  std::vector<std::string> read(const std::string& name, const std::string& bytes, std::uint64_t longest = 1000) {
    const InputFile file = InputFile::open(put(name, bytes)).value();
    const auto reader = name.ends_with(".csv") ? csv_records(file, ',', longest) : jsonl_records(file, longest);
    std::vector<std::string> out;
    for (int calls = 0; calls < 1000; ++calls) {
      std::string row;
      const auto there = reader->next([&](std::string_view field, const Cell& cell) {
        row += (row.empty() ? "" : ",") + std::string(field) + "=" + cell.as_text();
      });
      if (there && !*there) return out;
      out.push_back(std::to_string(reader->line()) + (there ? ": " + row : "! " + there.error().message));
    }
    ADD_FAILURE() << "the reader does not end";
    return out;
  }
};

TEST_F(RecordsTest, AreReadToTheEnd) {
  using Rows = std::vector<std::string>;
  EXPECT_EQ(read("a.jsonl", "{\"a\": 1}\n\n{\"a\": \"x\", \"b\": true}"), (Rows{"1: a=1", "3: a=x,b=true"}));
  EXPECT_EQ(read("a.csv", "a,b\n1,\"x\ny\"\n\n2,z\n"), (Rows{"2: a=1,b=x\ny", "5: a=2,b=z"}));
  EXPECT_EQ(read("a.jsonl", ""), Rows{});
}

TEST_F(RecordsTest, GoOnBehindABadRow) {
  const auto lines = read("a.jsonl", "{\"a\": 1}\n{\"a\":\n[1]\n{\"a\": 2}\n");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(lines[1].starts_with("2! line 2 is not valid JSON")) << lines[1];
  EXPECT_TRUE(lines[2].starts_with("3! line 3 is no JSON object")) << lines[2];
  EXPECT_EQ(lines[3], "4: a=2");
  const auto rows = read("a.csv", "a,b\n1\n\"2\"x,y\n\xff,y\n3,z\n\"4,\n");
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_TRUE(rows[0].starts_with("2! line 2 has 1 fields")) << rows[0];
  EXPECT_TRUE(rows[1].starts_with("3! line 3 has something behind a closing quote")) << rows[1];
  EXPECT_TRUE(rows[2].starts_with("4! line 4 is not UTF-8")) << rows[2];
  EXPECT_EQ(rows[3], "5: a=3,b=z");
  EXPECT_EQ(rows[4], "6! ends inside a quoted field");
}

TEST_F(RecordsTest, ALongRowIsSkippedInBoundedMemory) {
  const std::string longer(1 << 20, 'x');
  const auto lines = read("a.jsonl", "{\"a\": \"" + longer + "\"}\n{\"a\": 1}\n{\"a\": \"" + longer);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[0].starts_with("1! line 1 is longer than 1000 bytes")) << lines[0];
  EXPECT_EQ(lines[1], "2: a=1");
  EXPECT_TRUE(lines[2].starts_with("3! line 3 is longer")) << lines[2];
}

TEST_F(RecordsTest, QuotesThatNeverCloseAreFoundByTheirLength) {
  std::string text = "a,b\n\"";
  for (int i = 0; i < 300; ++i) text += "1,2\n";
  const auto rows = read("a.csv", text);
  ASSERT_FALSE(rows.empty());
  EXPECT_NE(rows[0].find("is a quote missing?"), std::string::npos) << rows[0];
  // Rows of many short quoted fields, each of which holds a line end, must end somewhere, too.
  text = "a,b\n\"";
  for (int i = 0; i < 400; ++i) text += "\n\",\"";
  EXPECT_NE(read("a.csv", text)[0].find("is a quote missing?"), std::string::npos);
}

TEST_F(RecordsTest, WithoutNamesThereAreNoRows) {
  EXPECT_EQ(read("a.csv", "a,a\n1,2\n"), std::vector<std::string>{"1! line 1 names 'a' twice"});
  EXPECT_EQ(read("a.csv", "a,\n1,2\n"), std::vector<std::string>{"1! line 1 names a field with no name"});
  const auto many = read("a.csv", std::string(70'000, ','), 1 << 20);
  ASSERT_EQ(many.size(), 1u);
  EXPECT_NE(many[0].find("more than 65536 fields"), std::string::npos);
}

TEST_F(RecordsTest, TellHowFarTheyAre) {
  const InputFile file = InputFile::open(put("a.jsonl", "{}\n{}\n")).value();
  const auto reader = jsonl_records(file);
  EXPECT_EQ(reader->position(), 0u);
  while (reader->next([](std::string_view, const Cell&) {}).value()) {
  }
  EXPECT_EQ(reader->position(), file.size());
}

}  // namespace
}  // namespace attar::data
