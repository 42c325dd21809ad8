#include "vector/tcq/distortion.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "vector/tcq/allocation.h"
#include "vector/tcq/scale.h"

namespace attar::vector::tcq {
namespace {

constexpr std::size_t values_drawn = 1 << 16;
constexpr std::size_t fewest_rows = 16, most_rows = 1024;
constexpr std::size_t drafts = 2;

}  // namespace

DistortionModel::DistortionModel(std::uint32_t dims, std::uint64_t seed)
    : dims_(dims),
      rows_(std::clamp(values_drawn / dims, fewest_rows, most_rows)),
      normals_(rows_ * (1 + drafts) * dims) {
  base::Random random(seed);
  for (float& value : normals_) value = static_cast<float>(random.normal());
}

std::vector<DistortionModel::Component> DistortionModel::components(const Shape& shape,
                                                                    std::span<const double> variances) const {
  std::vector<Component> out(dims_);
  const std::vector<double> left = shares_left(shape, dims_);
  for (std::size_t i = 0; i < dims_; ++i) out[i].lost = left[i];
  for (const auto [first, last] : cells_of(shape, dims_)) {
    double mean = 0;  // of components that a rotation makes alike
    for (std::size_t i = first; i < last; ++i) mean += variances[i] / static_cast<double>(last - first);
    for (std::size_t i = first; i < last; ++i) out[i].variance = mean;
  }
  return out;
}

DistortionModel::Row DistortionModel::draw(std::size_t row, std::span<const Component> components,
                                           std::span<const double> variances, std::span<const double> cost,
                                           std::size_t counted, std::size_t draft) const {
  const float* own = normals_.data() + row * (1 + drafts) * dims_;
  const float* noise = own + (1 + draft) * dims_;
  Row out;
  double energy = 0, expected = 0;
  for (std::size_t i = 0; i < dims_; ++i) {
    const double square = variances[i] * static_cast<double>(own[i]) * static_cast<double>(own[i]);
    out.all += cost[i] * square;
    if (i >= counted) continue;
    energy += square;
    expected += variances[i];
  }
  out.energy = energy;
  const double loudness = std::sqrt(energy / expected);  // rows are quantized at their expected norm
  for (std::size_t i = 0; i < dims_; ++i) {
    const auto [lost, variance] = components[i];
    if (lost == 1) continue;
    const double z = std::sqrt(variances[i]) * static_cast<double>(own[i]);
    const double deviation = loudness * std::sqrt(lost * (1 - lost) * variance);
    const double decoded = (1 - lost) * z + deviation * static_cast<double>(noise[i]);
    out.match += z * decoded;
    out.norm += decoded * decoded;
    out.cross += cost[i] * z * decoded;
    out.own += cost[i] * decoded * decoded;
  }
  return out;
}

double DistortionModel::of_decoded(const Shape& shape, std::span<const double> variances, std::span<const double> cost,
                                   bool whole_norm) const {
  const std::vector<Component> coded = components(shape, variances);
  const std::size_t counted = whole_norm ? dims_ : std::min<std::size_t>(dims_, shape.components());
  std::vector<Row> rows(rows_);
  std::vector<double> scales;
  for (std::size_t row = 0; row < rows_; ++row) {
    for (std::size_t draft = 0; draft < drafts; ++draft) {
      const Row drawn = draw(row, coded, variances, cost, counted, draft);
      const bool closer = drawn.match * drawn.match * rows[row].norm > rows[row].match * rows[row].match * drawn.norm;
      if (draft == 0 || (drawn.match > 0 && closer)) rows[row] = drawn;
    }
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
