// What every measurement of an artifact shares: the checks of what was asked, answers as bare rows, and who measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attar/artifact.h"

namespace attar::engine {

/// `invalid_argument` unless 0 < confidence < 1.
[[nodiscard]] Status check_confidence(double confidence);

/// Rows found by a search for `k`: [query][k], certify::no_row in places that were not filled.
[[nodiscard]] std::vector<std::uint32_t> rows_of(const SearchResult& found, std::uint32_t k);

/// The build and the kernels in force, as a certificate names them.
[[nodiscard]] std::string build_in_words();

}  // namespace attar::engine
