// The files of an encoder's model by their names within its folder, wherever they lie.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "attar/result.h"
#include "nn/weight_source.h"

namespace attar::text {

/// Names are relative, with "/" between folders: "1_Pooling/config.json".
class ModelFiles {
 public:
  virtual ~ModelFiles() = default;

  [[nodiscard]] virtual bool has(const std::string& name) const = 0;
  /// The whole file; `over_limit` above `most` bytes, before any is read.
  [[nodiscard]] virtual Result<std::string> read(const std::string& name, std::uint64_t most) const = 0;
  /// What errors call the file.
  [[nodiscard]] virtual std::string path_of(const std::string& name) const = 0;
  /// The checkpoint's tensors.
  [[nodiscard]] virtual Result<std::shared_ptr<const nn::WeightSource>> weights() const = 0;
};

/// A folder, its weights in model.safetensors.
class FolderFiles : public ModelFiles {
 public:
  explicit FolderFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] bool has(const std::string& name) const override;
  [[nodiscard]] Result<std::string> read(const std::string& name, std::uint64_t most) const override;
  [[nodiscard]] std::string path_of(const std::string& name) const override { return (folder_ / name).string(); }
  [[nodiscard]] Result<std::shared_ptr<const nn::WeightSource>> weights() const override;

 private:
  std::filesystem::path folder_;
};

}  // namespace attar::text
