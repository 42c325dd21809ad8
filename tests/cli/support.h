// Runs the attar command as a user would, on small clustered vectors in a folder of the test's own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "data/files.h"

namespace attar::cli {

using data::npy_bytes;
using data::read_whole;

using Json = nlohmann::json;

/// What a call left behind: its exit status (128 + N after signal N) and its two streams.
struct Ran {
  int status = 0;
  std::string out, err;

  [[nodiscard]] Json json() const { return Json::parse(out, nullptr, false); }
  /// One JSON value a line.
  [[nodiscard]] std::vector<Json> lines() const {
    std::vector<Json> values;
    std::istringstream in(out);
    for (std::string line; std::getline(in, line);) values.push_back(Json::parse(line, nullptr, false));
    return values;
  }
};

inline void write_whole(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Rows around `centres` centres, row-major.
inline std::vector<float> clustered(std::size_t rows, std::size_t dims, unsigned seed, std::size_t centres = 30) {
  std::mt19937 of_centres(99), random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> middle(centres * dims), values(rows * dims);
  for (float& value : middle) value = normal(of_centres);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = middle[i / dims % centres * dims + i % dims] + 0.6f * normal(random);
  return values;
}

class CliTest : public testing::Test {
 protected:
  static constexpr std::size_t rows = 1200, dims = 32, queries = 240;

  void SetUp() override {
    std::string pattern = (std::filesystem::path(testing::TempDir()) / "attar-cli-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    write_whole(at("docs.npy"), npy_bytes(clustered(rows, dims, 1), dims));
    write_whole(at("q.npy"), npy_bytes(clustered(queries, dims, 2), dims));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::filesystem::path at(const std::string& name) const { return folder_ / name; }

  /// Starts attar in the folder with `input` on its standard input.
  [[nodiscard]] pid_t start(const std::vector<std::string>& arguments, int input) const {
    std::vector<std::string> words{ATTAR_CLI_PATH};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string out = at(".stdout"), err = at(".stderr");
    const pid_t child = fork();
    if (child != 0) return child;
    const int mode = O_WRONLY | O_CREAT | O_TRUNC;
    dup2(input, 0);
    dup2(open(out.c_str(), mode, 0600), 1);
    dup2(open(err.c_str(), mode, 0600), 2);
    if (chdir(folder_.c_str()) != 0) _exit(126);
    execv(argv[0], argv.data());
    _exit(127);
  }

  [[nodiscard]] Ran finish(pid_t child) const {
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_whole(at(".stdout")),
            read_whole(at(".stderr"))};
  }

  /// attar, run to its end; `input` is what stands on its standard input.
  [[nodiscard]] Ran attar(const std::vector<std::string>& arguments, std::string_view input = {}) const {
    write_whole(at(".stdin"), input);
    const int descriptor = open(at(".stdin").c_str(), O_RDONLY);
    const pid_t child = start(arguments, descriptor);
    close(descriptor);
    return finish(child);
  }

  /// docs.attar from docs.npy, quickly: one codec, a budget that it meets.
  void pack_docs(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"pack", "docs.npy", "-o",      "docs.attar", "--codec",
                                   "lvq",  "--budget", "60B/vec", "-q"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = attar(words);
    ASSERT_EQ(ran.status, 0) << ran.err;
  }

  /// Names of what lies in the folder, the streams left out.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename();
      if (name != ".stdin" && name != ".stdout" && name != ".stderr") found.push_back(name);
    }
    std::ranges::sort(found);
    return found;
  }

  std::filesystem::path folder_;
};

/// Every key is there and holds the type that docs/cli.md gives: 's'tring, 'n'umber, 'b'oolean, 'a'rray, 'o'bject, or
/// '0' for null.
inline void expect_keys(const Json& object, std::initializer_list<std::pair<const char*, char>> keys) {
  ASSERT_TRUE(object.is_object()) << object;
  for (const auto& [key, type] : keys) {
    ASSERT_TRUE(object.contains(key)) << key << " in " << object;
    const Json& value = object[key];
    const char is = value.is_string()    ? 's'
                    : value.is_number()  ? 'n'
                    : value.is_boolean() ? 'b'
                    : value.is_array()   ? 'a'
                    : value.is_object()  ? 'o'
                                         : '0';
    EXPECT_EQ(is, type) << key << ": " << value;
  }
  EXPECT_EQ(object.size(), keys.size()) << "keys that docs/cli.md does not name: " << object;
}

inline void expect_certificate(const Json& certificate) {
  expect_keys(certificate, {{"kind", 's'},         {"metric", 's'},         {"k", 'n'},
                            {"estimate", 'n'},     {"floor", 'n'},          {"share", 'n'},
                            {"lower_bound", 'n'},  {"confidence", 'n'},     {"passed", 'b'},
                            {"queries", 'n'},      {"queries_needed", 'n'}, {"queries_given", 'n'},
                            {"plans_tested", 'n'}, {"proxy", 'b'},          {"reused_log", 'b'},
                            {"seed", 'n'},         {"content_digest", 's'}, {"queries_digest", 's'},
                            {"plan", 's'},         {"build", 's'},          {"scope", 's'},
                            {"sentence", 's'}});
}

/// The error object of --json, with this code, whose message holds the words.
inline void expect_error(const Ran& ran, int status, std::string_view code, std::string_view words) {
  EXPECT_EQ(ran.status, status) << ran.out << ran.err;
  const Json json = ran.json();
  ASSERT_TRUE(json.is_object() && json.contains("error")) << ran.out << ran.err;
  EXPECT_EQ(json["error"]["code"], code) << json;
  EXPECT_NE(json["error"]["message"].get<std::string>().find(words), std::string::npos) << json;
  EXPECT_NE(ran.err.find(words), std::string::npos) << "people read it on standard error: " << ran.err;
}

}  // namespace attar::cli
