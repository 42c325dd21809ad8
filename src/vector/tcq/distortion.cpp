#include "vector/tcq/distortion.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "vector/tcq/scale.h"

namespace attar::vector::tcq {
namespace {

constexpr std::size_t values_drawn = 1 << 16;
constexpr std::size_t fewest_rows = 16, most_rows = 1024;

}  // namespace

DistortionModel::DistortionModel(std::uint32_t dims, std::uint64_t seed)
    : dims_(dims), rows_(std::clamp(values_drawn / dims, fewest_rows, most_rows)), normals_(rows_ * 2 * dims) {
  base::Random random(seed);
  for (float& value : normals_) value = static_cast<float>(random.normal());
}

DistortionModel::Row DistortionModel::draw(std::size_t row, const Shape& shape, std::span<const double> variances,
                                           std::span<const double> cost, std::span<const double> means,
                                           bool whole_norm) const {
  const float* own = normals_.data() + row * 2 * dims_;
  const float* noise = own + dims_;
  Row out;
  double energy = 0, expected = 0;
  const std::size_t counted = whole_norm ? dims_ : std::min<std::size_t>(dims_, shape.components());
  for (std::size_t i = 0; i < dims_; ++i) {
    const double square = variances[i] * static_cast<double>(own[i]) * static_cast<double>(own[i]);
    out.all += cost[i] * square;
    if (i >= counted) continue;
    energy += square;
    expected += variances[i];
  }
  out.energy = energy;
  const double loudness = std::sqrt(energy / expected);  // rows are quantized at their expected norm
  std::size_t i = 0;
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const double lost = level_table(shape.trellis, shape.runs[r].bits).distortion;
    const double deviation = loudness * std::sqrt(lost * (1 - lost) * means[r]);
    for (std::uint32_t j = 0; j < shape.runs[r].components() && i < dims_; ++i, ++j) {
      const double z = std::sqrt(variances[i]) * static_cast<double>(own[i]);
      const double decoded = (1 - lost) * z + deviation * static_cast<double>(noise[i]);
      out.match += z * decoded;
      out.cross += cost[i] * z * decoded;
      out.own += cost[i] * decoded * decoded;
    }
  }
  return out;
}

double DistortionModel::of_decoded(const Shape& shape, std::span<const double> variances, std::span<const double> cost,
                                   bool whole_norm) const {
  std::vector<double> means(shape.run_count);  // of each run's real components, which a rotation makes alike
  std::size_t first = 0;
  for (std::size_t r = 0; r < shape.run_count; ++r) {
    const std::size_t count =
        std::min<std::size_t>(shape.runs[r].components(), dims_ - std::min<std::size_t>(dims_, first));
    for (std::size_t i = first; i < first + count; ++i) means[r] += variances[i] / static_cast<double>(count);
    first += shape.runs[r].components();
  }
  std::vector<Row> rows(rows_);
  std::vector<double> scales;
  for (std::size_t row = 0; row < rows_; ++row) {
    rows[row] = draw(row, shape, variances, cost, means, whole_norm);
    if (rows[row].match > 0) scales.push_back(rows[row].energy / rows[row].match);
  }
  if (scales.empty()) return 1;
  const auto middle = scales.begin() + static_cast<std::ptrdiff_t>((scales.size() - 1) / 2);
  std::nth_element(scales.begin(), middle, scales.end());
  const double ceiling = clamp_to_median * *middle;
  double error = 0, all = 0;
  for (const Row& row : rows) {
    const double scale = row.match > 0 ? std::min(row.energy / row.match, ceiling) : ceiling;
    error += std::max(0.0, row.all - 2 * scale * row.cross + scale * scale * row.own);
    all += row.all;
  }
  return all > 0 ? error / all : 0;
}

}  // namespace attar::vector::tcq
