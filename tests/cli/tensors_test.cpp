// attar pack --lossless, get, unpack, info and verify of tensors, as they are typed.
#include "cli/support.h"
#include "data/files.h"
#include "data/tensor_files.h"
#include "engine/tiny_model.h"

namespace attar::cli {
namespace {

namespace fs = std::filesystem;
using data::make_tensor;
using data::TensorContent;

class TensorsCli : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    auto embed = make_tensor("embed.weight", {"BF16", 2}, {300, 64}, TensorContent::weights, 1);
    auto head = embed;
    head.name = "head.weight";
    norm_ = make_tensor("norm.weight", {"F32", 4}, {64}, TensorContent::weights, 2).bytes;
    write_whole(
        at("model.safetensors"),
        data::safetensors_file({embed, head, {.name = "norm.weight", .type = "F32", .shape = {64}, .bytes = norm_}},
                               {.metadata = R"({"format":"pt"})"}));
    fs::create_directories(at("folder/sub"));
    write_whole(at("folder/a.safetensors"), data::safetensors_file({embed}));
    write_whole(at("folder/sub/b.safetensors"), data::safetensors_file({embed, head}));
    write_whole(at("folder/config.json"), "{}");
  }
  void pack_model(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"pack", "model.safetensors", "-o", "m.attar", "--lossless", "-q"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = attar(words);
    ASSERT_EQ(ran.status, 0) << ran.err;
  }

  std::string norm_;
};

