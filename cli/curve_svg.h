// The rate-quality curve as SVG, written by hand: readable on light and dark pages, no script, no font of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace attar::cli {

/// A measured file: recall in [0, 1] with its interval (low = high = recall where none is known).
struct CurvePoint {
  std::string name;
  double bytes_per_row = 0;
  double recall = 0, low = 0, high = 0;
};

struct Curve {
  std::string name;
  std::vector<CurvePoint> points;
};

/// Bytes a row against recall@k. The vertical axis is log(1 − recall): equal steps halve the misses. Every curve has a
/// point; points are drawn in the order of their bytes.
[[nodiscard]] std::string draw_curves(std::vector<Curve> curves, std::uint32_t k);

}  // namespace attar::cli
