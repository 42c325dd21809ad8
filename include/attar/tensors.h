// Tensors: model files packed without loss, single tensors read out of them, and files given back to the byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/artifact.h"
#include "attar/progress.h"
#include "attar/result.h"

namespace attar {

struct PackTensorsOptions {
  /// Bytes of a block, which is decoded by itself: 4 KiB to 64 MiB. Larger ones save some tenths of a percent.
  std::uint64_t block_bytes = 256u << 10;
  /// An artifact of a former version: tensors that it holds stand there alone, others become differences where these
  /// are smaller. Empty: none.
  std::filesystem::path base = {};
  /// With so many artifacts below it, a base is not used: what is packed is whole again, an anchor.
  std::uint32_t most_depth = 8;
  unsigned threads = 0;          ///< 0: one per available core
  Progress* progress = nullptr;  ///< may be null
};

/// What one type of tensors came to.
struct TensorTypeShare {
  std::string type;  ///< "BF16"
  std::uint64_t tensors = 0;
  std::uint64_t bytes = 0, packed_bytes = 0;
};

struct PackTensorsReport {
  std::string path;
  std::uint64_t sources = 0, tensors = 0;
  std::uint64_t shared_tensors = 0;  ///< stand in the sources more than once and here once
  std::uint64_t base_tensors = 0;    ///< stand in the base alone
  std::uint64_t delta_tensors = 0;   ///< are coded as differences from the base
  std::uint32_t depth = 0;           ///< artifacts below this one
  std::uint64_t source_bytes = 0;    ///< of all files
  std::uint64_t bytes = 0;           ///< of the artifact
  std::vector<TensorTypeShare> types;
  std::vector<std::string> notes;  ///< files that were taken as bytes, with the reasons
  double seconds = 0;
};

/// Packs a file of tensors (.safetensors, .npy, or any other as bytes), or a folder of such, without loss. The artifact
/// is never larger than the input by more than 0.1% (0.3% for blocks below 16 KiB), 1,400 bytes, and 50 a tensor. It
/// appears whole or not at all.
[[nodiscard]] Result<PackTensorsReport> pack_tensors(const std::filesystem::path& input,
                                                     const std::filesystem::path& output,
                                                     const PackTensorsOptions& options = {});

struct TensorInfo {
  std::string source;  ///< the file that it came from
  std::string name;
  std::string type;  ///< "F32", "BF16", "I64", "<f4", "bytes"
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes = 0, packed_bytes = 0;
  std::string codec;
};

struct TensorsInfo {
  std::string path;
  std::uint64_t bytes = 0;  ///< of the artifact
  std::uint64_t source_bytes = 0;
  std::vector<std::string> sources;
  std::vector<TensorInfo> tensors;
  std::vector<Part> parts;
  std::uint32_t format_version = 0;
  std::string content_digest;  ///< 64 hexadecimal digits
  std::string base_digest;     ///< the content that this one is coded against; empty: none
  std::uint32_t depth = 0;     ///< artifacts below this one
};

struct RestoreReport {
  std::uint64_t sources = 0, bytes = 0;
  double seconds = 0;
};

/// An opened artifact of tensors. Const calls are safe from many threads.
class TensorArtifact {
 public:
  struct State;  ///< the library's own

  /// `unsupported` for an artifact of something else. `base`: the artifact that this one is coded against; empty: one
  /// of the same folder that has its digest. Where it is not found, the tensors that need it are errors that name it.
  [[nodiscard]] static Result<TensorArtifact> open(const std::filesystem::path& path, const OpenOptions& options = {},
                                                   const std::filesystem::path& base = {});
  [[nodiscard]] static Result<TensorArtifact> open_bytes(std::span<const std::byte> bytes,
                                                         const OpenOptions& options = {});

  TensorArtifact(TensorArtifact&&) noexcept;
  TensorArtifact& operator=(TensorArtifact&&) noexcept;
  ~TensorArtifact();

  [[nodiscard]] TensorsInfo info() const;
  /// The number of the tensor of this name, or of "source:name" where several sources have it; `invalid_argument`, with
  /// near names, where there is none.
  [[nodiscard]] Result<std::size_t> find(std::string_view name) const;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] TensorInfo tensor(std::size_t number) const;

  /// The tensor's bytes, row-major and little-endian as in its source; only its own blocks are read, checked and
  /// decoded. threads: 0 for one per available core.
  [[nodiscard]] Result<std::vector<std::byte>> read(std::size_t number, unsigned threads = 1) const;
  /// Writes the tensor as .npy.
  [[nodiscard]] Status save_npy(std::size_t number, const std::filesystem::path& path, unsigned threads = 1) const;

  /// Gives the sources back, to the byte: the only one as the file `output`, several into the folder `output`.
  [[nodiscard]] Result<RestoreReport> restore(const std::filesystem::path& output, unsigned threads = 0,
                                              Progress* progress = nullptr) const;
  /// Every checksum of the file, and of every tensor once decoded.
  [[nodiscard]] Status verify(unsigned threads = 0, Progress* progress = nullptr) const;

 private:
  explicit TensorArtifact(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// Whether a path looks like something that pack_tensors() reads the tensors of: by its ending, or a folder that holds
/// such a file.
[[nodiscard]] bool holds_tensors(const std::filesystem::path& input);
/// Whether an artifact is one of tensors; false where it cannot be opened.
[[nodiscard]] bool is_tensor_artifact(const std::filesystem::path& path);

}  // namespace attar