TEST_F(TensorsCli, AModelComesBackToTheByte) {
  const Ran packed = attar({"pack", "model.safetensors", "-o", "m.attar", "--lossless", "--json"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  const Json report = packed.json();
  expect_keys(report, {{"path", 's'},
                       {"sources", 'n'},
                       {"tensors", 'n'},
                       {"shared_tensors", 'n'},
                       {"base_tensors", 'n'},
                       {"delta_tensors", 'n'},
                       {"depth", 'n'},
                       {"source_bytes", 'n'},
                       {"bytes", 'n'},
                       {"types", 'a'},
                       {"budget_bytes", '0'},
                       {"lost", 'a'},
                       {"weighed_error", 'n'},
                       {"trimmed", 'a'},
                       {"certificate", '0'},
                       {"notes", 'a'},
                       {"seconds", 'n'}});
  EXPECT_EQ(report["path"], "m.attar");
  EXPECT_EQ(report["tensors"], 3);
  EXPECT_EQ(report["shared_tensors"], 1);
  EXPECT_EQ(report["source_bytes"], fs::file_size(at("model.safetensors")));
  EXPECT_EQ(report["bytes"], fs::file_size(at("m.attar")));
  ASSERT_EQ(report["types"].size(), 2u);
  expect_keys(report["types"][0], {{"type", 's'}, {"tensors", 'n'}, {"bytes", 'n'}, {"packed_bytes", 'n'}});
  EXPECT_EQ(report["types"][0]["type"], "BF16");

  const Ran back = attar({"unpack", "m.attar", "-o", "back.safetensors", "--json"});
  ASSERT_EQ(back.status, 0) << back.err;
  expect_keys(back.json(), {{"path", 's'}, {"sources", 'n'}, {"bytes", 'n'}, {"seconds", 'n'}});
  EXPECT_TRUE(read_whole(at("back.safetensors")) == read_whole(at("model.safetensors")));
  EXPECT_TRUE(attar({"unpack", "m.attar", "-o", "-"}).out == read_whole(at("model.safetensors")));

  const Ran info = attar({"info", "m.attar", "--json"});
  ASSERT_EQ(info.status, 0) << info.err;
  expect_keys(info.json(), {{"path", 's'},
                            {"bytes", 'n'},
                            {"source_bytes", 'n'},
                            {"sources", 'a'},
                            {"tensors", 'a'},
                            {"parts", 'o'},
                            {"format_version", 'n'},
                            {"content_digest", 's'},
                            {"base_digest", '0'},
                            {"depth", 'n'},
                            {"goal", '0'},
                            {"refinements", 'n'},
                            {"weighed_error", 'n'},
                            {"certificate", '0'}});
  expect_keys(info.json()["tensors"][0], {{"source", 's'},
                                          {"name", 's'},
                                          {"type", 's'},
                                          {"shape", 'a'},
                                          {"bytes", 'n'},
                                          {"packed_bytes", 'n'},
                                          {"codec", 's'},
                                          {"loss", '0'},
                                          {"dropped_rows", 'n'}});
  const Ran verified = attar({"verify", "m.attar", "--json"});
  ASSERT_EQ(verified.status, 0) << verified.err;
  expect_keys(verified.json(), {{"path", 's'},
                                {"intact", 'b'},
                                {"bytes", 'n'},
                                {"tensors", 'n'},
                                {"comparison", '0'},
                                {"certificate", '0'},
                                {"content_digest", 's'}});
  EXPECT_EQ(verified.json()["content_digest"], info.json()["content_digest"]);
}

TEST_F(TensorsCli, ATableLosesByFrequency) {
  const Json tensors = attar({"plan", "model.safetensors", "--budget", "9kB", "--json"}).json()["lost"];
  ASSERT_FALSE(tensors.empty());
  const Ran refused = attar({"pack", "model.safetensors", "-o", "f.attar", "--lossless", "--frequencies", "c.txt"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.err.find("--budget"), std::string::npos) << refused.err;
  write_whole(at("c.txt"), "1\n2\n");
  const Ran other = attar({"pack", "model.safetensors", "-o", "f.attar", "--budget", "9kB", "--frequencies", "c.txt"});
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.err.find("2 rows"), std::string::npos) << other.err;
}

TEST_F(TensorsCli, RowsAreKeptByALine) {
  write_whole(at("rows.txt"), "0\n7\n8\n");
  const Ran packed = attar({"pack", "model.safetensors", "-o", "k.attar", "--keep-rows", "embed*=rows.txt", "--json"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  ASSERT_EQ(packed.json()["trimmed"].size(), 1u);
  expect_keys(packed.json()["trimmed"][0], {{"name", 's'}, {"rows", 'n'}, {"dropped", 'n'}});
  EXPECT_EQ(packed.json()["trimmed"][0]["dropped"], 297);
  EXPECT_EQ(attar({"info", "k.attar", "--json"}).json()["tensors"][0]["dropped_rows"], 297);
  const Ran verified = attar({"verify", "k.attar", "--base", "model.safetensors", "--json"});
  ASSERT_EQ(verified.status, 0) << verified.err;
  EXPECT_EQ(verified.json()["comparison"]["trimmed"][0]["dropped"], 297);
  EXPECT_EQ(verified.json()["comparison"]["identical"], 2);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"info", "k.attar"}, {"verify", "k.attar", "--base", "model.safetensors"}})
    EXPECT_NE(attar(words).out.find("embed.weight"), std::string::npos);
  EXPECT_NE(attar({"info", "k.attar"}).out.find("297 of 300 rows"), std::string::npos);
  // Under a budget too, and never as the same file.
  EXPECT_EQ(attar({"pack", "model.safetensors", "-o", "b.attar", "--budget", "9kB", "--keep-rows", "*.weight=rows.txt"})
                .status,
            0);
  const Ran same =
      attar({"pack", "model.safetensors", "-o", "l.attar", "--lossless", "--keep-rows", "embed*=rows.txt"});
  EXPECT_EQ(same.status, 2);
  EXPECT_NE(same.err.find("--lossless"), std::string::npos) << same.err;
  for (const char* wrong : {"embed*", "none=rows.txt", "embed*=absent.txt", "norm.weight=rows.txt"})
    EXPECT_EQ(attar({"pack", "model.safetensors", "-o", "l.attar", "--keep-rows", wrong}).status, 2) << wrong;
  write_whole(at("rows.txt"), "300\n");
  const Ran beyond = attar({"pack", "model.safetensors", "-o", "l.attar", "--keep-rows", "embed*=rows.txt"});
  EXPECT_EQ(beyond.status, 2);
  EXPECT_NE(beyond.err.find("row 300"), std::string::npos) << beyond.err;
  EXPECT_NE(attar({"pack", "model.safetensors", "-o", "rows.txt", "--keep-rows", "embed*=rows.txt", "-f"}).status, 0);
  EXPECT_EQ(read_whole(at("rows.txt")), "300\n");
  EXPECT_FALSE(fs::exists(at("l.attar")));
}

TEST_F(TensorsCli, AVocabularyIsTrimmedAndTheEncoderRunsOn) {
  write_tiny_model(at("tiny"));
  write_whole(at("tokens.txt"), "the\ncat\n.\n");
  write_whole(at("texts.txt"), "the cat.\nthe cat the cat.\n");
  const Ran packed = attar({"pack", "tiny", "-o", "t.attar", "--keep-tokens", "tokens.txt", "--json"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  EXPECT_EQ(packed.json()["trimmed"][0]["rows"].get<int>() - packed.json()["trimmed"][0]["dropped"].get<int>(), 7);
  for (const char* encoder : {"tiny", "t.attar"})
    ASSERT_EQ(attar({"embed", "texts.txt", "-o", std::string(encoder) + ".npy", "--encoder", encoder}).status, 0);
  EXPECT_TRUE(read_whole(at("tiny.npy")) == read_whole(at("t.attar.npy")));
  const Ran none = attar({"pack", "model.safetensors", "-o", "x.attar", "--keep-tokens", "tokens.txt"});
  EXPECT_EQ(none.status, 2);
}

TEST_F(TensorsCli, ABudgetIsPlannedPackedAndVerified) {
  const Ran planned = attar({"plan", "model.safetensors", "--budget", "9kB", "--json"});
  ASSERT_EQ(planned.status, 0) << planned.err;
  EXPECT_TRUE(planned.json()["path"].is_null());
  const Ran packed =
      attar({"pack", "model.safetensors", "-o", "s.attar", "--budget", "9kB", "--pin", "norm*=lossless", "--json"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  const Json report = packed.json();
  EXPECT_EQ(report["budget_bytes"], 9000);
  EXPECT_LE(report["bytes"], 9000);
  EXPECT_EQ(report["bytes"], fs::file_size(at("s.attar")));
  ASSERT_EQ(report["lost"].size(), 1u);
  expect_keys(report["lost"][0], {{"name", 's'},
                                  {"type", 's'},
                                  {"weights", 'n'},
                                  {"bits", 'n'},
                                  {"relative_error", 'n'},
                                  {"max_error", 'n'},
                                  {"sensitivity", 'n'}});
  const Ran info = attar({"info", "s.attar", "--json"});
  ASSERT_EQ(info.status, 0) << info.err;
  EXPECT_EQ(info.json()["goal"], "budget of 9000 bytes");
  expect_keys(info.json()["tensors"][0]["loss"], {{"relative_error", 'n'}, {"max_error", 'n'}, {"sensitivity", 'n'}});
  EXPECT_TRUE(info.json()["tensors"][2]["loss"].is_null());
  const Ran verified = attar({"verify", "s.attar", "--base", "model.safetensors", "--json"});
  ASSERT_EQ(verified.status, 0) << verified.err;
  expect_keys(verified.json()["comparison"],
              {{"tensors", 'n'}, {"identical", 'n'}, {"lost", 'a'}, {"weighed_error", 'n'}, {"trimmed", 'a'}});
  EXPECT_EQ(verified.json()["comparison"]["identical"], 1);
  EXPECT_EQ(attar({"verify", "s.attar", "--base", "folder/a.safetensors"}).status, 2);
  // What a person reads.
  const Ran text = attar({"plan", "model.safetensors", "--max-error", "1e-3"});
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("relative error"), std::string::npos) << text.out;
  EXPECT_EQ(attar({"pack", "model.safetensors", "-o", "x.attar", "--budget", "500B"}).status, 3);
  EXPECT_EQ(attar({"pack", "model.safetensors", "-o", "x.attar", "--budget", "9kB", "--lossless"}).status, 2);
  EXPECT_EQ(attar({"pack", "model.safetensors", "-o", "x.attar", "--pin", "none*=4bit"}).status, 2);
  EXPECT_EQ(attar({"pack", "model.safetensors", "-o", "x.attar", "--budget", "9kB", "--recall", "0.9"}).status, 2);
  EXPECT_FALSE(fs::exists(at("x.attar")));
}

TEST_F(TensorsCli, AProgressiveArtifactIsCutToAnySize) {
  const Ran packed = attar({"pack", "model.safetensors", "-o", "p.attar", "--progressive", "--json"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  EXPECT_TRUE(packed.json()["budget_bytes"].is_null());
  EXPECT_EQ(packed.json()["bytes"], fs::file_size(at("p.attar")));
  const Ran info = attar({"info", "p.attar", "--json"});
  ASSERT_EQ(info.status, 0) << info.err;
  EXPECT_EQ(info.json()["goal"], "to be cut anywhere");
  EXPECT_GT(info.json()["refinements"], 5);
  EXPECT_NEAR(info.json()["weighed_error"].get<double>(), packed.json()["weighed_error"].get<double>(), 1e-12);
  const Ran cut = attar({"pack", "p.attar", "-o", "c.attar", "--budget", "12kB", "--json"});
  ASSERT_EQ(cut.status, 0) << cut.err;
  const Json report = cut.json();
  expect_keys(report, {{"path", 's'},
                       {"bytes", 'n'},
                       {"former_bytes", 'n'},
                       {"refinements", 'n'},
                       {"former_refinements", 'n'},
                       {"weighed_error", 'n'},
                       {"former_weighed_error", 'n'},
                       {"seconds", 'n'}});
  EXPECT_EQ(report["path"], "c.attar");
  EXPECT_LE(report["bytes"], 12'000);
  EXPECT_EQ(report["bytes"], fs::file_size(at("c.attar")));
  EXPECT_GT(report["weighed_error"], report["former_weighed_error"]);
  EXPECT_EQ(attar({"verify", "c.attar", "--base", "model.safetensors"}).status, 0);
  // What is unpacked within a budget is what the cut file holds.
  ASSERT_EQ(attar({"unpack", "p.attar", "-o", "a.safetensors", "--budget", "12kB"}).status, 0);
  ASSERT_EQ(attar({"unpack", "c.attar", "-o", "b.safetensors"}).status, 0);
  EXPECT_TRUE(read_whole(at("a.safetensors")) == read_whole(at("b.safetensors")));
  ASSERT_EQ(attar({"export", "p.attar", "-o", "e.attar", "--budget", "12kB"}).status, 0);
  EXPECT_TRUE(read_whole(at("e.attar")) == read_whole(at("c.attar")));
  const Ran text = attar({"pack", "p.attar", "-o", "-", "--budget", "12kB"});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_EQ(text.out.size(), fs::file_size(at("c.attar")));
  expect_error(attar({"pack", "p.attar", "-o", "x.attar", "--budget", "500B", "--json"}), 3, "goal_unreachable",
               "raise it");
  expect_error(attar({"pack", "p.attar", "-o", "x.attar", "--json"}), 2, "invalid_argument", "--budget");
  expect_error(attar({"pack", "p.attar", "-o", "x.attar", "--budget", "12kB", "--pin", "norm*=lossless", "--json"}), 2,
               "invalid_argument", "nothing else");
  expect_error(attar({"plan", "model.safetensors", "--json"}), 2, "invalid_argument", "budget");
  pack_model();
  expect_error(attar({"pack", "m.attar", "-o", "x.attar", "--budget", "12kB", "--json"}), 2, "invalid_argument",
               "--progressive");
  expect_error(attar({"unpack", "m.attar", "-o", "x.safetensors", "--budget", "12kB", "--json"}), 2, "invalid_argument",
               "--progressive");
  expect_error(attar({"pack", "model.safetensors", "-o", "x.attar", "--progressive", "--lossless", "--json"}), 2,
               "invalid_argument", "--progressive");
  EXPECT_FALSE(fs::exists(at("x.attar")));
}

TEST_F(TensorsCli, AVersionNeedsItsBaseAndSaysSo) {
  ASSERT_EQ(attar({"pack", "model.safetensors", "-o", "v1.attar", "--lossless"}).status, 0);
  const Ran packed =
      attar({"pack", "model.safetensors", "-o", "v2.attar", "--lossless", "--base", "v1.attar", "--json"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  EXPECT_EQ(packed.json()["base_tensors"], 2);
  EXPECT_EQ(packed.json()["depth"], 1);
  EXPECT_TRUE(attar({"unpack", "v2.attar", "-o", "-"}).out == read_whole(at("model.safetensors")));
  fs::create_directories(at("kept"));
  fs::rename(at("v1.attar"), at("kept") / "v1.attar");
  const Ran lost = attar({"unpack", "v2.attar", "-o", "lost.safetensors"});
  EXPECT_EQ(lost.status, 2);
  EXPECT_NE(lost.err.find("--base"), std::string::npos) << lost.err;
  EXPECT_FALSE(fs::exists(at("lost.safetensors")));
  EXPECT_EQ(attar({"verify", "v2.attar", "--base", "kept/v1.attar"}).status, 0);
  EXPECT_EQ(attar({"get", "v2.attar", "embed.weight", "-o", "w.npy", "--base", "kept/v1.attar"}).status, 0);
}

TEST_F(TensorsCli, PeopleReadWhatWasSaved) {
  const Ran packed = attar({"pack", "model.safetensors", "-o", "m.attar", "--lossless", "--block", "64KiB"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  for (const char* word : {"3 tensors of 1 files", "without loss", "m.attar", "saved", "BF16", "F32", "MB/s"})
    EXPECT_NE((packed.out + packed.err).find(word), std::string::npos) << word << " in " << packed.out << packed.err;
  const Ran info = attar({"info", "m.attar"});
  for (const char* word : {"embed.weight", "300x64", "fields", "frames", "container"})
    EXPECT_NE(info.out.find(word), std::string::npos) << word << " in " << info.out;
  EXPECT_NE(attar({"verify", "m.attar"}).out.find("3 tensors decode to what was packed"), std::string::npos);
}

TEST_F(TensorsCli, GetGivesOneTensor) {
  pack_model();
  const Ran got = attar({"get", "m.attar", "norm.weight", "-o", "norm.npy", "--json"});
  ASSERT_EQ(got.status, 0) << got.err;
  expect_keys(got.json(), {{"path", 's'},
                           {"name", 's'},
                           {"source", 's'},
                           {"type", 's'},
                           {"shape", 'a'},
                           {"bytes", 'n'},
                           {"packed_bytes", 'n'}});
  EXPECT_EQ(got.json()["source"], "model.safetensors");
  const std::string file = read_whole(at("norm.npy"));
  EXPECT_NE(file.find("'<f4'"), std::string::npos);
  EXPECT_TRUE(file.ends_with(norm_));
  EXPECT_TRUE(attar({"get", "m.attar", "norm.weight", "-o", "-"}).out == file);
  const Ran named = attar({"get", "m.attar", "model.safetensors:norm.weight", "-o", "named.npy"});
  EXPECT_EQ(named.status, 0) << named.err;

  expect_error(attar({"get", "m.attar", "nrm", "-o", "x.npy", "--json"}), 2, "invalid_argument",
               "there is no tensor 'nrm' among 3; attar info names them");
  expect_error(attar({"get", "m.attar", "norm.weight", "-o", "norm.npy", "--json"}), 2, "invalid_argument", "-f");
  EXPECT_EQ(attar({"get", "m.attar", "norm.weight", "-o", "norm.npy", "-f"}).status, 0);
  EXPECT_EQ(attar({"get", "model.safetensors", "norm.weight", "-o", "x.npy"}).status, 4);
  pack_docs();
  expect_error(attar({"get", "docs.attar", "norm.weight", "-o", "x.npy", "--json"}), 2, "unsupported",
               "is no artifact of tensors");
  EXPECT_FALSE(fs::exists(at("x.npy")));
}

TEST_F(TensorsCli, AFolderComesBackAsAFolder) {
  const Ran packed = attar({"pack", "folder", "-o", "f.attar", "--lossless", "--json"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  EXPECT_EQ(packed.json()["sources"], 3);
  EXPECT_EQ(packed.json()["shared_tensors"], 2);
  expect_error(attar({"unpack", "f.attar", "-o", "-", "--json"}), 2, "invalid_argument", "give a folder");
  const Ran back = attar({"unpack", "f.attar", "-o", "back"});
  ASSERT_EQ(back.status, 0) << back.err;
  for (const char* name : {"a.safetensors", "sub/b.safetensors", "config.json"})
    EXPECT_TRUE(read_whole(at("back") / name) == read_whole(at("folder") / name)) << name;
  expect_error(attar({"unpack", "f.attar", "-o", "back", "--json"}), 2, "invalid_argument", "--force");
  EXPECT_EQ(attar({"unpack", "f.attar", "-o", "back", "--force"}).status, 0);
  expect_error(attar({"get", "f.attar", "embed.weight", "-o", "e.npy", "--json"}), 2, "invalid_argument",
               "a.safetensors:embed.weight");
  EXPECT_EQ(attar({"get", "f.attar", "sub/b.safetensors:embed.weight", "-o", "e.npy"}).status, 0);
}

TEST_F(TensorsCli, WrongUseTellsTheFix) {
  expect_error(attar({"pack", "model.safetensors", "-o", "m.attar", "--json"}), 2, "invalid_argument",
               "attar pack model.safetensors -o m.attar --lossless");
  expect_error(attar({"pack", "folder", "-o", "m.attar", "--json"}), 2, "invalid_argument", "--lossless");
  expect_error(attar({"pack", "none.safetensors", "-o", "m.attar", "--lossless", "--json"}), 2, "io", "cannot open");
  expect_error(attar({"pack", "-", "-o", "m.attar", "--lossless", "--json"}), 2, "invalid_argument", "standard input");
  for (const char* block : {"1KiB", "65MiB", "0B"})
    expect_error(attar({"pack", "model.safetensors", "-o", "m.attar", "--lossless", "--block", block, "--json"}), 2,
                 "invalid_argument", "block");
  EXPECT_EQ(attar({"pack", "model.safetensors", "-o", "m.attar", "--lossless", "--block", "64B/vec"}).status, 2);
  EXPECT_FALSE(fs::exists(at("m.attar")));

  write_whole(at("kept.txt"), "kept");
  expect_error(attar({"pack", "model.safetensors", "-o", "kept.txt", "--lossless", "--json"}), 2, "invalid_argument",
               "-f");
  expect_error(attar({"pack", "model.safetensors", "-o", "model.safetensors", "--lossless", "--json"}), 2,
               "invalid_argument", "also an input");
  pack_model();
  expect_error(attar({"unpack", "m.attar", "-o", "kept.txt", "--json"}), 2, "invalid_argument", "-f");
  EXPECT_EQ(read_whole(at("kept.txt")), "kept");
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"search", "m.attar", "a question", "--json"}, {"search", "m.attar", "--vector", "q.npy", "--json"}})
    expect_error(attar(line), 2, "unsupported", "holds tensors");
}

TEST_F(TensorsCli, DamageIsSaidAndNothingWritten) {
  pack_model();
  std::string bytes = read_whole(at("m.attar"));
  bytes[bytes.size() / 2] ^= 1;
  write_whole(at("m.attar"), bytes);
  const Ran verified = attar({"verify", "m.attar", "--json"});
  EXPECT_EQ(verified.status, 4) << verified.out;
  EXPECT_EQ(verified.json()["error"]["code"], "corrupt");
  EXPECT_EQ(attar({"unpack", "m.attar", "-o", "back.safetensors"}).status, 4);
  EXPECT_FALSE(fs::exists(at("back.safetensors")));
}

TEST_F(TensorsCli, FilesThatAreNoneAreBytesWithANote) {
  std::string cut = read_whole(at("model.safetensors"));
  cut.pop_back();
  write_whole(at("cut.safetensors"), cut);
  const Ran packed = attar({"pack", "cut.safetensors", "-o", "c.attar", "--lossless", "--json"});
  ASSERT_EQ(packed.status, 0) << packed.err;
  EXPECT_NE(packed.json()["notes"].at(0).get<std::string>().find("taken as bytes"), std::string::npos);
  ASSERT_EQ(attar({"unpack", "c.attar", "-o", "cut.back"}).status, 0);
  EXPECT_TRUE(read_whole(at("cut.back")) == cut);
}

TEST_F(TensorsCli, AModelRunsFromItsArtifact) {
  write_tiny_model(at("tiny"));
  write_whole(at("texts.txt"), "the cat\na cat\nzebra\n");
  ASSERT_EQ(attar({"pack", "tiny", "-o", "tiny.attar", "--lossless", "-q"}).status, 0);
  for (const char* precision : {"f32", "int4"}) {
    const std::vector<std::string> words{"embed", "texts.txt", "-f", "--precision", precision, "--json", "-o"};
    const auto run = [&](const std::string& out, const std::string& model) {
      auto all = words;
      all.insert(all.end(), {out, "--encoder", model});
      const Ran ran = attar(all);
      EXPECT_EQ(ran.status, 0) << ran.err;
      return read_whole(at(out));
    };
    EXPECT_EQ(run("folder.npy", "tiny"), run("artifact.npy", "tiny.attar")) << precision;
  }
  expect_error(attar({"embed", "texts.txt", "-o", "x.npy", "--encoder", "tiny", "--precision", "int2", "--json"}), 2,
               "invalid_argument", "int4");
  expect_error(attar({"embed", "texts.txt", "-o", "x.npy", "--encoder", "tiny/model.safetensors", "--json"}), 2,
               "invalid_argument", "attar pack");
}

TEST_F(TensorsCli, SensitivityOfAModelsTensors) {
  write_tiny_model(at("tiny"));
  write_whole(at("texts.txt"), "the cat\na cat\nzebra\n");
  const Ran ran = attar({"sensitivity", "tiny", "--calibrate", "texts.txt", "-o", "alpha.json", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  expect_keys(ran.json(), {{"path", 's'},
                           {"model", 's'},
                           {"digest", 's'},
                           {"texts", 'n'},
                           {"noise", 'n'},
                           {"seed", 'n'},
                           {"tensors", 'o'},
                           {"seconds", 'n'}});
  const Json file = Json::parse(read_whole(at("alpha.json")));
  EXPECT_EQ(file["format"], "attar-sensitivity 1");
  EXPECT_EQ(file["tensors"], ran.json()["tensors"]);
  EXPECT_EQ(file["tensors"].size(), 3 + 2 * 6);
  const Ran text =
      attar({"sensitivity", "tiny", "--calibrate", "texts.txt", "-o", "alpha.json", "-f", "--noise", "0.02"});
  ASSERT_EQ(text.status, 0) << text.err;
  EXPECT_NE(text.out.find("encoder.layer.1.output.dense.weight"), std::string::npos) << text.out;
  EXPECT_EQ(attar({"sensitivity", "tiny", "--calibrate", "texts.txt", "-o", "alpha.json"}).status, 2) << "without -f";
  EXPECT_EQ(attar({"sensitivity", "tiny", "--calibrate", "texts.txt", "-o", "b.json", "--noise", "2"}).status, 2);
}

TEST_F(TensorsCli, ArraysOfNumpyComeBackToTheByte) {
  const std::string source = ATTAR_SOURCE_DIR "/tests/data/npz/";
  for (const char* name : {"saved.npz", "deflated.npz"}) {
    const Ran packed = attar({"pack", source + name, "-o", "z.attar", "--lossless", "-f", "--json"});
    ASSERT_EQ(packed.status, 0) << packed.err;
    EXPECT_EQ(packed.json()["tensors"], 3);
    EXPECT_EQ(packed.json()["notes"].size(), name[0] == 's' ? 0u : 1u);
    ASSERT_EQ(attar({"unpack", "z.attar", "-o", "back.npz", "-f"}).status, 0);
    EXPECT_EQ(read_whole(at("back.npz")), read_whole(source + name));
  }
  ASSERT_EQ(attar({"pack", source + "saved.npz", "-o", "z.attar", "--lossless", "-f"}).status, 0);
  ASSERT_EQ(attar({"get", "z.attar", "weights", "-o", "w.npy"}).status, 0);
  EXPECT_EQ(data::read_file(at("w.npy")).value()[7], 7.0f / 8);
}

}  // namespace
}  // namespace attar::cli
