// A certificate is replaced by writing a new file: an artifact never changes in place.
#pragma once

#include <filesystem>

#include "attar/result.h"
#include "base/bytes.h"
#include "format/reader.h"

namespace attar::format {

/// `too_new` when the artifact has features that forbid deriving a file from it.
[[nodiscard]] Status check_derivable(const ArtifactReader& artifact);

/// Writes the artifact to `path` (which may be its own) with another certificate; every other section is checked and
/// copied byte for byte, so size and content digest stay. `unsupported` when no room was reserved, `too_new` as
/// check_derivable().
[[nodiscard]] Status copy_with_certificate(const ArtifactReader& artifact, const std::filesystem::path& path,
                                           base::ByteView certificate);

}  // namespace attar::format
