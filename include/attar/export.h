// Export: tensors as a GGUF file in ggml's own block types, each tensor in the type that serves best within a budget.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attar/budget.h"
#include "attar/progress.h"
#include "attar/result.h"

namespace attar {

struct ExportGgufOptions {
  /// "auto", or one type for all: "F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "Q4_K".
  std::string type = "auto";
  /// A ceiling on the whole file, in bytes, percent of the input or bits a value; "auto" needs one.
  std::optional<Budget> budget = {};
  /// "embed.*=Q8_0": matrices whose whole name fits the pattern (* any text, ? any one byte) have this type. The first
  /// pattern that fits holds.
  std::vector<std::string> pins = {};
  /// A JSON file {"tensors": {"name": α}}, as in LossOptions: what t² of each tensor counts. Tensors that it does not
  /// name count by the default times the median of what the others have over theirs. Empty: the default, the square
  /// root of a tensor's number of values, between tensors that count alike and values that do.
  std::filesystem::path sensitivity = {};
  /// general.architecture; empty: as the input has it, "model_type" of a config.json beside it, or "unknown".
  std::string architecture = {};
  /// general.name; empty: as the input has it, or its file's name.
  std::string name = {};
  /// Texts beside the input's metadata, or in place of what it has under these keys.
  std::vector<std::pair<std::string, std::string>> metadata = {};
  /// The artifact that the input is coded against, as in TensorArtifact::open().
  std::filesystem::path base = {};
  unsigned threads = 0;          ///< 0: one per available core
  Progress* progress = nullptr;  ///< may be null
};

struct ExportedTensor {
  std::string name;
  std::string type;          ///< in the file
  std::uint64_t values = 0;  ///< numbers
  std::uint64_t bytes = 0;
  double alpha = 0;  ///< what its error counted; 0 where it had no choice
  double error = 0;  ///< t²; 0 where it is kept as it is
};

/// What the tensors of one type came to.
struct ExportTypeShare {
  std::string type;
  std::uint64_t tensors = 0, values = 0, bytes = 0;
  double error = 0;  ///< t² of all together
};

struct ExportGgufReport {
  std::string path;
  std::string architecture;
  std::uint64_t bytes = 0;                   ///< of the file
  std::optional<std::uint64_t> budget = {};  ///< in bytes
  std::uint64_t values = 0;                  ///< numbers of all tensors
  double error = 0;                          ///< t² of all tensors of floats together
  double predicted = 0;                      ///< Σ α·t² over the tensors that had a choice
  double bound = 0;                          ///< no choice of types within the budget has a lower sum
  bool optimal = true;                       ///< this one is the lowest
  std::vector<ExportTypeShare> types = {};   ///< the largest first
  std::vector<ExportedTensor> tensors = {};  ///< in the file's order
  std::vector<std::string> notes = {};       ///< files that were left out, types that did not fit
  double seconds = 0;
};

/// Writes the tensors of a model file (.safetensors, .gguf, .npy), of a folder of such, or of an artifact of tensors as
/// a GGUF file of version 3. Names stay; all metadata of a GGUF file stay. Matrices of floats (two axes or more) get
/// the types asked for; where rows are no whole blocks of a type: Q5_0 for Q4_K, Q8_0 for Q6_K, else F16. Vectors of
/// floats become F32, whole numbers stay as they are, those that GGUF has no type for become the next wider signed
/// ones. With "auto" every matrix is coded in every type that fits it, its errors are measured, and the types of least
/// Σ α·t² within the budget are found exactly.
///
/// The file is never larger than the budget, is the same for any number of threads, and appears whole or not at all.
/// Memory holds some blocks a thread, and of an artifact that is coded against another a tensor.
/// Errors: `goal_unreachable` where no file fits the budget, with the least that does; `invalid_argument` for options,
/// pins that no matrix fits, and a file of sensitivities that names none; `invalid_data` for values that are
/// no numbers or that a type cannot hold; `unsupported` for tensors that GGUF cannot have; those of the input.
[[nodiscard]] Result<ExportGgufReport> export_gguf(const std::filesystem::path& input,
                                                   const std::filesystem::path& output,
                                                   const ExportGgufOptions& options = {});

}  // namespace attar
