#include "attar/version.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace attar {
namespace {

TEST(Version, IsTheOneOfTheProject) {
  std::ifstream file(ATTAR_SOURCE_DIR "/CMakeLists.txt");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find("project(attar VERSION " + std::string(version()) + " "), std::string::npos) << version();
}

TEST(Version, TheBuildDescriptionNamesVersionAndCompiler) {
  const std::string build(build_description());
  EXPECT_EQ(build.find("attar " + std::string(version()) + ", "), 0u);
  EXPECT_TRUE(build.find("gcc ") != std::string::npos || build.find("clang ") != std::string::npos) << build;
}

}  // namespace
}  // namespace attar
