// What every search of this tool returns: levels as the codec stores them.
#pragma once

#include <vector>

namespace attar::tools {

struct LevelSet {
  std::vector<int> levels = {};  ///< −127 … 127, by window or by symbol
  double step = 0;               ///< value of one level step for a component of unit variance
  double distortion = 0;         ///< mean squared error of a unit-variance Gaussian component
};

}  // namespace attar::tools
