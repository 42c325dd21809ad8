// The standard normal distribution: what the levels of tcq are made for.
#pragma once

#include <cstddef>
#include <vector>

namespace attar::tools {

/// Φ(x).
[[nodiscard]] double normal_cdf(double x);

/// ∫ (x − level)² φ(x) dx from `low` to `high` (either may be infinite): the error of a cell.
[[nodiscard]] double cell_error(double low, double high, double level);

/// The asymptotically optimal alphabet of a quantizer with `count` levels, ascending: their density goes as φ^(1/3), so
/// they are quantiles of a normal distribution of variance 3 (Panter and Dite 1951).
[[nodiscard]] std::vector<double> companded_alphabet(std::size_t count);

}  // namespace attar::tools
