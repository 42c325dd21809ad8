// Writers of vectors and of integer rows: .npy, .fvecs, .ivecs; the file appears whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "attar/result.h"
#include "base/file.h"
#include "data/source.h"

namespace attar::data {

/// Streams rows into a file whose format its ending names: .npy (f32, f16 or i32), .fvecs (f32), .ivecs (i32).
/// Nothing stands under the name before finish() succeeds; a former file of that name stays until then.
class VectorWriter {
 public:
  /// `dims` > 0. An ending or an element that does not fit it is `invalid_argument`.
  [[nodiscard]] static Result<VectorWriter> create(const std::filesystem::path& path, ElementType element,
                                                   std::uint32_t dims);

  /// Appends values.size() / dims rows to an f32 or f16 file. A finite value that f16 cannot hold is `invalid_data`.
  [[nodiscard]] Status append(std::span<const float> values);
  /// Appends values.size() / dims rows to an i32 file.
  [[nodiscard]] Status append(std::span<const std::int32_t> values);
  /// Completes the header and puts the file in its place; the writer is spent afterwards.
  [[nodiscard]] Status finish();

  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }

 private:
  VectorWriter(base::AtomicFile file, std::string name, ElementType element, std::uint32_t dims, bool npy);
  [[nodiscard]] Status check(std::uint64_t values, bool integers) const;
  [[nodiscard]] Status append_rows(base::ByteView rows, std::uint64_t row_bytes);
  [[nodiscard]] Result<std::vector<std::uint16_t>> to_half(std::span<const float> values, std::uint64_t first) const;
  [[nodiscard]] std::unexpected<Error> fail(ErrorCode code, std::string message) const;

  base::AtomicFile file_;
  std::string name_;
  ElementType element_;
  std::uint32_t dims_;
  bool npy_;
  std::uint64_t rows_ = 0;
};

}  // namespace attar::data
