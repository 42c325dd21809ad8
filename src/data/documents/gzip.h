// Files packed by gzip, of any number of members, unpacked to a stated size at most.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "attar/result.h"
#include "data/input_file.h"

namespace attar::data {

/// True for the first bytes of a file packed by gzip.
[[nodiscard]] bool is_gzip(std::string_view head) noexcept;

/// The unpacked bytes; `over_limit` beyond `most` of them, `invalid_data` where the packing is damaged. Memory grows
/// with what comes out, and not with what the file says of its size.
[[nodiscard]] Result<std::string> gunzip(std::string_view packed, std::uint64_t most);

/// Unpacks a file to a scratch file in `scratch`, which is gone when the result is; the name stays.
[[nodiscard]] Result<InputFile> gunzip(const InputFile& packed, std::uint64_t most,
                                       const std::filesystem::path& scratch);

}  // namespace attar::data
