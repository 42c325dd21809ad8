// What every measurement of an artifact shares: the checks of what was asked, answers as bare rows, and who measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attar/artifact.h"
#include "attar/evaluate.h"

namespace attar::engine {

/// `invalid_argument` unless 0 < confidence < 1.
[[nodiscard]] Status check_confidence(double confidence);

/// Rows found by a search for `k`: [query][k], certify::no_row in places that were not filled.
[[nodiscard]] std::vector<std::uint32_t> rows_of(const SearchResult& found, std::uint32_t k);

/// The mean of values from 0 to 1 with its interval, and how they spread.
[[nodiscard]] Measure summarise(std::vector<double> values, double confidence);

/// The build and the kernels in force, as a certificate names them.
[[nodiscard]] std::string build_in_words();

}  // namespace attar::engine
