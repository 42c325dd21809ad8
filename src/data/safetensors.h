// safetensors: named arrays in one file, a JSON header before their bytes (the format of Hugging Face, as its README
// states it). Read strictly: a header of bounded size, and tensors that fill the rest of the file without gap or
// overlap.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "base/file.h"

namespace attar::data {

/// The types of elements by the format's own words, "F32", "BF16" and so on.
enum class TensorType : std::uint8_t {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  u16,
  i16,
  f16,
  bf16,
  u32,
  i32,
  f32,
  u64,
  i64,
  f64,
};

/// "F32", as the header names it.
[[nodiscard]] std::string_view tensor_type_name(TensorType type) noexcept;
/// The type of this name; nothing for another word.
[[nodiscard]] std::optional<TensorType> find_tensor_type(std::string_view name) noexcept;
/// Bytes of an element.
[[nodiscard]] std::uint64_t tensor_type_bytes(TensorType type) noexcept;

/// One array, row-major and little-endian; `bytes` lies in the file's.
struct Tensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<std::uint64_t> shape;  ///< at most 8 lengths; none for a single element
  std::uint64_t count = 1;           ///< elements, the product of the lengths
  base::ByteView bytes;
};

/// The tensors of a file's bytes, in the order of their names. Of what breaks the format: `truncated` where the bytes
/// end early, `over_limit` for a header above 16 MiB, more than 65,536 tensors or 8 axes, `unsupported` for a type that
/// is not in the list above, and `invalid_data` for all else.
[[nodiscard]] Result<std::vector<Tensor>> parse_safetensors(base::ByteView file);

/// A file with its tensors, mapped; it must not change while it is open.
class Safetensors {
 public:
  /// Errors of parse_safetensors(), and `io`; all name the file.
  [[nodiscard]] static Result<Safetensors> open(const std::filesystem::path& path);

  [[nodiscard]] std::span<const Tensor> tensors() const noexcept { return tensors_; }
  /// The tensor of this name; null where there is none.
  [[nodiscard]] const Tensor* find(std::string_view name) const noexcept;
  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }

 private:
  explicit Safetensors(base::MappedFile file) : file_(std::move(file)) {}

  base::MappedFile file_;
  std::vector<Tensor> tensors_;
};

/// True for the types that widen() reads: F32, F16, BF16 and F64.
[[nodiscard]] bool is_float(TensorType type) noexcept;

/// Elements [first, first + out.size()) as floats, F64 rounded to the nearest. The caller has seen to is_float() and
/// the range.
void widen(const Tensor& tensor, std::uint64_t first, std::span<float> out) noexcept;

}  // namespace attar::data
