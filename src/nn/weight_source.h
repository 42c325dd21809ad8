// Where a model takes its weights from: tensors by name, whatever keeps them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "data/safetensors.h"

namespace attar::nn {

/// A tensor's bytes: a view of what the source keeps, or of what was decoded for this call and is kept here.
struct WeightBytes {
  base::ByteView bytes = {};
  std::vector<std::byte> own = {};  ///< where `bytes` lie, unless the source keeps them
};

/// Const calls are safe from many threads.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  /// Name, type and shape of a tensor; null where there is none. Its `bytes` may be empty: read() has them.
  [[nodiscard]] virtual const data::Tensor* find(std::string_view name) const noexcept = 0;
  /// The bytes of a tensor that find() gave, as many as its shape and type say. A view lives as long as the source.
  [[nodiscard]] virtual Result<WeightBytes> read(const data::Tensor& tensor) const = 0;
  /// The file, for errors.
  [[nodiscard]] virtual const std::string& path() const noexcept = 0;
};

/// A checkpoint's own file: bytes are views of it.
class SafetensorsWeights final : public WeightSource {
 public:
  explicit SafetensorsWeights(data::Safetensors file) : file_(std::move(file)) {}
  /// Errors of Safetensors::open().
  [[nodiscard]] static Result<std::shared_ptr<const WeightSource>> open(const std::filesystem::path& path) {
    ATTAR_ASSIGN(data::Safetensors file, data::Safetensors::open(path));
    return std::make_shared<const SafetensorsWeights>(std::move(file));
  }

  [[nodiscard]] const data::Tensor* find(std::string_view name) const noexcept override { return file_.find(name); }
  [[nodiscard]] Result<WeightBytes> read(const data::Tensor& tensor) const override {
    return WeightBytes{.bytes = tensor.bytes};
  }
  [[nodiscard]] const std::string& path() const noexcept override { return file_.path(); }

 private:
  data::Safetensors file_;
};

}  // namespace attar::nn
