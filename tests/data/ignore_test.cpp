// .gitignore: what the manual says, and what git does with random trees.
#include "data/documents/ignore.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "data/documents/walk.h"
#include "files.h"

namespace attar::data {
namespace {

namespace fs = std::filesystem;
using Verdict = IgnorePatterns::Verdict;

Verdict judge(std::string_view patterns, std::string_view path, bool folder = false, std::string base = "") {
  return IgnorePatterns(patterns, std::move(base)).judge(path, folder);
}
bool ignored(std::string_view patterns, std::string_view path, bool folder = false) {
  return judge(patterns, path, folder) == Verdict::ignored;
}

TEST(Glob, MatchesWithinFolders) {
  EXPECT_TRUE(Glob("*.o").matches("a.o"));
  EXPECT_TRUE(Glob("*.o").matches(".o"));
  EXPECT_FALSE(Glob("*.o").matches("a.ob"));
  EXPECT_FALSE(Glob("*.o").matches("a/b.o"));
  EXPECT_TRUE(Glob("a?c").matches("abc"));
  EXPECT_FALSE(Glob("a?c").matches("a/c"));
  EXPECT_TRUE(Glob("a*b*c").matches("abbbcbc"));
  EXPECT_FALSE(Glob("a*b*c").matches("acb"));
  EXPECT_TRUE(Glob("").matches(""));
  EXPECT_FALSE(Glob("").matches("a"));
}

TEST(Glob, TwoStarsCrossFoldersWhereTheyStandAlone) {
  EXPECT_TRUE(Glob("**/a").matches("a"));
  EXPECT_TRUE(Glob("**/a").matches("x/y/a"));
  EXPECT_FALSE(Glob("**/a").matches("xa"));
  EXPECT_TRUE(Glob("a/**/b").matches("a/b"));
  EXPECT_TRUE(Glob("a/**/b").matches("a/x/y/b"));
  EXPECT_TRUE(Glob("a/**/**/b").matches("a/b"));
  EXPECT_FALSE(Glob("a/**/b").matches("a/xb"));
  EXPECT_TRUE(Glob("a/**").matches("a/x/y"));
  EXPECT_FALSE(Glob("a/**").matches("b/a/x"));
  EXPECT_FALSE(Glob("a/b**").matches("a/bx/y"));
}

TEST(Glob, ClassesAsInTheShell) {
  EXPECT_TRUE(Glob("[a-c]").matches("b"));
  EXPECT_FALSE(Glob("[!a-c]").matches("b"));
  EXPECT_TRUE(Glob("[^a-c]").matches("d"));
  EXPECT_TRUE(Glob("[]-]").matches("]"));
  EXPECT_TRUE(Glob("[]-]").matches("-"));
  EXPECT_TRUE(Glob("[[:digit:]x]").matches("7"));
  EXPECT_FALSE(Glob("[[:digit:]x]").matches("y"));
  EXPECT_TRUE(Glob("[\\]]").matches("]"));
  EXPECT_FALSE(Glob("[!a]").matches("/"));
  EXPECT_TRUE(Glob("[\xc0-\xff]").matches("\xd0"));
  for (const char* malformed : {"[", "[a", "[]", "[[:nonsense:]]", "a\\"}) {
    EXPECT_FALSE(Glob(malformed).matches("a")) << malformed;
    EXPECT_FALSE(Glob(malformed).matches(malformed)) << malformed;
  }
}

TEST(Glob, TakesLinearTimeWhateverThePattern) {
  std::string pattern, text(2000, 'a');
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(Glob(pattern + "*b").matches(text));
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "**/";
  EXPECT_TRUE(Glob(deep + "a").matches("x/a"));
}

TEST(Ignore, PatternsAsInTheManual) {
  EXPECT_TRUE(ignored("*.o", "src/a.o"));
  EXPECT_TRUE(ignored("build/", "build", true));
  EXPECT_FALSE(ignored("build/", "build", false));
  EXPECT_TRUE(ignored("build/", "x/build", true));
  EXPECT_TRUE(ignored("/build", "build"));
  EXPECT_FALSE(ignored("/build", "x/build"));
  EXPECT_TRUE(ignored("doc/*.txt", "doc/a.txt"));
  EXPECT_FALSE(ignored("doc/*.txt", "doc/server/a.txt"));
  EXPECT_FALSE(ignored("doc/*.txt", "x/doc/a.txt"));
  EXPECT_EQ(judge("*.o\n!keep.o", "keep.o"), Verdict::kept);
  EXPECT_EQ(judge("!keep.o\n*.o", "keep.o"), Verdict::ignored);
  EXPECT_EQ(judge("*.o", "a.c"), Verdict::none);
  EXPECT_EQ(judge("/a", "sub/a", false, "sub/"), Verdict::ignored);
  EXPECT_EQ(judge("/a", "sub/x/a", false, "sub/"), Verdict::none);
}

TEST(Ignore, LinesAsInTheManual) {
  EXPECT_FALSE(ignored("# a\n\n", "# a"));
  EXPECT_TRUE(ignored("\\#a", "#a"));
  EXPECT_TRUE(ignored("\\!a", "!a"));
  EXPECT_TRUE(ignored("a  ", "a"));
  EXPECT_TRUE(ignored("a\\ ", "a "));
  EXPECT_FALSE(ignored("a\\ ", "a"));
  EXPECT_TRUE(ignored("a\r\nb\r\n", "b"));
  EXPECT_TRUE(
      ignored("\xef\xbb\xbf"
              "a\n",
              "a"));
  EXPECT_FALSE(ignored("/\n!\n\n \n", "a"));
}

class WalkTest : public DataTest {
 protected:
  std::filesystem::path file(const std::string& path, std::string_view bytes = "x") const {
    fs::create_directories((directory_ / path).parent_path());
    return put(path, bytes);
  }
  std::vector<std::string> paths(const DocumentOptions& options = {}, const std::string& below = "") {
    skipped_.clear();
    const auto found = walk(directory_ / below, options, [this](Skipped s) { skipped_.push_back(std::move(s)); });
    EXPECT_TRUE(found) << found.error().describe();
    std::vector<std::string> out;
    if (found)
      for (const FoundFile& f : *found) out.push_back(f.path);
    return out;
  }

