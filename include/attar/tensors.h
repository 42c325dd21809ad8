// Tensors: model files packed without loss or to a budget, single tensors read out of them, and files given back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/artifact.h"
#include "attar/certificate.h"
#include "attar/loss.h"
#include "attar/progress.h"
#include "attar/result.h"
#include "attar/trim.h"

namespace attar {

struct PackTensorsOptions {
  /// Bytes of a block, which is decoded by itself: 4 KiB to 64 MiB. Larger ones save some tenths of a percent.
  std::uint64_t block_bytes = 256u << 10;
  /// An artifact of a former version: tensors that it holds stand there alone, others become differences where these
  /// are smaller. Empty: none.
  std::filesystem::path base = {};
  /// With so many artifacts below it, a base is not used: what is packed is whole again, an anchor.
  std::uint32_t most_depth = 8;
  /// What float tensors may lose; nothing unless something is said.
  LossOptions loss = {};
  /// Which rows of tables are kept; all unless something is said.
  TrimOptions trim = {};
  /// Room in the file for a certificate (attar/model_certificate.h); 0: none.
  std::uint64_t certificate_bytes = 0;
  unsigned threads = 0;          ///< 0: one per available core
  Progress* progress = nullptr;  ///< may be null
};

/// What one type of tensors came to.
struct TensorTypeShare {
  std::string type;  ///< "BF16"
  std::uint64_t tensors = 0;
  std::uint64_t bytes = 0, packed_bytes = 0;
};

/// A tensor that lost something. In a plan: as it is expected, from a sample where the file is large.
struct LostTensor {
  std::string name, type;
  std::uint64_t weights = 0;
  double bits = 0;  ///< a weight, without the tables and the index
  TensorLoss loss = {};
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
  std::uint64_t budget_bytes = 0;     ///< 0: none
  std::vector<LostTensor> lost = {};  ///< in the order of the file
  double weighed_error = 0;  ///< Σ α t², t² their relative errors: what is lost of the model, where α was measured
  std::vector<TrimmedTable> trimmed = {};
  std::vector<std::string> notes;  ///< files that were taken as bytes, with the reasons
  double seconds = 0;
};

/// Packs a file of tensors (.safetensors, .npy, or any other as bytes), or a folder of such, without loss unless the
/// options name some, or rows that are dropped. Without loss the artifact is never larger than the input by more than
/// 0.1% (0.3% for blocks below 16 KiB), 1,400 bytes, and 50 a tensor. With a budget it is never larger than that:
/// `goal_unreachable` says the least that would do. It appears whole or not at all.
[[nodiscard]] Result<PackTensorsReport> pack_tensors(const std::filesystem::path& input,
                                                     const std::filesystem::path& output,
                                                     const PackTensorsOptions& options = {});

/// What pack_tensors() would make of the input with a loss, tensor by tensor; nothing is written. `bytes` is what the
/// file is expected to take. `invalid_argument` where no loss is named.
[[nodiscard]] Result<PackTensorsReport> plan_tensors(const std::filesystem::path& input,
                                                     const PackTensorsOptions& options);

struct CutReport {
  std::string path;
  std::uint64_t bytes = 0, former_bytes = 0;  ///< of the artifact, and of the one that it was cut from
  std::uint64_t refinements = 0, former_refinements = 0;
  double weighed_error = 0, former_weighed_error = 0;  ///< Σ α t²
  double seconds = 0;
};

/// Cuts a progressive artifact (LossOptions::progressive) to a budget: what makes its tensors better is left out from
/// the end until it fits; nothing is decoded. The result is of the same kind, states its own losses and may be cut
/// again; it has no certificate, which was of the whole. `goal_unreachable` for a budget below what can not be left
/// out, `invalid_argument` for an artifact that is not progressive.
[[nodiscard]] Result<CutReport> cut_tensors(const std::filesystem::path& artifact, const std::filesystem::path& output,
                                            const Budget& budget, const OpenOptions& options = {});

struct TensorInfo {
  std::string source;  ///< the file that it came from
  std::string name;
  std::string type;  ///< "F32", "BF16", "I64", "<f4", "bytes"
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes = 0, packed_bytes = 0;
  std::string codec;
  std::optional<TensorLoss> loss;  ///< of its kept rows; none: they come back as they were
  std::uint64_t dropped_rows = 0;
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
  std::string goal;          ///< what was asked for: "budget of 45000000 bytes", "no error above 0.001"; empty: nothing
  double weighed_error = 0;  ///< Σ α t² over the tensors that lost something, those that are the same bytes once
  std::optional<ModelCertificate> certificate = {};
  std::uint64_t refinements = 0;  ///< what may be left out of it, in so many pieces; 0: it is not progressive
};

/// Tensors against what they were packed from, measured anew.
struct TensorComparison {
  std::uint64_t tensors = 0;    ///< all
  std::uint64_t identical = 0;  ///< byte for byte
  std::vector<LostTensor> lost = {};
  double weighed_error = 0;
  std::vector<TrimmedTable> trimmed = {};  ///< their errors are those of kept rows
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
  /// From now on it is as cut_tensors() would make it, in memory alone; its digest stays the file's. Errors are those
  /// of cut_tensors(). Not beside other calls.
  [[nodiscard]] Status cut(const Budget& budget);
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
  /// Measures every tensor against the file or folder that was packed. `invalid_argument` where that is another one, by
  /// the checksums in the artifact; `corrupt` where an error is not the one that the artifact states.
  [[nodiscard]] Result<TensorComparison> compare(const std::filesystem::path& original, unsigned threads = 0,
                                                 Progress* progress = nullptr) const;

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
