// What is exported: the tensors of model files, of a folder or of an artifact, listed alike and read in slabs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attar/tensors.h"
#include "data/gguf.h"
#include "engine/export_values.h"
#include "engine/tensor_sources.h"

namespace attar::engine {

struct ExportTensor {
  std::string name;
  const ValueKind* kind = nullptr;
  std::vector<std::uint64_t> shape = {};
  std::uint64_t values = 0;  ///< numbers, the product of the shape
  std::uint64_t bytes = 0;
  std::size_t number = 0;  ///< in the source

  /// Of floats, with two axes or more: what may be quantized. Vectors are few and matter much.
  [[nodiscard]] bool is_matrix() const noexcept { return kind->is_float() && shape.size() >= 2 && values != 0; }
};

class ExportSource {
 public:
  /// Errors of what is opened; `invalid_data` where no tensors are in it, `unsupported` for types that GGUF cannot
  /// have.
  [[nodiscard]] static Result<ExportSource> open(const std::filesystem::path& input, const std::filesystem::path& base);

  [[nodiscard]] std::span<const ExportTensor> tensors() const noexcept { return tensors_; }
  /// Of the first GGUF file; views into this source.
  [[nodiscard]] std::span<const data::GgufEntry> metadata() const noexcept { return metadata_; }
  /// "model_type" of a config.json in the input, or beside it; empty where it is not told.
  [[nodiscard]] const std::string& model_type() const noexcept { return model_type_; }
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }
  /// Bytes of all tensors.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

  /// Hands out the tensor's bytes in order, `slab_values` numbers a time and what is left at the end. `take` may use
  /// the pool.
  using Take = std::function<Status(base::ByteView bytes)>;
  [[nodiscard]] Status read(const ExportTensor& tensor, base::ThreadPool& pool, const Take& take) const;

 private:
  ExportSource() = default;
  Status list_files();
  Status list_artifact(base::ThreadPool& pool);
  Status add(std::size_t number, const std::string& name, const std::string& type, std::span<const std::uint64_t> shape,
             std::uint64_t bytes, bool of_gguf);
  void add_unknown_file(const std::string& path, const std::string& why);

  std::vector<TensorSource> files_;
  std::vector<std::pair<const data::TensorFile*, const data::FileTensor*>> places_;  // by number
  std::shared_ptr<const TensorArtifact::State> artifact_;
  std::vector<ExportTensor> tensors_;
  std::vector<data::GgufEntry> metadata_;
  std::string model_type_;
  std::vector<std::string> notes_;
};

}  // namespace attar::engine
