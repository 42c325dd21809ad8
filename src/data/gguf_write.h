// Writes GGUF files of version 3: metadata first, then tensors one after another, as a stream.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "data/gguf.h"

namespace attar::data {

/// Metadata to write, in the order in which it was added.
class GgufMetadata {
 public:
  void add_text(std::string_view key, std::string_view value);
  void add_boolean(std::string_view key, bool value);
  void add_u32(std::string_view key, std::uint32_t value);
  void add_u64(std::string_view key, std::uint64_t value);
  void add_f32(std::string_view key, float value);
  void add_texts(std::string_view key, std::span<const std::string> values);
  void add_i32s(std::string_view key, std::span<const std::int32_t> values);
  void add_u32s(std::string_view key, std::span<const std::uint32_t> values);
  void add_f32s(std::string_view key, std::span<const float> values);
  /// An entry of another file with its bytes as they are.
  void carry(const GgufEntry& entry);

  [[nodiscard]] std::span<const std::string> keys() const noexcept { return keys_; }
  [[nodiscard]] base::ByteView bytes() const noexcept { return bytes_.bytes(); }
  /// The value of general.alignment where one was added, else 32.
  [[nodiscard]] std::uint64_t alignment() const noexcept { return alignment_; }

 private:
  void begin(std::string_view key, GgufValueType type);
  void begin_array(std::string_view key, GgufValueType element, std::uint64_t count);

  std::vector<std::string> keys_;
  base::ByteWriter bytes_;
  std::uint64_t alignment_ = 32;
};

/// A tensor to write.
struct GgufTensorInfo {
  std::string name;
  std::uint32_t type = 0;                 ///< ggml's number
  std::vector<std::uint64_t> shape = {};  ///< row-major, at most 4 lengths
  std::uint64_t bytes = 0;                ///< for a type that the table does not know; else it is found from the shape
};

/// The same of a tensor that was read.
[[nodiscard]] GgufTensorInfo gguf_info_of(const GgufTensor& tensor);

/// A file whose header is written first. The tensors' bytes follow in the order of the infos, in pieces of any size;
/// padding is added, after the last too. The sink must outlive the writer.
class GgufWriter {
 public:
  /// Writes the header. `invalid_argument` where a key or name is empty, stands twice or is no UTF-8, where rows are no
  /// whole blocks, or the alignment is none; `over_limit` above GgufLimits; errors of the sink.
  [[nodiscard]] static Result<GgufWriter> create(base::Sink& sink, const GgufMetadata& metadata,
                                                 std::vector<GgufTensorInfo> tensors);

  /// The next bytes of the tensor that is not whole yet; `invalid_argument` where they are more than it takes.
  [[nodiscard]] Status append(base::ByteView bytes);
  /// `invalid_argument` where bytes are lacking.
  [[nodiscard]] Status finish();

  /// Bytes of the whole file.
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }

 private:
  GgufWriter(base::Sink& sink, std::vector<GgufTensorInfo> tensors, std::uint64_t alignment) noexcept
      : sink_(&sink), tensors_(std::move(tensors)), alignment_(alignment) {}
  [[nodiscard]] Status pass_whole();

  base::Sink* sink_;
  std::vector<GgufTensorInfo> tensors_;
  std::uint64_t alignment_;
  std::uint64_t file_bytes_ = 0;
  std::size_t tensor_ = 0;     // the one that is being written
  std::uint64_t written_ = 0;  // bytes of it
};

}  // namespace attar::data
