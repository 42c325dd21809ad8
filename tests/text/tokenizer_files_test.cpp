// Files of every layout, trained by scripts/make_tokenizer_fixtures.py, and what their own libraries counted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "text/tokenizer/files.h"
#include "text/tokenizer/tokenizer.h"

namespace attar::text {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return fs::path(ATTAR_SOURCE_DIR) / "tests/text/tokenizers"; }

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Fixture {
  std::string file, name;
  std::vector<std::size_t> counts;
};

std::vector<Fixture> fixtures() {
  std::vector<Fixture> out;
  for (const auto& line : nlohmann::json::parse(bytes_of(folder() / "counts.json"))) {
    const std::string file = line["file"], pattern = line["pattern"];
    out.push_back({file, (folder() / file).string() + (pattern.empty() ? "" : ":" + pattern), line["counts"]});
  }
  return out;
}

std::vector<std::string> texts() { return nlohmann::json::parse(bytes_of(folder() / "texts.json")); }

TEST(TokenizerFiles, CountAsTheirLibrariesDo) {
  const std::vector<std::string> all = texts();
  ASSERT_GE(all.size(), 30u);
  const std::vector<Fixture> files = fixtures();
  ASSERT_GE(files.size(), 18u);
  for (const Fixture& fixture : files) {
    const auto tokenizer = open_tokenizer(fixture.name);
    ASSERT_TRUE(tokenizer) << tokenizer.error().describe();
    EXPECT_EQ((*tokenizer)->name(), fixture.file);
    EXPECT_FALSE((*tokenizer)->estimated());
    ASSERT_EQ(fixture.counts.size(), all.size());
    for (int round = 0; round < 2; ++round)  // the second is answered from what is remembered
      for (std::size_t i = 0; i < all.size(); ++i)
        EXPECT_EQ((*tokenizer)->count(all[i]), fixture.counts[i]) << fixture.name << ": " << all[i];
  }
}

TEST(TokenizerFiles, BytesThatAreNoTextCountAsReplacements) {
  for (const Fixture& fixture : fixtures()) {
    const auto tokenizer = open_tokenizer(fixture.name).value();
    EXPECT_EQ(tokenizer->count("a\xff\xe2\x82 b\xc3"), tokenizer->count("a\ufffd\ufffd b\ufffd")) << fixture.name;
  }
}

TEST(TokenizerFiles, ManyThreadsCountTheSame) {
  const std::vector<std::string> all = texts();
  std::vector<std::unique_ptr<Tokenizer>> tokenizers;
  const std::vector<Fixture> files = fixtures();
  tokenizers.reserve(files.size());
  for (const Fixture& fixture : files) tokenizers.push_back(open_tokenizer(fixture.name).value());
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  threads.reserve(wrong.size());
  for (int& own : wrong)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t f = 0; f < files.size(); ++f)
          own += tokenizers[f]->count(all[i]) != files[f].counts[i] ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) EXPECT_EQ(count, 0);
}

TEST(TokenizerFiles, EveryCutAndChangedByteIsAnErrorOrATokenizer) {
  const std::string text = "it's 12 caf\u00e9 <sep> \u6f22 foo  \n";
  const auto read = [](const std::string& file, std::string_view bytes) {
    if (file.ends_with(".json")) return read_tokenizer_json(bytes);
    if (file.ends_with(".tiktoken")) return read_tiktoken(bytes, Pattern::o200k);
    return read_sentencepiece(std::as_bytes(std::span(bytes.data(), bytes.size())));
  };
  for (const Fixture& fixture : fixtures()) {
    const std::string whole = bytes_of(folder() / fixture.file);
    const std::size_t step = whole.size() / 60 + 1;
    for (std::size_t at = 0; at < whole.size(); at += step) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 + at % 255));
      for (const std::string& bytes : {whole.substr(0, at), changed}) {
        Result<Pipeline> made = read(fixture.file, bytes);
        if (made)
          EXPECT_LE(make_tokenizer("x", *std::move(made))->count(text), 4 * text.size());
        else
          EXPECT_FALSE(made.error().message.empty());
      }
    }
  }
}

TEST(TokenizerFiles, AVocabularyAndAFolder) {
  const fs::path scratch = fs::path(testing::TempDir()) / "attar-tokenizer-folder";
  fs::remove_all(scratch);
  fs::create_directories(scratch);
  std::ofstream(scratch / "vocab.txt") << "[UNK]\nthe\nun\n##able\n";
  EXPECT_EQ(open_tokenizer((scratch / "vocab.txt").string()).value()->count("the unable xyz"), 4u);
  EXPECT_EQ(open_tokenizer(scratch.string()).value()->name(), "vocab.txt");
  fs::copy_file(folder() / "gpt2.json", scratch / "tokenizer.json");
  EXPECT_EQ(open_tokenizer(scratch.string()).value()->name(), "tokenizer.json");
  fs::copy_file(folder() / "r50k_base.tiktoken", scratch / "tokenizer.model");
  const auto unnamed = open_tokenizer((scratch / "tokenizer.model").string());
  ASSERT_FALSE(unnamed);
  EXPECT_EQ(unnamed.error().code, ErrorCode::unsupported);
  EXPECT_NE(unnamed.error().message.find("tokenizer.model:NAME"), std::string::npos) << unnamed.error().message;
  EXPECT_EQ(open_tokenizer((scratch / "tokenizer.model").string() + ":gpt2").value()->name(), "tokenizer.model");
  fs::remove_all(scratch);
}

}  // namespace
}  // namespace attar::text
