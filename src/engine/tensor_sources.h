// The files that are packed as tensors: opened, listed in order, and cut into rows and blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "attar/result.h"
#include "codec/tensors.h"
#include "data/tensor_file.h"
#include "format/tensors.h"

namespace attar::engine {

struct TensorSource {
  std::string path;  ///< in the artifact: the file's name, or its path inside of the folder
  data::TensorFile file;
};

/// The file, or every regular file of the folder, in the order of their paths.
[[nodiscard]] Result<std::vector<TensorSource>> open_tensor_sources(const std::filesystem::path& input);

/// Bytes of a source beside its tensors.
[[nodiscard]] std::uint64_t bytes_outside(const TensorSource& source);
/// What an artifact says of the sources.
[[nodiscard]] std::vector<format::SourceEntry> entries_of(const std::vector<TensorSource>& sources);

/// How a tensor is cut: what the codecs see, and elements of a block.
struct TensorCut {
  codec::TensorSchema schema = {};
  std::uint64_t block_elements = 1;
};
[[nodiscard]] TensorCut cut_tensor(const data::FileTensor& tensor, std::uint64_t block_bytes);
/// What the index says of a tensor that is cut so, before it is packed.
[[nodiscard]] format::TensorEntry entry_of(const data::FileTensor& tensor, const TensorCut& cut);

}  // namespace attar::engine
