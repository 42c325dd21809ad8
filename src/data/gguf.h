// GGUF: metadata and named arrays in one file, as llama.cpp and others keep their models (the format as ggml's
// docs/gguf.md states it; versions 2 and 3, little-endian). Read strictly: every size and offset is checked before it
// is used. Blocks of quantized arrays are not looked into; tensor/ggml reads them.
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
#include "data/ggml_types.h"

namespace attar::data {

/// The types of metadata, by the format's numbers.
enum class GgufValueType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  text = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

/// Bytes of a value; 0 for texts and arrays, whose values differ.
[[nodiscard]] std::uint64_t gguf_value_bytes(GgufValueType type) noexcept;

/// A key with its value; all views lie in the file's bytes.
struct GgufEntry {
  std::string_view key;
  GgufValueType type = GgufValueType::u8;
  GgufValueType element = GgufValueType::u8;  ///< of an array its elements' type, else the same as `type`
  std::uint64_t count = 1;                    ///< elements of an array
  base::ByteView bytes;  ///< the value, or an array's elements; texts with their lengths before them
  base::ByteView raw;    ///< key, type and value as they stand in the file

  // Nothing where the type is another.
  [[nodiscard]] std::optional<std::string_view> text() const noexcept;
  [[nodiscard]] std::optional<bool> boolean() const noexcept;
  /// A whole number of any width that fits 64 bits with a sign.
  [[nodiscard]] std::optional<std::int64_t> whole() const noexcept;
  /// Any number, whole ones rounded where they need more than 53 bits.
  [[nodiscard]] std::optional<double> number() const noexcept;
  [[nodiscard]] std::optional<std::vector<std::string_view>> texts() const;
  /// An array of numbers of any one type.
  [[nodiscard]] std::optional<std::vector<double>> numbers() const;
};

/// One array.
struct GgufTensor {
  std::string_view name;
  std::uint32_t type = 0;            ///< ggml's number, which the table may not know
  const GgmlType* known = nullptr;   ///< its row in the table, where there is one
  std::vector<std::uint64_t> shape;  ///< row-major as in NumPy, the file's own order reversed; at most 4 lengths
  std::uint64_t count = 1;           ///< elements, the product of the lengths
  std::uint64_t offset = 0;          ///< from the start of the data, a multiple of the alignment
  base::ByteView bytes;              ///< of an unknown type all up to the next tensor or the end of the file
};

/// What a file holds; all views lie in its bytes.
struct Gguf {
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;
  std::vector<GgufEntry> metadata;  ///< in the file's order, as the tensors are
  std::vector<GgufTensor> tensors;
  base::ByteView header;               ///< all before the data, with its padding
  base::ByteView data;                 ///< all after it
  std::vector<std::uint32_t> by_name;  ///< numbers of the tensors in the order of their names

  /// The entry of this key, null where there is none.
  [[nodiscard]] const GgufEntry* find(std::string_view key) const noexcept;
  /// The tensor of this name, null where there is none.
  [[nodiscard]] const GgufTensor* tensor(std::string_view name) const noexcept;
  /// The value of general.architecture ("llama"), empty where it is not told.
  [[nodiscard]] std::string_view architecture() const noexcept;
};

/// What is taken of a file, read or written.
struct GgufLimits {
  static constexpr std::uint64_t most_entries = 65'536;
  static constexpr std::uint64_t most_tensors = 65'536;
  static constexpr std::uint64_t longest_key = 65'535;
  static constexpr std::uint64_t longest_name = 1'024;
  static constexpr std::uint64_t most_axes = 4;
  static constexpr std::uint64_t deepest_array = 4;  ///< arrays within arrays
  static constexpr std::uint64_t largest_alignment = 1 << 20;
};
inline constexpr std::string_view gguf_magic = "GGUF";
inline constexpr std::string_view gguf_alignment_key = "general.alignment";

/// Whether this is a power of two within the limits.
[[nodiscard]] bool is_gguf_alignment(std::uint64_t alignment) noexcept;

/// Whether this may be a key or the name of a tensor: not empty, UTF-8, and without the zero that ends texts elsewhere.
[[nodiscard]] bool is_gguf_name(std::string_view text) noexcept;

/// Reads the bytes of a file. Of what breaks the format: `truncated` where the bytes end early, `too_old` and `too_new`
/// for other versions, `unsupported` for big-endian files, `over_limit` above GgufLimits, and `invalid_data` for all
/// else: keys or names that stand there twice or are no UTF-8, rows that are no whole blocks, tensors that overlap or
/// are not aligned, truth values that are neither 0 nor 1, types of values that do not exist. Texts of values are not
/// looked into.
[[nodiscard]] Result<Gguf> parse_gguf(base::ByteView file);

/// The metadata alone, of a file's bytes or of those before its tensors' data.
[[nodiscard]] Result<std::vector<GgufEntry>> parse_gguf_metadata(base::ByteView header);

/// A file, mapped; it must not change while it is open.
class GgufFile {
 public:
  /// Errors of parse_gguf(), and `io`; all name the file.
  [[nodiscard]] static Result<GgufFile> open(const std::filesystem::path& path);

  [[nodiscard]] const Gguf& content() const noexcept { return content_; }
  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }

 private:
  explicit GgufFile(base::MappedFile file) : file_(std::move(file)) {}

  base::MappedFile file_;
  Gguf content_;
};

}  // namespace attar::data
