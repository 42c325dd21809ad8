// Certificates of packed models: how far a model's vectors moved by what its tensors lost, measured on texts that no
// choice has seen.
#pragma once

#include <filesystem>
#include <string>

#include "attar/certificate.h"
#include "attar/progress.h"
#include "attar/result.h"
#include "attar/sensitivity.h"
#include "attar/tensors.h"

namespace attar {

struct CertifyModelOptions {
  double confidence = 0.95;
  unsigned threads = 0;          ///< 0: one per available core
  Progress* progress = nullptr;  ///< may be null
};

/// Runs the model with its own weights and with those of the artifact on texts (layouts of measure_sensitivity()) that
/// packing did not see; layers multiply in f32. `model`: a folder with a BERT model, the weights' file in it, or an
/// artifact of one.
/// `invalid_data` where no text holds a token, `invalid_argument` for a confidence out of range.
[[nodiscard]] Result<ModelCertificate> certify_model(const std::filesystem::path& artifact, const std::string& model,
                                                     const std::filesystem::path& texts,
                                                     const CertifyModelOptions& options = {});

struct PackModelOptions {
  PackTensorsOptions pack = {};  ///< with a budget; its file of sensitivities is not used
  SensitivityOptions sensitivity = {};
  double confidence = 0.95;
};

struct PackModelReport {
  PackTensorsReport pack;
  SensitivityReport sensitivity;
  ModelCertificate certificate;
};

/// pack_tensors() of a model that this library runs: one half of the texts, drawn by the seed, tells what errors on
/// each tensor cost, the other half certifies what was lost, and the certificate stands in the file, inside of the
/// budget. `input`: the model's folder or the weights' file in it.
[[nodiscard]] Result<PackModelReport> pack_model(const std::filesystem::path& input,
                                                 const std::filesystem::path& output,
                                                 const std::filesystem::path& texts, const PackModelOptions& options);

}  // namespace attar
