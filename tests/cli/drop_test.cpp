// attar drop, as it is typed.
#include <fmt/format.h>

#include "cli/support.h"

namespace attar::cli {
namespace {

class Drop : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    std::string ids, meta;
    for (std::size_t row = 0; row < rows; ++row) {
      ids += fmt::format("doc-{}\n", row);
      meta += fmt::format("{{\"size\": {}}}\n", row);
    }
    write_whole(at("ids.txt"), ids);
    write_whole(at("rows.jsonl"), meta);
    const Ran ran = attar({"pack", "docs.npy", "-o", "docs.attar", "--index", "graph", "--budget", "160B/vec", "--ids",
                           "ids.txt", "--meta", "rows.jsonl", "-q"});
    ASSERT_EQ(ran.status, 0) << ran.err;
  }
};

TEST_F(Drop, SaysWhatIsLeft) {
  const Ran ran = attar({"drop", "docs.attar", "-o", "left.attar", "--id", "doc-3", "--id", "doc-4", "--where",
                         "size >= 1190", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json json = ran.json();
  expect_keys(json, {{"path", 's'},
                     {"rows", 'n'},
                     {"dropped", 'n'},
                     {"relinked", 'n'},
                     {"rebuilt", 'b'},
                     {"bytes", 'n'},
                     {"seconds", 'n'},
                     {"notes", 'a'},
                     {"content_digest", 's'}});
  EXPECT_EQ(json["rows"], rows - 12);
  EXPECT_EQ(json["dropped"], 12);
  EXPECT_EQ(json["bytes"], std::filesystem::file_size(at("left.attar")));
  EXPECT_EQ(attar({"verify", "left.attar"}).status, 0);
  const Json info = attar({"info", "left.attar", "--json"}).json();
  EXPECT_EQ(info["content_digest"], json["content_digest"]);
  const Ran hits = attar({"search", "left.attar", "--vector", "docs.npy", "--vector-row", "5", "-k", "1", "--json"});
  EXPECT_EQ(hits.lines()[0]["hits"][0]["id"], "doc-5");
  const Ran text = attar({"drop", "docs.attar", "-o", "left.attar", "--ids", "-"}, "doc-7\n");
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("1,199 rows left, 1 dropped"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("No certificate"), std::string::npos) << text.out;
  const Ran most = attar({"drop", "docs.attar", "-o", "left.attar", "--where", "size < 600"});
  EXPECT_NE(most.out.find("built anew"), std::string::npos) << most.out << most.err;
}

TEST_F(Drop, MistakesAreNamedAndLeaveNothing) {
  const auto before = names();
  const Ran none = attar({"drop", "docs.attar", "-o", "left.attar", "--json"});
  expect_error(none, 2, "invalid_argument", "no row");
  expect_error(attar({"drop", "docs.attar", "-o", "left.attar", "--id", "doc-x", "--json"}), 2, "invalid_argument",
               "doc-x");
  expect_error(attar({"drop", "docs.attar", "-o", "docs.attar", "--id", "doc-1", "--json"}), 2, "invalid_argument",
               "is also an input");
  expect_error(attar({"drop", "docs.attar", "-o", "rows.jsonl", "--id", "doc-1", "--json"}), 2, "invalid_argument",
               "-f");
  EXPECT_EQ(attar({"drop", "docs.attar", "-o", "left.attar", "--where", " "}).status, 2);
  EXPECT_EQ(names(), before);
}

}  // namespace
}  // namespace attar::cli
