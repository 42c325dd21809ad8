// Sets for evaluating retrieval: BEIR's layout, queries, and runs.
#include "data/documents/beir.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "data/documents/document_source.h"
#include "data/text_lines.h"
#include "files.h"

namespace attar::data {
namespace {

namespace fs = std::filesystem;

class BeirTest : public DataTest {
 protected:
  Result<std::vector<Query>> queries(const std::string& name, const std::string& bytes) {
    return read_queries(put(name, bytes));
  }
};

TEST_F(BeirTest, AFolderInItsLayoutGivesTheCorpusAlone) {
  put("corpus.jsonl", R"({"_id": "d1", "title": "T", "text": "one", "metadata": {"url": "x"}}
{"_id": "d2", "title": "", "text": "two"}
)");
  EXPECT_FALSE(find_beir(directory_));
  put("queries.jsonl", "{\"_id\": \"q1\", \"text\": \"what?\"}\n");
  put("README.md", "# not a document");
  fs::create_directory(directory_ / "qrels");
  put("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td2\t1\n");
  put("qrels/dev.tsv", "query-id\tcorpus-id\tscore\n");
  put("qrels/note.txt", "");
  const auto beir = find_beir(directory_);
  ASSERT_TRUE(beir);
  EXPECT_EQ(beir->qrels, (std::vector<fs::path>{directory_ / "qrels/dev.tsv", directory_ / "qrels/test.tsv"}));
  EXPECT_EQ(read_queries(beir->queries).value(), (std::vector<Query>{{"q1", "what?"}}));
  EXPECT_EQ(read_qrels(beir->qrels[1]).value(), (std::vector<Judgement>{{"q1", "d2", 1}}));
  auto source = DocumentSource::open(directory_).value();
  std::vector<std::string> ids;
  while (auto document = source.next().value())
    ids.push_back(document->path + " " + document->id + " " + document->title);
  EXPECT_EQ(ids, (std::vector<std::string>{"corpus.jsonl d1 T", "corpus.jsonl d2 corpus.jsonl"}));
}

TEST_F(BeirTest, QueriesComeInThreeLayouts) {
  const std::vector<Query> expected{{"1", "first query"}, {"b", "second"}};
  EXPECT_EQ(
      queries("q.jsonl", "{\"_id\": 1, \"text\": \"first query\"}\n\n{\"id\": \"b\", \"text\": \"second\"}\n").value(),
      expected);
  EXPECT_EQ(queries("q.tsv", "1\tfirst query\r\nb\tsecond").value(), expected);
  EXPECT_EQ(queries("q", "query-id\ttext\n1\tfirst query\nb\tsecond").value(), expected);
  EXPECT_EQ(queries("q.txt", "first query\n\nsecond\n").value(),
            (std::vector<Query>{{"1", "first query"}, {"3", "second"}}));
}

TEST_F(BeirTest, ABadQueryIsNamed) {
  expect_error(queries("q", ""), ErrorCode::invalid_data, {"holds no queries"});
  expect_error(queries("q", "{\"text\": \"x\"}\n"), ErrorCode::invalid_data, {"line 1 needs \"_id\""});
  expect_error(queries("q", "{\"_id\": 1.5, \"text\": \"x\"}\n"), ErrorCode::invalid_data, {"line 1"});
  expect_error(queries("q", "{\"_id\": 1, \"text\": \"x\"}\n{"), ErrorCode::invalid_data,
               {"line 2 is not a JSON object"});
  expect_error(queries("q", "a\tx\na\ty\n"), ErrorCode::invalid_data, {"line 2 repeats the id 'a'"});
  expect_error(queries("q", "a\tx\nb\n"), ErrorCode::invalid_data, {"line 2 has no tab"});
  expect_error(queries("q", "a\t \n"), ErrorCode::invalid_data, {"line 1 has an empty id or an empty text"});
  expect_error(queries("q", "\xff\n"), ErrorCode::invalid_data, {"line 1 is not UTF-8"});
  expect_error(queries("q.tsv", "x"), ErrorCode::invalid_data, {"line 1 has no tab"});
}

TEST_F(BeirTest, RunsAreWrittenWholeOrNotAtAll) {
  const auto path = directory_ / "run.txt";
  const std::vector<RunRow> rows{{"q1", "d7", 1, 0.5}, {"q1", "d9", 2, -1}, {"q2", "d7", 1, 1.0 / 3}};
  ASSERT_TRUE(write_run(path, rows, "attar"));
  const std::string written = "q1 Q0 d7 1 0.5 attar\nq1 Q0 d9 2 -1 attar\nq2 Q0 d7 1 0.3333333333333333 attar\n";
  EXPECT_EQ(read_whole(path), written);
  for (const RunRow& bad :
       {RunRow{"q 1", "d", 1, 0}, RunRow{"q", "", 1, 0}, RunRow{"q", "d", 1, std::numeric_limits<double>::quiet_NaN()}})
    expect_error(write_run(path, std::vector<RunRow>{rows[0], bad}, "attar"), ErrorCode::invalid_argument,
                 {bad.document.empty() ? "blanks" : "query"});
  expect_error(write_run(path, rows, "two words"), ErrorCode::invalid_argument, {"'two words'"});
  EXPECT_EQ(read_whole(path), written);
  const std::vector<Judgement> judgements{{"q1", "d7", 3}, {"q2", "d9", -1}};
  ASSERT_TRUE(write_qrels(directory_ / "qrels", judgements));
  EXPECT_EQ(read_qrels(directory_ / "qrels").value(), judgements);
  expect_error(write_qrels(directory_ / "qrels", std::vector<Judgement>{{"q", "d 1", 1}}), ErrorCode::invalid_argument,
               {"'d 1'"});
  EXPECT_EQ(read_qrels(directory_ / "qrels").value(), judgements);
  expect_error(write_run(directory_ / "absent" / "run", rows, "t"), ErrorCode::io, {"absent"});
  EXPECT_TRUE(write_run(path, {}, "t"));
  EXPECT_EQ(read_whole(path), "");
}

}  // namespace
}  // namespace attar::data
