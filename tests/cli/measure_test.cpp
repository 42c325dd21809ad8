// eval, verify, info, unpack, bench, report, doctor.
#include <cmath>

#include "cli/support.h"

namespace attar::cli {
namespace {

void expect_measure(const Json& measure) {
  expect_keys(measure,
              {{"mean", 'n'}, {"low", 'n'}, {"high", 'n'}, {"p05", 'n'}, {"p50", 'n'}, {"p95", 'n'}, {"minimum", 'n'}});
  EXPECT_LE(measure["low"], measure["mean"]);
  EXPECT_LE(measure["mean"], measure["high"]);
  EXPECT_LE(measure["minimum"], measure["p05"]);
  EXPECT_LE(measure["p05"], measure["p95"]);
}

class Measured : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    pack_docs();
  }
};
class Eval : public Measured {};
class Verify : public Measured {};
class Info : public Measured {};
class Unpack : public Measured {};
class Report : public Measured {};
class Bench : public Measured {};
class Doctor : public CliTest {};

TEST_F(Eval, RecallWithItsIntervalAtEachK) {
  const Ran ran =
      attar({"eval", "docs.attar", "--queries", "q.npy", "--base", "docs.npy", "-k", "10,1", "--worst", "3", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json json = ran.json();
  expect_keys(json, {{"path", 's'},
                     {"rows", 'n'},
                     {"dims", 'n'},
                     {"metric", 's'},
                     {"bytes", 'n'},
                     {"bytes_per_row", 'n'},
                     {"queries", 'n'},
                     {"confidence", 'n'},
                     {"recall", 'o'},
                     {"relevance", 'o'},
                     {"worst", 'a'},
                     {"queries_per_second", 'n'}});
  EXPECT_EQ(json["queries"], queries);
  EXPECT_EQ(json["recall"].size(), 2u);
  expect_measure(json["recall"]["1"]);
  expect_measure(json["recall"]["10"]);
  EXPECT_GT(json["recall"]["10"]["mean"], 0.8);
  ASSERT_EQ(json["worst"].size(), 3u);
  expect_keys(json["worst"][0], {{"query", 'n'}, {"recall", 'n'}});
  EXPECT_TRUE(json["relevance"].empty());
  const Ran words = attar({"eval", "docs.attar", "--queries", "q.npy", "--base", "docs.npy"});
  for (const char* word : {"recall@1 ", "recall@10 ", "recall@100 ", "95% interval", "worst queries"})
    EXPECT_NE(words.out.find(word), std::string::npos) << "no \"" << word << "\" in " << words.out;
}

TEST_F(Eval, TrueRowsFromAFile) {
  const auto exact =
      attar({"search", "docs.attar", "--vector", "q.npy", "--exact", "--base", "docs.npy", "--json"}).lines();
  ASSERT_EQ(exact.size(), queries);
  std::string truth;
  const auto append = [&](std::int32_t value) { truth.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const Json& line : exact) {
    append(10);
    for (const Json& hit : line["hits"]) append(hit["row"].get<std::int32_t>());
  }
  write_whole(at("gt.ivecs"), truth);
  const Json by_file =
      attar({"eval", "docs.attar", "--queries", "q.npy", "--truth", "gt.ivecs", "-k", "10", "--json"}).json();
  const Json by_base =
      attar({"eval", "docs.attar", "--queries", "q.npy", "--base", "docs.npy", "-k", "10", "--json"}).json();
  EXPECT_NEAR(by_file["recall"]["10"]["mean"].get<double>(), by_base["recall"]["10"]["mean"].get<double>(), 1e-3);
}

TEST_F(Eval, RelevanceAgainstJudgements) {
  // The nearest row of each query is what its judge wanted.
  const auto exact =
      attar({"search", "docs.attar", "--vector", "q.npy", "--exact", "--base", "docs.npy", "-k", "1", "--json"})
          .lines();
  std::string qrels;
  for (const Json& line : exact)
    qrels += std::to_string(line["query"].get<int>()) + " 0 " + line["hits"][0]["id"].get<std::string>() + " 1\n";
  write_whole(at("qrels.txt"), qrels);
  const Json json = attar({"eval", "docs.attar", "--queries", "q.npy", "--qrels", "qrels.txt", "--json"}).json();
  ASSERT_TRUE(json.contains("relevance")) << json;
  for (const char* name : {"hit@1", "hit@10", "ndcg@10", "mrr"}) {
    ASSERT_TRUE(json["relevance"].contains(name)) << json["relevance"];
    expect_measure(json["relevance"][name]);
  }
  EXPECT_GT(json["relevance"]["hit@10"]["mean"], 0.9);
}

TEST_F(Eval, NeedsSomethingToMeasureAgainst) {
  const Ran ran = attar({"eval", "docs.attar", "--queries", "q.npy", "--json"});
  expect_error(ran, 2, "invalid_argument", "");
  EXPECT_NE(ran.json()["error"]["fix"], nullptr);
  EXPECT_EQ(attar({"eval", "docs.attar", "--queries", "q.npy", "--base", "docs.npy", "--truth", "x.ivecs"}).status, 2);
}

TEST_F(Verify, AWholeFileIsIntact) {
  const Ran ran = attar({"verify", "docs.attar", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  expect_keys(ran.json(), {{"path", 's'},
                           {"intact", 'b'},
                           {"bytes", 'n'},
                           {"rows", 'n'},
                           {"content_digest", 's'},
                           {"certificate_stale", 'b'},
                           {"certificate", '0'},
                           {"output", '0'}});
  EXPECT_NE(attar({"verify", "docs.attar"}).out.find("intact"), std::string::npos);
}

TEST_F(Verify, DamageEndsWithFour) {
  const std::string whole = read_whole(at("docs.attar"));
  std::string bytes = whole;
  bytes[bytes.size() / 2] ^= 1;
  write_whole(at("damaged.attar"), bytes);
  const Ran damaged = attar({"verify", "damaged.attar", "--json"});
  EXPECT_EQ(damaged.status, 4) << damaged.out;
  expect_keys(damaged.json()["error"],
              {{"code", 's'}, {"message", 's'}, {"file", 's'}, {"section", 's'}, {"offset", 'n'}, {"fix", '0'}});
  EXPECT_EQ(damaged.json()["error"]["code"], "corrupt");
  write_whole(at("cut.attar"), std::string_view(whole).substr(0, whole.size() - 100));
  const Ran cut = attar({"info", "cut.attar", "--json"});
  EXPECT_EQ(cut.status, 4);
  EXPECT_EQ(cut.json()["error"]["code"], "truncated") << cut.out;
}

TEST_F(Verify, AFreshCertificateOnNewQueries) {
  write_whole(at("new.npy"), npy_bytes(clustered(queries, dims, 3), dims));
  const Ran ran = attar({"verify", "docs.attar", "--base", "docs.npy", "--queries", "new.npy", "--recall", "0.6@10",
                         "-o", "certified.attar", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.out << ran.err;
  const Json certificate = ran.json()["certificate"];
  expect_certificate(certificate);
  EXPECT_TRUE(certificate["passed"].get<bool>());
  EXPECT_FALSE(certificate["proxy"].get<bool>());
  EXPECT_EQ(ran.json()["output"], "certified.attar");
  const Json info = attar({"info", "certified.attar", "--json"}).json();
  ASSERT_EQ(info["certificates"].size(), 2u);
  EXPECT_TRUE(info["certificates"][0]["proxy"].get<bool>()) << "what packing measured stays";
  EXPECT_EQ(info["certificates"][1], certificate);
  EXPECT_EQ(info["content_digest"], ran.json()["content_digest"]) << "the certificate is no content";
  EXPECT_FALSE(info["certificate_stale"].get<bool>());
}

TEST_F(Verify, AFloorThatIsNotShownEndsWithThree) {
  const Ran ran =
      attar({"verify", "docs.attar", "--base", "docs.npy", "--queries", "q.npy", "--recall", "0.9999@10", "--json"});
  EXPECT_EQ(ran.status, 3) << ran.out << ran.err;
  EXPECT_FALSE(ran.json()["certificate"]["passed"].get<bool>());
  EXPECT_EQ(attar({"verify", "docs.attar", "--base", "docs.npy"}).status, 2) << "--base asks for --queries";
}

TEST_F(Info, SaysWhereTheBytesWent) {
  const Json json = attar({"info", "docs.attar", "--json"}).json();
  expect_keys(json, {{"path", 's'},
                     {"rows", 'n'},
                     {"dims", 'n'},
                     {"metric", 's'},
                     {"bytes", 'n'},
                     {"bytes_per_row", 'n'},
                     {"code_bytes_per_row", 'n'},
                     {"codec", 's'},
                     {"format_version", 'n'},
                     {"parts", 'o'},
                     {"plan", 's'},
                     {"certificates", 'a'},
                     {"certificate_stale", 'b'},
                     {"fields", 'a'},
                     {"has_ids", 'b'},
                     {"originals", '0'},
                     {"content_digest", 's'}});
  EXPECT_EQ(json["codec"], "lvq");
  EXPECT_EQ(json["content_digest"].get<std::string>().size(), 64u);
  std::uint64_t sum = 0;
  for (const Json& part : json["parts"]) sum += part.get<std::uint64_t>();
  EXPECT_EQ(sum, std::filesystem::file_size(at("docs.attar")));
  const std::string words = attar({"info", "docs.attar"}).out;
  for (const char* word : {"1,200 x 32, cosine", "codes", "whole file", "lvq"})
    EXPECT_NE(words.find(word), std::string::npos) << "no \"" << word << "\" in " << words;
}

TEST_F(Unpack, GivesTheVectorsBackWithTheErrorStated) {
  const Ran ran = attar({"unpack", "docs.attar", "-o", "back.npy", "--base", "docs.npy", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json json = ran.json();
  expect_keys(
      json,
      {{"path", 's'}, {"rows", 'n'}, {"dims", 'n'}, {"compared", 'b'}, {"relative_error", 'n'}, {"mean_cosine", 'n'}});
  EXPECT_GT(json["mean_cosine"], 0.98);
  EXPECT_LT(json["relative_error"], 0.05);
  const std::string back = read_whole(at("back.npy"));
  EXPECT_TRUE(back.starts_with("\x93NUMPY"));
  const Ran again = attar({"unpack", "docs.attar", "-o", "back.npy", "--json"});
  expect_error(again, 2, "invalid_argument", "add -f");
  const Ran piped = attar({"unpack", "docs.attar", "-o", "-", "-q"});
  ASSERT_EQ(piped.status, 0);
  EXPECT_TRUE(piped.out == back);
  EXPECT_EQ(piped.err, "");
  const Ran blind = attar({"unpack", "docs.attar", "-o", "back.npy", "-f", "--json"});
  expect_keys(
      blind.json(),
      {{"path", 's'}, {"rows", 'n'}, {"dims", 'n'}, {"compared", 'b'}, {"relative_error", '0'}, {"mean_cosine", '0'}});
}

TEST_F(Report, DrawsFilesAndResults) {
  ASSERT_EQ(attar({"pack", "docs.npy", "-o", "small.attar", "--codec", "lvq", "--budget", "36B/vec", "-q"}).status, 0);
  write_whole(at("other <1>.jsonl"),
              attar({"eval", "docs.attar", "--queries", "q.npy", "--base", "docs.npy", "--json"}).out);
  const Ran ran = attar({"report", "docs.attar", "small.attar", "other <1>.jsonl", "-o", "curve.svg", "--queries",
                         "q.npy", "--base", "docs.npy", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json json = ran.json();
  expect_keys(json, {{"path", 's'}, {"k", 'n'}, {"curves", 'a'}});
  ASSERT_EQ(json["curves"].size(), 2u);
  EXPECT_EQ(json["curves"][0]["name"], "lvq");
  ASSERT_EQ(json["curves"][0]["points"].size(), 2u);
  expect_keys(json["curves"][0]["points"][0],
              {{"path", 's'}, {"bytes_per_row", 'n'}, {"recall", 'n'}, {"low", 'n'}, {"high", 'n'}});
  EXPECT_EQ(json["curves"][1]["points"][0]["recall"], json["curves"][0]["points"][0]["recall"]) << "measured twice";
  const std::string picture = read_whole(at("curve.svg"));
  EXPECT_TRUE(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
  EXPECT_NE(picture.find("other &lt;1&gt;"), std::string::npos) << "names are text, not markup";
  EXPECT_NE(picture.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_EQ(attar({"report", "other <1>.jsonl", "-o", "-"}).out.substr(0, 5), "<svg ");
}

TEST_F(Report, RefusesWhatItCannotDraw) {
  expect_error(attar({"report", "docs.attar", "-o", "curve.svg", "--json"}), 2, "invalid_argument", "--queries");
  write_whole(at("odd.json"), R"({"recall": {"10": {"mean": 7}}, "bytes_per_row": -1})");
  expect_error(attar({"report", "odd.json", "-o", "curve.svg", "--json"}), 2, "invalid_data", "recall@10");
  expect_error(attar({"report", "q.npy", "-o", "curve.svg", "--json"}), 2, "invalid_data", "recall@10");
  expect_error(attar({"report", "odd.json", "-o", "docs.npy", "--json"}), 2, "invalid_argument", "add -f");
  EXPECT_FALSE(std::filesystem::exists(at("curve.svg")));
}

TEST_F(Bench, CountsQueriesASecond) {
  const Json json = attar({"bench", "docs.attar", "--queries", "q.npy", "--batch", "8", "--seconds", "0.02", "--rounds",
                           "3", "--json"})
                        .json();
  expect_keys(json, {{"path", 's'},
                     {"rows", 'n'},
                     {"dims", 'n'},
                     {"k", 'n'},
                     {"batch", 'n'},
                     {"threads", 'n'},
                     {"queries_per_second", 'n'},
                     {"rounds", 'a'},
                     {"first_query_seconds", 'n'},
                     {"query_seconds", 'n'},
                     {"checksum_seconds", 'n'},
                     {"passing", '0'},
                     {"filter_seconds", '0'}});
  EXPECT_EQ(json["rounds"].size(), 3u);
  EXPECT_GT(json["queries_per_second"], 0);
  EXPECT_GT(json["first_query_seconds"], 0);
}

TEST_F(Doctor, NamesMachineAndCodecs) {
  const Json json = attar({"doctor", "--json"}).json();
  expect_keys(json, {{"version", 's'},
                     {"build", 's'},
                     {"features", 's'},
                     {"level", 's'},
                     {"isa_request_refused", 'b'},
                     {"cores", 'n'},
                     {"memory_bytes", 'n'},
                     {"memory_available", 'n'},
                     {"scratch", 's'},
                     {"scratch_available", 'n'},
                     {"codecs", 'a'},
                     {"libraries", 'o'}});
  EXPECT_GE(json["cores"], 1);
  const std::string words = attar({"doctor"}).out;
  for (const char* codec : {"tcq", "lvq", "f8", "rbin", "opq", "f16", "f32"})
    EXPECT_NE(words.find(codec), std::string::npos) << codec << " in " << words;
}

}  // namespace
}  // namespace attar::cli
