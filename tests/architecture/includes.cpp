#include "architecture/includes.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string_view>

namespace attar::architecture {
namespace {

struct Folder {
  std::string_view name;
  int level;  // may include folders of lower levels and itself
};

// Folders of equal level never include each other.
constexpr std::array folders = {
    Folder{"base", 0},   Folder{"simd", 1},    Folder{"math", 2},   Folder{"data", 3},     Folder{"format", 4},
    Folder{"codec", 5},  Folder{"nn", 6},      Folder{"vector", 7}, Folder{"text", 7},     Folder{"tensor", 7},
    Folder{"kv", 7},     Folder{"filter", 8},  Folder{"index", 9},  Folder{"certify", 10}, Folder{"plan", 11},
    Folder{"cache", 10}, Folder{"engine", 12}, Folder{"store", 13},
};
constexpr int api_level = 12;

// Public headers that are words: values, names and interfaces without behaviour, so that every folder may use them
// (docs/decisions/0001-vocabulary-headers.md). All others declare the API and belong to the engine and above.
constexpr std::array<std::string_view, 6> vocabulary = {"attar/certificate.h", "attar/limits.h", "attar/metric.h",
                                                        "attar/progress.h",    "attar/result.h", "attar/version.h"};

std::optional<int> level_of(std::string_view folder) {
  const auto it = std::ranges::find(folders, folder, &Folder::name);
  if (it == folders.end()) return std::nullopt;
  return it->level;
}

// The folder that a path names; nothing for a bare file such as the standard library's <vector>.
std::string_view first_part(std::string_view path) {
  const auto slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

struct Include {
  std::string target;
  bool quoted = false;
};

// The text after leading blanks.
std::string_view trimmed(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

// The include of a line such as `#include "base/hash.h"`; blanks may stand around the # and the word.
std::optional<Include> parse_include(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('#')) return std::nullopt;
  line = trimmed(line.substr(1));
  constexpr std::string_view word = "include";
  if (!line.starts_with(word)) return std::nullopt;
  line = trimmed(line.substr(word.size()));
  if (!line.starts_with('"') && !line.starts_with('<')) return std::nullopt;
  const bool quoted = line.front() == '"';
  return Include{.target = std::string(line.substr(1, line.find_first_of("\">", 1) - 1)), .quoted = quoted};
}

// The registry is the table of all codecs: the one place below them that names them.
bool is_registry_row(std::string_view file, std::string_view target) {
  return file == "src/codec/registry.cpp" && level_of(first_part(target)) == level_of("vector");
}

// Why a file of src/<folder> may not include the target; nothing when it may.
std::optional<std::string> judge_source(std::string_view file, std::string_view folder, const Include& include) {
  const auto own = level_of(folder);
  if (!own) return "src/" + std::string(folder) + " has no level: give it one in tests/architecture/includes.cpp";
  const std::string_view part = first_part(include.target);
  if (part == "attar") {
    if (*own >= api_level || std::ranges::find(vocabulary, include.target) != vocabulary.end()) return std::nullopt;
    return include.target + " is not in the vocabulary of tests/architecture/includes.cpp; only words belong there";
  }
  const auto theirs = level_of(part);
  if (!theirs || part == folder || *theirs < *own || is_registry_row(file, include.target)) return std::nullopt;
  return std::string(folder) + (*theirs == *own ? " stands beside " : " lies below ") + std::string(part);
}

std::optional<std::string> judge_public(const Include& include) {
  if (first_part(include.target) == "attar") return std::nullopt;
  // The headers of the standard library are the ones without a folder and without an ending.
  const bool standard = !include.quoted && include.target.find_first_of("/.") == std::string::npos;
  if (standard) return std::nullopt;
  return "a public header includes the standard library and attar/ only, not " + include.target;
}

std::optional<std::string> judge_surface(const Include& include) {
  if (!level_of(first_part(include.target))) return std::nullopt;
  return "a surface uses the public API only, not src/" + include.target;
}

std::optional<std::string> judge(const std::string& file, const Include& include) {
  if (("/" + include.target + "/").find("/../") != std::string::npos)
    return "includes are named from the root of src/, without ..";
  if (file.starts_with("include/")) return judge_public(include);
  if (file.starts_with("cli/") || file.starts_with("python/")) return judge_surface(include);
  return judge_source(file, first_part(std::string_view(file).substr(4)), include);
}

void check_file(const std::filesystem::path& root, const std::filesystem::path& path, Report& report) {
  const std::string file = path.lexically_relative(root).generic_string();
  std::ifstream in(path);
  std::string line;
  ++report.files;
  for (int number = 1; std::getline(in, line); ++number) {
    const auto include = parse_include(line);
    if (!include) continue;
    ++report.includes;
    if (auto why = judge(file, *include)) report.violations.push_back({file, number, *std::move(why)});
  }
}

}  // namespace

Report check_includes(const std::filesystem::path& root) {
  Report report;
  for (const char* top : {"src", "include", "cli", "python"}) {
    if (!std::filesystem::is_directory(root / top)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / top)) {
      const auto ending = entry.path().extension();
      if (entry.is_regular_file() && (ending == ".h" || ending == ".cpp")) check_file(root, entry.path(), report);
    }
  }
  std::ranges::sort(report.violations, {}, [](const Violation& v) { return std::pair(v.file, v.line); });
  return report;
}

}  // namespace attar::architecture
