// The files below a folder, in the order of their paths as bytes, without what .gitignore files leave out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "attar/result.h"
#include "data/documents/document.h"

namespace attar::data {

struct FoundFile {
  std::string path;  ///< below the root, with '/'
  std::uint64_t bytes = 0;
};

/// Takes what was passed over, and why.
using NoteSkipped = std::function<void(Skipped)>;

/// All regular files below `root`, a folder; spec.md says which are left out. Folders are not followed by recursion,
/// and links not at all. Fails where the root cannot be listed, and with `over_limit` beyond `most_files`.
[[nodiscard]] Result<std::vector<FoundFile>> walk(const std::filesystem::path& root, const DocumentOptions& options,
                                                  const NoteSkipped& skip);

}  // namespace attar::data
