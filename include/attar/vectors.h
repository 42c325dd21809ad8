// Vectors read from a file into memory: queries, small sets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attar/result.h"

namespace attar {

/// Row-major values; rows() × dims.
struct Vectors {
  std::vector<float> values;
  std::uint32_t dims = 0;

  [[nodiscard]] std::uint64_t rows() const noexcept { return dims == 0 ? 0 : values.size() / dims; }
};

/// How to read an input whose form the name does not tell.
struct InputOptions {
  std::string field = {};   ///< JSONL: the key of the vector
  std::string format = {};  ///< "npy", "fvecs", "jsonl" …; empty: by the ending or the first bytes
};

/// Reads .npy, .fvecs, .bvecs, .fbin, .u8bin, .i8bin, .f16bin, JSONL or standard input ("-"). `over_limit` above
/// max_bytes.
[[nodiscard]] Result<Vectors> read_vectors(const std::filesystem::path& path, const InputOptions& options = {},
                                           std::uint64_t max_bytes = 8ull << 30);

}  // namespace attar
