// Which folder may include which: the drawing in DESIGN's "The house", as code. Arrows point down only.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace attar::architecture {

/// One #include that breaks a rule.
struct Violation {
  std::string file;  ///< path below the root, with '/'
  int line = 0;
  std::string why;
};

struct Report {
  std::size_t files = 0;     ///< source files read
  std::size_t includes = 0;  ///< #include lines judged
  std::vector<Violation> violations;
};

/// Judges every .h and .cpp below root/{src,include,cli,python}.
Report check_includes(const std::filesystem::path& root);

}  // namespace attar::architecture
