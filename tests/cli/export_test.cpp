// attar export, as it is typed.
#include "cli/support.h"
#include "data/tensor_files.h"

namespace attar::cli {
namespace {

namespace fs = std::filesystem;
using data::make_tensor;
using data::TensorContent;

class ExportCli : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    write_whole(at("model.safetensors"),
                data::safetensors_file({make_tensor("embed.weight", {"BF16", 2}, {300, 64}, TensorContent::weights, 1),
                                        make_tensor("layer.weight", {"F32", 4}, {64, 256}, TensorContent::weights, 2),
                                        make_tensor("norm.weight", {"F32", 4}, {64}, TensorContent::weights, 3)}));
  }
  [[nodiscard]] Ran run(std::vector<std::string> more, const std::string& input = "model.safetensors") const {
    std::vector<std::string> words{"export", input, "-o", "out.gguf"};
    words.insert(words.end(), more.begin(), more.end());
    return attar(words);
  }
};

TEST_F(ExportCli, AFileWithinABudgetIsToldOf) {
  const Ran ran = run({"--type", "auto", "--budget", "30kB", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json report = ran.json();
  expect_keys(report, {{"path", 's'},
                       {"architecture", 's'},
                       {"bytes", 'n'},
                       {"budget", 'n'},
                       {"values", 'n'},
                       {"error", 'n'},
                       {"predicted", 'n'},
                       {"bound", 'n'},
                       {"optimal", 'b'},
                       {"types", 'a'},
                       {"tensors", 'a'},
                       {"notes", 'a'},
                       {"seconds", 'n'}});
  expect_keys(report["types"][0], {{"type", 's'}, {"tensors", 'n'}, {"values", 'n'}, {"bytes", 'n'}, {"error", 'n'}});
  expect_keys(report["tensors"][0],
              {{"name", 's'}, {"type", 's'}, {"values", 'n'}, {"bytes", 'n'}, {"alpha", 'n'}, {"error", 'n'}});
  EXPECT_EQ(report["path"], "out.gguf");
  EXPECT_EQ(report["budget"], 30'000);
  EXPECT_LE(report["bytes"], 30'000);
  EXPECT_EQ(report["bytes"], fs::file_size(at("out.gguf")));
  EXPECT_EQ(report["tensors"].size(), 3u);
  const Ran alone = run({"--type", "Q8_0", "--json", "-f"});
  ASSERT_EQ(alone.status, 0) << alone.err;
  EXPECT_TRUE(alone.json()["budget"].is_null());
}

TEST_F(ExportCli, PeopleReadTypesAndErrors) {
  const Ran ran = run({"--budget", "30kB", "--architecture", "bert", "--pin", "embed*=Q5_0"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  for (const char* word :
       {"3 tensors", "out.gguf", "budget 30,000", "bits a value", "Q5_0", "F32", "bert", "least that"})
    EXPECT_NE((ran.out + ran.err).find(word), std::string::npos) << word << " in " << ran.out << ran.err;
}

TEST_F(ExportCli, WhatCannotBeIsRefusedWithTheFix) {
  const auto refused = [&](int status, const std::vector<std::string>& more, const char* word) {
    const Ran ran = run(more);
    EXPECT_EQ(ran.status, status) << ran.err;
    EXPECT_NE(ran.err.find(word), std::string::npos) << word << " in " << ran.err;
    EXPECT_FALSE(fs::exists(at("out.gguf")));
  };
  refused(3, {"--budget", "5kB"}, "the smallest file has");
  refused(3, {"--type", "Q8_0", "--budget", "20kB"}, "the file has");
  refused(2, {}, "give one, as 60MB");
  refused(2, {"--type", "Q9_0"}, "Q4_K");
  refused(2, {"--type", "Q8_0", "--pin", "nothing=Q4_0"}, "fits the name of no tensor");
  refused(2, {"--type", "Q8_0", "--meta", "license"}, "general.license=mit");
  refused(2, {"--budget", "64B/vec"}, "4.5bit");
  refused(2, {"--type", "Q8_0", "--sensitivity", "none.json"}, "none.json");
  EXPECT_EQ(run({"--type", "Q8_0"}, "none.safetensors").status, 2);
  EXPECT_EQ(run({"--type", "Q8_0"}, "-").status, 2);
}

TEST_F(ExportCli, AnExistingFileStaysUnlessForced) {
  write_whole(at("out.gguf"), "mine");
  EXPECT_EQ(run({"--type", "Q8_0"}).status, 2);
  EXPECT_EQ(read_whole(at("out.gguf")), "mine");
  EXPECT_EQ(run({"--type", "Q8_0", "-f"}).status, 0);
  const std::string first = read_whole(at("out.gguf"));
  EXPECT_EQ(first.substr(0, 4), "GGUF");
  EXPECT_EQ(attar({"export", "out.gguf", "-o", "out.gguf", "--type", "Q4_0", "-f"}).status, 2);
  EXPECT_EQ(read_whole(at("out.gguf")), first);
  EXPECT_TRUE(attar({"export", "model.safetensors", "-o", "-", "--type", "Q8_0"}).out == first);
}

TEST_F(ExportCli, SensitivitiesAndArtifactsAreTaken) {
  write_whole(at("w.json"), R"({"tensors": {"embed.weight": 1, "layer.weight": 1e-9}})");
  ASSERT_EQ(attar({"pack", "model.safetensors", "-o", "m.attar", "--lossless", "-q"}).status, 0);
  const Ran ran = run({"--budget", "49kB", "--sensitivity", "w.json", "--json"}, "m.attar");
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json report = ran.json();
  EXPECT_EQ(report["tensors"][0]["type"], "BF16");
  EXPECT_EQ(report["tensors"][1]["type"], "Q4_K");
  EXPECT_LT(report["predicted"], 1e-9);
}

}  // namespace
}  // namespace attar::cli
