// A file of tensors of any format that is read: where each tensor's bytes lie in it, and how they are to be taken.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "base/file.h"

namespace attar::data {

/// One tensor as it lies in a file.
struct FileTensor {
  std::string name = {};
  std::string type = {};       ///< as the format names it: "F32", "BF16", "<f4", "Q4_0"; "bytes" where it is not known
  unsigned element_bytes = 1;  ///< of a number, or of a block of numbers quantized together
  unsigned exponent_bits = 0;  ///< of a float with its sign above it and its mantissa below; 0 where it is none
  unsigned mantissa_bits = 0;
  std::vector<std::uint64_t> shape = {};
  std::uint64_t offset = 0;  ///< in the file
  std::uint64_t bytes = 0;   ///< a multiple of element_bytes

  [[nodiscard]] std::uint64_t count() const noexcept { return bytes / element_bytes; }
};

enum class TensorFormat : std::uint8_t { safetensors, gguf, npy, npz, bytes };

[[nodiscard]] std::string_view tensor_format_name(TensorFormat format) noexcept;

/// A mapped file with its tensors; it must not change while it is open.
class TensorFile {
 public:
  /// The format is found from the file's first bytes. A file of none, or one that breaks its format, is one tensor of
  /// bytes, named by its own name; note() says what it broke. Files within an .npz that are no arrays, or deflated, are
  /// tensors of bytes each, as they lie there.
  [[nodiscard]] static Result<TensorFile> open(const std::filesystem::path& path);

  [[nodiscard]] TensorFormat format() const noexcept { return format_; }
  /// In the order of their offsets, none overlapping.
  [[nodiscard]] std::span<const FileTensor> tensors() const noexcept { return tensors_; }
  [[nodiscard]] base::ByteView bytes() const noexcept { return file_.bytes(); }
  [[nodiscard]] base::ByteView bytes_of(const FileTensor& tensor) const noexcept {
    return bytes().subspan(tensor.offset, tensor.bytes);
  }
  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }
  /// Why a file that looks like a format, or arrays of it, were taken as bytes; else empty.
  [[nodiscard]] const std::string& note() const noexcept { return note_; }

 private:
  explicit TensorFile(base::MappedFile file) : file_(std::move(file)) {}

  base::MappedFile file_;
  TensorFormat format_ = TensorFormat::bytes;
  std::vector<FileTensor> tensors_;
  std::string note_;
};

/// What stands in front of one tensor's bytes to make an .npy file of it (version 1.0, C order). A type that numpy has
/// no name for is written as its bytes ("|V2" for bf16), one element each.
[[nodiscard]] std::string npy_header_of(std::string_view type, unsigned element_bytes, std::uint64_t count,
                                        std::span<const std::uint64_t> shape);

}  // namespace attar::data
