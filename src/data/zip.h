// The members of a zip archive: where their bytes lie, checked; nothing is inflated here. (PKWARE's APPNOTE 6.3, of one
// disk, with the 64-bit fields of large files.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attar/result.h"
#include "base/bytes.h"

namespace attar::data {

inline constexpr std::string_view zip_magic{"PK\3\4", 4};

struct ZipMember {
  std::string name = {};     ///< UTF-8, 1 to 1,024 bytes
  std::uint16_t method = 0;  ///< 0: the bytes as they are, 8: deflated
  bool encrypted = false;
  std::uint64_t offset = 0;  ///< of its bytes in the file
  std::uint64_t stored = 0;  ///< bytes in the file
  std::uint64_t bytes = 0;   ///< bytes once inflated, as the directory says
};

/// Members in the order of their bytes, none overlapping, all before the directory, which ends where its end record
/// says. `truncated`, `over_limit` for more than 2²⁰ members or longer names, `unsupported` for archives of several
/// disks, and `invalid_data` where the directory contradicts itself, the file's size or what stands before a member;
/// names that repeat or are not UTF-8 too.
[[nodiscard]] Result<std::vector<ZipMember>> parse_zip(base::ByteView file);

}  // namespace attar::data
