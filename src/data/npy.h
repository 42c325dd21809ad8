// NumPy's .npy header (numpy.lib.format, versions 1.0 to 3.0), read by a strict parser of the one dictionary it may
// hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"
#include "data/input_file.h"
#include "data/row_file.h"

namespace attar::data {

inline constexpr std::string_view npy_magic{"\x93NUMPY", 6};

/// The dictionary as it stands: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}.
struct NpyHeader {
  std::string descr;  ///< dtype, such as "<f4"; empty for a structured one
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// Where the dictionary stands.
struct NpyHeaderPlace {
  std::uint64_t start = 0, length = 0;
};
/// From a file's first twelve bytes, or all of a shorter one; the magic has been seen. `truncated`, `unsupported` for
/// another version, `over_limit`.
[[nodiscard]] Result<NpyHeaderPlace> npy_header_place(base::ByteView head);

/// Parses the dictionary: exactly the three keys, in any order, each once. Anything else is `invalid_data`.
[[nodiscard]] Result<NpyHeader> parse_npy_header(std::string_view text);

/// Where the rows of an .npy file lie. Refuses, with the line of Python that mends it, what is not a two-dimensional
/// C-ordered little-endian array of f16, f32, f64, i8 or u8.
[[nodiscard]] Result<RowLayout> npy_layout(const InputFile& file);

/// The header of a C-ordered rows × dims array, padded to npy_written_header bytes whatever the number of rows.
inline constexpr std::uint64_t npy_written_header = 128;
[[nodiscard]] std::string npy_header_bytes(std::string_view descr, std::uint64_t rows, std::uint32_t dims);

}  // namespace attar::data
