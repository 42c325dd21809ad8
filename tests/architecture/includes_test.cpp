// Arrows point down only. The first test judges the tree itself, the others plant violations and expect to hear of
// them.
#include "architecture/includes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace attar::architecture {
namespace {

namespace fs = std::filesystem;

// A small source tree that is gone after the test.
class Tree {
 public:
  Tree() : root_(fs::path(testing::TempDir()) / ("attar-includes-" + test_name())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~Tree() { fs::remove_all(root_); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

  [[nodiscard]] Report check() const { return check_includes(root_); }

  // The report on a tree with this one file.
  [[nodiscard]] Report check(const std::string& file, const std::string& text) const {
    write(file, text);
    Report report = check();
    fs::remove(root_ / file);
    return report;
  }

 private:
  static std::string test_name() { return testing::UnitTest::GetInstance()->current_test_info()->name(); }

  fs::path root_;
};

TEST(Includes, PointDownInThisTree) {
  const Report report = check_includes(ATTAR_SOURCE_DIR);
  EXPECT_GT(report.files, 20u);
  EXPECT_GT(report.includes, 50u);
  for (const Violation& violation : report.violations)
    ADD_FAILURE() << violation.file << ":" << violation.line << ": " << violation.why;
}

TEST(Includes, UpwardIsFound) {
  const Tree tree;
  const Report report = tree.check("src/base/bytes.h", "#pragma once\n#include <vector>\n#include \"engine/pack.h\"\n");
  ASSERT_EQ(report.violations.size(), 1u);
  EXPECT_EQ(report.violations[0].file, "src/base/bytes.h");
  EXPECT_EQ(report.violations[0].line, 3);
  EXPECT_EQ(report.violations[0].why, "base lies below engine");
}

TEST(Includes, EveryNeighbourOfTheOrderIsChecked) {
  const Tree tree;
  const std::vector<std::string> order = {"base",   "simd",   "math",  "data",    "format", "codec",  "nn",
                                          "vector", "filter", "index", "certify", "plan",   "engine", "store"};
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    const std::string &low = order[i], &high = order[i + 1];
    EXPECT_EQ(tree.check("src/" + low + "/a.cpp", "#include \"" + high + "/b.h\"\n").violations.size(), 1u)
        << low << " -> " << high;
    EXPECT_EQ(tree.check("src/" + high + "/a.cpp", "#include \"" + low + "/b.h\"\n").violations.size(), 0u)
        << high << " -> " << low;
  }
}

TEST(Includes, TheFourKindsOfDataNeverIncludeEachOther) {
  const Tree tree;
  const std::vector<std::string> kinds = {"vector", "text", "tensor", "kv"};
  for (const std::string& from : kinds)
    for (const std::string& to : kinds) {
      const auto report = tree.check("src/" + from + "/x/codec.cpp", "  #  include \"" + to + "/y/kernel.h\"\n");
      EXPECT_EQ(report.violations.size(), from == to ? 0u : 1u) << from << " -> " << to;
    }
}

TEST(Includes, PublicHeadersSeeTheStandardLibraryAndEachOther) {
  const Tree tree;
  const std::string header = "include/attar/pack.h";
  EXPECT_TRUE(tree.check(header, "#include <vector>\n#include \"attar/result.h\"\n#include <attar/metric.h>\n")
                  .violations.empty());
  for (const char* bad : {"\"engine/pack.h\"", "\"pack.h\"", "<fmt/format.h>", "<xxhash.h>", "<nlohmann/json.hpp>",
                          "\"attar/../../src/base/bytes.h\""})
    EXPECT_EQ(tree.check(header, std::string("#include ") + bad + "\n").violations.size(), 1u) << bad;
}

TEST(Includes, WordsAreForAllAndTheApiForTheEngine) {
  const Tree tree;
  EXPECT_TRUE(tree.check("src/base/a.h", "#include \"attar/result.h\"\n").violations.empty());
  EXPECT_EQ(tree.check("src/index/a.h", "#include \"attar/artifact.h\"\n").violations.size(), 1u);
  EXPECT_EQ(tree.check("src/index/a.h", "#include <attar/artifact.h>\n").violations.size(), 1u);
  EXPECT_TRUE(tree.check("src/engine/a.cpp", "#include \"attar/artifact.h\"\n").violations.empty());
}

TEST(Includes, SurfacesUseThePublicApi) {
  const Tree tree;
  EXPECT_TRUE(
      tree.check("cli/main.cpp", "#include <CLI/CLI.hpp>\n#include \"attar/pack.h\"\n#include \"progress_bar.h\"\n")
          .violations.empty());
  EXPECT_TRUE(tree.check("python/a.cpp", "#include <pybind11/stl.h>\n#include \"attar/pack.h\"\n#include \"watch.h\"\n")
                  .violations.empty());
  for (const char* file : {"cli/main.cpp", "python/module.cpp"})
    EXPECT_EQ(tree.check(file, "#include \"engine/pack.h\"\n").violations.size(), 1u) << file;
}

TEST(Includes, OnlyTheRegistryNamesCodecs) {
  const Tree tree;
  const std::string row = "#include \"vector/f8/codec.h\"\n";
  EXPECT_TRUE(tree.check("src/codec/registry.cpp", row).violations.empty());
  EXPECT_EQ(tree.check("src/codec/registry.h", row).violations.size(), 1u);
  EXPECT_EQ(tree.check("src/codec/registry.cpp", "#include \"index/flat.h\"\n").violations.size(), 1u);
}

TEST(Includes, DetoursAndUnknownFoldersAreFound) {
  const Tree tree;
  EXPECT_EQ(tree.check("src/base/a.cpp", "#include \"../engine/pack.h\"\n").violations.size(), 1u);
  EXPECT_EQ(tree.check("src/misc/a.cpp", "#include <vector>\n").violations.size(), 1u);
}

}  // namespace
}  // namespace attar::architecture