  std::vector<Skipped> skipped_;
};

using Paths = std::vector<std::string>;

TEST_F(WalkTest, GoesThroughPathsInTheOrderOfTheirBytes) {
  for (const char* path : {"a/b", "a.txt", "a-b", "Z", "a/b.c/d", "b/x/y/z", "\xc3\xa9"}) file(path);
  EXPECT_EQ(paths(), (Paths{"Z", "a-b", "a.txt", "a/b", "a/b.c/d", "b/x/y/z", "\xc3\xa9"}));
  Paths sorted = paths();
  std::ranges::sort(sorted);
  EXPECT_EQ(paths(), sorted);
}

TEST_F(WalkTest, LeavesOutHiddenNamesAndGit) {
  for (const char* path : {".hidden", ".git/config", "a/.b/c", "a/d", "a/.git/x"}) file(path);
  EXPECT_EQ(paths(), Paths{"a/d"});
  EXPECT_EQ(paths({.hidden = true}), (Paths{".hidden", "a/.b/c", "a/d"}));
  EXPECT_TRUE(skipped_.empty());
}

TEST_F(WalkTest, ReadsPatternsOfTheFoldersAboveAndBelow) {
  file(".git/info/exclude", "*.tmp\n");
  file(".gitignore", "*.log\n/root-only\n");
  file("sub/.gitignore", "!keep.log\nlocal\n");
  for (const char* path : {"a.log", "a.tmp", "root-only", "b", "sub/keep.log", "sub/x.log", "sub/local",
                           "sub/root-only", "sub/deep/local", "sub/deep/x.tmp", "local"})
    file(path);
  EXPECT_EQ(paths(), (Paths{"b", "local", "sub/keep.log", "sub/root-only"}));
  EXPECT_EQ(paths({}, "sub"), (Paths{"keep.log", "root-only"}));
  EXPECT_EQ(paths({}, "sub/deep"), Paths{});
  EXPECT_EQ(paths({.gitignore = false}, "sub/deep"), (Paths{"local", "x.tmp"}));
}

TEST_F(WalkTest, FollowsNoLinksAndNamesThoseThatLeadOut) {
  file("a/b");
  fs::create_directory_symlink("..", directory_ / "a/up");
  fs::create_symlink("a/b", directory_ / "same");
  fs::create_symlink("/etc/hostname", directory_ / "out");
  fs::create_symlink("nothing", directory_ / "broken");
  ASSERT_EQ(mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(paths(), Paths{"a/b"});
  ASSERT_EQ(skipped_.size(), 3u);
  EXPECT_EQ(skipped_[0].path, "broken");
  EXPECT_EQ(skipped_[1].path, "out");
  EXPECT_EQ(skipped_[2].path, "pipe");
  // The root may be a link itself.
  fs::create_directory_symlink("a", directory_ / "root");
  EXPECT_EQ(paths({}, "root"), Paths{"b"});
}

TEST_F(WalkTest, DeepFoldersAndTooManyFilesAreBounded) {
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += "folder/";
  file(deep + "a");
  file("b");
  EXPECT_EQ(paths(), (Paths{"b", deep + "a"}));
  const auto found = walk(directory_, {.most_files = 1}, [](const Skipped&) {});
  expect_error(found, ErrorCode::over_limit, {"more than 1 files"});
  expect_error(walk(directory_ / "absent", {}, [](const Skipped&) {}), ErrorCode::io, {"absent", "cannot list"});
}

TEST_F(WalkTest, AFolderThatCannotBeListedIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may list every folder";
  file("a/b");
  file("c");
  fs::permissions(directory_ / "a", fs::perms::none);
  EXPECT_EQ(paths(), Paths{"c"});
  fs::permissions(directory_ / "a", fs::perms::owner_all);
  ASSERT_EQ(skipped_.size(), 1u);
  EXPECT_EQ(skipped_[0].path, "a");
}

/// What a command prints, split at NUL bytes.
std::vector<std::string> run(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::array<char, 4096> part{};
  while (const std::size_t count = fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), count);
  pclose(pipe);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\0', at);
    out.push_back(text.substr(at, end - at));
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return out;
}

class Git : public WalkTest {
 protected:
  void SetUp() override {
    WalkTest::SetUp();
    if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "git is not installed";
  }
  std::string git(const std::string& words) const {
    return "git -C '" + directory_.string() + "' -c core.excludesFile=/dev/null " + words;
  }
  Paths listed() const {
    Paths out = run(git("ls-files -z --others --exclude-standard"));
    std::ranges::sort(out);
    return out;
  }
  /// Folders and files of few short names, so that patterns hit.
  void plant(base::Random& random, const std::string& below, int depth) {
    static constexpr std::array names{"a", "b", "ab", "a.c", "b.c", "foo", "foobar", "x y", "#", "]", "-"};
    const auto pick = [&] { return std::string(names[random.below(names.size())]); };
    for (std::uint64_t left = 2 + random.below(4); left > 0; --left) {
      const std::string path = below + pick();
      if (fs::exists(directory_ / path)) continue;
      if (depth > 0 && random.below(2) == 0) {
        fs::create_directories(directory_ / path);
        plant(random, path + "/", depth - 1);
      } else {
        put(path, "x");
      }
    }
    if (random.below(3) == 0) put(below + ".gitignore", patterns(random));
  }
  static std::string patterns(base::Random& random) {
    static constexpr std::array parts{"a",     "b",           "*",  "**", "/",   "?",   "foo", ".c",    "[ab]", "[!a]",
                                      "[a-f]", "[]-]",        "\\", "!",  "#",   " ",   "*.c", "/",     "**/",  "/**",
                                      "bar",   "[[:alpha:]]", "[",  "]",  "x y", "\\#", "-",   "[\\]]", "a/"};
    std::string out;
    for (std::uint64_t lines = 1 + random.below(3); lines > 0; --lines) {
      if (random.below(4) == 0) out += '!';
      for (std::uint64_t count = 1 + random.below(4); count > 0; --count) out += parts[random.below(parts.size())];
      out += random.below(8) == 0 ? "\r\n" : "\n";
    }
    return out;
  }
  /// Trees from a seed, until one of them is seen otherwise than git sees it.
  void compare(std::uint64_t seed, int rounds);
};

void Git::compare(std::uint64_t seed, int rounds) {
  base::Random random(seed);
  int with_ignored = 0;
  ASSERT_EQ(std::system(git("init -q . >/dev/null 2>&1").c_str()), 0);
  for (int round = 0; round < rounds; ++round) {
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(directory_))
      if (entry.path().filename() != ".git") old.push_back(entry.path());
    for (const auto& path : old) fs::remove_all(path);
    plant(random, "", 3);
    put(".gitignore", patterns(random));
    put(".git/info/exclude", round % 3 == 0 ? patterns(random) : "");
    const Paths ours = paths({.hidden = true});
    if (ours.size() != paths({.gitignore = false, .hidden = true}).size()) ++with_ignored;
    const Paths theirs = listed();
    if (ours == theirs) continue;
    std::string rules;
    for (const auto& entry : fs::recursive_directory_iterator(directory_))
      if (entry.path().filename() == ".gitignore") rules += entry.path().string() + ":\n" + read_whole(entry.path());
    ADD_FAILURE() << fmt::format("round {}: {} here, {} for git\n{}\n{}", round, fmt::join(ours, " | "),
                                 fmt::join(theirs, " | "), rules, read_whole(directory_ / ".git/info/exclude"));
    return;
  }
  EXPECT_GT(with_ignored, rounds / 3) << "the trees must have something to leave out";
}

TEST_F(Git, AgreesOnRandomTrees) { compare(20240501, 100); }
TEST_F(Git, SlowAgreesOnMoreTrees) { compare(7, 500); }

}  // namespace
}  // namespace attar::data
