// Sensitivity: how much a model's vectors change when one of its tensors does. What packing to a budget weighs tensors
// by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "attar/progress.h"
#include "attar/result.h"

namespace attar {

struct SensitivityOptions {
  /// t²: the noise's squares over those of the weights, above 0 and at most 1. A hundredth is small enough for changes
  /// to add up, and large enough to be told from rounding.
  double noise = 0.01;
  std::uint64_t seed = 1;
  unsigned threads = 0;  ///< 0: one per available core
  Progress* progress = nullptr;
};

struct TensorSensitivity {
  std::string name = {};  ///< as the checkpoint has it
  std::uint64_t rows = 0, columns = 0;
  /// Mean of 1 − cosine over the texts, by t²: in the small, vectors lose Σ alpha · t² when each tensor has an error of
  /// its own t² (the linearity theorem of Malinovskii et al. 2024, with cosines in the place of perplexity). At least a
  /// millionth, below which single precision tells nothing.
  double alpha = 0;
};

struct SensitivityReport {
  std::string model = {};                       ///< the encoder's name
  std::string digest = {};                      ///< its digest at f32, 64 hexadecimal digits
  std::vector<TensorSensitivity> tensors = {};  ///< every matrix that the encoder uses, tables of words and places too
  std::uint64_t texts = 0;                      ///< those that hold a token
  double noise = 0;
  std::uint64_t seed = 0;
  double seconds = 0;
};

/// White Gaussian noise on one matrix after another, the others as they are; layers multiply in f32. The same for any
/// number of threads. `model`: a folder with a BERT model, or an artifact of one; `texts`: one text a line, JSON lines
/// with "text", or .tsv (id, text). `invalid_data` where no text holds a token.
[[nodiscard]] Result<SensitivityReport> measure_sensitivity(const std::string& model,
                                                            const std::filesystem::path& texts,
                                                            const SensitivityOptions& options = {});

/// {"format": "attar-sensitivity 1", "tensors": {name: alpha, …}, "texts": n, "noise": t², …}, whole or not at all.
[[nodiscard]] Status save_sensitivity(const SensitivityReport& report, const std::filesystem::path& path);

/// How much the relative squared error of a tensor matters, by the tensor's name: finite and at least 0. What packing
/// and export make small is Σ α·t², t² = ‖Ŵ − W‖² / ‖W‖².
using TensorSensitivities = std::map<std::string, double, std::less<>>;

/// Reads what save_sensitivity() writes; of it "format" and "tensors" alone must be there. `io`, `over_limit` above
/// 64 MiB, `too_new` for a later format, `invalid_data` for all else.
[[nodiscard]] Result<TensorSensitivities> read_sensitivity(const std::filesystem::path& path);

}  // namespace attar
