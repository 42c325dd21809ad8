// Vectors at computable places of a file: .npy, .fvecs and its kin, .fbin and its kin, and spooled rows.
#pragma once

#include <cstdint>
#include <memory>

#include "attar/result.h"
#include "data/input_file.h"
#include "data/source.h"

namespace attar::data {

/// Where the rows lie. Row i starts at data_offset + i · row_bytes().
struct RowLayout {
  ElementType element = ElementType::f32;
  std::uint64_t rows = 0;
  std::uint32_t dims = 0;
  std::uint64_t data_offset = 0;
  std::uint32_t prefix_bytes = 0;  ///< before each row: its number of dimensions as i32 (.fvecs), or nothing

  [[nodiscard]] std::uint64_t row_bytes() const noexcept;
};

/// Checks rows and dims against the limits (none zero, none too large) and the file's size against them, to the byte.
[[nodiscard]] Status check_layout(const RowLayout& layout, const InputFile& file);

/// Rows of .fvecs, .bvecs or .ivecs: an i32 number of dimensions before each. Checks the first and the file's size.
[[nodiscard]] Result<RowLayout> vecs_layout(const InputFile& file, ElementType element);

/// Rows of .fbin, .u8bin, .i8bin, .f16bin or .ibin: u32 rows, u32 dimensions, then the elements.
[[nodiscard]] Result<RowLayout> bin_layout(const InputFile& file, ElementType element);

/// The bytes of rows [first, first + count) as they stand, prefixes included and checked, into `out`
/// (count · row_bytes() bytes).
[[nodiscard]] Status read_raw_rows(const InputFile& file, const RowLayout& layout, std::uint64_t first,
                                   std::span<std::byte> out);

/// A source over a checked layout.
[[nodiscard]] std::unique_ptr<VectorSource> row_source(InputFile file, const RowLayout& layout);

}  // namespace attar::data
